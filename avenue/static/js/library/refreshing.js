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
  const section = document.getElementById("library-contents"), fresh = page.getElementById("library-contents");
  if (!fresh) return false;
  while (section.querySelector(".dragged")) await new Promise((done) => setTimeout(done, 50)); // it has to arrive
  const kept = held(section);
  localMoments(fresh);
  coloured(fresh);
  section.replaceChildren(...fresh.childNodes);
  give(section, kept);
  const form = section.querySelector("form[data-selection]");
  if (form) selecting(form);
  return true;
}

/** What people have done in the library that the server does not know: choices, words, what is open, the focus. */
function held(section) {
  const fields = [...section.querySelectorAll("input:not([type=hidden]), select")];
  const focus = section.contains(document.activeElement) ? fields.find((each) => each === document.activeElement) : null;
  return {
    checked: fields.filter((each) => each.name === "id" && each.checked).map((each) => each.value),
    typed: fields.filter((each) => each.id).map((each) => [each.id, each.value]),
    open: [...section.querySelectorAll("details[open] > summary")].map((each) => each.dataset.part),
    focus: focus && (focus.id ? `#${focus.id}` : `[name="${focus.name}"][value="${focus.value}"]`),
  };
}

function give(section, { checked, typed, open, focus }) {
  for (const box of section.querySelectorAll("input[name=id]")) box.checked = checked.includes(box.value);
  for (const [id, value] of typed) {
    const field = section.querySelector(`#${id}`);
    if (field) field.value = value;
  }
  for (const each of section.querySelectorAll("summary")) if (open.includes(each.dataset.part)) each.parentElement.open = true;
  if (focus) section.querySelector(focus)?.focus({ preventScroll: true });
}
