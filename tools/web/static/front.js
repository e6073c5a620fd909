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
    curves: ["Which language is the next token in?", "The lines are means over the prompts. Where single prompts are stored, the bands are 95\u00a0% intervals, and the dotted line is another concept's words: a curve below it says nothing."],
    dots: ["One dot per concept", "A few words can make a mean. Choose a concept here, or click its dot; the ring marks it."],
    grid: ["The layers of this concept", "A row is a layer, and its cell is the most probable next token. English is orange (●), the target blue (■), the source green (◆). A token may be only the beginning of a word. Arrow keys move; Enter or a click lists the candidates."],
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
        const path = key.split("/").map(encodeURIComponent).join("/"); // a model's name may hold a question mark
        document.head.append(make("script",
          { src: new URL(`${path}.js`, DATA).href, load: () => done(values.get(key)), error: fail }));
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
  const parts = {};
  // `state` is what the page shows, and `asked` what a reader asked for last.
  // `before`: the source of the last view that had two languages.
  let index, mount, grid, before, state = {}, asked = {}, data = {}, key = "", turn = 0;

  // Names

  const listed = (names) => names.join(", ").replace(/, ([^,]*)$/, " and $1");
  const language = (code) => code.split("+").map((part) => index.languages[part] ?? part).join(" + ");
  const pair = (text) => text.split("-").map(language).join(" → ");
  const concept = (name) => data.singly?.includes(name) ? `${name} (not in the means)` : name;
  const NAMES = { source: language, target: language, patch: pair, concept };
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

  /** Fill a control; `all`: what it lists, `there`: what can be chosen, `why`: why that is not all. */
  const fill = (name, all, there, why) => {
    const { select, why: place } = fields[name];
    select.replaceChildren(...all.map((value) => {
      const missing = !there.includes(value), words = named(name, value);
      return make("option", { value, disabled: missing && "disabled" }, missing ? `${words} (not stored)` : words);
    }));
    if (!all.length) select.append(make("option", { value: "" }, "none"));
    select.value = state[name] ?? "";
    select.disabled = there.length < 2;
    select.title = why;
    place.textContent = why;
  };

  const alone = ({ source, target }) => source === target; // as for a task of one language

  /** The stored answer that fits best, and what was asked for in vain. */
  const nearest = (wanted) => {
    let rest = index.answers;
    const known = (name) => Object.hasOwn(LABELS, name) || name === "grid";
    const vain = Object.keys(wanted).filter((name) => !known(name)).map((name) => `“${name}”`), possible = {};
    for (const name of Object.keys(CHOICES)) {
      if (name === "source" && rest.every(alone)) continue; // then the target is its source
      possible[name] = [...new Set(rest.map((each) => each[name]))];
      const value = wanted[name] ?? index.first[name];
      const fitting = rest.filter((each) => each[name] === value);
      if (!fitting.length && wanted[name] !== undefined) vain.push(`${LABELS[name]} “${named(name, value)}”`);
      const other = possible[name].includes(index.first[name]) ? index.first[name] : possible[name][0];
      rest = fitting.length ? fitting : rest.filter((each) => each[name] === other);
    }
    return { answer: rest[0], vain, possible: { source: [rest[0].source], ...possible } };
  };

  const drawChoices = (possible) => {
    const all = (name) => [...new Set(index.answers.map((each) => each[name]))];
    const sorted = (codes) => codes.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)); // pools are last
    const others = all("target").filter((code) => alone(state) || code !== state.source);
    const lists = { model: all("model"), task: index.tasks, source: sorted(all("source")), target: sorted(others) };
    const from = { target: alone(state) ? "" : ` from ${language(state.source)}` };
    const reference = index.published[state.model];
    for (const [name, list] of Object.entries(lists)) {
      const there = possible[name], missing = list.filter((value) => !there.includes(value)).map((value) => named(name, value));
      let why = "";
      if (name === "source" && alone(state)) why = `The task ${state.task} has one language: choose it under “${LABELS.target}”.`;
      else if (name === "model" && reference) why = `${state.model} was not run here: these are the means that ${reference} publish.`;
      else if (there.length === 1) why = `Only ${named(name, there[0])} is stored for this model${from[name] ?? ""}.`;
      else if (missing.length) why = `Not stored for this model${from[name] ?? ""}: ${listed(missing)}.`;
      fill(name, list, there, why);
    }
    const { concepts, patches } = data;
    fill("concept", concepts, concepts, concepts.length ? ""
      : `Only means of ${state.model} are published, so there is no single concept to show.`);
    const patched = ["No patch of these prompts is stored for this model.", "One patch of these prompts is stored."];
    fill("patch", patches, patches, patched[patches.length] ?? "");
  };

  // Figures

  /** Put a figure's HTML into a slot and draw it; `change` may change its numbers before that. */
  const put = (name, page, change) => {
    const slot = slots[name], old = slot.querySelector(".ll-plot");
    if (old) Plotly.purge(old);
    slot.innerHTML = page ?? "";
    parts[name].classList.toggle("ll-empty", !page);
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
    const mark = ({ data: traces, layout }) => {
      const trace = traces.find(({ customdata }) => customdata?.includes(number));
      const at = trace.customdata.indexOf(number), x = [trace.x[at]], y = [trace.y[at]];
      const color = layout.template.layout.font.color;
      const title = (axis) => layout[axis].title.text.replace(/<br>/g, " ");
      words = `${state.concept}: ${title("yaxis")}: ${percent(y[0])}; ${title("xaxis")}: ${percent(x[0])}.`;
      traces.push({ type: "scatter", x, y, mode: "markers", name: "the chosen concept", hoverinfo: "skip", cliponaxis: false,
        showlegend: false, marker: { symbol: "circle-open", size: 17, color, line: { width: 2.5, color } } });
    };
    const alone = data.singly.includes(state.concept);
    if (alone) words = `${state.concept} is shown on its own: it has no dot, and it is in none of the means.`;
    const place = put("dots", data.dots, alone ? null : mark);
    place?.on("plotly_click", ({ points: [{ customdata }] }) => {
      if (customdata !== undefined) choose({ concept: data.concepts[customdata] });
    });
    if (words) slots.dots.append(make("p", { class: "ll-number" }, words));
    return words;
  };

  const drawGrid = (values) => {
    grid?.destroy();
    grid = null;
    parts.grid.hidden = !values;
    if (!values) return;
    const element = make("div");
    slots.grid.replaceChildren(element);
    // Its “Copy link” writes #id=state: with this id the link holds all choices.
    const spec = { ...values, style: index.style, id: `${choices()}&grid` };
    grid = mount(element, spec, { state: state.grid ?? "", onState: (text) => {
      asked.grid = state.grid = text;
      history.replaceState(null, "", link());
    } });
  };

  // What changes

  /** Show what is asked for, or what is stored nearest to it. `kept`: a choice was changed, and the rest kept. */
  const show = async (wanted, kept) => {
    const mine = ++turn, { answer: { key: name, ...chosen }, vain, possible } = nearest(wanted);
    asked = wanted;
    const content = await load(name), { concepts, patches } = content;
    const pick = (detail, all) => {
      const value = wanted[detail];
      if (all.includes(value)) return value;
      if (value && (all.length || !kept)) vain.push(`${LABELS[detail]} “${named(detail, value)}”`);
      return all[0];
    };
    const now = { ...chosen, concept: pick("concept", concepts), patch: pick("patch", patches), grid: wanted.grid };
    const [values, patch] = await Promise.all([
      now.concept && load(`${name}/${concepts.indexOf(now.concept)}`), now.patch && load(`${name}/${now.patch}`)]);
    if (mine !== turn) return; // something else was asked for in the meantime
    const last = state, other = name !== key, said = [];
    [state, asked, data, key] = [now, now, content, name];
    if (!alone(now)) before = now.source;
    if (vain.length) said.push(`Not stored: ${listed(vain)}. What comes nearest is shown.`);
    drawChoices(possible);
    if (other) {
      put("curves", data.curves);
      put("phases", data.phases);
      said.push(`${state.model}, ${state.task}, ${pair(alone(state) ? state.target : `${state.source}-${state.target}`)}: ${data.said}.`);
    }
    if (other || last.concept !== state.concept) {
      const words = drawDots();
      if (!other) said.push(words, `${values.message}.`);
    }
    drawGrid(values);
    if (other || last.patch !== state.patch) {
      put("patch", patch?.figure);
      if (!other) said.push(`${patch.said}.`);
    }
    if (said.length) status.textContent = said.join(" ");
    if (kept || vain.length) history.replaceState(null, "", link());
  };
  const safely = (wanted, kept = false) => show(wanted, kept).catch((error) => {
    status.textContent = `The data cannot be loaded (${error.message}): make the site again.`;
  });
  const choose = (changes) => {
    // After a task of one language, a translation begins from the language that it last began from.
    const source = changes.task && alone(state) && before !== asked.target ? { source: before } : {};
    safely({ ...asked, ...source, ...changes }, true);
  };

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
      parts[name] = make("section", { class: "ll-part", "aria-labelledby": `ll-front-${name}-title` },
        make("h3", { id: `ll-front-${name}-title` }, title), make("p", { class: "ll-intro" }, words), ...more, slots[name]);
      return parts[name];
    };
    host.replaceChildren(
      make("div", { class: "ll-controls", role: "group", "aria-label": "What to show" },
        ...Object.keys(CHOICES).map((name) => fields[name].all)),
      status, make("button", { type: "button", click: copy }, "Copy the link to this view"),
      part("curves"), part("dots", fields.concept.all), part("grid"), part("phases"),
      part("patch", fields.patch.all));
    addEventListener("hashchange", () => Object.keys(linked()).length && safely(linked()));
    matchMedia("(max-width: 600px)").addEventListener("change", drawDots);
    await safely(linked());
  };
  addEventListener("DOMContentLoaded", build); // Plotly and figures.js are there then
})();
