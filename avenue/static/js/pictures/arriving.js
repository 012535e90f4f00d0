// The ways a picture comes onto the page: chosen, dropped anywhere, a folder of them, pasted, or
// taken with the camera.
import { text } from "../texts.js";

/** So many files of one folder are looked at; a whole disk is dropped by mistake. */
const MOST_FILES = 200;

/** What systems leave in folders. */
const LITTER = /^(\..*|thumbs\.db|desktop\.ini)$/i;

/**
 * Call `take([{ file, name }])` whenever pictures come, by any way `zone` (a form with a file field)
 * and the page around it allow; `cut(count)` when a folder held more than are taken.
 */
export function arrivals(zone, take, cut) {
  const field = zone.querySelector("input[type=file]");
  for (const each of [field, zone.querySelector("button")]) each.hidden = true;
  zone.classList.add("ready");
  chosen(field, take);
  zone.addEventListener("submit", (event) => event.preventDefault());
  zone.addEventListener("click", (event) => event.target.closest("button, input, label, a") || field.click());
  zone.append(buttons(field, take, cut), Object.assign(document.createElement("p"), { className: "note ways-mouse", textContent: text("ways_mouse") }));
  dropped(zone, take, cut);
  pasted(take);
}

function chosen(field, take) {
  field.addEventListener("change", () => {
    const files = named(field.files);
    field.value = ""; // the same file again is a choice, too
    if (files.length) take(files);
  });
}

function named(files) {
  return Array.from(files, (file) => ({ file, name: file.name }));
}

/** The camera (shown where a finger points) and the folder (shown where a mouse does). */
function buttons(field, take, cut) {
  const row = document.createElement("div");
  row.className = "ways";
  const camera = hiddenField({ accept: "image/*" });
  camera.setAttribute("capture", "environment"); // the property is unknown at a desk
  chosen(camera, (files) => take(files.map(({ file }) => ({ file, name: stamped("photographed", file) }))));
  row.append(button("choose", () => field.click(), ""), button("camera", () => camera.click(), "quiet camera"), camera);
  if ("webkitdirectory" in field) {
    const folder = hiddenField({ multiple: true, webkitdirectory: true });
    chosen(folder, (files) => take(within(sorted(files.map(({ file }) => ({ file, name: file.name, path: file.webkitRelativePath }))), cut)));
    row.append(button("folder", () => folder.click(), "quiet folder"), folder);
  }
  return row;
}

function button(name, act, className) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text(name), className });
  made.addEventListener("click", act);
  return made;
}

function hiddenField(facts) {
  return Object.assign(document.createElement("input"), { type: "file", hidden: true, ...facts });
}

/** Anywhere on the page: a file beside the zone would otherwise replace the page. */
function dropped(zone, take, cut) {
  const overlay = Object.assign(document.createElement("div"), { className: "overlay", hidden: true });
  overlay.append(Object.assign(document.createElement("p"), { textContent: text("drop_here") }));
  document.body.append(overlay);
  let isOwn = false, depth = 0; // a picture of the page that is dragged calls itself a file, too
  const show = (change) => {
    depth = change ? depth + change : 0;
    overlay.hidden = depth <= 0;
  };
  const brings = (event) => !isOwn && event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragstart", () => (isOwn = true));
  document.addEventListener("dragend", () => (isOwn = false));
  document.addEventListener("dragenter", (event) => brings(event) && show(1));
  document.addEventListener("dragleave", (event) => brings(event) && show(-1));
  document.addEventListener("dragover", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", async (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    show(0);
    const files = await dropOf(event.dataTransfer, cut);
    if (files.length) take(files);
  });
}

/** What was dropped, folders opened. The entries have to be asked for before the event is over. */
async function dropOf(transfer, cut) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return named(transfer.files);
  const found = [];
  for (const entry of entries) await collect(entry, found);
  return within(sorted(found), cut);
}

async function collect(entry, found) {
  if (found.length > MOST_FILES) return;
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(undefined)));
    if (file) found.push({ file, name: entry.name, path: entry.fullPath });
    return;
  }
  const reader = entry.createReader();
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return;
    for (const each of some) await collect(each, found);
  }
}

/** As people count: 2.jpg before 10.jpg. */
function sorted(files) {
  return files
    .filter(({ name }) => !LITTER.test(name))
    .sort((one, other) => one.path.localeCompare(other.path, undefined, { numeric: true }));
}

function within(files, cut) {
  if (files.length > MOST_FILES) cut(MOST_FILES);
  return files.slice(0, MOST_FILES);
}

/** Text stays with the field it is pasted into, even where an office program adds a picture of it. */
function pasted(take) {
  document.addEventListener("paste", (event) => {
    const data = event.clipboardData, files = [...data.files];
    const isForField = event.target.closest?.("input, textarea, [contenteditable]") && data.types.includes("text/plain");
    if (!files.length || isForField) return;
    event.preventDefault();
    take(files.map((file) => ({ file, name: file.name === "image.png" ? stamped("pasted", file) : file.name })));
  });
}

/** Cameras and clipboards call everything `image`: the time tells one from the other. */
function stamped(name, file) {
  const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour12: false }).replaceAll(":", ".");
  const extension = file.name.match(/\.\w+$/)?.[0] ?? "";
  return `${text(name)} ${time}${extension}`;
}
