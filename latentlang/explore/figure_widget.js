// A plotly figure that is ready at once, however long plotly's own script takes to load.
//
// anywidget gives up on a widget that is not ready within two seconds, and from then on drops all
// that the kernel sends to it. On a busy machine plotly's five megabytes take longer. Here the
// figure starts when the script is there, from the state that the kernel has sent until then.
// A page loads the script once, not once per figure.

const scripts = (globalThis.latentlangPlotly ??= new Map());

function load(source) {
  if (!scripts.has(source)) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    scripts.set(source, import(url).finally(() => URL.revokeObjectURL(url)));
  }
  return scripts.get(source);
}

async function start(model) {
  const { default: create } = await load(model.get("plotly"));
  if (model.get("changing")) {
    // Half of a change is in the state, and the other half is still to come as messages.
    await new Promise((settled) => model.on("change:changing", settled));
  }
  const figure = create();
  figure.initialize({ model });
  return figure;
}

export default () => {
  let started;
  return {
    initialize({ model }) {
      started = start(model);
    },
    async render({ el }) {
      return (await started).render({ el });
    },
  };
};
