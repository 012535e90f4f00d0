// What is to be seen on a picture, in each language: saved as soon as a field is left.
import { ask } from "../api.js";
import { text } from "../texts.js";
import { card, changed, screen } from "./screen.js";
import { reason, tellCard } from "./told.js";

const list = document.getElementById("picture-list");
const lines = new Map(); // of each picture: what is still on its way

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
  const { key } = form.closest(".shot").dataset;
  lines.set(key, (lines.get(key) || Promise.resolve()).then(() => send(key)));
}

/** The form of a picture as the screen has it just now, while the picture is there. */
function formOf(key) {
  return card(key)?.querySelector("form.alt");
}

async function send(key) {
  let form = formOf(key);
  if (!form) return;
  let state = form.querySelector(".state");
  const sent = fields(form).map((each) => each.value.trim());
  const alt = JSON.parse(form.dataset.alt);
  fields(form).forEach((each, index) => (alt[each.lang] = sent[index]));
  const kept = Object.fromEntries(Object.entries(alt).filter(([, each]) => each));
  const isDecorative = form.elements.decorative.checked;
  state.className = "state";
  state.textContent = text("saving");
  let failure = null;
  try {
    await ask("PATCH", `${screen().dataset.ownerUrl}/images/${key}`, { alt: kept, decorative: isDecorative });
  } catch (error) {
    failure = error;
  }
  form = formOf(key); // the screen may have been fetched again meanwhile
  if (!form) return;
  const shot = card(key);
  state = form.querySelector(".state");
  if (failure) {
    state.classList.add("bad");
    state.textContent = text("notSaved");
    tellCard(shot, reason(failure));
    return;
  }
  changed();
  form.dataset.alt = JSON.stringify(kept);
  fields(form).forEach((each, index) => (each.defaultValue = sent[index]));
  form.elements.decorative.defaultChecked = isDecorative;
  const lacks = !isDecorative && !sent[0];
  shot.querySelector(".lacks").hidden = !lacks;
  const look = shot.querySelector(".frame img"); // none where it waits for the scanner
  if (look) look.alt = sent[0];
  const suggest = form.querySelector(".suggest");
  if (suggest) suggest.hidden = !lacks;
  tellCard(shot);
  state.textContent = `✓ ${text("saved")}`;
}
