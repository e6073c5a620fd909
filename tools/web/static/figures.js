// Draw each figure when it comes near the screen: a page of ten figures opens at once, and phones keep their memory.
(() => {
  const draw = (place) => {
    const spec = JSON.parse(place.closest(".ll-figure").querySelector("script").textContent);
    const layout = { ...spec.layout, autosize: true };
    delete layout.width;
    Plotly.newPlot(place, { data: spec.data, layout, frames: spec.frames || [], config: { responsive: true, displaylogo: false } });
  };
  const start = () => {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((e) => e.isIntersecting)) {
        seen.unobserve(entry.target);
        try { draw(entry.target); } catch (error) { console.error(error); }  // one broken figure leaves the others alone
      }
    }, { rootMargin: "300px" });
    document.querySelectorAll(".ll-plot").forEach((place) => seen.observe(place));
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
