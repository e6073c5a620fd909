// The lens grid: layers by columns (positions or prompts), without a kernel or network.
//
// `mount` draws it in an element; grid_page.js and grid_widget.js are hosts. grid_data.py makes
// the data: 16-bit binary, probabilities as logarithms, tokens by id. Every text reaches the page
// by textContent or setAttribute, never as HTML.

const SVG = "http://www.w3.org/2000/svg";
const SYMBOLS = { pivot: "●", target: "■", source: "◆", other: "✕" };
const DASHES = { pivot: "", target: "7 3", source: "2 3", other: "8 3 2 3" };
const FREE = ["m0", "m1", "m2", "m3"]; // colours of tokens without a role
const COLORS = ["ink", "muted", "line", "paper", ...Object.keys(SYMBOLS), ...FREE];
const STEPS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [5, 0], PageDown: [-5, 0], Home: [0, -99], End: [0, 99] };
const NEEDS_FOLLOW = "Only words and watched tokens can be followed in this run: "
  + "decode(…, follow=True) keeps the other candidates.";

/** An element with attributes, listeners and children; texts become text nodes. */
function make(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const button = (words, click, more) => make("button", { type: "button", click, ...more }, words);

/** A share as figures name it: whole per cent, more digits near 0 or 1. */
function percent(share) {
  const hundred = 100 * share;
  if (!(hundred > 0)) return "0 %";
  if (hundred < 1e-6) return "< 0.000001 %";
  if (hundred >= 0.95) return `${Number(hundred.toFixed(hundred < 99.5 ? 0 : 1))} %`;
  return `${Number(hundred.toPrecision(2))} %`;
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const span = (text) => text.split("-").map(Number);

function short(text, most) {
  const signs = [...text];
  return signs.length > most ? `${signs.slice(0, most - 1).join("")}…` : text;
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c < 10 ? c / 3295 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

/** The letters' colour on a tinted cell: "" (ink) where that can be read, else "k" or "w". */
function letters(rgb, name, strength) {
  const { ink, paper, [name]: tint } = rgb;
  const behind = luminance(paper.map((c, n) => c + (tint[n] - c) * strength));
  const contrast = (light) => (Math.max(light, behind) + 0.05) / (Math.min(light, behind) + 0.05);
  if (contrast(luminance(ink)) >= 4.6) return "";
  return contrast(0) >= contrast(1) ? "k" : "w";
}

/** An array of the data; 16-bit numbers become 32-bit ones. */
function unpacked(buffer, [kind, start, shape]) {
  const count = shape.reduce((a, b) => a * b, 1);
  if (kind === "u4") return new Uint32Array(buffer, start, count);
  const halves = new Uint16Array(buffer, start, count);
  if (kind === "u2") return halves;
  const values = new Float32Array(count), words = new Uint32Array(values.buffer);
  for (let n = 0; n < count; n++) {
    const bits = halves[n], sign = bits >> 15, exponent = (bits >> 10) & 31, rest = bits & 1023;
    words[n] = (sign << 31) | ((exponent + (exponent < 31 ? 112 : 224)) << 23) | (rest << 13);
    if (!exponent) values[n] = (sign ? -rest : rest) * 2 ** -24;
  }
  return values;
}

/** One run: its numbers by column and row; row 0 is the first layer. */
class Lens {
  constructor(spec, buffer, number) {
    Object.assign(this, spec, { number });
    for (const [name, place] of Object.entries(spec.arrays)) this[name] = unpacked(buffer, place);
    [this.nColumns, this.nLayers, this.k] = spec.arrays.topIds[2];
    this.width = spec.arrays.traceIds[2][1];
    this.last = this.layers.at(-1);
    this.tokenOf = new Map(this.ids.map((id, token) => [id, token]));
    this.owners = this.sets.map((sets) => { // a token of two languages belongs to none
      const owners = new Map();
      sets.forEach((tokens, language) => tokens.forEach((token) =>
        owners.set(token, owners.has(token) ? -1 : language)));
      return owners;
    });
    this.slots = this.columns.map((_, column) => new Map(
      [...this.traceIds.subarray(column * this.width, (column + 1) * this.width)]
        .map((token, slot) => [token, slot])));
  }

  depth(row) { return this.layers[row] / this.last; }

  /** The row nearest to a depth, a share of all layers. */
  rowAt(depth) {
    const gaps = this.layers.map((layer) => Math.abs(layer / this.last - depth));
    return gaps.indexOf(Math.min(...gaps));
  }

  at(column, row) { return column * this.nLayers + row; }

  /** The candidate of place n. */
  top(column, row, n = 0) { return this.topIds[this.at(column, row) * this.k + n]; }

  share(column, row, n = 0) { return Math.exp(this.chance[this.at(column, row) * this.k + n]); }

  /** The language whose word a token begins in a column's prompt, or undefined. */
  language(column, token) { return this.languages[this.owners[column].get(token)]; }

  find(code) { return this.languages.findIndex((language) => language.code === code); }

  rankOf(n, column, row) { return this.rank[this.at(n * this.nColumns + column, row)]; }

  /** The probability of what is followed; NaN where it was not kept. */
  value({ code, ids, lens }, column, row) {
    if (code !== undefined) {
      const n = this.find(code);
      return n < 0 ? NaN : Math.exp(this.probability[this.at(n * this.nColumns + column, row)]);
    }
    if (lens.model !== this.model) return NaN; // its ids mean other tokens here
    return ids.reduce((sum, id) => {
      const slot = this.slots[column].get(this.tokenOf.get(id) ?? -1) ?? NaN;
      return sum + Math.exp(this.trace[this.at(column, row) * this.width + slot]);
    }, 0);
  }

  bits(column, row) { return `entropy ${this.entropy[this.at(column, row)].toFixed(2)} bits`; }

  canFollow(column, token) { return this.slots[column].has(token); }

  where(column) {
    const { label, after } = this.columns[column];
    return `${this.prompts ? `${label}: ` : ""}after « ${after} »`;
  }
}

/** "light" or "dark": of JupyterLab, VS Code, Colab, a page, or the reader's system. */
function surroundings(element) {
  const { body, documentElement: html } = document, kind = body.dataset.vscodeThemeKind ?? "";
  const light = body.dataset.jpThemeLight;
  if (light) return light === "true" ? "light" : "dark";
  if (kind) return /dark|contrast$/.test(kind) ? "dark" : "light";
  const named = [html.getAttribute("theme"), body.dataset.theme, html.dataset.theme]
    .find((theme) => /^(dark|light)$/.test(theme));
  if (named) return named;
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    const color = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number);
    if (color && color[3] !== 0) return luminance(color.slice(0, 3)) < 0.3 ? "dark" : "light";
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

class View {
  constructor(host, data, { state, onState, theme }) {
    const signs = atob(data.bytes), bytes = new Uint8Array(signs.length);
    for (let n = 0; n < bytes.length; n++) bytes[n] = signs.charCodeAt(n);
    this.lenses = data.grids.map((spec, number) => new Lens(spec, bytes.buffer, number));
    this.languages = new Map(this.lenses.flatMap((lens) => lens.languages)
      .map((language) => [encodeURIComponent(language.code), language]));
    this.nColumns = Math.max(...this.lenses.map((lens) => lens.nColumns));
    this.bits = Math.max(1, ...this.lenses.map((lens) => Math.max(...lens.entropy)));
    Object.assign(this, { host, data, onState, theme });
    this.restore(state);
    host.replaceChildren(); // what stands there without scripts
    host.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's keys stay out of it
    this.root = make("div", { class: "root", keydown: (event) => this.key(event),
      pointerdown: (event) => {
        if (this.popup && !event.composedPath().includes(this.popup)) this.close(false);
      } });
    this.shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    this.shadow.replaceChildren(make("style", {}, data.style), this.root);
    this.watch();
    this.build();
  }

  /** Follow the theme and the width of what is around. */
  watch() {
    const themed = () => {
      const dark = (this.theme ?? surroundings(this.host)) === "dark";
      if (this.colors?.ink && dark === this.dark) return;
      this.dark = this.root.classList.toggle("dark", dark);
      const style = getComputedStyle(this.root);
      this.colors = Object.fromEntries(COLORS.map((name) =>
        [name, style.getPropertyValue(`--${name}`).trim()]));
      this.rgb = Object.fromEntries(COLORS.map((name) => [name, channels(this.colors[name])]));
      if (this.cells) this.draw();
    };
    this.theming = new MutationObserver(themed);
    for (const at of [document.documentElement, document.body]) {
      this.theming.observe(at, { attributes: true });
    }
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.onchange = themed;
    this.sizing = new ResizeObserver(() => {
      if (!this.drawn) { // hidden
        this.toEnd();
        themed();
      }
      if (this.side.clientWidth !== this.drawn) this.drawChart();
    });
    themed();
  }

  destroy() {
    this.theming.disconnect();
    this.sizing.disconnect();
    this.scheme.onchange = null;
    this.root.remove();
  }

  // The state: by=entropy;at=0.14.6;follow=en,0t512+77

  /** The state at first. */
  first() {
    const [lens] = this.lenses;
    const codes = [...this.languages].filter(([, { role }]) => role !== "other");
    return { by: "role", at: `0.${lens.last}.${lens.nColumns - 1}`, also: "",
      follow: codes.map(([code]) => code).join(","), scale: "linear",
      layers: `${lens.layers[0]}-${lens.last}`, columns: `0-${this.nColumns - 1}` };
  }

  get text() {
    const first = this.first();
    return Object.keys(first).filter((key) => this.state[key] !== first[key])
      .map((key) => `${key}=${this.state[key]}`).join(";");
  }

  /** Take the state from a text. What does not fit this grid is as it opens. */
  restore(text) {
    const asked = Object.fromEntries(text.split(";").map((part) => part.split(/=(.*)/s)));
    const spans = (value) => /^\d+-\d+$/.test(value);
    const fits = {
      at: (value) => this.place(value),
      also: (value) => !value || this.place(value),
      scale: (value) => value === "log",
      layers: spans,
      columns: spans,
      follow: () => true, // what it does not know is left out
      by: (value) => this.choices().some(([choice]) => choice === value),
    };
    this.state = this.first();
    for (const [key, fit] of Object.entries(fits)) {
      if (key in asked && fit(asked[key])) this.state[key] = asked[key];
    }
  }

  change(changes, rebuild = false) {
    Object.assign(this.state, changes);
    if (!this.choices().some(([value]) => value === this.state.by)) this.state.by = "role";
    if (rebuild) this.build();
    else this.draw();
    this.onState(this.text);
  }

  get two() { return this.lenses.length > 1; }

  say(words) { this.status.textContent = words; }

  /** The cell that "grid.layer.column" names. */
  place(text) {
    const [grid, layer, column] = text.split(".").map(Number), lens = this.lenses[grid];
    const row = lens ? lens.layers.indexOf(layer) : -1;
    return row >= 0 && lens.columns[column] ? { lens, row, column, text } : null;
  }

  placeText(lens, row, column) { return `${lens.number}.${lens.layers[row]}.${column}`; }

  /** What a text names that can be followed: a language, or a sum of tokens. */
  item(text) {
    const [, grid, list] = /^(\d+)t([\d+]+)$/.exec(text) ?? [], lens = this.lenses[grid];
    if (!lens) return this.languages.has(text) ? { text, ...this.languages.get(text) } : null;
    const ids = list.split("+").map(Number);
    const names = ids.map((id) => lens.texts[lens.tokenOf.get(id)] ?? `token ${id}`);
    return { text, lens, ids, name: names.join(" + ") };
  }

  get items() {
    return this.state.follow.split(",").map((text) => this.item(text)).filter(Boolean);
  }

  /** What cells can be coloured by: [value, words]. */
  choices() {
    return [["role", "role of the token"], ["probability", "probability of the token"],
      ["entropy", "entropy"],
      ...this.items.map(({ name }, n) => [`follow.${n}`, `followed: ${name}`]),
      ...[...this.languages].map(([code, { name }]) => [`rank.${code}`, `rank of ${name}`])];
  }

  /** The rows, from the top, and the columns of a grid that are shown. */
  shown(lens) {
    const inside = (list, value, [low, high]) => {
      const some = list.filter((n) => value(n) >= low - 1e-9 && value(n) <= high + 1e-9);
      return some.length ? some : list;
    };
    const { last } = this.lenses[0], shift = this.nColumns - lens.nColumns;
    return {
      rows: inside([...lens.layers.keys()].reverse(), (row) => lens.depth(row) * last,
        span(this.state.layers)),
      columns: inside([...lens.columns.keys()], (n) => n + shift, span(this.state.columns)),
    };
  }

  /** The column of another grid that stands for a place: the same one, counted from the right. */
  across({ lens, column }, other) { return column - lens.nColumns + other.nColumns; }

  build() {
    const { data, lenses } = this, widest = lenses.find((lens) => lens.nColumns === this.nColumns);
    const limits = (key, words, values) => make("label", {}, words, ...[0, 1].map((end) => {
      const change = ({ target }) => {
        const both = span(this.state[key]);
        both[end] = Number(target.value);
        if (both[0] > both[1]) both[1 - end] = both[end];
        this.change({ [key]: both.join("-") }, true);
      };
      const choice = make("select", { change, "aria-label": `${words}: ${end ? "last" : "first"}` },
        ...values.map(([value, name]) => make("option", { value }, name)));
      choice.value = span(this.state[key])[end];
      return choice;
    }));
    const layers = lenses[0].layers.map((layer) => [layer, layer]);
    const columns = widest.columns.map(({ label }, n) => [n, `${n + 1} ${short(label, 9)}`]);
    this.by = make("select", { change: () => this.change({ by: this.by.value }) });
    this.scale = button("Log scale", () =>
      this.change({ scale: this.state.scale === "log" ? "linear" : "log" }));
    const saves = { PNG: () => this.savePng(), CSV: () => save("csv", this.csv(), "text/csv"),
      SVG: () => save("svg", svgText(this.picture()), "image/svg+xml") };
    this.legend = make("div", { class: "legend" });
    this.side = make("div", { class: "side" });
    this.status = make("div", { role: "status" });
    this.cells = new Map();
    this.heads = [];
    this.popup = this.chosen = null;
    this.root.replaceChildren(
      make("h2", {}, data.message), make("p", { class: "facts" }, data.facts.join(" · ")),
      make("div", { class: "bar" }, make("label", {}, "Colour by", this.by), this.scale,
        limits("layers", "Layers", layers),
        columns.length > 1 ? limits("columns", "Columns", columns) : "",
        make("div", { class: "end" },
          button(this.linked() ? "Copy link" : "Copy state", () => this.copy()),
          ...Object.entries(saves).map(([name, action]) =>
            button(name, action, { "aria-label": `Save as ${name}` })))),
      this.legend,
      make("div", { class: this.two ? "body two" : "body" },
        make("div", { class: "tables" }, ...lenses.map((lens) => this.table(lens))), this.side),
      this.status);
    this.draw();
    this.toEnd();
    this.sizing.disconnect();
    this.sizing.observe(this.side);
  }

  /** Scroll to the answers. */
  toEnd() { for (const box of this.root.querySelectorAll(".scroll")) box.scrollLeft = 1e5; }

  table(lens) {
    const { rows, columns } = this.shown(lens), wide = lens.nColumns === 1 ? 190 : 66;
    const most = Math.max(...this.lenses.map((each) => this.shown(each).rows.length));
    const height = clamp(500 / most, 17, 26) * most / rows.length;
    const title = (scope, words, place) => {
      const head = make("th", { scope }, words);
      this.heads.push({ head, lens, ...place });
      return head;
    };
    const body = rows.map((row) => make("tr", {},
      title("row", lens.layers[row], { row }),
      ...columns.map((column) => {
        const cell = make("td", { tabindex: -1 }), text = this.placeText(lens, row, column);
        this.cells.set(text, Object.assign(cell, { place: { lens, row, column, text } }));
        this.fillCell(cell);
        return cell;
      })));
    const heads = columns.map((column) => title("col", lens.columns[column].label, { column }));
    const click = ({ target, shiftKey }) => {
      const place = target.closest("td")?.place;
      if (place) (shiftKey ? this.second(place) : this.open(place));
    };
    const style = `--w: ${34 + wide * columns.length}px; --h: ${height.toFixed(2)}px`;
    return make("figure", {}, this.two ? make("figcaption", {}, lens.name) : "",
      make("div", { class: "scroll" }, make("table",
        { role: "grid", style, click, "aria-label": `Most probable token by layer: ${lens.name}` },
        make("colgroup", {}, make("col", { style: "width: 34px" })),
        make("tbody", {}, ...body),
        make("tfoot", {}, make("tr", {}, make("th", { scope: "col" }, "layer"), ...heads)))));
  }

  /** Draw all that depends on the state. */
  draw() {
    this.by.replaceChildren(...this.choices().map(([value, words]) =>
      make("option", { value }, short(words, 34))));
    this.by.value = this.state.by;
    this.scale.setAttribute("aria-pressed", this.state.scale === "log");
    const looks = this.items.map((item, n) => this.look(item, n));
    for (const cell of this.cells.values()) this.drawCell(cell, looks);
    if (!this.cells.has(this.state.at)) [this.state.at] = this.cells.keys();
    this.mark();
    this.drawLegend();
    this.drawChart();
  }

  tint({ lens, row, column }) {
    const [kind, which] = this.state.by.split(/\.(.*)/s), share = lens.share(column, row);
    if (kind === "role") {
      const language = lens.language(column, lens.top(column, row));
      return language ? [language.role, share] : ["muted", 0.3 * share]; // the eye goes to words
    }
    if (kind === "probability") return ["m0", share];
    if (kind === "entropy") return ["m1", lens.entropy[lens.at(column, row)] / this.bits];
    if (kind === "follow") {
      const item = this.items[which];
      return [this.look(item, Number(which)).color, lens.value(item, column, row) || 0];
    }
    const { code, role } = this.languages.get(which), n = lens.find(code);
    const rank = n < 0 ? Infinity : lens.rankOf(n, column, row);
    return [role, clamp(1 - Math.log10(rank) / 3, 0, 1)];
  }

  fillCell(cell) {
    const { lens, row, column } = cell.place, token = lens.top(column, row);
    const language = lens.language(column, token), share = percent(lens.share(column, row));
    const differs = this.differs(cell.place);
    cell.base = `${language ? "named " : ""}${differs ? "differs " : ""}`;
    cell.textContent = lens.texts[token];
    if (language) cell.prepend(make("i", {}, SYMBOLS[language.role]));
    if (lens.nColumns === 1) cell.append(" ", make("small", {}, share));
    cell.setAttribute("aria-label", [`layer ${lens.layers[row]}`, lens.where(column),
      lens.texts[token], share, language ? `${language.name} word` : "no word of a language",
      ...(differs ? ["another token beside it"] : [])].join(", "));
  }

  drawCell(cell, looks) {
    const { lens, row, column } = cell.place, id = lens.ids[lens.top(column, row)];
    const [color, strength] = this.tint(cell.place);
    const lead = looks.find(({ item }) => item.ids?.includes(id) && item.lens.model === lens.model);
    const style = `--c: var(--${color}); --s: ${(100 * strength).toFixed(1)}%;`
      + (lead ? `--lead: var(--${lead.color})` : "");
    cell.className = `${cell.base}${lead ? "leads " : ""}${letters(this.rgb, color, strength)}`;
    if (cell.drawn !== style) cell.style.cssText = cell.drawn = style;
  }

  /** Whether the other grid has another token at the same depth. */
  differs(place) {
    const { lens, row, column } = place, other = this.lenses[1 - lens.number];
    const there = other ? this.across(place, other) : -1;
    if (there < 0) return false;
    const [a, b] = [lens.top(column, row), other.top(there, other.rowAt(lens.depth(row)))];
    const key = lens.model === other.model ? "ids" : "texts";
    return lens[key][a] !== other[key][b];
  }

  /** The chosen place, and a second one of another column if there is one. */
  get places() {
    const at = this.place(this.state.at), also = this.state.also && this.place(this.state.also);
    return also && also.column !== at.column ? [at, also] : [at];
  }

  /** Mark the chosen cell, its row, and the columns of the curves. */
  mark() {
    const [at, also] = this.places;
    const cell = this.cells.get(at.text);
    for (const [each, is] of [[this.chosen ?? cell, false], [cell, true]]) {
      each.tabIndex = is ? 0 : -1;
      each.ariaSelected = is;
    }
    this.chosen = cell;
    for (const { head, lens, row, column } of this.heads) {
      const is = (place) => place && this.across(place, lens) === column;
      const here = row === lens.rowAt(at.lens.depth(at.row));
      head.className = here ? "here" : is(at) ? "a" : is(also) ? "b" : "";
    }
  }

  drawLegend() {
    const kind = this.state.by.split(".")[0];
    const parts = {
      role: [...[...this.languages.values()].map(({ role, name }) => [role,
        `${SYMBOLS[role]} ${name}${role === "other" ? "" : ` (${role})`}`]),
      ["muted", "■ any other token · the stronger, the more probable"]],
      entropy: [["m1", `■ the stronger, the higher: 0 to ${this.bits.toFixed(1)} bits`]],
      rank: [["ink", "■ full at rank 1, empty from 1,000 on"]],
    }[kind] ?? [["ink", "■ the stronger, the more probable"]];
    if (this.two) {
      const count = [...this.cells.values()].filter(({ place }) => this.differs(place)).length;
      parts.push(["ink", `◥ another token than beside it: ${count} of ${this.cells.size}`]);
    }
    this.legend.replaceChildren(...parts.map(([color, words]) =>
      make("span", { style: `color: var(--${color})` }, words)));
  }

  /** Colour and dash of what is followed in place n. */
  look(item, n) {
    if (item.role) return { item, color: item.role, dash: DASHES[item.role] };
    const column = this.across(this.places[0], item.lens);
    const owner = item.lens.owners[column]
      && item.lens.language(column, item.lens.tokenOf.get(item.ids[0]));
    return { item, color: owner?.role ?? FREE[n % 4], dash: n % 2 ? "1 2" : "9 2 2 2" };
  }

  toggle(text) {
    const list = this.items.map((item) => item.text), at = list.indexOf(text);
    if (at < 0) list.push(text);
    else list.splice(at, 1);
    this.change({ follow: list.join(",") });
    this.say(`${at < 0 ? "Followed" : "No longer followed"}: ${this.item(text).name}`);
  }

  /** Follow the token of a cell, or the word that it begins. */
  followCell({ lens, row, column }) {
    const token = lens.top(column, row), language = lens.language(column, token);
    if (lens.canFollow(column, token)) this.toggle(`${lens.number}t${lens.ids[token]}`);
    else if (language) this.toggle(encodeURIComponent(language.code));
    else this.say(NEEDS_FOLLOW);
  }

  /** Show the curves of a second column as well, or no longer. */
  second({ text, lens, column }) {
    const gone = this.state.also === text;
    this.change({ also: gone ? "" : text });
    this.say(gone ? "One position" : `Dotted: ${lens.where(column)}`);
  }

  /** What is followed, in each grid, at one or two positions. */
  curves() {
    const { places, lenses } = this;
    return this.items.flatMap((item, n) => lenses.flatMap((lens) => places.map((place, second) => {
      const column = this.across(place, lens), label = lens.columns[column]?.label;
      const here = label !== undefined && (item.ids || lens.find(item.code) >= 0);
      const values = here ? lens.layers.map((_, row) => lens.value(item, column, row)) : [];
      const name = short(item.name, 16) + (this.two ? ` (${lens.number + 1})` : "")
        + (places.length > 1 ? ` · ${short(label ?? "", 8)}` : "");
      const thin = second || lens.number;
      return { ...this.look(item, n), n, lens, name, second, thin, values };
    }))).filter(({ values }) => values.length);
  }

  drawChart() {
    const curves = this.curves(), [at, also] = this.places;
    const width = (this.drawn = this.side.clientWidth) || 420;
    const height = this.two ? 230 : clamp(width * 0.72, 220, 400);
    const svg = chart(this, curves, width, height, (name) => `var(--${name})`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `Probability by layer. ${curves.map(said).join("; ")}`);
    const chips = this.items.map((item, n) => {
      const { color, dash } = this.look(item, n);
      const own = curves.filter((curve) => curve.n === n && curve.lens === at.lens);
      const values = own.map((curve) => curve.values[at.row])
        .map((value) => (value >= 0 ? percent(value) : "not kept here"));
      return make("li", {}, make("svg:svg", { viewBox: "0 0 22 8", "aria-hidden": true },
        make("svg:path", { d: "M0 4H22", "stroke-width": 2.5, "stroke-dasharray": dash,
          style: `stroke: var(--${color})` })),
      make("b", {}, make("bdi", {}, item.name)), values.join(" | "),
      button("×", () => this.toggle(item.text), { "aria-label": `Stop following ${item.name}` }));
    });
    const dotted = also ? `; dotted: ${also.lens.where(also.column)}` : "";
    this.side.replaceChildren(make("figcaption", {}, chips.length
      ? `At layer ${at.lens.layers[at.row]}, ${at.lens.where(at.column)}, `
        + at.lens.bits(at.column, at.row) + dotted
      : "Nothing is followed: click a cell, then “follow”."), svg,
    make("ul", { class: "chips" }, ...chips));
  }

  // Keys and the popup

  key(event) {
    const place = event.target.closest("td")?.place, { key } = event;
    if (key === "Escape" && this.popup) this.close();
    else if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (key === "Enter" || key === " ") this.open(place);
    else if (key === "f") this.followCell(place);
    else if (key === "s") this.second(place);
    else if (key in STEPS) this.go(place, STEPS[key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Move to another cell; from the edge of a grid to the one beside it. */
  go({ lens, row, column }, [up, right]) {
    const { rows, columns } = this.shown(lens), to = columns.indexOf(column) + right;
    const other = this.lenses[lens.number + right];
    let text = this.placeText(lens, clamp(row + up, rows.at(-1), rows[0]),
      columns[clamp(to, 0, columns.length - 1)]);
    if (right && other && !(to in columns)) {
      const beside = this.shown(other).columns;
      text = this.placeText(other, other.rowAt(lens.depth(row)), beside.at(right > 0 ? 0 : -1));
    }
    const cell = this.cells.get(text), box = cell?.closest(".scroll");
    if (!cell) return;
    this.choose(cell.place);
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    box.scrollLeft = Math.min(box.scrollLeft, cell.offsetLeft - 40); // beside the layers' numbers
  }

  choose({ text }) {
    this.state.at = text;
    this.mark();
    this.drawChart();
    this.onState(this.text);
  }

  open(place) {
    this.close(false);
    this.choose(place);
    this.popup = make("div", { class: "popup", role: "dialog", tabindex: "-1" });
    this.fill(place);
    this.root.append(this.popup);
    this.put(this.cells.get(place.text));
    this.popup.focus({ preventScroll: true });
  }

  /** What the popup shows: the words of the languages, then the candidates. */
  fill(place) {
    const { lens, row, column, text } = place, chosen = this.items.map((item) => item.text);
    const title = `layer ${lens.layers[row]}, ${lens.where(column)}`;
    const act = (words, label, pressed, action) => button(words, ({ currentTarget }) => {
      const at = [...this.popup.querySelectorAll("button")].indexOf(currentTarget);
      action();
      this.fill(place);
      this.popup.querySelectorAll("button")[at]?.focus();
    }, { "aria-label": label, "aria-pressed": pressed });
    const follow = (item, name) => act("follow", `follow ${name}`, String(chosen.includes(item)),
      () => this.toggle(item));
    const line = (role, mark, name, small, share, ...buttons) => make("li",
      { style: `--c: var(--${role}); --s: ${100 * share}%` }, make("em", {}, mark),
      make("span", { class: "word", title: name }, make("bdi", {}, name), make("small", {}, small)),
      make("span", { class: "share" }, percent(share)), make("span", {}, ...buttons));
    const words = lens.languages.map(({ code, name, role }, n) => line(role, SYMBOLS[role],
      `${name} word`, `rank ${lens.rankOf(n, column, row)}`,
      lens.value({ code }, column, row), follow(encodeURIComponent(code), `${name} word`)));
    const sum = this.items.at(-1);
    const tokens = Array.from({ length: lens.k }, (_, n) => {
      const token = lens.top(column, row, n), id = lens.ids[token], name = lens.texts[token];
      const language = lens.language(column, token), buttons = [];
      if (lens.canFollow(column, token)) {
        buttons.push(follow(`${lens.number}t${id}`, name));
        if (sum?.lens === lens && !sum.ids.includes(id)) {
          const follow = [...chosen.slice(0, -1), `${sum.text}+${id}`].join(",");
          buttons.push(act("+", `add ${name} to ${sum.name}`, null, () => this.change({ follow })));
        }
      }
      return line(language?.role ?? "muted", n + 1, name,
        language ? `${SYMBOLS[language.role]} ${language.name} word` : "",
        lens.share(column, row, n), ...buttons);
    });
    const kept = tokens.every((each) => each.querySelector("button"));
    this.popup.setAttribute("aria-label", title);
    this.popup.replaceChildren(make("h3", {}, title),
      make("p", { class: "note" }, lens.bits(column, row)),
      make("ul", {}, ...words), make("ol", {}, ...tokens),
      make("p", { class: "note" }, kept ? "" : NEEDS_FOLLOW),
      act("second position", null, String(this.state.also === text), () => this.second(place)),
      button("×", () => this.close(), { class: "close", "aria-label": "Close" }));
  }

  /** Put the popup beside a cell, on the screen. */
  put(cell) {
    const root = this.root.getBoundingClientRect(), box = cell.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height, style } = this.popup;
    const within = (wanted, size, start, whole, screen) => {
      const low = Math.max(4, 4 - start), high = Math.min(whole, screen - start) - size - 8;
      return `${clamp(wanted, low, Math.max(low, high))}px`;
    };
    const room = Math.min(root.right, innerWidth) - box.right > width + 14;
    style.left = within((room ? box.right + 6 : box.left - width - 6) - root.left, width,
      root.left, root.width, innerWidth);
    style.top = within(box.top - root.top - 30, height, root.top, root.height, innerHeight);
  }

  close(focus = true) {
    this.popup?.remove();
    this.popup = null;
    if (focus) this.cells.get(this.state.at).focus();
  }

  // Links, numbers, pictures

  /** Whether this page has an address of its own; a notebook's output has none. */
  linked() {
    const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
    return window === window.top && !jpThemeLight && !vscodeThemeKind;
  }

  async copy() {
    const link = `${location.href.split("#")[0]}#${this.data.id}=${this.text}`;
    const text = this.linked() ? link : `state="${this.text}"`;
    const done = navigator.clipboard?.writeText(text).then(() => "Copied", () => "Copy this");
    this.say(`${await done ?? "Copy this"}: ${text}`);
  }

  /** The candidates of every cell, as Grid.to_frame gives them. */
  csv() {
    const head = "grid,column,label,layer,rank,token_id,token,language,probability".split(",");
    const rows = this.lenses.flatMap((lens) => Array.from(lens.topIds, (token, n) => {
      const at = Math.floor(n / lens.k), column = Math.floor(at / lens.nLayers);
      return [lens.name, column, lens.columns[column].label, lens.layers[at % lens.nLayers],
        n % lens.k + 1, lens.ids[token], lens.texts[token],
        lens.language(column, token)?.code ?? "", Math.exp(lens.chance[n]).toPrecision(4)];
    }));
    // A spreadsheet would compute what begins with one of these signs.
    const field = (value) => `"${String(value).replace(/^[=+\-@]/, "'$&").replaceAll('"', '""')}"`;
    return `\ufeff${[head, ...rows].map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;
  }

  /** Grids and curves as one SVG, in the colours of the screen. */
  picture() {
    const { colors } = this, paint = (name) => colors[name], wide = 66, top = 78, side = 460;
    const parts = this.lenses.map((lens) => ({ lens, ...this.shown(lens) }));
    const tall = 24 * Math.max(...parts.map(({ rows }) => rows.length)), height = top + tall + 50;
    const text = (words, x, y, more = {}) => make("svg:text",
      { x, y, fill: colors.ink, "font-size": 11, "text-anchor": "middle", ...more }, words);
    const start = { "text-anchor": "start", fill: colors.muted };
    const marks = [
      text(this.data.message, 12, 26, { ...start, fill: colors.ink, "font-size": 16 }),
      text(this.data.facts.join(" · "), 12, 46, start),
      text(this.legend.textContent, 12, 64, start)];
    let x = 40;
    for (const { lens, rows, columns } of parts) {
      const h = tall / rows.length;
      rows.forEach((row, r) => {
        const y = top + r * h, middle = y + h / 2 + 4;
        marks.push(text(lens.layers[row], x - 16, middle, { fill: colors.muted }));
        columns.forEach((column, c) => {
          const [name, strength] = this.tint({ lens, row, column }), at = x + c * wide;
          const fill = { k: "#000", w: "#FFF" }[letters(this.rgb, name, strength)] ?? colors.ink;
          marks.push(make("svg:rect", { x: at, y, width: wide - 1, height: h - 1, rx: 3,
            fill: colors[name], "fill-opacity": strength }),
          text(short(lens.texts[lens.top(column, row)], 9), at + wide / 2, middle, { fill }));
        });
      });
      columns.forEach((column, c) => marks.push(text(short(lens.columns[column].label, 8),
        x + (c + 0.5) * wide, top + tall + 18)));
      x += wide * columns.length + 50;
    }
    const curves = chart(this, this.curves(), side, 300, paint), width = x + side;
    for (const [name, value] of Object.entries({ x: x - 40, y: top, width: side, height: 300 })) {
      curves.setAttribute(name, value);
    }
    return make("svg:svg", { viewBox: `0 0 ${width} ${height}`, width, height,
      "font-family": getComputedStyle(this.root).fontFamily },
    make("svg:rect", { width, height, fill: colors.paper }), ...marks, curves);
  }

  savePng() {
    const image = new Image();
    image.onload = () => {
      const canvas = make("canvas", { width: 2 * image.width, height: 2 * image.height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save("png", blob, "image/png"));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(this.picture()))}`;
  }
}

const svgText = (svg) => new XMLSerializer().serializeToString(svg);

function save(kind, content, type) {
  const href = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href, download: `lens-grid.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** A curve in words: where it is highest, and how it ends. */
function said({ name, values, lens }) {
  const known = values.filter((value) => value >= 0), most = Math.max(...known);
  if (!known.length) return `${name}: not kept here`;
  return `${name}: ${percent(most)} at layer ${lens.layers[values.indexOf(most)]}, `
    + `${percent(values.at(-1))} at the end`;
}

/** The curves over the layers, or, for grids of unlike layers, over the depth. */
function chart({ lenses, places: [chosen], state }, curves, width, height, paint) {
  const log = state.scale === "log", last = lenses[0].last;
  const alike = lenses.every((lens) => String(lens.layers) === String(lenses[0].layers));
  const [low, high] = span(state.layers).map((layer) => (alike ? layer : layer / last));
  const place = (lens, row) => (alike ? lens.layers[row] : lens.depth(row));
  const drawn = curves.map((curve) => ({ ...curve, rows: [...curve.values.keys()].filter((row) =>
    curve.values[row] >= 0 && place(curve.lens, row) >= low && place(curve.lens, row) <= high) }))
    .filter(({ rows }) => rows.length);
  const room = ({ name }) => [...name].reduce((sum, sign) => sum + (sign > "\u2e7f" ? 11 : 6.2), 0);
  const left = 46, right = width - 22 - Math.max(30, ...drawn.map(room));
  const top = 12, bottom = height - 34;
  const most = Math.max(0.001, ...drawn.flatMap(({ rows, values }) =>
    rows.map((row) => values[row])));
  const step = [1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25]
    .find((each) => most / each <= 4.6) ?? 0.25;
  const end = Math.min(1, Math.ceil(most / step - 1e-9) * step);
  const along = (value) => left + (right - left) * (value - low) / (high - low || 1);
  const x = (lens, row) => along(place(lens, row));
  const y = (value) => bottom - (bottom - top)
    * clamp(log ? 1 + Math.log10(value) / 5 : value / end, 0, 1);
  const text = (words, x, y, anchor, color = "muted") => make("svg:text", { x, y, "font-size": 11,
    "text-anchor": anchor, style: `fill: ${paint(color)}` }, words);
  const path = (d, color, more = {}) => make("svg:path",
    { d, fill: "none", "stroke-linejoin": "round", style: `stroke: ${paint(color)}`, ...more });
  const ticks = log ? [1e-5, 1e-4, 0.001, 0.01, 0.1, 1]
    : Array.from({ length: Math.round(end / step) + 1 }, (_, n) => n * step);
  const stride = [1, 2, 3, 4, 5, 10, 20].find((n) => (high - low) / n <= (right - left) / 34) ?? 20;
  const marks = alike ? lenses[0].layers.filter((layer) => (layer - low) % stride === 0)
    : [0, 0.25, 0.5, 0.75, 1];
  const svg = make("svg:svg", { viewBox: `0 0 ${width} ${height}` },
    ...ticks.flatMap((tick) => [path(`M${left} ${y(tick)}H${right}`, "line"),
      text(percent(tick), left - 6, y(tick) + 4, "end")]),
    ...marks.filter((mark) => mark >= low && mark <= high).map((mark) =>
      text(alike ? mark : `${100 * mark} %`, along(mark), bottom + 15, "middle")),
    text(alike ? "layer" : "depth: share of all layers", (left + right) / 2, bottom + 30, "middle"),
    path(`M${x(chosen.lens, chosen.row)} ${top}V${bottom}`, "muted",
      { "stroke-dasharray": "2 2" }));
  const ends = [];
  for (const { values, rows, lens, color, dash, thin, second, name } of drawn) {
    const d = rows.map((row, n) => `${rows[n - 1] === row - 1 ? "L" : "M"}`
      + `${x(lens, row).toFixed(1)} ${y(values[row]).toFixed(1)}`).join("");
    svg.append(path(d, color, { "stroke-width": thin ? 1.5 : 2.4,
      "stroke-dasharray": second ? "1.5 3" : dash }));
    if (lens === chosen.lens && rows.includes(chosen.row)) {
      svg.append(make("svg:circle", { cx: x(lens, chosen.row), cy: y(values[chosen.row]), r: 3.5,
        style: `fill: ${paint(color)}; stroke: ${paint("paper")}` }));
    }
    ends.push({ name, color, at: y(values[rows.at(-1)]) });
  }
  // Names that would meet move apart, down first and then up.
  ends.sort((a, b) => a.at - b.at);
  ends.forEach((each, n) => { each.at = Math.max(each.at, n ? ends[n - 1].at + 13 : top); });
  ends.reduceRight((floor, each) => (each.at = Math.min(each.at, floor)) - 13, bottom);
  svg.append(...ends.map(({ name, color, at }) => text(name, right + 7, at + 4, "start", color)));
  return svg;
}

/**
 * Draw a grid in an element. Returns {state, destroy()}; the state, a text, can be set.
 * `onState` is called with the text after every change; `theme`: "light", "dark", or null.
 */
export function mount(element, data, { state = "", onState = () => {}, theme = null } = {}) {
  const view = new View(element, data, { state, onState, theme });
  return {
    get state() { return view.text; },
    set state(text) {
      if (text === view.text) return;
      view.restore(text);
      view.build();
    },
    destroy: () => view.destroy(),
  };
}
