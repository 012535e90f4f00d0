// The bar with which a product is saved: there while something is changed, and by Ctrl+S.
import { isChanged } from "./leaving.js";

const form = document.getElementById("product");
const bar = form.querySelector(".save-bar");

function show() {
  bar.classList.toggle("on", isChanged(form));
}

form.addEventListener("input", show);
form.addEventListener("change", show);
form.addEventListener("reset", (event) => {
  event.preventDefault(); // what was saved last may be something else than what came with the page
  for (const was of form.querySelectorAll("input[name^='was.']")) form.elements[was.name.slice("was.".length)].value = was.value;
  show();
});
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  if (isChanged(form)) form.requestSubmit();
});
addEventListener("pageshow", show); // back again, browsers put into fields what was typed
show();
