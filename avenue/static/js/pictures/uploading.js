// Brings pictures onto the screen of a product, a group, or a product to come.
import { ask, Refused } from "../api.js";
import { text } from "../texts.js";
import { arrivals } from "./arriving.js";
import { guardLeaving } from "./leaving.js";
import { putRight } from "./ordering.js";
import { Queue } from "./queue.js";
import { Rows, size } from "./rows.js";
import { cards, refresh, screen } from "./screen.js";
import { chosen, putCards, watchTemporary } from "./temporary.js";

const section = screen(), zone = section.querySelector(".zone"), list = document.getElementById("queue");
const { ownerUrl, uploadUrl } = section.dataset;
const isNew = !ownerUrl;
const limit = Number(section.dataset.limit), maxBytes = Number(section.dataset.maxBytes);

const queue = new Queue({
  url: uploadUrl,
  limits: { maxBytes, types: section.dataset.types.split(",") },
  room,
  placed,
  withdraw,
});
new Rows(list, queue, { max: size(maxBytes), limit });

let showing = Promise.resolve();
const notice = Object.assign(document.createElement("p"), { className: "warning", hidden: true });
list.before(notice);

arrivals(zone, take, (most) => say("folder_cut", { most }));
if (isNew) watchTemporary(section, showRoom);
section.addEventListener("pictures:changed", showRoom);
queue.addEventListener("change", showRoom);
showRoom();
document.getElementById("from-library")?.addEventListener("click", async (event) => {
  event.stopPropagation(); // the zone would ask for files
  (await import("./library.js")).chooseOfLibrary(room, take);
});
guardLeaving(queue, document.getElementById("product"), () => isNew && chosen().length > 0, notice);
keepOrder();

/** How many places the pictures that are there leave. */
function room() {
  return limit - (isNew ? chosen().length : cards().length);
}

function showRoom() {
  const left = Math.max(0, room() - queue.placesTaken);
  zone.classList.toggle("full", left === 0);
  zone.classList.toggle("small", cards().length > 0);
  document.getElementById("room").textContent = text(`room_${left ? (left === 1 ? "one" : "many") : "none"}`, { left, limit });
}

function take(files) {
  notice.hidden = true;
  queue.add(files);
}

function say(name, facts) {
  notice.textContent = text(name, facts);
  notice.hidden = false;
}

/** Show what was stored, however often it takes: the line may be gone again by now. */
function placed(item) {
  showing = showing.then(async () => {
    if (item?.file.described && !isNew) await describe(item.image.id, item.file.described);
    for (const seconds of [0, 1, 2, 4]) {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      if (await shown()) return true;
    }
    return false;
  });
  return showing;
}

async function shown() {
  try {
    return await refresh();
  } catch {
    return false;
  }
}

/** Say of a picture from the library what is said of it there, if nobody has said anything yet. */
async function describe(id, { alt, decorative }) {
  try {
    await ask("PATCH", `${ownerUrl}/images/${id}`, { alt, decorative });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

/** Take a picture back that arrived although it was cancelled. */
async function withdraw(image) {
  try {
    await ask("DELETE", `${uploadUrl}/${image.id}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  await placed();
}

/** Note how pictures were chosen and how they arrived, and put them right when all are there. */
function keepOrder() {
  let batch = [], arrived = [], before = 0, isMoved = false;
  section.addEventListener("pictures:moved", () => (isMoved = true));
  queue.addEventListener("change", ({ detail: item }) => {
    if (!batch.length) {
      before = Number(section.dataset.revision);
      isMoved = false;
    }
    if (!batch.includes(item)) batch.push(item);
    if (item.state === "placing") arrived.push(item.image.id);
  });
  queue.addEventListener("settle", () => {
    if (queue.isBusy) return;
    const wanted = batch.filter((item) => item.image).map((item) => item.image.id), came = arrived;
    batch = [];
    arrived = [];
    // Each arrival is one revision more: where there are others, somebody has changed something.
    const isOurs = isNew || Number(section.dataset.revision) === before + came.length;
    if (came.length < 2 || isMoved || !isOurs) return;
    const order = putRight(cards().map((card) => card.dataset.key), came, wanted);
    if (!order) return;
    if (isNew) putCards(section, order);
    else section.dispatchEvent(new CustomEvent("pictures:order", { detail: order }));
  });
}
