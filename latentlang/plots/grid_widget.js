// The host of a widget: anywidget's entry, with the traits `data`, `state` and `theme`.

function render({ model, el }) {
  let grid;
  const draw = () => {
    grid?.destroy();
    const place = document.createElement("div");
    el.replaceChildren(place);
    if (!model.get("data").grids) return; // nothing could be computed yet
    grid = mount(place, model.get("data"), {
      state: model.get("state"),
      theme: model.get("theme"),
      onState: (text) => { model.set("state", text); model.save_changes(); },
    });
  };
  const restore = () => { if (grid) grid.state = model.get("state"); };
  model.on("change:data", draw);
  model.on("change:state", restore);
  draw();
  return () => {
    model.off("change:data", draw);
    model.off("change:state", restore);
    grid?.destroy();
  };
}

export default { render };
