// What can be put into a page: by a click behind what is selected, or dragged to its place.
import { announce } from "../announce.js";
import { text } from "../texts.js";
import { kindOf } from "./canvas.js";

const CONTAINERS = ["wrapper", "section", "column", "box"];

/** How a block looks until somebody chooses otherwise; in the page, so that it needs no file of ours. */
const STYLES = {
  picture: ".avenue-picture { display: block; max-width: 100%; height: auto; }",
  gallery: `.avenue-gallery { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 16px; }
    .avenue-gallery img { display: block; width: 100%; height: 100%; object-fit: cover; }`,
  card: `.avenue-card { display: block; max-width: 320px; padding: 16px; border: 1px solid var(--hairline, #d5d9d3); border-radius: var(--radius, 8px); color: inherit; text-decoration: none; }
    .avenue-card img { display: block; width: 100%; height: auto; }
    .avenue-card-name { display: block; margin-top: 8px; font-weight: 600; }
    .avenue-card-price { display: block; }`,
  columns: `.avenue-columns { display: flex; flex-wrap: wrap; gap: 24px; }
    .avenue-column { flex: 1 1 240px; min-width: 0; }`,
  section: ".avenue-section { max-width: 1120px; margin: 0 auto; padding: 32px 16px; }",
  button: ".avenue-button { display: inline-block; padding: 12px 24px; border-radius: var(--button-radius, 8px); background-color: var(--accent, #17593f); color: var(--on-accent, #ffffff); font-weight: 600; text-decoration: none; }",
};

const ICONS = {
  heading: "M5 4v16M19 4v16M5 12h14",
  text: "M4 6h16M4 12h16M4 18h10",
  picture: "M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 6",
  gallery: "M3 3h8v8H3zM13 3h8v8h-8zM3 13h8v8H3zM13 13h8v8h-8z",
  card: "M5 3h14v18H5zM5 13h14M8 17h8",
  columns: "M3 4h8v16H3zM13 4h8v16h-8z",
  section: "M3 5h18v14H3zM7 9h10M7 13h10",
  button: "M3 8h18v8H3zM8 12h8",
};

const plain = (words) => Object.assign(document.createElement("i"), { textContent: words }).innerHTML;

/** A first content; those that are about something chosen get it from `choose`. */
const CONTENTS = {
  heading: () => `<h2>${plain(text("first_heading"))}</h2>`,
  text: () => `<p>${plain(text("first_text"))}</p>`,
  columns: () => `<div class="avenue-columns">${`<div class="avenue-column"><p>${plain(text("first_text"))}</p></div>`.repeat(2)}</div>`,
  section: () => `<section class="avenue-section"><h2>${plain(text("first_heading"))}</h2><p>${plain(text("first_text"))}</p></section>`,
  button: () => `<a class="avenue-button" href="#">${plain(text("first_button"))}</a>`,
};

/** The styles of block `name` come with its first use; what somebody made of them since stays. */
function bringStyles(editor, name) {
  const css = STYLES[name], own = `avenue-${name}`;
  const isThere = editor.Css.getAll().some((rule) => rule.getSelectors().some((each) => each.getName() === own));
  if (css && !isThere) editor.addStyle(css);
}

/** Where something new goes: into the selected container, else behind what is selected, else last. */
function placeIn(editor) {
  const selected = editor.getSelected(), page = editor.getWrapper();
  if (!selected) return { parent: page };
  if (CONTAINERS.includes(kindOf(selected))) return { parent: selected };
  let behind = selected;
  while (behind.parent() && !CONTAINERS.includes(kindOf(behind.parent()))) behind = behind.parent();
  return { parent: behind.parent() ?? page, at: behind.index() + 1 };
}

/**
 * Draw the blocks into `list`. `choose[name]()` lets somebody choose what a block is made of and
 * resolves to its HTML, or to null.
 */
export function drawBlocks(editor, list, choose) {
  for (const name of Object.keys(ICONS)) {
    const block = editor.Blocks.add(name, { label: text(`kind_${name}`), content: CONTENTS[name]?.() ?? `<div>${plain(text("dropped"))}</div>`, select: true });
    list.append(buttonOf(editor, name, block, () => add(name)));
  }

  async function add(name) {
    const content = choose[name] ? await choose[name]() : CONTENTS[name]();
    if (!content) return;
    const { parent, at } = placeIn(editor);
    put(name, parent, content, at);
  }

  function put(name, parent, content, at) {
    bringStyles(editor, name);
    const [made] = parent.append(content, { at });
    editor.select(made);
    made.getEl()?.scrollIntoView({ block: "nearest" });
    announce(text("added", { name: text(`kind_${name}`) }));
  }

  // A dragged block shows where it goes; what it is made of is asked once it is there.
  editor.on("block:drag:stop", async (component, block) => {
    if (!component) return;
    const name = block.getId(), parent = component.parent(), at = component.index();
    if (!choose[name]) return bringStyles(editor, name);
    component.remove();
    const content = await choose[name]();
    if (content) put(name, parent, content, at);
  });
}

function buttonOf(editor, name, block, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "block", draggable: true });
  button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
  button.append(text(`kind_${name}`));
  button.addEventListener("click", act);
  button.addEventListener("dragstart", (event) => editor.Blocks.startDrag(block, event));
  button.addEventListener("dragend", () => editor.Blocks.endDrag(false));
  const item = document.createElement("li");
  item.append(button);
  return item;
}
