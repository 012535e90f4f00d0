// Pictures brought into the library from within the picker: chosen or dropped, each with its progress.
import { announce } from "../../announce.js";
import { ask } from "../../api.js";
import { Queue } from "../../pictures/queue.js";
import { size } from "../../pictures/rows.js";
import { text } from "../../texts.js";

const API = "/api/builder/media";
const facts = JSON.parse(document.getElementById("facts").textContent).uploads;

/** Let `dialog` take pictures into `folder()`; `stored(media)` is told of each that has arrived. */
export function letUpload(dialog, folder, stored) {
  const field = dialog.querySelector("input[type=file]"), list = dialog.querySelector("[data-uploads]");
  const rows = new Map();
  const queue = new Queue({
    url: () => target(folder()),
    limits: { maxBytes: facts.maxBytes, types: facts.types },
    room: () => Infinity,
    placed: (item) => {
      stored(item.image);
      return true;
    },
    withdraw: ({ id }) => ask("DELETE", `${API}/${id}`).catch(() => {}), // it is in the library, then
  });
  const take = (files) => queue.add(Array.from(files, (file) => ({ file, name: file.name })));

  dialog.querySelector("[data-act=upload]").addEventListener("click", () => field.click());
  field.addEventListener("change", () => {
    take(field.files);
    field.value = ""; // the same file again is a choice, too
  });
  queue.addEventListener("change", ({ detail: item }) => {
    if (!rows.has(item)) {
      rows.set(item, new Row(item, queue));
      list.append(rows.get(item).element);
    }
    rows.get(item).show();
    list.hidden = list.children.length === 0;
  });
  queue.addEventListener("settle", ({ detail: item }) => announce(`${item.name}: ${stateOf(item)}`));
  letDrop(dialog, take);
}

function target(folder) {
  return folder && folder !== "none" ? `${API}?folder=${encodeURIComponent(folder)}` : API;
}

function letDrop(dialog, take) {
  const brings = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const show = (change) => {
    depth = change ? depth + change : 0;
    dialog.classList.toggle("over", depth > 0);
  };
  dialog.addEventListener("dragenter", (event) => brings(event) && show(1));
  dialog.addEventListener("dragleave", (event) => brings(event) && show(-1));
  dialog.addEventListener("dragover", (event) => brings(event) && event.preventDefault());
  dialog.addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    show(0);
    take(event.dataTransfer.files);
  });
  // A file that is dropped beside the dialog would otherwise replace the page.
  for (const each of ["dragover", "drop"]) addEventListener(each, (event) => brings(event) && event.preventDefault());
}

class Row {
  constructor(item, queue) {
    this._item = item;
    this.element = Object.assign(document.createElement("li"), { className: "row-of-file" });
    this._bar = Object.assign(document.createElement("progress"), { max: 1 });
    this._bar.ariaLabel = text("progress_of", { name: item.name });
    this._state = Object.assign(document.createElement("p"), { className: "state" });
    const words = Object.assign(document.createElement("div"), { className: "words" });
    words.append(Object.assign(document.createElement("p"), { className: "name", textContent: item.name }), this._bar, this._state);
    this._retry = this._button("retry", () => queue.retry(item));
    this._remove = this._button("dismiss", () => (item.isUnderWay ? queue.cancel(item) : queue.remove(item)));
    this.element.append(words, this._retry, this._remove);
  }

  show() {
    const { _item: item } = this;
    if (item.state === "removed" || item.state === "cancelled" || (item.state === "stored" && !item.note)) return this.element.remove();
    this.element.dataset.state = item.state;
    this._state.textContent = stateOf(item);
    this._bar.hidden = !item.isUnderWay;
    this._bar.value = item.share;
    this._retry.hidden = !item.mayRetry;
    return undefined;
  }

  _button(name, act) {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: text(name) });
    made.append(Object.assign(document.createElement("span"), { className: "unseen", textContent: ` ${this._item.name}` }));
    made.addEventListener("click", act);
    return made;
  }
}

/** Where a file is, or why it was not taken: in the server's words, if it was the server. */
function stateOf(item) {
  const { state, reason, error, hint } = item;
  if (state === "refused" && reason === "server" && error) return [error, hint].filter(Boolean).join(" ");
  if (state === "refused") {
    const why = { too_large: "too_large", cannot_shrink: "too_large", empty: "empty", no_room: "not_taken" }[reason] ?? "not_a_picture";
    return text(`upload_${why}`, { size: size(item.file.size), most: size(facts.maxBytes) });
  }
  if (state === "broken") return text(reason === "signed_out" ? "state_signed_out" : "upload_broken");
  if (state === "pausing") return text("upload_pausing");
  if (state === "sending") return text("upload_sending", { percent: Math.round(item.share * 100) });
  return text(state === "stored" || state === "placing" ? "upload_stored" : "upload_waiting");
}
