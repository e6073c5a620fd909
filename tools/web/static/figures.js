// Draw each figure when it comes near the screen: a page of ten figures opens at once, and phones keep their memory.
//
// Until then, without scripts and on paper, a picture stands in its place, if the page was made with pictures.
// A figure's JSON holds `data`, `layout`, `frames` and, if it has a layout of its own for a narrow screen, `narrow`:
// the keys of the layout that differ there. Any other figure is made slim by the rules below.
// `latentlangDraw` draws a figure that was put into the page later.
(() => {
  const phone = matchMedia("(max-width: 600px)");
  const clear = "rgba(0,0,0,0)";  // the page shows through: it may be dark
  const wrap = (text, letters) => text.split(/<br\s*\/?>/).map((line) => {
    let room = letters;
    return line.replace(/<[^>]*>|[^<\s]+\s*/g, (part) => {
      if (part[0] === "<") return part;
      room -= part.length;
      if (room > 0) return part;
      room = letters - part.length;
      return `<br>${part}`;
    });
  }).join("<br>");
  const slim = (layout) => {
    const text = wrap(layout.title?.text || "", 44);
    const lines = text.split("<br>").length;
    const below = layout.showlegend === false ? 0 : 60;
    const height = (layout.height || 450) + below + 10 * lines;
    return {
      ...layout,
      height,
      font: { ...layout.font, size: 12 },
      title: { ...layout.title, text, font: { size: 13 }, x: 0, xref: "container", pad: { l: 8 }, y: 1 - 20 / height, yanchor: "bottom" },
      margin: { l: 52, r: 16, t: 20 + 19 * lines, b: 44 },
      legend: { ...layout.legend, orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom" },
    };
  };
  const small = (trace) => trace.type === "heatmap" ? { ...trace, showscale: false, textfont: { ...trace.textfont, size: 8 } } : trace;
  // A path is drawn on the globe and beside it: under the pointer the same layer grows in both.
  const GROWN = 6;
  const joinPaths = (place) => {
    let now = null;
    const grow = (layer) => {
      if (layer === now) return;  // drawing again brings the pointer's event again
      const paths = place.data.flatMap((trace, n) => trace.customdata && Array.isArray(trace.marker?.size) ? [n] : []);
      const sizes = paths.map((n) => place.data[n].marker.size.map((size, i) => {
        const at = place.data[n].customdata[i][0];
        return size + GROWN * ((at === layer) - (at === now));
      }));
      now = layer;
      Plotly.restyle(place, { "marker.size": sizes }, paths);
    };
    place.on("plotly_hover", ({ points: [point] }) => Array.isArray(point.customdata) && grow(point.customdata[0]));
    place.on("plotly_unhover", () => grow(null));
    place.on("plotly_animatingframe", () => { now = null; });  // a frame has sizes of its own
  };
  const draw = (figure) => {
    const place = figure.querySelector(".ll-plot");
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const own = spec.narrow && { ...spec.layout, ...spec.narrow };
    const layout = { ...(phone.matches ? own || slim(spec.layout) : spec.layout), autosize: true, paper_bgcolor: clear, plot_bgcolor: clear };
    delete layout.width;
    place.style.height = `${layout.height || 450}px`;
    figure.classList.add("ll-drawn");
    const data = phone.matches && !own ? spec.data.map(small) : spec.data;
    const config = { responsive: true, displaylogo: false, displayModeBar: phone.matches ? false : "hover" };
    try {
      Plotly.newPlot(place, { data, layout, frames: spec.frames || [], config });
      if (layout.scene) joinPaths(place);
    } catch (error) {  // one broken figure leaves the others alone, and its picture in its place
      figure.classList.remove("ll-drawn");
      console.error(error);
    }
  };
  window.latentlangDraw = draw;
  // No layout tells a table how wide paper is, so a table that is wider than a sheet's text is told its share.
  const sheet = 600;
  const fit = () => document.querySelectorAll("table").forEach((table) => {
    table.style.setProperty("--ll-fit", Math.min(1, sheet / table.scrollWidth));
  });
  const start = () => {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((e) => e.isIntersecting)) {
        seen.unobserve(entry.target);
        draw(entry.target);
      }
    }, { rootMargin: "300px" });
    document.querySelectorAll(".ll-figure").forEach((figure) => seen.observe(figure));
    addEventListener("beforeprint", fit);
    phone.addEventListener("change", () => document.querySelectorAll(".ll-drawn").forEach(draw));
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
