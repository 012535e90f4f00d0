// What can be put into a page: by a click behind what is selected, or dragged to its place.
import { announce } from "../announce.js";
import { text } from "../texts.js";
import { kindOf } from "./canvas.js";

const CONTAINERS = ["wrapper", "section", "column", "box"];

const ICONS = {
  heading: "M5 4v16M19 4v16M5 12h14",
  text: "M4 6h16M4 12h16M4 18h10",
  picture: "M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 6",
  gallery: "M3 3h8v8H3zM13 3h8v8h-8zM3 13h8v8H3zM13 13h8v8h-8z",
  card: "M5 3h14v18H5zM5 13h14M8 17h8",
  columns: "M3 4h8v16H3zM13 4h8v16h-8z",
  section: "M3 5h18v14H3zM7 9h10M7 13h10",
  button: "M3 8h18v8H3zM8 12h8",
  hero: "M3 4h18v16H3zM6 10h6M6 13h4M14 8h4v8h-4z",
  media: "M3 6h8v12H3zM14 8h7M14 12h7M14 16h4",
  products: "M3 4h5v7H3zM10 4h5v7h-5zM17 4h4v7h-4zM3 15h5M10 15h5M17 15h4M3 18h3M10 18h3",
  collection: "M4 8h16v12H4zM7 5h10M9 2h6",
  quote: "M5 7h5v5c0 3-2 5-5 5zM14 7h5v5c0 3-2 5-5 5z",
  questions: "M4 6h10M4 12h10M4 18h10M18 5v2M17 6h2M18 11v2M17 12h2M18 17v2M17 18h2",
  call: "M3 6h18v12H3zM7 10h10M9 14h6",
  map: "M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11zM12 8v4",
  video: "M3 5h18v14H3zM10 9l5 3-5 3z",
  spacer: "M4 4h16M4 20h16M12 7v10M9 10l3-3 3 3M9 14l3 3 3-3",
};

/** What stands where a picture is still to be chosen. */
const MISSING = /<p class="avenue-missing">[^<]*<\/p>/;

/** Styles come with the first use of a block, rule by rule; what somebody made of them since stays. */
function bringStyles(editor, css) {
  const known = new Set(editor.Css.getAll().map((rule) => rule.getSelectorsString()));
  for (const rule of css.split("}").filter((each) => each.trim())) {
    if (!known.has(rule.split("{")[0].trim())) editor.addStyle(`${rule}}`);
  }
}

/** `html` with a picture where one is missing; `picture` is its HTML, null leaves the place. */
function withPicture(html, picture) {
  return picture ? html.replace(MISSING, () => picture) : html;
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
 * Draw `blocks`, each `{ name, html, css }`, into `list`. `choose[name]()` lets somebody choose what a
 * block is made of and resolves to its HTML, or to null. A block with a place for a picture asks
 * for one; without it the place stays.
 */
export function drawBlocks(editor, list, all, choose) {
  list.replaceChildren();
  const blocks = Object.fromEntries(all.map((each) => [each.name, each]));
  for (const name of Object.keys(blocks)) {
    const isAsked = name in choose || MISSING.test(blocks[name].html);
    const waiting = Object.assign(document.createElement("div"), { textContent: text("dropped") }).outerHTML;
    const block = editor.Blocks.add(name, { label: text(`kind_${name}`), content: isAsked ? waiting : blocks[name].html, select: true });
    list.append(buttonOf(editor, name, block, () => add(name)));
  }

  async function contentOf(name) {
    const { html } = blocks[name];
    if (choose[name]) return choose[name](html);
    return MISSING.test(html) ? withPicture(html, await choose.picture()) : html;
  }

  async function add(name) {
    const content = await contentOf(name);
    if (!content) return;
    const { parent, at } = placeIn(editor);
    put(name, parent, content, at);
  }

  function put(name, parent, content, at) {
    bringStyles(editor, blocks[name].css);
    const [made] = parent.append(content, { at });
    editor.select(made);
    made.getEl()?.scrollIntoView({ block: "nearest" });
    announce(text("added", { name: text(`kind_${name}`) }));
  }

  // A dragged block shows where it goes; what it is made of is asked once it is there.
  editor.on("block:drag:stop", async (component, block) => {
    if (!component) return;
    const name = block.getId(), parent = component.parent(), at = component.index();
    if (!choose[name] && !MISSING.test(blocks[name].html)) return bringStyles(editor, blocks[name].css);
    component.remove();
    const content = await contentOf(name);
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
