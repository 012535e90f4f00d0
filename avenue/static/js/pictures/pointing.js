// The dialog of a focal point: a point to click or to move, and the cuts that follow from it.
import { text } from "../texts.js";
import { asCss, boxOf, onGrid } from "./cutting.js";
import { reason } from "./told.js";

const STEP = 0.01;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Return `show(picture)`, which opens `dialog` for `{ src, width, height, x, y }`. `cuts()` has the sides of each cut
 * by its name; `save(focal, picture)` keeps a point, null for the automatic one, and throws `Refused`; `done(focal,
 * picture)` is called once the dialog is closed after that.
 */
export function pointing(dialog, { cuts, save, done }) {
  const stage = dialog.querySelector(".stage");
  const point = dialog.querySelector(".point");
  const place = document.getElementById("focal-place");
  const wrong = dialog.querySelector(".wrong");
  let open = null;
  let at = [0.5, 0.5];

  /** Put the point there, and show what the variants would be. */
  function put([x, y]) {
    at = [onGrid(x), onGrid(y)];
    stage.style.setProperty("--x", `${at[0] * 100}%`);
    stage.style.setProperty("--y", `${at[1] * 100}%`);
    const sides = cuts();
    for (const cut of dialog.querySelectorAll(".cut")) {
      const css = asCss(boxOf(sides[cut.dataset.cut], open.width, open.height, at), open.width, open.height);
      cut.style.setProperty("--ratio", css.ratio);
      cut.style.setProperty("--at", css.position);
    }
    place.textContent = text("pointAt", { x: percent(at[0]), y: percent(at[1]) });
  }

  function follow(event) {
    const box = stage.getBoundingClientRect();
    if (!box.width || !box.height) return;
    put([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  }

  async function keep(focal) {
    const picture = open;
    try {
      await save(focal, picture);
    } catch (error) {
      wrong.textContent = reason(error);
      wrong.hidden = false;
      return;
    }
    dialog.close();
    done(focal, picture);
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
    if (part === "save") keep(at);
    if (part === "automatic") keep(null);
  });

  return (picture) => {
    open = picture;
    for (const image of dialog.querySelectorAll("img")) image.src = picture.src;
    stage.style.setProperty("--width", `${picture.width}px`); // room for it, before it is there
    stage.style.setProperty("--ratio", picture.width / picture.height);
    wrong.hidden = true;
    dialog.showModal();
    put([picture.x, picture.y]);
    point.focus();
  };
}

/** What a button that opens the dialog says of its picture. */
export function pictureOf({ dataset }) {
  const [width, height, x, y] = [dataset.width, dataset.height, dataset.x, dataset.y].map(Number);
  return { src: dataset.src, width, height, x, y };
}

function percent(share) {
  return (share * 100).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
}
