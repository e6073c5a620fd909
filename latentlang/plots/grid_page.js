// The host of a page: its element stands before the script, and its state may be in the link.
//
// Some notebooks move scripts away from their elements, and a page may show a grid twice: the first
// element of its name without a grid is its own. A link names the grid that it is about.

export function mountPage(data) {
  const elements = [...document.querySelectorAll(`[id^="${data.id}"]`)];
  const n = elements.findIndex((each) => !each.shadowRoot), element = elements[n];
  if (!element) return;
  const id = element.id = n ? `${data.id}.${n + 1}` : data.id;
  const linked = () => location.hash.slice(1).split("&")
    .find((part) => part.startsWith(`${id}=`))?.slice(id.length + 1);
  const settings = { state: linked() ?? data.state, theme: data.theme };
  const grid = mount(element, { ...data, id }, settings);
  addEventListener("hashchange", () => { grid.state = linked() ?? grid.state; });
  if (linked() !== undefined) element.scrollIntoView();
}
