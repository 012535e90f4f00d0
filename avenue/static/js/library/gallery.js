// The gallery of pictures: filters that apply at once, pictures dragged onto folders, and the drawer.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { reason } from "../pictures/told.js";
import { text } from "../texts.js";
import { refresh } from "./refreshing.js";

const PAUSE = 300;
const MEDIA = "application/x-avenue-media";
const section = document.getElementById("library-contents");

// Filters

const form = document.querySelector("form.toolbar"), search = form.elements.search;
let waiting;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  for (const each of form.querySelectorAll(":disabled")) each.disabled = false; // lists.js leaves out what is empty
  const count = [...form.querySelectorAll(".menu-panel :is(input, select)")].filter((each) => (each.type === "checkbox" ? each.checked : each.value)).length;
  const badge = form.querySelector("[data-count]");
  badge.textContent = count;
  badge.hidden = !count;
  const address = query.size ? `${location.pathname}?${query}` : location.pathname;
  history.pushState({}, "", address);
  refresh().then(() => announce(section.querySelector(".total").textContent));
});
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => form.requestSubmit(), PAUSE);
});
for (const each of form.querySelectorAll("input[type=date]")) each.addEventListener("change", () => form.requestSubmit());
addEventListener("popstate", () => location.reload());

// A menu closes by Escape, and by a click beside it.
addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const each of document.querySelectorAll(".menu[open]")) close(each);
});
addEventListener("click", (event) => {
  for (const each of document.querySelectorAll(".menu[open]")) if (!each.contains(event.target)) each.open = false;
});

function close(menu) {
  const isIn = menu.contains(document.activeElement);
  menu.open = false;
  if (isIn) menu.querySelector("summary").focus();
}

// Dragging

/** The pictures that go with the one at `tile`: all that are chosen, if it is. */
function taken(tile) {
  const chosen = [...section.querySelectorAll("#items input[name=id]:checked")].map((each) => each.value);
  return chosen.includes(tile.dataset.key) ? chosen : [tile.dataset.key];
}

section.addEventListener("pointerdown", (event) => {
  const tile = event.pointerType === "mouse" && event.target.closest("#items > li");
  if (tile) tile.draggable = true; // not by a finger, which scrolls
});
section.addEventListener("dragstart", (event) => {
  const tile = event.target.closest?.("#items > li");
  if (!tile) return;
  const ids = taken(tile);
  event.dataTransfer.setData(MEDIA, JSON.stringify(ids));
  event.dataTransfer.effectAllowed = "move";
  if (ids.length > 1) {
    const many = Object.assign(document.createElement("span"), { className: "dragging-many", textContent: text("many", { count: ids.length }) });
    document.body.append(many);
    event.dataTransfer.setDragImage(many, 0, 0);
    setTimeout(() => many.remove());
  }
  tile.classList.add("dragged");
});
section.addEventListener("dragend", () => {
  for (const each of section.querySelectorAll(".dragged, .over")) each.classList.remove("dragged", "over");
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  section.addEventListener(kind, (event) => {
    const place = event.target.closest?.(".places a[data-folder]");
    if (!place || !event.dataTransfer.types.includes(MEDIA)) return;
    event.preventDefault();
    place.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") move(JSON.parse(event.dataTransfer.getData(MEDIA)), place);
  });
}

async function move(ids, place) {
  const before = new Map();
  for (const id of ids) {
    const folder = section.querySelector(`#items > [data-key="${id}"]`)?.dataset.folder ?? "";
    before.set(folder, [...(before.get(folder) ?? []), id]);
  }
  const into = (some, folder) => ask("POST", "/api/builder/media/move", { ids: some, folder: folder || null });
  const name = place.querySelector("span").textContent;
  try {
    await into(ids, place.dataset.folder);
  } catch (error) {
    toast(reason(error));
    return;
  }
  for (const each of section.querySelectorAll("#items input[name=id]:checked")) each.checked = false;
  await refresh();
  toast(text(ids.length === 1 ? "moved_one" : "moved_many", { count: ids.length, name }), async () => {
    for (const [folder, some] of before) await into(some, folder);
    await refresh();
  });
}

/** Say something for a while, with a way back. */
function toast(words, undo) {
  document.querySelector(".toasts")?.remove();
  const toasts = Object.assign(document.createElement("div"), { className: "toasts" });
  const one = Object.assign(document.createElement("div"), { className: "toast" });
  one.append(Object.assign(document.createElement("span"), { textContent: words }));
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: text("undo") });
    button.addEventListener("click", () => {
      toasts.remove();
      undo().catch((error) => toast(reason(error)));
    });
    one.append(button);
  }
  toasts.append(one);
  document.body.append(toasts);
  announce(words);
  setTimeout(() => toasts.remove(), 10_000);
}

// The drawer

const dialog = document.getElementById("drawer");
let show; // fetched when it is first needed
if (dialog) {
  section.addEventListener("click", async (event) => {
    const tile = event.target.closest("#items > li");
    const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest(".pick, .chip");
    if (!tile || isElsewhere) return;
    event.preventDefault();
    show ??= import("./drawer.js").then(({ drawer }) => drawer(section, dialog));
    (await show)(tile.dataset.key);
  });
}
