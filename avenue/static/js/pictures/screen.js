// The picture screen as the server shows it, fetched again after each change.
import { localMoments } from "../everywhere.js";

const section = document.getElementById("pictures");
const FOCUSABLE = "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary, [tabindex]";

/** The section with everything the screen knows in its data attributes. */
export function screen() {
  return section;
}

/** The card of the picture `key` (an asset's id, or an address elsewhere), or undefined. */
export function card(key) {
  return cards().find((each) => each.dataset.key === key);
}

/** All cards in their order. */
export function cards() {
  return [...document.querySelectorAll("#picture-list > li")];
}

let last = 0;
let changes = 0;
const holds = new Set();

/** Something was saved from this page: a screen asked for before may not know of it. */
export function changed() {
  changes += 1;
}

/** Let the screen stay as it is, while somebody drags; call what is returned to let go. */
export function hold() {
  let letGo;
  const held = new Promise((resolve) => (letGo = resolve));
  holds.add(held);
  return () => {
    holds.delete(held);
    letGo();
  };
}

/** Let it stay while something on it is pressed: what is gone before it is let go of gets no click. */
function holdWhilePressed(begin, isMeant, ...ends) {
  section.addEventListener(begin, (event) => {
    if (!isMeant(event) || !event.target.closest("button, label, summary, a")) return;
    const letGo = hold(), over = new AbortController(), behind = new MessageChannel();
    behind.port1.onmessage = letGo; // the click comes in the same task as the end of the press
    const end = () => {
      over.abort();
      behind.port2.postMessage(null);
    };
    for (const each of ends) addEventListener(each, end, { capture: true, signal: over.signal });
    addEventListener("blur", end, { signal: over.signal }); // of the window: its end is elsewhere
  });
}

holdWhilePressed("pointerdown", (event) => event.button === 0, "pointerup", "pointercancel");
holdWhilePressed("keydown", (event) => event.key === " ", "keyup");

/** Show what is there now; what was typed and not saved, and where the focus was, stays. */
export async function refresh() {
  const mine = ++last, before = changes;
  const answer = await fetch(section.dataset.fragmentUrl, { headers: { Accept: "text/html" } });
  if (!answer.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("pictures");
  while (holds.size) await Promise.all(holds);
  if (!fresh || mine !== last) return false; // a later one is under way and knows more
  if (before !== changes) return refresh();
  const focus = focused();
  const typed = unsaved();
  const said = states();
  for (const [name, value] of Object.entries(fresh.dataset)) section.dataset[name] = value;
  if (!section.dataset.ownerUrl || section.classList.contains("saving")) keepOrder(fresh);
  for (const id of ["room", "picture-list", "picture-trash"]) swap(document.getElementById(id), fresh.querySelector(`#${id}`));
  restore(typed);
  sayAgain(said);
  refocus(focus);
  section.dispatchEvent(new CustomEvent("pictures:changed", { bubbles: true }));
  return true;
}

/** Temporary pictures have no order but the one on this page, and so has what is being saved. */
function keepOrder(fresh) {
  const before = cards().map((each) => each.dataset.key);
  const list = fresh.querySelector("#picture-list");
  const place = (each) => (before.includes(each.dataset.key) ? before.indexOf(each.dataset.key) : before.length);
  list.append(...[...list.children].sort((a, b) => place(a) - place(b)));
}

function swap(old, fresh) {
  old.hidden = fresh.hidden;
  localMoments(fresh);
  old.replaceChildren(...fresh.childNodes);
}

/** A thing on the screen by what survives a refresh: its card, and its name within the card. */
function place(element) {
  const within = element.closest("[data-key]");
  const all = [...(within || section).querySelectorAll(FOCUSABLE)];
  return { key: within?.dataset.key, part: partOf(element), at: all.indexOf(element) };
}

function partOf(element) {
  return element.dataset.part || element.name || "";
}

function found({ key, part }) {
  const within = key === undefined ? section : [...section.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key);
  if (!within) return null;
  if (within.dataset.part === part && part) return within;
  return [...within.querySelectorAll(FOCUSABLE)].find((each) => part && partOf(each) === part) || (key === undefined ? null : within);
}

/** What is said of the texts of each picture: that they are being saved, or were. */
function states() {
  return cards().map((each) => [each.dataset.key, each.querySelector(".state")]).filter(([, state]) => state?.textContent);
}

function sayAgain(said) {
  for (const [key, state] of said) card(key)?.querySelector(".state")?.replaceWith(state);
}

function focused() {
  const element = document.activeElement;
  if (!element || !section.contains(element) || element === section) return null;
  const selection = element.matches("input[type=text], textarea") ? [element.selectionStart, element.selectionEnd] : null;
  return { ...place(element), selection };
}

function refocus(focus) {
  if (!focus || section.contains(document.activeElement)) return;
  const element = found(focus);
  if (!element) return;
  element.focus({ preventScroll: true });
  if (focus.selection && element.setSelectionRange) element.setSelectionRange(...focus.selection);
}

/** What people have changed in fields or opened, and the server has not. */
function unsaved() {
  const list = document.getElementById("picture-list");
  const fields = [...list.querySelectorAll("input[type=text], textarea")].filter((each) => each.value !== each.defaultValue);
  const checks = [...list.querySelectorAll("input[type=checkbox]")].filter((each) => each.checked !== each.defaultChecked);
  const open = [...list.querySelectorAll("details[open]")];
  return [
    ...fields.map((each) => ({ ...place(each), apply: (found) => (found.value = each.value) })),
    ...checks.map((each) => ({ ...place(each), apply: (found) => (found.checked = each.checked) })),
    ...open.map((each) => ({ ...place(each.querySelector("summary")), apply: (found) => (found.closest("details").open = true) })),
  ];
}

function restore(typed) {
  for (const each of typed) {
    const element = found(each);
    if (element && partOf(element) === each.part) each.apply(element);
  }
}
