// Choosing many lines: all of them, a range with Shift, and how many they are; deleting asks here.
import { announce } from "../announce.js";
import { text } from "../texts.js";

const MOST_NAMED = 10;

/** Let people choose in `form`, which has a box for each line, a bar for what to do, and a dialog `#sure`. */
export function selecting(form) {
  const boxes = [...form.querySelectorAll("input[name=id]")];
  const all = form.querySelector("[data-all]");
  const allBox = all.querySelector("input");
  const bar = form.querySelector("[data-bulk]");
  const deleting = bar.querySelector("[data-delete]"); // not in a trash
  const chosen = bar.querySelector("[data-chosen]");
  const dialog = document.getElementById("sure");
  let last = null;

  /** Say how many are chosen, and offer what can be done with them. */
  function show() {
    const checked = boxes.filter((box) => box.checked);
    const count = checked.length, hasTheirs = checked.some((box) => "theirs" in box.dataset);
    allBox.checked = count === boxes.length;
    allBox.indeterminate = count > 0 && count < boxes.length;
    bar.hidden = count === 0;
    if (deleting) deleting.disabled = hasTheirs;
    const parts = [count === 0 ? text("none") : text(count === 1 ? "one" : "many", { count })];
    if (deleting && hasTheirs) parts.push(text("theirs"));
    const sentence = parts.join(". ");
    if (chosen.textContent !== sentence) {
      chosen.textContent = sentence;
      return sentence;
    }
    return null;
  }

  function tell() {
    const sentence = show();
    if (sentence) announce(sentence);
  }

  for (const box of boxes) {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last && last !== box) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
        for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
      }
      last = box;
      tell();
    });
  }

  allBox.addEventListener("change", () => {
    for (const box of boxes) box.checked = allBox.checked;
    tell();
  });

  deleting?.addEventListener("click", (event) => {
    event.preventDefault();
    const names = boxes.filter((box) => box.checked).map((box) => box.dataset.name);
    const title = dialog.querySelector("h2");
    title.textContent = text(names.length === 1 ? "surely_one" : "surely_many", { count: names.length });
    const shown = names.slice(0, MOST_NAMED);
    if (names.length > MOST_NAMED) shown.push(text("more", { count: names.length - MOST_NAMED }));
    dialog.querySelector("ul").replaceChildren(
      ...shown.map((name) => Object.assign(document.createElement("li"), { textContent: name })),
    );
    dialog.showModal();
  });
  dialog?.querySelector("[data-close]").addEventListener("click", () => dialog.close());

  all.hidden = chosen.hidden = false;
  form.dataset.selection = "on";
  show();
  // What a browser keeps checked when one comes back counts as well.
  addEventListener("pageshow", show);
}

const form = document.querySelector("form[data-selection]");
if (form) selecting(form);
