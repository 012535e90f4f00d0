// The files on their way, as people see them: a row for each, and a line that sums them up.
import { announce } from "../announce.js";
import { counted, size } from "../pictures/rows.js";
import { text } from "../texts.js";

const SUMMED_UP = [
  ["uploaded", ["stored"]],
  ["under_way", ["waiting", "sending", "finishing", "retrying", "paused"]],
  ["interrupted", ["broken", "left", "signed_out"]],
  ["refused", ["refused", "full"]],
];

/** Draws `transfers` into `list` and a summary before it; `titles` are the names of categories. */
export function draw(list, transfers, titles) {
  const summary = Object.assign(document.createElement("p"), { className: "summary" });
  list.before(summary);
  const sumUp = () => {
    const parts = SUMMED_UP.map(([name, states]) => [name, transfers.count(...states)]).filter(([, count]) => count);
    summary.textContent = parts.map(([name, count]) => counted(name, count)).join(", ");
    summary.hidden = list.hidden = parts.length === 0;
  };
  transfers.addEventListener("add", ({ detail }) => list.append(new Row(detail, titles).element));
  transfers.addEventListener("change", sumUp);
  transfers.addEventListener("settle", ({ detail }) => announce(`${detail.name}: ${stateOf(detail)} ${summary.textContent}.`));
  sumUp();
}

class Row {
  constructor(transfer, titles) {
    const { category, reference } = transfer.filing;
    this._transfer = transfer;
    this.element = make("li", "row-of-file");
    const extension = transfer.name.match(/\.(\w{1,5})$/)?.[1] ?? "";
    this._type = make("span", "type", extension.toUpperCase());
    this._type.setAttribute("aria-hidden", "true");
    const words = make("div", "words");
    this._bar = Object.assign(make("progress"), { max: 100 });
    this._bar.setAttribute("aria-label", text("progress_of", { name: transfer.name }));
    this._state = make("p", "state");
    this._wrong = Object.assign(make("p", "wrong"), { hidden: true });
    this._wrong.setAttribute("role", "alert");
    const about = [size(transfer.size), titles[category]?.title ?? category, reference].filter(Boolean).join(" · ");
    words.append(make("p", "name", transfer.name), make("p", "note", about), this._bar, this._state, this._wrong);
    this._buttons = make("div", "actions");
    this._acts = {
      pause: this._button("pause", () => transfer.pause()),
      resume: this._button("resume", () => transfer.queue.resume(transfer)),
      retry: this._button("retry", () => transfer.queue.resume(transfer)),
      choose_again: this._button("choose_again", () => this._field.click()),
      cancel: this._button("cancel", () => this._leave(() => transfer.cancel())),
      remove: this._button("remove", () => this._leave(() => transfer.queue.drop(transfer))),
    };
    this._field = Object.assign(document.createElement("input"), { type: "file", hidden: true });
    this._field.addEventListener("change", () => this._chosen(this._field.files[0]));
    this._open = Object.assign(make("a", "button quiet small", text("open")), { hidden: true });
    this._open.append(make("span", "unseen", ` ${transfer.name}`));
    this._buttons.append(this._open, this._field);
    this.element.append(this._type, words, this._buttons);
    transfer.addEventListener("change", () => this._show());
  }

  _show() {
    const { state, percent, id } = this._transfer;
    if (state === "removed") return this.element.remove();
    this.element.dataset.state = state;
    this._state.textContent = stateOf(this._transfer);
    this._bar.hidden = ["stored", "refused"].includes(state);
    this._bar.value = percent;
    if (id) this._open.href = `/admin/uploads/${id}`;
    return this._offer({
      pause: ["sending", "retrying"].includes(state),
      resume: ["paused", "signed_out"].includes(state),
      retry: ["broken", "full"].includes(state),
      choose_again: state === "left",
      cancel: !["stored", "refused"].includes(state),
      remove: ["stored", "refused"].includes(state),
    }, !id);
  }

  /** Show the buttons of `offers`; the focus of one that goes moves to one that comes. */
  _offer(offers, isHere) {
    const focused = document.activeElement;
    for (const [name, button] of Object.entries(this._acts)) button.hidden = !offers[name];
    this._open.hidden = isHere;
    const first = [...this._buttons.children].find((each) => !each.hidden);
    if (this._buttons.contains(focused) && focused.hidden) first?.focus();
  }

  /** Go on with a file of an earlier visit: it must be the same one. */
  _chosen(file) {
    this._field.value = "";
    if (!file) return;
    const { name, filing, queue, size: bytes } = this._transfer;
    const isSame = file.name === name && file.size === bytes && file.lastModified === this._transfer.file.lastModified;
    this._wrong.hidden = isSame;
    this._wrong.textContent = isSame ? "" : text("other_file", { name });
    if (isSame) queue.add(filing, file);
  }

  /** Take the row away; who was in it goes on with the next one, or with the zone. */
  _leave(act) {
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    act();
    (next?.querySelector("button:not([hidden]), a:not([hidden])") ?? document.querySelector("#uploader .ways button")).focus();
  }

  _button(name, act) {
    const button = Object.assign(make("button", "quiet small", text(name)), { type: "button" });
    button.append(make("span", "unseen", ` ${this._transfer.name}`));
    button.addEventListener("click", act);
    this._buttons.append(button);
    return button;
  }
}

function stateOf(transfer) {
  const { state, percent, sent, size: bytes, message } = transfer;
  if (["refused", "full"].includes(state)) return message || text("state_refused");
  return text(`state_${state}`, { percent, sent: size(sent), size: size(bytes) });
}

function make(tag, className = "", textContent = "") {
  return Object.assign(document.createElement(tag), { className, textContent });
}
