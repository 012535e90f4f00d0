// The Avenue picker: choosing pictures of the library, in place of GrapesJS's own asset manager.
// Found by words and folders, brought in here, described and given their focal point.
import { announce } from "../../announce.js";
import { Refused, ask } from "../../api.js";
import { showThumbnail } from "../../thumbnail.js";
import { text } from "../../texts.js";
import { reason } from "../bar.js";
import { Details } from "./details.js";
import { letUpload } from "./uploads.js";

const API = "/api/builder/media", FOLDERS = "/api/builder/folders";
const PAUSE_MS = 250, A_PAGE = 24, A_FOLDER_PAGE = 200, MOST_FOLDER_PAGES = 10;
const PICTURES = "image/";

const dialog = document.getElementById("picker");
const find = dialog.querySelector("[name=search]"), folder = dialog.querySelector("[name=folder]");
const list = dialog.querySelector("[role=listbox]"), more = dialog.querySelector("[data-act=more]");
const none = dialog.querySelector("[data-none]"), wrong = dialog.querySelector("[data-wrong]");
const use = dialog.querySelector("[data-act=use]"), told = dialog.querySelector("[data-told]");
const details = new Details(dialog.querySelector(".details"), changed);

let done = () => {}, isMany = false;
let media = [], chosen = [], current = null; // what is shown; what is chosen, in that order; where the keys are
let next = null, asked = 0, timer = 0;

letUpload(dialog, () => folder.value, (fresh) => {
  media = [fresh, ...media.filter((each) => each.id !== fresh.id)];
  draw();
  choose(fresh, { adding: isMany });
  optionOf(fresh).scrollIntoView({ block: "nearest" });
});

/**
 * Let somebody choose: one picture, or `many`. Resolve to the chosen media in the order they were
 * chosen; to none when somebody closes the dialog.
 */
export function pickPictures({ many = false } = {}) {
  return new Promise((resolve) => {
    done = resolve;
    isMany = many;
    chosen = [];
    current = null;
    list.ariaMultiSelectable = String(many);
    find.value = "";
    media = []; // what was there the last time may be gone
    next = null;
    draw();
    none.hidden = true;
    dialog.showModal();
    find.focus();
    loadFolders();
    look();
  });
}

/** Let somebody choose one; resolve to it, or to null. */
export async function pickPicture() {
  const [one] = await pickPictures();
  return one ?? null;
}

dialog.addEventListener("close", () => done([])); // after a choice nobody listens any more
use.addEventListener("click", finish);
more.addEventListener("click", () => look(next));
folder.addEventListener("change", () => look());
find.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});
dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});

function finish() {
  if (!chosen.length) return;
  done(chosen);
  dialog.close();
}

/** All folders by their path; they are few, and the list of pictures does not wait for them. */
async function loadFolders() {
  const before = folder.value, found = [];
  try {
    for (let after = "", page = 0; after !== null && page < MOST_FOLDER_PAGES; page += 1) {
      const answer = await ask("GET", `${FOLDERS}?${new URLSearchParams({ limit: A_FOLDER_PAGE, ...(after && { after }) })}`);
      found.push(...answer.items);
      after = answer.next;
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  const named = found.map(({ id, name, path }) => [id, [...path.filter((each) => each.id !== id).map((each) => each.name), name].join(" / ")]);
  named.sort(([, one], [, other]) => one.localeCompare(other));
  folder.replaceChildren(new Option(text("every_folder"), ""), new Option(text("no_folder"), "none"), ...named.map(([id, name]) => new Option(name, id)));
  folder.value = before;
  if (folder.selectedIndex < 0) folder.value = "";
}

/** Show what search and folder ask for: from the beginning, or what comes `after`. */
async function look(after = null) {
  clearTimeout(timer);
  const mine = (asked += 1), query = new URLSearchParams({ limit: A_PAGE, sort: "newest" });
  if (find.value.trim()) query.set("search", find.value.trim());
  if (folder.value) query.set("folder", folder.value);
  if (typeof after === "string") query.set("after", after);
  list.ariaBusy = "true";
  let answer;
  try {
    answer = await ask("GET", `${API}?${query}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    complain(reason(error));
    answer = null;
  }
  if (mine !== asked) return; // somebody has asked for something else meanwhile
  list.ariaBusy = "false";
  if (!answer) return;
  complain();
  const pictures = answer.items.filter((each) => each.media_type.startsWith(PICTURES)), before = media.length;
  media = typeof after === "string" ? [...media, ...pictures] : pictures;
  next = answer.next;
  const hadFocus = document.activeElement === more;
  draw();
  if (hadFocus) optionOf(media[before] ?? media.at(-1))?.focus();
  if (answer.total === null) {
    const count = (answer.total_at_least - 1).toLocaleString(document.documentElement.lang);
    announce(text("found_many", { count }));
  } else announce(text("found", { count: answer.total }));
}

function complain(sentence = "") {
  wrong.textContent = sentence;
  wrong.hidden = !sentence;
  if (sentence) announce(sentence);
}

function draw() {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  list.replaceChildren(...media.map(option));
  if (!media.includes(current)) current = media.find((each) => chosen.some(({ id }) => id === each.id)) ?? media[0] ?? null;
  showChosen();
  none.hidden = media.length > 0;
  list.hidden = media.length === 0;
  more.hidden = next === null;
  if (focused) (list.querySelector(`[data-id="${CSS.escape(focused)}"]`) ?? optionOf(current))?.focus();
}

function option(each) {
  const item = document.createElement("li");
  item.role = "option";
  item.dataset.id = each.id;
  const picture = document.createElement("img");
  Object.assign(picture, { alt: "", width: 200, height: 200, loading: "lazy", draggable: false });
  showThumbnail(picture, each);
  item.append(picture, Object.assign(document.createElement("span"), { className: "name", textContent: each.name }));
  return item;
}

function optionOf(each) {
  return each && list.querySelector(`[data-id="${CSS.escape(each.id)}"]`);
}

/** Show what is chosen in the list, beside it, and on the button. */
function showChosen() {
  for (const item of list.children) {
    const at = chosen.findIndex(({ id }) => id === item.dataset.id);
    item.ariaSelected = String(at >= 0);
    item.tabIndex = item.dataset.id === current?.id ? 0 : -1;
    if (at >= 0 && isMany) item.dataset.at = String(at + 1);
    else delete item.dataset.at;
  }
  use.disabled = chosen.length === 0;
  told.textContent = isMany && chosen.length ? text(chosen.length === 1 ? "chosen_one" : "chosen_many", { count: chosen.length }) : "";
  details.show(chosen.at(-1) ?? null);
}

/** Choose `each`; where many can be chosen, `adding` adds it or takes it away again. */
function choose(each, { adding }) {
  current = each;
  const isChosen = chosen.some(({ id }) => id === each.id);
  if (!adding) chosen = [each];
  else if (isChosen) chosen = chosen.filter(({ id }) => id !== each.id);
  else chosen = [...chosen, each];
  showChosen();
}

function eachOf(event) {
  const item = event.target.closest("[role=option]");
  return item && media.find(({ id }) => id === item.dataset.id);
}

list.addEventListener("click", (event) => {
  const each = eachOf(event);
  if (!each) return;
  choose(each, { adding: isMany });
  optionOf(each).focus();
});
list.addEventListener("dblclick", (event) => {
  const each = eachOf(event);
  if (!each) return;
  if (!chosen.includes(each)) choose(each, { adding: isMany });
  finish();
});

/** As in every list of choices: arrows, Home and End move, Space chooses, Enter chooses and is done. */
list.addEventListener("keydown", (event) => {
  const each = eachOf(event);
  if (!each || event.altKey || event.ctrlKey || event.metaKey) return;
  const at = media.indexOf(each), row = perRow();
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - row, ArrowDown: at + row, Home: 0, End: media.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    move(media[Math.min(Math.max(to, 0), media.length - 1)]);
  } else if (event.key === " ") {
    event.preventDefault();
    choose(each, { adding: isMany });
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (!chosen.some(({ id }) => id === each.id)) choose(each, { adding: isMany });
    finish();
  }
});

function move(each) {
  current = each;
  if (isMany) showChosen();
  else choose(each, { adding: false });
  optionOf(each).focus();
}

/** How many stand side by side just now. */
function perRow() {
  const [first, ...others] = list.children;
  const behind = others.findIndex((each) => each.offsetTop > first.offsetTop);
  return behind < 0 ? list.children.length : behind + 1;
}

/** What was said of a picture was saved: it is so in the list, too. */
function changed(fresh) {
  media = media.map((each) => (each.id === fresh.id ? fresh : each));
  chosen = chosen.map((each) => (each.id === fresh.id ? fresh : each));
  if (current?.id === fresh.id) current = fresh;
}
