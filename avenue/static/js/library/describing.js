// The report of what lacks a text: each is saved where it stands, as soon as its field is left.
import { ask } from "../api.js";
import { text } from "../texts.js";
import { reason } from "../pictures/told.js";

for (const form of document.querySelectorAll("form[data-url]")) {
  const field = form.elements.alt, state = form.querySelector(".saved-state");
  let under = Promise.resolve(); // one after the other, so that the last typed one stays
  const save = (changes) => (under = under.then(() => send(changes)));

  const send = async (changes) => {
    state.classList.remove("bad");
    state.textContent = text("saving");
    try {
      await ask("PATCH", form.dataset.url, changes);
    } catch (error) {
      state.classList.add("bad");
      state.textContent = `${text("notSaved")}: ${reason(error)}`;
      return;
    }
    state.textContent = `✓ ${text("saved")}`;
  };

  const saveText = () => {
    const alt = { ...JSON.parse(form.dataset.alt), [form.dataset.language]: field.value.trim() };
    save({ alt: Object.fromEntries(Object.entries(alt).filter(([, each]) => each)) });
  };
  let last = field.value;
  const saveChanged = () => {
    if (field.value === last) return;
    last = field.value;
    saveText();
  };
  field.addEventListener("change", saveChanged);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.name === "decorative") save({ decorative: true });
    else saveChanged();
  });
}
