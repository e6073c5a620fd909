// The explorer of the first page: choose a stored answer, and see its figures and its lens grids.
//
// tools/front.py makes the data. They are scripts, because a page that was opened from a folder may load nothing else;
// each hands its value to `latentlangFront`. The link carries the choices and the state of the grid: #model=…&concept=…
// Texts reach the page by textContent. The only HTML is that of figures, which tools/pages.py makes and escapes.
(() => {
  const DATA = new URL("front/", document.currentScript.src);
  const CHOICES = { model: "Model", task: "Task", source: "From", target: "To" };
  const LABELS = { ...CHOICES, concept: "Concept", patch: "Latents from" };
  const PARTS = {
    curves: ["Which language is the next token in?", "The lines are means over the prompts. Where single prompts are stored, the bands are 95 % intervals, and the dotted line is another concept's words: a curve below it means nothing."],
    dots: ["One dot per concept", "A few words can make a mean. Choose a concept here, or click its dot; the ring marks it."],
    grid: ["The layers of this concept", "A row is a layer, and its cell is the most probable next token. English is orange (●), the target blue (■), the source green (◆). Arrow keys move; Enter or a click lists the candidates."],
    phases: ["Entropy, token energy and phases", "Where is the model undecided, how near does the latent point to tokens, and which language takes over?"],
    patch: ["Change one layer", "One layer of each prompt is replaced by the same layer of another prompt. The curves show what the model answers then, and the thin lines show the controls."],
  };
  const values = new Map(), loading = new Map();
  window.latentlangFront = (key, value) => values.set(key, value);

  /** An element with attributes, listeners and children; texts become text nodes. */
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== null && value !== false) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  /** The value of a data script, which is loaded once. */
  const load = (key) => {
    if (!loading.has(key)) {
      loading.set(key, new Promise((done, failed) => {
        const fail = () => {
          loading.delete(key);
          failed(new Error(`front/${key}.js is missing`));
        };
        document.head.append(make("script",
          { src: new URL(`${key}.js`, DATA).href, load: () => done(values.get(key)), error: fail }));
      }));
    }
    return loading.get(key);
  };

  const field = (name) => {
    const change = ({ target }) => choose({ [name]: target.value });
    const select = make("select", { id: `ll-front-${name}`, "aria-describedby": `ll-front-${name}-why`, change });
    const why = make("p", { id: `ll-front-${name}-why`, class: "ll-why" });
    return { select, why, all: make("div", { class: "ll-field" },
      make("label", { for: select.id }, LABELS[name]), select, why) };
  };
  const fields = Object.fromEntries(Object.keys(LABELS).map((name) => [name, field(name)]));
  const slots = Object.fromEntries(Object.keys(PARTS).map((name) => [name, make("div", { class: "ll-slot" })]));
  const status = make("p", { role: "status", class: "ll-said" });
  let index, mount, grid, state = {}, data = null, shown = {}, turn = 0;

  // Names

  const listed = (names) => names.length < 2 ? names.join("")
    : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const language = (code) => listed(code.split("+").map((part) => index.languages[part] ?? part));
  const pair = (text) => text.split("-").map(language).join(" → ");
  const NAMES = { source: language, target: language, patch: pair };
  const named = (name, value) => (NAMES[name] ?? String)(value);
  const percent = (share) => share && share < 1e-4 ? "less than 0.01 %" : `${Number((100 * share).toPrecision(3))} %`;

  // The link

  const linked = () => {
    const wanted = {};
    for (const part of location.hash.slice(1).split("&").filter((each) => each.includes("="))) {
      const [name, value] = part.split(/=(.*)/s);
      try {
        if (name === "grid") wanted.grid = value;
        else wanted[name] = decodeURIComponent(value);
      } catch { wanted[name] = value; } // not an encoding: no choice has this name
    }
    return wanted;
  };
  const choices = () => Object.keys(LABELS).filter((name) => state[name])
    .map((name) => `${name}=${encodeURIComponent(state[name])}`).join("&");
  const link = () => `#${choices()}${state.grid ? `&grid=${state.grid}` : ""}`;

  // Controls

  /** Fill a control; `values`: all that it lists, `there`: those that can be chosen. */
  const fill = (name, all, there, why) => {
    const { select, why: place } = fields[name];
    select.replaceChildren(...all.map((value) => {
      const missing = !there.includes(value);
      const words = named(name, value);
      return make("option", { value, disabled: missing && "", title: missing && "Not stored here" },
        missing ? `${words} (not stored)` : words);
    }));
    select.value = state[name] ?? "";
    select.disabled = there.length < 2;
    select.title = why;
    place.textContent = why;
  };

  /** The stored answer that fits best, and what was asked for in vain. */
  const nearest = (wanted) => {
    let rest = index.answers;
    const vain = [], possible = {};
    for (const name of Object.keys(CHOICES)) {
      possible[name] = [...new Set(rest.map((each) => each[name]))];
      const value = wanted[name] ?? index.first[name];
      const fitting = rest.filter((each) => each[name] === value);
      if (!fitting.length && wanted[name] !== undefined) vain.push(`${LABELS[name]} “${named(name, value)}”`);
      const other = possible[name].includes(index.first[name]) ? index.first[name] : possible[name][0];
      rest = fitting.length ? fitting : rest.filter((each) => each[name] === other);
    }
    return { answer: rest[0], vain, possible };
  };

  const drawChoices = (answer, possible) => {
    const reference = index.published[answer.model];
    const means = `${answer.model} was not run here: these are the means that ${reference} publish.`;
    const ordered = { task: index.tasks, source: [], target: [], model: Object.keys(index.published) };
    for (const name of ["source", "target"]) {
      ordered[name] = [...new Set([...Object.keys(index.languages), ...index.answers.map((each) => each[name])])]
        .filter((value) => index.answers.some((each) => each[name] === value));
    }
    const after = { task: "", source: "", target: ` from ${language(answer.source)}` };
    for (const name of Object.keys(CHOICES)) {
      const missing = ordered[name].filter((value) => !possible[name].includes(value));
      const [only] = possible[name];
      let why = "";
      if (name === "model") why = reference ? means : "";
      else if (possible[name].length === 1) why = `${answer.model} has ${named(name, only)} alone here${after[name]}.`;
      else if (missing.length) why = `Not stored for ${answer.model}${after[name]}: ${listed(missing.map((value) => named(name, value)))}.`;
      fill(name, ordered[name], possible[name], why);
    }
  };

  const drawDetails = (answer) => {
    const { concepts, patches } = data, into = pair(`${answer.source}-${answer.target}`);
    fill("concept", concepts, concepts, concepts.length ? ""
      : `Only means are published of ${answer.model}, so there is no single concept to show.`);
    fill("patch", patches, patches, patches.length > 1 ? ""
      : patches.length ? `One patch into these prompts is stored.`
        : `No patch into ${into} is stored for ${answer.model}.`);
  };

  // Figures

  /** Put a figure's HTML into a slot and draw it; `change` may change its numbers before that. */
  const put = (name, page, change) => {
    const slot = slots[name], old = slot.querySelector(".ll-plot");
    if (old) Plotly.purge(old);
    slot.innerHTML = page ?? "";
    const figure = slot.querySelector(".ll-figure");
    if (!figure) return null;
    if (change) {
      const script = figure.querySelector("script"), spec = JSON.parse(script.textContent);
      change(spec);
      script.textContent = JSON.stringify(spec);
    }
    latentlangDraw(figure);
    return figure.querySelector(".ll-plot");
  };

  /** Draw the dots with a ring around the one of the concept; return what it says, as a sentence. */
  const drawDots = () => {
    const number = data.concepts.indexOf(state.concept);
    let words = "";
    const place = put("dots", data.dots, ({ data: traces, layout }) => {
      const trace = traces.find(({ customdata }) => customdata?.includes(number));
      const at = trace.customdata.indexOf(number), x = [trace.x[at]], y = [trace.y[at]];
      const color = layout.template.layout.font.color;
      const title = (axis) => layout[axis].title.text.replace(/<br>/g, " ");
      words = `${state.concept}: ${title("yaxis")}: ${percent(y[0])}; ${title("xaxis")}: ${percent(x[0])}.`;
      traces.push({ type: "scatter", x, y, mode: "markers", name: "the chosen concept", hoverinfo: "skip", cliponaxis: false,
        showlegend: false, marker: { symbol: "circle-open", size: 17, color, line: { width: 2.5, color } } });
    });
    place?.on("plotly_click", ({ points: [{ customdata }] }) => {
      if (customdata !== undefined) choose({ concept: data.concepts[customdata] });
    });
    if (words) slots.dots.append(make("p", { class: "ll-number" }, words));
    return words;
  };

  const drawGrid = (values) => {
    grid?.destroy();
    const element = make("div");
    slots.grid.replaceChildren(element);
    // Its “Copy link” writes #id=state: with this id the link holds all choices.
    const spec = { ...values, style: index.style, id: `${choices()}&grid` };
    grid = mount(element, spec, { state: state.grid ?? "", onState: (text) => {
      state.grid = text;
      history.replaceState(null, "", link());
    } });
  };

  // What changes

  /** Show what is asked for, or what is stored nearest to it. */
  const show = async (wanted, write) => {
    const mine = ++turn, { answer, vain, possible } = nearest(wanted);
    const content = await load(answer.key);
    if (mine !== turn) return;
    const changed = shown.key !== answer.key;
    const pick = (name, all) => {
      if (all.includes(wanted[name])) return wanted[name];
      if (wanted[name] && (all.length || !wanted.kept)) vain.push(`${LABELS[name]} “${named(name, wanted[name])}”`);
      return all.includes(index.first[name]) ? index.first[name] : all[0];
    };
    data = content;
    const { key, ...chosen } = answer;
    state = { ...chosen, concept: pick("concept", data.concepts), patch: pick("patch", data.patches) };
    if (state.concept && state.concept === wanted.concept) state.grid = wanted.grid;
    drawChoices(answer, possible);
    drawDetails(answer);
    const said = vain.length ? [`Not stored, so what comes nearest is shown: ${listed(vain)}.`] : [];
    if (changed) {
      put("curves", data.curves);
      put("phases", data.phases);
      said.push(`${answer.model}, ${answer.task}, ${pair(`${answer.source}-${answer.target}`)}: ${data.said}.`);
    }
    const [values, patch] = await Promise.all([
      state.concept ? load(`${key}/${data.concepts.indexOf(state.concept)}`) : null,
      state.patch ? load(`${key}/${state.patch}`) : null]);
    if (mine !== turn) return;
    if (changed || shown.concept !== state.concept) {
      const words = drawDots();
      if (!changed) said.push(`${words} ${values.message}.`);
    }
    if (values) drawGrid(values);
    else slots.grid.replaceChildren(make("p", { class: "ll-why" }, fields.concept.why.textContent));
    if (changed || shown.patch !== state.patch) {
      put("patch", patch?.figure);
      if (!changed) said.push(`${patch.said}.`);
    }
    shown = { key, concept: state.concept, patch: state.patch };
    if (said.length) status.textContent = said.join(" ");
    if (write === "push" && link() !== location.hash) history.pushState(null, "", link());
    else if (write || vain.length) history.replaceState(null, "", link());
  };
  const safely = (wanted, write) => show(wanted, write).catch((error) => {
    status.textContent = `The data cannot be loaded (${error.message}): make the site again.`;
  });
  const choose = (changes) => safely({ ...state, kept: true, ...changes }, "push");

  const copy = async () => {
    const text = `${location.href.split("#")[0]}${link()}`;
    const done = navigator.clipboard?.writeText(text).then(() => "Copied", () => "Copy this");
    status.textContent = `${await done ?? "Copy this"}: ${text}`;
  };

  const build = async () => {
    const host = document.getElementById("ll-front");
    [index, mount] = await Promise.all([load("index"), load("grid")]);
    const part = (name, ...more) => {
      const [title, words] = PARTS[name];
      return make("section", { class: "ll-part", "aria-labelledby": `ll-front-${name}-title` },
        make("h3", { id: `ll-front-${name}-title` }, title), make("p", {}, words), ...more, slots[name]);
    };
    host.replaceChildren(
      make("div", { class: "ll-controls", role: "group", "aria-label": "What to show" },
        ...Object.keys(CHOICES).map((name) => fields[name].all)),
      status, make("button", { type: "button", click: copy }, "Copy the link to this view"),
      part("curves"), part("dots", fields.concept.all), part("grid"), part("phases"),
      part("patch", fields.patch.all));
    addEventListener("hashchange", () => Object.keys(linked()).length && safely(linked(), null));
    matchMedia("(max-width: 600px)").addEventListener("change", () => drawDots());
    await safely(linked(), null);
  };
  addEventListener("DOMContentLoaded", build); // Plotly and figures.js are there then
})();
