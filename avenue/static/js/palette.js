// Search and commands: pages of the navigation, a few actions, and what the shop, the library and the
// website have by that name. It comes with the first use; `everywhere.js` knows the keys.
import { ask, Refused } from "./api.js";
import { areSingleKeysOn } from "./everywhere.js";

const PAUSE_MS = 150, EACH = 5, LEAST_LETTERS = 2;
document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("../css/palette.css", import.meta.url).href }));
document.body.append(document.getElementById("palette-parts").content.cloneNode(true));
const dialog = document.getElementById("palette"), keys = document.getElementById("keys");
const field = dialog.querySelector("input"), list = document.getElementById("palette-found"), none = dialog.querySelector("[data-none]");
const sources = dialog.dataset.sources.split(" ").filter(Boolean);

const SOURCES = {
  products: (words) => found(`/api/shop/products?${words}${"own" in dialog.dataset ? "&owner=me" : ""}`, (each) => [each.name, `/admin/products/${each.id}`, each.sku]),
  media: (words) => found(`/api/builder/media?${words}`, (each) => [each.name, `/admin/library/${each.id}`]),
  pages: (words) => found(`/api/builder/pages?${words}`, (each) => [each.title, `/admin/website/${each.id}`, `/${each.slug}`]),
};

const links = (root, group) => [...root.querySelectorAll("a")].map((each) => ({ group, title: each.querySelector("span")?.textContent ?? each.textContent.trim(), href: each.getAttribute("href") }));
const known = [
  ...links(document.querySelector(".top nav"), "go"),
  ...links(dialog.querySelector("[data-actions]"), "do"),
];
let shown = [], at = 0, asked = 0, timer = 0;

/** Open it, empty. */
export function openPalette() {
  if (dialog.open) return;
  field.value = "";
  dialog.showModal();
  field.focus();
  look();
}

/** Show which keys do what, and whether those without Ctrl do anything. */
export function openKeys() {
  const single = keys.querySelector("[data-single]");
  single.checked = areSingleKeysOn();
  single.onchange = () => localStorage.setItem("avenue.single-keys", single.checked ? "on" : "off");
  keys.showModal();
}

async function found(url, read) {
  try {
    const { items } = await ask("GET", url);
    return items.map(read);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return []; // what is known here is still shown
  }
}

/** Letters without their accents, as lists are searched. */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Show what is known here at once, and what the server finds as it comes. */
function look() {
  clearTimeout(timer);
  const mine = (asked += 1), wanted = field.value.trim();
  const words = plain(wanted).split(/\s+/);
  const begins = (title, word) => plain(title).split(/\s+/).some((each) => each.startsWith(word));
  const here = known.filter(({ title }) => words.every((word) => begins(title, word)));
  show(here);
  dialog.dataset.shown = wanted;
  if (wanted.length < LEAST_LETTERS || !sources.length) return;
  delete dialog.dataset.shown;
  timer = setTimeout(async () => {
    const query = new URLSearchParams({ search: wanted, limit: EACH });
    const came = await Promise.all(sources.map(async (each) => (await SOURCES[each](query)).map(([title, href, note]) => ({ group: each, title, href, note }))));
    if (mine !== asked) return;
    show([...here, ...came.flat()]);
    dialog.dataset.shown = wanted; // all there is for these letters
  }, PAUSE_MS);
}

function show(items) {
  const chosen = shown[at]?.href;
  shown = items;
  at = Math.max(0, shown.findIndex(({ href }) => href === chosen));
  const groups = Map.groupBy ? Map.groupBy(shown, ({ group }) => group) : grouped(shown);
  list.replaceChildren(...[...groups].map(([group, those]) => groupOf(group, those)));
  none.hidden = shown.length > 0;
  list.hidden = shown.length === 0;
  mark();
}

function grouped(items) {
  const groups = new Map();
  for (const each of items) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
  return groups;
}

function groupOf(group, items) {
  const element = document.createElement("div"), title = document.createElement("p");
  element.role = "group";
  element.ariaLabel = title.textContent = dialog.dataset[group];
  title.ariaHidden = "true";
  element.append(title, ...items.map(optionOf));
  return element;
}

function optionOf(item) {
  const element = document.createElement("div");
  element.role = "option";
  element.id = `palette-${shown.indexOf(item)}`;
  element.append(Object.assign(document.createElement("span"), { textContent: item.title }));
  if (item.note) element.append(Object.assign(document.createElement("span"), { className: "note", textContent: item.note }));
  element.addEventListener("click", () => go(item));
  element.addEventListener("pointermove", () => {
    if (at === shown.indexOf(item)) return;
    at = shown.indexOf(item);
    mark();
  });
  return element;
}

function mark() {
  for (const each of list.querySelectorAll("[role=option]")) each.ariaSelected = String(each.id === `palette-${at}`);
  const now = document.getElementById(`palette-${at}`);
  if (now) field.setAttribute("aria-activedescendant", now.id);
  else field.removeAttribute("aria-activedescendant");
  now?.scrollIntoView({ block: "nearest" });
}

function go({ href }) {
  dialog.close();
  if (href === "#keys") openKeys();
  else location.assign(href);
}

field.addEventListener("input", look);
field.addEventListener("keydown", (event) => {
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (to !== undefined && shown.length) {
    event.preventDefault();
    at = (to + shown.length) % shown.length;
    mark();
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    if (shown[at]) go(shown[at]);
  }
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
