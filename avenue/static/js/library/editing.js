// A picture turned, straightened and cropped in the browser; what comes of it is stored as a new version.
import { Refused } from "../api.js";
import { reason } from "../pictures/told.js";
import { text } from "../texts.js";

const QUALITY = 0.93;
const STEP = 0.01, LEAST = 0.05;
const KEPT = ["image/jpeg", "image/png", "image/webp"];
const MOST_SHOWN = 640;

/** What the button of a picture's page says of the picture. */
export function editable({ dataset }) {
  return { src: dataset.src, url: dataset.url, name: dataset.name, hasAlpha: "alpha" in dataset };
}

/**
 * Return `open({ src, url, name, hasAlpha, failed, isGone })` for the dialog of `_editing.html`; `edited(picture)` is called
 * once it is stored. It stays closed if the picture `isGone` from the page by the time it is loaded.
 */
export function editing(dialog, edited) {
  const canvas = dialog.querySelector("canvas"), frame = dialog.querySelector(".crop"), wrong = dialog.querySelector(".wrong");
  const angle = dialog.querySelector("#editing-angle"), ratio = dialog.querySelector("#editing-ratio");
  const saving = dialog.querySelector("[data-act=save]");
  let bitmap, of, turns, crop;

  async function open(picture) {
    of = picture;
    turns = 0;
    angle.value = 0;
    ratio.value = "";
    crop = { x: 0, y: 0, w: 1, h: 1 };
    wrong.hidden = true;
    try {
      const blob = await (await fetch(picture.src)).blob();
      picture.type = KEPT.includes(blob.type) ? blob.type : picture.hasAlpha ? "image/png" : "image/jpeg";
      const loaded = await createImageBitmap(blob);
      if (of !== picture || picture.isGone?.()) return;
      bitmap = loaded;
    } catch {
      picture.failed(text("cannot_edit"));
      return;
    }
    dialog.showModal();
    show();
  }

  /** Width and height of what is left once the picture is turned and its empty corners are cut off. */
  function whole() {
    const [w, h] = turns % 2 ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
    const slant = Math.abs(angle.value * Math.PI) / 180;
    const zoom = Math.cos(slant) + Math.sin(slant) * Math.max(w / h, h / w);
    return [w / zoom, h / zoom];
  }

  /** Draw `part` of the turned picture (in shares of it) onto `target`, `scale` times its size. */
  function draw(target, part, scale) {
    const [w, h] = whole();
    target.width = Math.max(1, Math.round(w * part.w * scale));
    target.height = Math.max(1, Math.round(h * part.h * scale));
    const pen = target.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.scale(scale, scale);
    pen.translate(w * (0.5 - part.x), h * (0.5 - part.y));
    pen.rotate((angle.value * Math.PI) / 180 + (turns * Math.PI) / 2);
    pen.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
  }

  function show() {
    const [w, h] = whole();
    draw(canvas, { x: 0, y: 0, w: 1, h: 1 }, Math.min(1, MOST_SHOWN / Math.max(w, h)));
    for (const [name, value] of Object.entries(crop)) frame.style.setProperty(`--${name}`, `${value * 100}%`);
    dialog.querySelector("#editing-size").textContent = `${Math.round(w * crop.w)} × ${Math.round(h * crop.h)} px`;
    saving.disabled = !turns && Number(angle.value) === 0 && crop.w === 1 && crop.h === 1;
  }

  /** Keep the frame inside the picture, and in the ratio that was chosen. */
  function fit(wanted) {
    const [w, h] = whole(), fixed = Number(ratio.value);
    const next = { ...wanted, w: Math.min(1, Math.max(LEAST, wanted.w)), h: Math.min(1, Math.max(LEAST, wanted.h)) };
    if (fixed) {
      next.h = (next.w * w) / fixed / h;
      if (next.h > 1) [next.w, next.h] = [(fixed * h) / w, 1];
    }
    next.x = Math.min(1 - next.w, Math.max(0, next.x));
    next.y = Math.min(1 - next.h, Math.max(0, next.y));
    crop = next;
    show();
  }

  for (const each of dialog.querySelectorAll("[data-turn]")) {
    each.addEventListener("click", () => {
      turns = (turns + Number(each.dataset.turn) + 4) % 4;
      fit({ x: 0, y: 0, w: 1, h: 1 });
    });
  }
  angle.addEventListener("input", () => fit(crop));
  ratio.addEventListener("change", () => fit({ x: 0, y: 0, w: 1, h: 1 }));

  frame.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const [x, y] = way.map((each) => each * STEP);
    if (event.shiftKey) fit({ ...crop, w: crop.w + x, h: crop.h + y });
    else fit({ ...crop, x: crop.x + x, y: crop.y + y });
  });

  frame.addEventListener("pointerdown", (event) => {
    const box = canvas.getBoundingClientRect(), from = { ...crop };
    const isCorner = event.target !== frame;
    frame.setPointerCapture(event.pointerId);
    const move = ({ clientX, clientY }) => {
      const x = (clientX - event.clientX) / box.width, y = (clientY - event.clientY) / box.height;
      fit(isCorner ? { ...from, w: Math.min(1 - from.x, from.w + x), h: Math.min(1 - from.y, from.h + y) } : { ...from, x: from.x + x, y: from.y + y });
    };
    frame.addEventListener("pointermove", move);
    frame.addEventListener("lostpointercapture", () => frame.removeEventListener("pointermove", move), { once: true });
  });

  dialog.querySelector("[data-act=cancel]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => bitmap.close());
  saving.addEventListener("click", save);

  async function save() {
    saving.disabled = true;
    wrong.hidden = true;
    const made = document.createElement("canvas");
    draw(made, crop, 1);
    const blob = await new Promise((done) => made.toBlob(done, of.type, QUALITY));
    try {
      const answer = await fetch(`${of.url}/file?name=${encodeURIComponent(of.name)}`, { method: "PUT", body: blob, headers: { Accept: "application/json", "Content-Type": of.type } });
      const read = await answer.json();
      if (!answer.ok) throw new Refused(answer.status, read);
      dialog.close();
      await edited(read.file);
    } catch (error) {
      wrong.textContent = reason(error);
      wrong.hidden = false;
      saving.disabled = false;
    }
  }

  return open;
}
