// The files on their way, as people see them: a row for each, and a line that sums them up.
import { announce } from "../announce.js";
import { text } from "../texts.js";

/** Bytes as people say them, as the server writes them: 6,2 MB. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let amount = bytes, unit = 0;
  for (; Math.round(amount) >= 1000 && unit < units.length - 1; unit += 1) amount /= 1024;
  const digits = unit > 1 ? 1 : 0;
  return `${amount.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits })} ${units[unit]}`;
}

/** "one" or "many" text `name` for `count` things. */
export function counted(name, count) {
  return text(`${name}_${count === 1 ? "one" : "many"}`, { count });
}

/** So long the tray says what has come, once nothing is left in it. */
const SHOWN_MS = 6000;
const SUMMED_UP = [
  ["uploaded", (queue) => queue.stored],
  ["under_way", (queue) => queue.items.filter((item) => item.isUnderWay || item.state === "placing").length],
  ["interrupted", (queue) => queue.count("broken")],
  ["refused", (queue) => queue.count("refused")],
];

/**
 * Draws `queue` into `list` and a summary before it; `facts` may be named in any reason. `home()` is what gets the focus
 * of a row that goes, when there is no picture of it and no other row; `more(item, row)` may add to a row.
 */
export class Rows {
  constructor(list, queue, facts, { home = firstWay, more = () => {} } = {}) {
    this._facts = facts;
    this._home = home;
    this._more = more;
    this._list = list;
    this._queue = queue;
    this._rows = new Map();
    this._summary = make("div", "summary");
    this._words = make("p");
    this._clear = make("button", "quiet small", text("clear_refused"));
    this._clear.type = "button";
    this._clear.addEventListener("click", () => this._clearRefused());
    this._cancel = make("button", "quiet small", text("cancel_all"));
    this._cancel.type = "button";
    this._cancel.addEventListener("click", () => this._cancelAll());
    this._bar = make("progress");
    this._bar.max = 1;
    this._bar.setAttribute("aria-label", text("progress_of_all"));
    this._summary.append(this._words, this._clear, this._cancel, this._bar);
    list.before(this._summary);
    queue.addEventListener("change", ({ detail: item }) => this._draw(item));
    queue.addEventListener("settle", ({ detail: item }) => this._say(item));
    this._sumUp();
  }

  _draw(item) {
    const row = this._rows.get(item) ?? this._add(item);
    if (item.state === "removed" || (item.state === "stored" && !item.note)) this._leave(item, row);
    else {
      row.show(item);
      this._more(item, row.element);
    }
    this._sumUp();
  }

  _add(item) {
    const row = new Row(item, this._queue, this._facts);
    this._rows.set(item, row);
    this._list.append(row.element);
    return row;
  }

  /** Take a row away; who was in it goes on with the next one, the new picture, or the zone. */
  _leave(item, row) {
    const hadFocus = row.element.contains(document.activeElement);
    const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
    row.gone();
    this._rows.delete(item);
    if (!hadFocus) return;
    const card = item.image && document.querySelector(`#picture-list [data-key="${CSS.escape(item.image.id)}"]`);
    if (card) card.tabIndex = -1;
    (card ?? next?.querySelector("button:not([hidden])") ?? this._home())?.focus();
  }

  _clearRefused() {
    for (const item of this._queue.items.filter((each) => each.state === "refused")) this._queue.remove(item);
    this._home()?.focus();
  }

  _cancelAll() {
    for (const item of this._queue.items.filter((each) => each.isUnderWay)) this._queue.cancel(item);
    for (const item of this._queue.items.filter((each) => each.state === "cancelled")) this._queue.remove(item);
    this._home()?.focus();
  }

  _sumUp() {
    const parts = SUMMED_UP.map(([name, count]) => [name, count(this._queue)]).filter(([, count]) => count);
    this._words.textContent = parts.map(([name, count]) => counted(name, count)).join(", ");
    this._summary.hidden = parts.length === 0;
    clearTimeout(this._leaving);
    if (this._list.closest(".tray") && !this._rows.size) this._leaving = setTimeout(() => (this._summary.hidden = true), SHOWN_MS);
    this._clear.hidden = this._queue.count("refused") < 2;
    const left = this._queue.items.filter((item) => item.isUnderWay || item.state === "placing");
    this._cancel.hidden = left.filter((item) => item.isUnderWay).length < 2;
    this._bar.hidden = left.length < 2;
    this._bar.value = (this._queue.stored + left.reduce((sum, item) => sum + item.share, 0)) / (this._queue.stored + left.length || 1);
  }

  _say(item) {
    const why = ["refused", "broken"].includes(item.state) ? `${item.name}: ${reasonOf(item, this._facts)} ` : "";
    announce(`${why}${this._words.textContent}.`);
  }
}

function firstWay() {
  return document.querySelector(".zone .ways button");
}

class Row {
  constructor(item, queue, facts) {
    this._facts = facts;
    this.element = make("li", "row-of-file");
    this._preview = make("img", "preview");
    this._preview.alt = "";
    this._url = URL.createObjectURL(item.file);
    this._preview.onerror = () => this._preview.replaceWith(make("div", "preview")); // nothing to see
    this._preview.src = this._url;
    this._name = make("p", "name", item.name);
    this._note = make("p", "note");
    this._state = make("p", "state");
    this._advice = make("p", "advice");
    this._bar = make("progress");
    this._bar.max = 1;
    this._bar.setAttribute("aria-label", text("progress_of", { name: item.name }));
    this._buttons = make("div", "actions");
    this._acts = {
      cancel: this._button("cancel", item, () => queue.cancel(item)),
      retry: this._button("retry", item, () => queue.retry(item)),
      remove: this._button("remove", item, () => queue.remove(item)),
    };
    const words = make("div", "words");
    words.append(this._name, this._note, this._bar, this._state, this._advice);
    this.element.append(this._preview, words, this._buttons);
  }

  show(item) {
    this.element.dataset.state = item.state;
    this._note.textContent = noteOf(item);
    this._state.textContent = stateOf(item, this._facts);
    this._advice.textContent = adviceOf(item, this._facts);
    this._bar.hidden = !["sending", "storing", "pausing", "placing", "withdrawing"].includes(item.state);
    this._bar.value = item.share;
    this._offer({ cancel: item.isUnderWay && item.state !== "withdrawing", retry: item.mayRetry, remove: !item.isUnderWay && item.state !== "placing" });
    if (item.state === "broken" && item.reason === "signed_out") this._offerSignIn();
  }

  gone() {
    URL.revokeObjectURL(this._url);
    this.element.remove();
  }

  /** Show the buttons of `offers`; the focus of one that goes moves to one that comes. */
  _offer(offers) {
    const focused = document.activeElement;
    for (const [name, button] of Object.entries(this._acts)) button.hidden = !offers[name];
    const first = Object.values(this._acts).find((button) => !button.hidden);
    if (this._buttons.contains(focused) && focused.hidden) first?.focus();
  }

  _offerSignIn() {
    if (this._advice.querySelector("a")) return;
    const link = Object.assign(make("a", "", text("sign_in")), { href: "/login", target: "_blank" });
    this._advice.append(" ", link);
  }

  _button(name, item, act) {
    const button = make("button", "quiet small", text(name));
    button.type = "button";
    button.append(make("span", "unseen", ` ${item.name}`));
    button.addEventListener("click", act);
    this._buttons.append(button);
    return button;
  }
}

/** What the file was and what was made of it. */
function noteOf(item) {
  const { made } = item;
  if (!made) return size(item.file.size);
  return text(made.act === "convert" ? "converted" : "made_smaller", { from: size(made.from), to: size(made.to), label: made.label });
}

function stateOf(item, facts) {
  if (item.state === "sending") return text("state_sending", { percent: Math.round(item.share * 100) });
  if (["pausing", "broken", "refused"].includes(item.state)) return reasonOf(item, facts);
  return text(item.state === "stored" ? item.note : `state_${item.state}`);
}

function reasonOf(item, facts) {
  if (item.reason === "server" && item.error) return item.error;
  const before = item.state === "pausing" ? "pause" : "why";
  return text(`${before}_${item.reason}`, { ...facts, size: size(item.file.size), ...item.facts });
}

function adviceOf(item, facts) {
  if (item.state !== "refused" && item.state !== "broken") return "";
  return item.reason === "server" ? item.hint : text(`advice_${item.reason}`, { ...facts, ...item.facts });
}

function make(tag, className = "", textContent = "") {
  return Object.assign(document.createElement(tag), { className, textContent });
}
