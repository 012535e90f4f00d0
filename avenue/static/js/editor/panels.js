// What is selected: what can be done with it, its own fields, how it looks, and where it is in the page.
import { announce } from "../announce.js";
import { text } from "../texts.js";
import { kindOf } from "./canvas.js";
import { button, field, input, select } from "./fields.js";
import { looksOf } from "./looks.js";

const SNIPPET = 40;
const PAUSE_MS = 100;

/** Keep `host` showing what is selected, and `tree` showing the whole page. */
export function drawPanels(editor, { host, tree, ...acts }) {
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if ([host, tree].some((each) => each.matches(":active"))) return again(); // what is pressed gets its click
      if (!isTyping(host)) drawSelected(editor, host, acts);
      drawTree(editor, tree);
      return undefined;
    }, PAUSE_MS);
  };
  editor.on("component:selected component:deselected component:add component:remove component:update undo redo device:select load", again);
  host.addEventListener("focusout", again);
  again();
}

/** Who is in a field keeps it: it would be gone while one types. */
function isTyping(host) {
  return host.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select");
}

/** "Picture", or "Text: how it begins". */
export function nameOf(component) {
  const name = text(`kind_${kindOf(component)}`);
  const words = (component.getEl()?.innerText ?? "").trim().replace(/\s+/g, " ");
  const alt = component.getAttributes().alt;
  const said = alt || words;
  if (!said || kindOf(component) === "wrapper") return name;
  return `${name}: ${said.length > SNIPPET ? `${said.slice(0, SNIPPET)}…` : said}`;
}

function drawSelected(editor, host, acts) {
  const component = editor.getSelected();
  const focused = document.activeElement?.dataset?.act;
  const hadFocus = host.contains(document.activeElement);
  if (!component) {
    host.replaceChildren(Object.assign(document.createElement("p"), { className: "note", textContent: text("nothing_selected") }));
    return;
  }
  const title = Object.assign(document.createElement("h3"), { textContent: nameOf(component) });
  const parts = [title];
  if (kindOf(component) !== "wrapper") parts.push(actionsOf(editor, component));
  parts.push(...contentsOf(editor, component, acts), ...looksOf(editor, component, acts.chooseBackground));
  host.replaceChildren(...parts);
  if (hadFocus && focused) host.querySelector(`[data-act=${focused}]`)?.focus();
}

/** Move, copy, delete: everything a mouse does in the canvas. */
function actionsOf(editor, component) {
  const row = Object.assign(document.createElement("div"), { className: "row acts" });
  const parent = component.parent(), at = component.index(), last = parent.components().length - 1;
  const acts = {
    up: [at > 0, () => component.move(parent, { at: at - 1 })],
    down: [at < last, () => component.move(parent, { at: at + 2 })],
    outer: [true, () => editor.select(parent)],
    copy: [true, () => editor.select(parent.append(component.clone(), { at: at + 1 })[0])],
    remove: [true, () => {
      component.remove();
      announce(text("removed_block"));
    }],
  };
  for (const [name, [isPossible, act]] of Object.entries(acts)) {
    const made = button(text(`act_${name}`), act, name === "remove" ? "danger small" : "quiet small");
    made.dataset.act = name;
    made.disabled = !isPossible;
    row.append(made);
  }
  return row;
}

/** The fields of its own that each kind has. */
function contentsOf(editor, component, acts) {
  const attributes = component.getAttributes(), kind = kindOf(component), made = [];
  const set = (name) => (value) => (value ? component.addAttributes({ [name]: value }) : component.removeAttributes(name));
  if (kind === "image") {
    made.push(button(text("change_picture"), () => acts.choosePicture(component)));
    made.push(field(text("alt"), input(attributes.alt, { maxLength: 500 }), set("alt")));
  }
  if (kind === "missing") made.push(button(text("fill_place"), () => acts.fillPlace(component), "small"));
  if (kind === "products") made.push(button(text("add_product"), () => acts.addProduct(component), "small"));
  if (kind === "collection") made.push(field(text("category"), select(attributes.href, [["/", text("all_products")], ...acts.categories]), set("href")));
  if (kind === "gallery") made.push(button(text("change_gallery"), () => acts.chooseGallery(component)));
  if (["link", "button", "card", "video"].includes(kind)) {
    made.push(field(text("href"), input(attributes.href, { type: "text", inputMode: "url", placeholder: "https://" }), set("href")));
  }
  if (kind === "heading") {
    const levels = ["h1", "h2", "h3", "h4"].map((each) => [each, text("level", { level: each.slice(1) })]);
    made.push(field(text("heading_level"), select(component.get("tagName"), levels), (value) => component.set("tagName", value)));
  }
  if (component.get("type") === "text" || ["button", "link"].includes(kind)) {
    made.push(button(text("edit_text"), () => edit(editor, component)));
  }
  return made;
}

/** Write in the canvas, as a double click does. */
function edit(editor, component) {
  component.trigger("active");
  component.getEl()?.focus();
}

/** The page as a list in lists; each line selects what it names. */
function drawTree(editor, tree) {
  const focused = tree.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  const selected = editor.getSelected();
  tree.replaceChildren(branchOf(editor, editor.getWrapper(), selected));
  if (focused) tree.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function branchOf(editor, component, selected) {
  const list = document.createElement("ul");
  for (const each of component.components().models) {
    if (["textnode", "comment"].includes(each.get("type"))) continue;
    const item = document.createElement("li");
    const line = button(nameOf(each), () => {
      editor.select(each);
      each.getEl()?.scrollIntoView({ block: "nearest" });
    }, "plain");
    line.dataset.id = each.getId();
    line.ariaCurrent = each === selected ? "true" : null;
    item.append(line);
    const isText = each.get("type") === "text";
    if (!isText && each.components().length) item.append(branchOf(editor, each, selected));
    list.append(item);
  }
  return list;
}
