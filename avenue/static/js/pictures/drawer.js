// The details of a photo in a drawer beside the page, one at a time: opened by its tile, closed by
// Escape, with the way to the next one. The tiles stay where they are.
import { card, cards, screen } from "./screen.js";

const section = screen();
const list = document.getElementById("picture-list");

function opened() {
  return list.querySelector("details.more[open]");
}

function summaryOf(shot) {
  return shot.querySelector("details.more > summary");
}

function open(shot) {
  const before = opened();
  if (before && !shot.contains(before)) before.open = false; // where browsers do not do it by the name
  shot.querySelector("details.more").open = true;
  summaryOf(shot).focus({ preventScroll: true });
  shot.scrollIntoView({ block: "nearest" });
}

function close(details) {
  details.open = false;
  details.querySelector("summary").focus({ preventScroll: true });
}

list.addEventListener("click", (event) => {
  const shot = event.target.closest(".shot");
  if (!shot) return;
  const step = event.target.closest("[data-step]");
  if (event.target.closest(".frame")) open(shot);
  else if (event.target.closest("[data-part=close]")) close(shot.querySelector("details.more"));
  else if (step) {
    const next = cards()[cards().indexOf(shot) + Number(step.dataset.step)];
    if (next) open(next);
    next?.querySelector(`[data-step="${step.dataset.step}"]:not(:disabled)`)?.focus();
  }
});

document.addEventListener("keydown", (event) => {
  const details = opened();
  if (event.key !== "Escape" || !details || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  close(details);
});

// A click beside it, and beside the tiles, means what is there.
document.addEventListener("click", (event) => {
  const details = opened();
  if (details && event.target.isConnected && !event.target.closest("#picture-list, dialog, .toasts")) details.open = false;
});

section.addEventListener("pictures:changed", numbered);
section.addEventListener("pictures:moved", numbered);

/** Whoever is first has none before it. */
function numbered() {
  const all = cards();
  for (const each of all) {
    const at = all.indexOf(card(each.dataset.key));
    for (const button of each.querySelectorAll("[data-step]")) button.disabled = !all[at + Number(button.dataset.step)];
  }
}
