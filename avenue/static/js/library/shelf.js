// The part of the library that lists folders and pictures, fetched again after each change.
import { localMoments } from "../everywhere.js";
import { coloured } from "../lists/lists.js";
import { selecting } from "../lists/selection.js";

let asked = null; // the refresh that has not begun to look yet
let under = Promise.resolve();

/** Show what is there now, and tell whether that went well; many who ask at once share one look. */
export function refresh() {
  asked ??= under.then(() => {
    asked = null;
    return look();
  });
  under = asked;
  return asked;
}

async function look() {
  let page;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return false;
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return false;
  }
  const shelf = document.getElementById("shelf"), fresh = page.getElementById("shelf");
  if (!fresh) return false;
  while (shelf.querySelector(".dragged")) await new Promise((done) => setTimeout(done, 50)); // it has to arrive
  const kept = held(shelf);
  localMoments(fresh);
  coloured(fresh);
  shelf.replaceChildren(...fresh.childNodes);
  give(shelf, kept);
  const form = shelf.querySelector("form[data-selection]");
  if (form) selecting(form);
  return true;
}

/** What people have done on the shelf that the server does not know: choices, words, what is open, the focus. */
function held(shelf) {
  const fields = [...shelf.querySelectorAll("input:not([type=hidden]), select")];
  const focus = shelf.contains(document.activeElement) ? fields.find((each) => each === document.activeElement) : null;
  return {
    checked: fields.filter((each) => each.name === "id" && each.checked).map((each) => each.value),
    typed: fields.filter((each) => each.id).map((each) => [each.id, each.value]),
    open: [...shelf.querySelectorAll("details[open] > summary")].map((each) => each.dataset.part),
    focus: focus && (focus.id ? `#${focus.id}` : `[name="${focus.name}"][value="${focus.value}"]`),
  };
}

function give(shelf, { checked, typed, open, focus }) {
  for (const box of shelf.querySelectorAll("input[name=id]")) box.checked = checked.includes(box.value);
  for (const [id, value] of typed) {
    const field = shelf.querySelector(`#${id}`);
    if (field) field.value = value;
  }
  for (const each of shelf.querySelectorAll("summary")) if (open.includes(each.dataset.part)) each.parentElement.open = true;
  if (focus) shelf.querySelector(focus)?.focus({ preventScroll: true });
}
