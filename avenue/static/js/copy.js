// Buttons that copy what a field holds: <button data-copies="id of the field" hidden>.
import { announce } from "./announce.js";
import { text } from "./texts.js";

for (const button of document.querySelectorAll("button[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // No clipboard for pages without TLS: the old way copies what is selected.
      field.select();
      if (!document.execCommand("copy")) return;
    }
    button.textContent = text("copied");
    announce(text("copied"));
  });
}
