// What is to be seen on a picture, in each language: saved as soon as a field is left.
import { ask } from "../api.js";
import { text } from "../texts.js";
import { screen } from "./screen.js";
import { reason, tellCard } from "./told.js";

const list = document.getElementById("picture-list");
const lines = new WeakMap(); // of each form: what is still on its way

list.addEventListener("change", (event) => {
  const form = event.target.closest("form.alt");
  if (form) save(form);
});

list.addEventListener("submit", (event) => {
  const form = event.target.closest("form.alt");
  if (!form) return;
  event.preventDefault();
  if (event.submitter?.name === "suggest") {
    const first = fields(form)[0];
    first.value = event.submitter.value;
    first.focus();
  }
  save(form);
});

function fields(form) {
  return [...form.querySelectorAll(".alt-text input")];
}

/** Save the texts of a form, one after the other, so that the last typed ones stay. */
function save(form) {
  const line = (lines.get(form) || Promise.resolve()).then(() => send(form));
  lines.set(form, line);
  return line;
}

async function send(form) {
  const shot = form.closest(".shot");
  const state = form.querySelector(".state");
  const decorative = form.elements.decorative;
  const sent = fields(form).map((each) => each.value.trim());
  const alt = JSON.parse(form.dataset.alt);
  fields(form).forEach((each, index) => (alt[each.lang] = sent[index]));
  const kept = Object.fromEntries(Object.entries(alt).filter(([, each]) => each));
  const isDecorative = decorative.checked;
  state.className = "state";
  state.textContent = text("saving");
  try {
    await ask("PATCH", `${screen().dataset.ownerUrl}/images/${shot.dataset.id}`, { alt: kept, decorative: isDecorative });
  } catch (error) {
    state.classList.add("bad");
    state.textContent = text("notSaved");
    tellCard(shot, reason(error));
    return;
  }
  form.dataset.alt = JSON.stringify(kept);
  fields(form).forEach((each, index) => (each.defaultValue = sent[index]));
  decorative.defaultChecked = isDecorative;
  const lacks = !isDecorative && !sent[0];
  shot.querySelector(".lacks").hidden = !lacks;
  shot.querySelector(".frame img").alt = sent[0];
  const suggest = form.querySelector(".suggest");
  if (suggest) suggest.hidden = !lacks;
  tellCard(shot);
  state.textContent = `✓ ${text("saved")}`;
}
