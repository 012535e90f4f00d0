// What every list gets: frames in the dominant colour of their pictures, choices that count at once,
// and an address without what was just said.

/** Give the frames below `root` the colours of their pictures. */
export function coloured(root) {
  for (const each of root.querySelectorAll("[data-colour]")) each.style.setProperty("--colour", each.dataset.colour);
}

coloured(document);

for (const form of document.querySelectorAll("form.filters")) {
  for (const choice of form.querySelectorAll("select, input[type=checkbox]")) {
    choice.addEventListener("change", () => form.requestSubmit());
  }
  // What is empty need not stand in the address.
  form.addEventListener("submit", () => {
    for (const each of form.elements) if (each.name && !each.value) each.disabled = true;
  });
}
// Coming back to this page by the browser's history, its fields are to be used again.
addEventListener("pageshow", () => {
  for (const each of document.querySelectorAll("form.filters :disabled")) each.disabled = false;
});

const address = new URL(location.href);
if (address.searchParams.has("said")) {
  for (const each of ["said", "count", "kept", "why", "undo"]) address.searchParams.delete(each);
  history.replaceState(history.state, "", address);
}
