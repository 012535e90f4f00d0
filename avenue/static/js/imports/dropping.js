// A file dropped on a form is the file chosen in it.
import { announce } from "../announce.js";
import { text } from "../texts.js";

const KILO = 1024;

/** Say which file is chosen. */
function tell(form, file) {
  const chosen = form.querySelector("[data-chosen]");
  chosen.hidden = !file;
  if (file) {
    chosen.textContent = text("chosen", { name: file.name, size: Math.ceil(file.size / KILO) });
    announce(chosen.textContent);
  }
}

for (const form of document.querySelectorAll("form[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  form.querySelector("[data-needs-drop]").hidden = false;
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  input.addEventListener("change", () => tell(form, input.files[0]));
}
