// What the picture screen tells people: beside a card, above the list, and for ten seconds below.
import { text } from "../texts.js";

const TOAST_MS = 10_000;
const told = document.getElementById("picture-told");
const toasts = document.getElementById("toasts");

/** Why something was refused, and what to do about it, in the server's words. */
export function reason(error) {
  if (!error.status) return `${text("noConnection")} ${text("tryAgain")}`;
  return [error.message || text("notSaved"), error.hint].filter(Boolean).join(" ");
}

/** Show a sentence above the pictures until the next one, with what can be done, if anything. */
export function tell(sentence, action) {
  const words = document.createElement("span");
  words.textContent = sentence;
  told.replaceChildren(words);
  if (action) {
    const button = buttonOf(action.label, "small quiet", () => {
      hush();
      action.run();
    });
    told.append(button);
  }
  told.hidden = false;
}

/** Take the sentence above the pictures away. */
export function hush() {
  told.hidden = true;
  told.replaceChildren();
}

/** Show why a card's change was refused, beside it; without a sentence nothing. */
export function tellCard(card, sentence = "") {
  const place = card?.querySelector(":scope > .wrong");
  if (!place) return sentence && tell(sentence);
  place.setAttribute("role", "alert");
  place.textContent = sentence;
  place.hidden = !sentence;
}

/** Offer to take something back for ten seconds; not counting while somebody is about to. */
export function offer(sentence, label, run) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.setAttribute("role", "status");
  const words = document.createElement("span");
  words.textContent = sentence;
  const end = () => {
    clearTimeout(timer);
    toast.remove();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(end, TOAST_MS);
  };
  toast.append(
    words,
    buttonOf(label, "small", () => {
      end();
      run();
    }),
    buttonOf("×", "plain", end, text("close")),
  );
  let timer;
  for (const each of ["pointerenter", "focusin"]) toast.addEventListener(each, () => clearTimeout(timer));
  for (const each of ["pointerleave", "focusout"]) toast.addEventListener(each, wait);
  toasts.append(toast);
  wait();
}

function buttonOf(label, look, run, name) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = look;
  button.textContent = label;
  if (name) button.setAttribute("aria-label", name);
  button.addEventListener("click", run);
  return button;
}
