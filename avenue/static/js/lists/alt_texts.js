// Alternative texts in bulk: each is saved as its field is left, the next rows come by themselves,
// and what a service suggests is offered, never saved.
import { ask } from "../api.js";
import { text } from "../texts.js";
import { reason } from "../pictures/told.js";

const AHEAD = 10; // rows before the end at which the next ones are fetched
const SUGGESTED_AT_ONCE = 2, TRIES = 5, PAUSE_MS = 2000;

const form = document.getElementById("alt-texts");
const list = form.querySelector(".alt-rows");
const { language } = form.dataset;
const large = document.querySelector(".alt-large img");
const left = document.getElementById("left");
const described = new Set();
const unsaved = new Set();

/** One picture: its field, the text that is stored, and what is offered. */
class Row {
  constructor(element) {
    this.element = element;
    this.id = element.dataset.id;
    this.field = element.querySelector("input[type=text]");
    this.state = element.querySelector(".state");
    this.offer = element.querySelector(".suggestion");
    this.stored = element.querySelector('[name^="was."]').value;
    this.decorative = false;
    this.theirs = null; // what somebody else wrote meanwhile
    this.asked = false;
    this.under = Promise.resolve(); // one after the other, so that the last typed one stays
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", () => unsaved.add(this));
    this.field.addEventListener("focus", () => this.look());
    this.field.addEventListener("blur", () => this.save());
    element.addEventListener("click", (event) => this.press(event.target.closest("[data-act]")?.dataset.act));
  }

  get suggestion() {
    return this.offer.hidden ? "" : this.offer.querySelector("button").textContent;
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (event.altKey) this.mark(true);
      else this.save();
      step(this, 1);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(this, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "ArrowRight" && !this.field.value && this.suggestion) {
      event.preventDefault();
      this.take();
    } else if (event.key === "Escape") {
      this.field.value = this.theirs ?? this.stored;
      if (this.theirs !== null) this.finish(this.theirs, false);
      unsaved.delete(this);
    }
  }

  press(act) {
    if (act === "take") this.take();
    if (act === "decorative") this.mark(!this.decorative);
    if (act === "suggest") suggest(this);
  }

  /** Put the suggestion into the field, to be read, changed and saved by a person. */
  take() {
    this.field.value = this.suggestion;
    unsaved.add(this);
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  look() {
    const look = this.element.querySelector(".look img");
    large.hidden = !look;
    if (look) {
      large.classList.toggle("see-through", look.parentElement.classList.contains("see-through"));
      large.sizes = "320px";
      large.srcset = look.srcset;
      large.src = look.src;
    }
    const rows = [...list.children];
    if (rows.indexOf(this.element) >= rows.length - AHEAD) more();
  }

  mark(decorative) {
    this.send({ text: decorative ? "" : this.field.value.trim(), decorative });
    if (decorative) this.field.value = "";
  }

  save() {
    const typed = this.field.value.trim();
    if (typed === this.stored || (!typed && this.decorative)) unsaved.delete(this);
    else this.send({ text: typed, decorative: false });
  }

  send(changes) {
    unsaved.add(this);
    this.under = this.under.then(() => this.sent(changes));
  }

  async sent(changes) {
    if (changes.text === this.stored && changes.decorative === this.decorative) return;
    this.say(text("saving"));
    try {
      await ask("PUT", `/api/alt-texts/${this.id}`, { language, was: this.stored, ...changes });
    } catch (error) {
      this.refused(error);
      return;
    }
    this.finish(changes.text, changes.decorative);
  }

  refused(error) {
    if (error.code !== "described_meanwhile") {
      this.say(`${text("notSaved")}: ${reason(error)}`, "bad");
      return;
    }
    this.theirs = this.stored = error.body.alt[language] ?? "";
    this.say(text("meanwhile", { text: this.theirs }), "bad");
    this.field.focus();
  }

  finish(stored, decorative) {
    Object.assign(this, { stored, decorative, theirs: null });
    if (this.field.value.trim() === stored) unsaved.delete(this);
    this.say(decorative ? text("is_decorative") : stored ? `✓ ${text("saved")}` : "", stored || decorative ? "good" : "");
    this.element.querySelector('[data-act="decorative"]').textContent = text(decorative ? "take_back" : "decorative");
    if (stored || decorative) described.add(this);
    else described.delete(this);
    left.dataset.done = described.size ? text("done", { count: described.size }) : "";
  }

  say(words, look = "") {
    this.state.textContent = words;
    this.element.dataset.state = look;
  }
}

const rows = new WeakMap();
const rowOf = (element) => rows.get(element);

function step(row, by) {
  const next = by > 0 ? row.element.nextElementSibling : row.element.previousElementSibling;
  if (next) rowOf(next).field.focus();
  else if (by > 0) more().then(() => rowOf(row.element.nextElementSibling ?? row.element).field.focus());
}

let coming = null;

/** Add the rows of the next page, once at a time; without one, or without a connection, none. */
function more() {
  coming ??= fetched().finally(() => (coming = null));
  return coming;
}

async function fetched() {
  const link = document.querySelector('.pager [rel="next"]');
  if (!link) return;
  let came;
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) return;
    came = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return; // the link is still there
  }
  for (const each of came.querySelectorAll(".alt-row")) {
    if (!list.querySelector(`[data-id="${each.dataset.id}"]`)) add(list.appendChild(document.adoptNode(each)));
  }
  const next = came.querySelector('.pager [rel="next"]');
  if (next) link.href = next.href;
  else link.remove();
}

// Suggestions

const all = document.getElementById("suggest-all");
const waiting = [];
let asking = 0;

function suggest(row) {
  if (row.asked || !("suggests" in form.dataset)) return;
  row.asked = true;
  waiting.push(row);
  askOn();
}

function askOn() {
  while (asking < SUGGESTED_AT_ONCE && waiting.length) {
    asking += 1;
    askFor(waiting.shift()).finally(() => {
      asking -= 1;
      askOn();
    });
  }
}

async function askFor(row) {
  row.say(text("suggesting"));
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      const { alt } = await ask("POST", `/api/alt-texts/${row.id}/suggestion`, { language });
      row.offer.querySelector("button").textContent = alt;
      row.offer.hidden = false;
      if (!row.element.dataset.state) row.say("");
      return;
    } catch (error) {
      if (error.status !== 503 || attempt === TRIES) break;
      await new Promise((go) => setTimeout(go, PAUSE_MS));
    }
  }
  row.asked = false; // may be pressed again
  if (!row.element.dataset.state) row.say(text("no_suggestion"));
}

const inView = new IntersectionObserver(
  (seen) => {
    for (const each of seen) {
      const row = rowOf(each.target);
      if (each.isIntersecting && all?.checked && !row.field.value) suggest(row);
    }
  },
  { rootMargin: "0px 0px 100% 0px" }, // a window ahead, so that it is there when one comes to it
);
all?.addEventListener("change", () => {
  for (const each of list.children) {
    inView.unobserve(each); // observed anew, each tells whether it is in view
    inView.observe(each);
  }
});

function add(element) {
  rows.set(element, new Row(element));
  inView.observe(element);
}

for (const each of list.children) add(each);
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("beforeunload", (event) => {
  if (unsaved.size) event.preventDefault();
});
form.dataset.alive = "";
