// The order of the pictures: by dragging, by buttons, by Alt and arrow keys; saved at once.
import Sortable from "../../vendor/sortable.esm.js";
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { text } from "../texts.js";
import { card, cards, changed, hold, refresh, screen } from "./screen.js";
import { hush, reason, tell } from "./told.js";

const KEYS = { ArrowLeft: "up", ArrowUp: "up", ArrowRight: "down", ArrowDown: "down", Home: "first" };
const section = screen();
const list = document.getElementById("picture-list");

let base = keys(); // the order the server is known to have at `data-revision`
let mine = null; // the order somebody has made last
let wanted = null; // the order it is to get next
let saving = false;
let stale = false; // the screen was fetched while an order was on its way

function keys() {
  return cards().map((each) => each.dataset.key);
}

/** Move the card of `key` to be `first`, or one place `up` or `down`. */
function move(key, to) {
  const at = keys().indexOf(key);
  const place = { first: 0, up: at - 1, down: at + 1 }[to];
  if (at < 0 || place < 0 || place >= cards().length || place === at) return;
  const one = card(key);
  const focus = one.contains(document.activeElement) ? document.activeElement : null;
  list.insertBefore(one, place > at ? cards()[place].nextSibling : cards()[place]);
  one.scrollIntoView({ block: "nearest" });
  moved(key, focus);
}

/** The cards stand in a new order: tell, and save it. */
function moved(key, focus) {
  renumber();
  if (focus) (focus.disabled ? otherButton(focus) : focus).focus({ preventScroll: true });
  announce(text("moved", { position: keys().indexOf(key) + 1, count: cards().length }));
  section.dispatchEvent(new CustomEvent("pictures:moved"));
  if (section.dataset.ownerUrl) save(keys());
}

function otherButton(button) {
  return button.closest(".order").querySelector("button:not(:disabled)") || button.closest(".shot");
}

function renumber() {
  const all = cards();
  all.forEach((each, index) => {
    each.setAttribute("aria-label", text("photoAt", { at: index + 1, count: all.length, name: each.dataset.name }));
    for (const button of each.querySelectorAll(".order button")) {
      button.disabled = button.value === "down" ? index === all.length - 1 : index === 0;
    }
  });
}

/** Save `order`; while another one is on its way, afterwards. */
async function save(order) {
  mine = wanted = order;
  if (saving) return;
  let failure = null;
  isSaving(true);
  hush();
  while (wanted) {
    const sent = wanted;
    wanted = null;
    try {
      const answer = await ask("PUT", `${section.dataset.ownerUrl}/images`, { order: sent, revision: Number(section.dataset.revision) });
      section.dataset.revision = answer.revision;
      base = sent;
      changed();
    } catch (error) {
      wanted = onTopOf(error.code === "revision_conflict" && error.body.current);
      if (!wanted) failure = error;
    }
  }
  isSaving(false);
  if (failure) await refused(failure);
  if (stale) await refresh();
}

function isSaving(now) {
  saving = now;
  section.classList.toggle("saving", now);
}

/** The order to save over the state that is there now; null where somebody else has made one. */
function onTopOf(current) {
  if (!current) return null;
  const now = current.images.map((each) => each.id || each.url);
  if (now.filter((each) => base.includes(each)).join("\n") !== base.join("\n")) return null;
  section.dataset.revision = current.revision;
  stale ||= base.length < now.length;
  base = now;
  return completed(mine, now);
}

/** Another state is there than this order was made from, or nothing could be saved at all. */
async function refused(error) {
  const order = mine;
  if (error.status === 0) show(base);
  else await refresh();
  const sentence = error.code === "revision_conflict" ? text("orderConflict") : reason(error);
  tell(sentence, { label: text("orderAgain"), run: () => again(order) });
}

/** Put the order `theirs` again over what is there now. */
function again(theirs) {
  const order = completed(theirs, keys());
  show(order);
  announce(text("orderAgainDone"));
  cards()[0]?.focus();
  save(order);
}

/** `order` as far as those pictures are still there, then the others that are. */
function completed(order, now) {
  return [...order.filter((each) => now.includes(each)), ...now.filter((each) => !order.includes(each))];
}

function show(order) {
  const focus = document.activeElement;
  list.append(...order.map(card).filter(Boolean));
  if (list.contains(focus)) focus.focus({ preventScroll: true });
  renumber();
}

section.addEventListener("pictures:changed", () => {
  renumber();
  if (saving) {
    stale = true;
    return;
  }
  stale = false;
  base = keys();
});

// Those that came together are put into the order they were chosen in.
section.addEventListener("pictures:order", ({ detail: order }) => {
  show(order);
  save(order);
});

list.addEventListener("submit", (event) => {
  const form = event.target.closest(".order");
  if (!form || !event.submitter) return;
  event.preventDefault();
  move(form.closest(".shot").dataset.key, event.submitter.value);
});

list.addEventListener("keydown", (event) => {
  const to = event.altKey && !event.ctrlKey && !event.metaKey && KEYS[event.key];
  const shot = event.target.closest(".shot");
  if (!to || !shot || event.target.matches("input:not([type=checkbox])")) return;
  event.preventDefault();
  move(shot.dataset.key, to);
});

// An order that is on its way, or waits for one, would be gone with the page.
addEventListener("beforeunload", (event) => {
  if (saving) event.preventDefault();
});

let letGo = null;
Sortable.create(list, {
  draggable: ".shot",
  handle: ".frame",
  forceFallback: true, // one way of dragging everywhere, for mouse and touch
  fallbackTolerance: 4,
  delay: 180, // a short touch scrolls
  delayOnTouchOnly: true,
  touchStartThreshold: 6,
  animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
  ghostClass: "lifted",
  onStart: () => (letGo = hold()),
  onMove: ({ related }) => !related.animated, // a card that still glides under the pointer would swap back
  onEnd: ({ item, oldDraggableIndex, newDraggableIndex }) => {
    letGo?.();
    if (oldDraggableIndex !== newDraggableIndex) moved(item.dataset.key, null);
  },
});

section.classList.add("alive");
