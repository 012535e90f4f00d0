// The focal point of a picture: a point to click or to move, and the cuts that follow from it.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { text } from "../texts.js";
import { asCss, boxOf, onGrid } from "./cutting.js";
import { card, refresh, screen } from "./screen.js";
import { reason } from "./told.js";

const STEP = 0.01;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const section = screen();
const dialog = document.getElementById("focal");
const stage = dialog.querySelector(".stage");
const point = dialog.querySelector(".point");
const place = document.getElementById("focal-place");
const wrong = dialog.querySelector(".wrong");

let open = null; // { key, id, width, height } of the picture that is shown
let at = [0.5, 0.5];

section.addEventListener("click", (event) => {
  const button = event.target.closest("[data-part=focal]");
  if (button) show(button);
});

function show(button) {
  const shot = button.closest(".shot");
  open = { key: shot.dataset.key, id: shot.dataset.id, width: Number(button.dataset.width), height: Number(button.dataset.height) };
  for (const image of dialog.querySelectorAll("img")) image.src = button.dataset.src;
  stage.style.setProperty("--width", `${open.width}px`); // room for it, before it is there
  stage.style.setProperty("--ratio", open.width / open.height);
  wrong.hidden = true;
  dialog.showModal();
  put([Number(button.dataset.x), Number(button.dataset.y)]);
  point.focus();
}

/** Put the point there, and show what the variants would be. */
function put([x, y]) {
  at = [onGrid(x), onGrid(y)];
  stage.style.setProperty("--x", `${at[0] * 100}%`);
  stage.style.setProperty("--y", `${at[1] * 100}%`);
  const cuts = JSON.parse(section.dataset.cuts);
  for (const cut of dialog.querySelectorAll(".cut")) {
    const css = asCss(boxOf(cuts[cut.dataset.cut], open.width, open.height, at), open.width, open.height);
    cut.style.setProperty("--ratio", css.ratio);
    cut.style.setProperty("--at", css.position);
  }
  place.textContent = text("pointAt", { x: percent(at[0]), y: percent(at[1]) });
}

function percent(share) {
  return (share * 100).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
}

stage.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  stage.setPointerCapture(event.pointerId);
  follow(event);
  point.focus({ preventScroll: true });
});
stage.addEventListener("pointermove", (event) => {
  if (stage.hasPointerCapture(event.pointerId)) follow(event);
});

function follow(event) {
  const box = stage.getBoundingClientRect();
  if (!box.width || !box.height) return;
  put([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
}

point.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const step = event.shiftKey ? STEP * 10 : STEP;
  put([at[0] + arrow[0] * step, at[1] + arrow[1] * step]);
});

dialog.addEventListener("click", (event) => {
  const part = event.target.closest("button")?.dataset.part;
  if (part === "cancel") dialog.close();
  if (part === "save") save(at, text("focalSaved"));
  if (part === "automatic") save(null, text("focalAutomatic"));
});

async function save(focal, sentence) {
  const { key, id } = open;
  try {
    await ask("PATCH", `${section.dataset.ownerUrl}/images/${id}`, { focal });
  } catch (error) {
    wrong.textContent = reason(error);
    wrong.hidden = false;
    return;
  }
  await refresh();
  dialog.close();
  card(key)?.querySelector("[data-part=focal]")?.focus();
  announce(sentence);
}
