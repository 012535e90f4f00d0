// Makes a picture smaller, or into a type that is taken: upright, without what a camera wrote into
// it, as large as fits. In a worker where the browser can, so that the page stays usable.
import { JPEG, PNG, WEBP } from "./checking.js";

/** Plenty for any screen, and what the smallest canvas of a phone holds (16.7 million pixels). */
const LONGEST_SIDE = 4096;
const QUALITIES = [0.88, 0.8, 0.7];

/** One side for the next try is this much shorter than what the last one's bytes suggest. */
const CAUTION = 0.92;
const MOST_TRIES = 8;
const LOOK_SIDE = 256;

/**
 * Return a Blob of at most `maxBytes` in one of `types` that shows what `file`, which is of the type
 * `from` by its bytes, shows. Reject when
 * the browser cannot open it; stop when `signal` says so.
 */
export function shrunk(file, wanted, signal) {
  if (typeof OffscreenCanvas === "undefined" || typeof Worker === "undefined") return redraw(file, wanted);
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./shrinking-worker.js", import.meta.url), { type: "module" });
    const end = (settle) => (value) => {
      worker.terminate();
      settle(value);
    };
    signal.addEventListener("abort", end(() => reject(signal.reason)), { once: true });
    worker.onmessage = ({ data }) => (data.blob ? end(resolve)(data.blob) : end(reject)(new Error(data.problem)));
    worker.onerror = (event) => end(reject)(new Error(event.message));
    worker.postMessage({ file, wanted });
  });
}

/** The work itself, here or in the worker. */
export async function redraw(file, { maxBytes, types, from }) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    const type = await typeFor(picture, from, types);
    let side = Math.min(LONGEST_SIDE, Math.max(picture.width, picture.height));
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const canvas = drawn(picture, side);
      let blob;
      for (const quality of type === PNG ? [1] : QUALITIES) {
        blob = await encoded(canvas, type, quality);
        if (blob.size <= maxBytes) return blob;
      }
      side = Math.max(1, Math.floor(side * CAUTION * Math.sqrt(maxBytes / blob.size)));
    }
    throw new Error("It does not get small enough.");
  } finally {
    picture.close();
  }
}

/** JPEG for what shows no transparency, else WebP, or PNG where a browser writes no WebP. */
async function typeFor(picture, from, types) {
  if (from === JPEG || !isTransparent(picture)) return types.includes(JPEG) ? JPEG : types[0];
  if (!types.includes(WEBP)) return PNG;
  const probe = await encoded(drawn(picture, 1), WEBP, 1);
  return probe.type === WEBP ? WEBP : PNG;
}

function isTransparent(picture) {
  const canvas = drawn(picture, Math.min(LOOK_SIDE, Math.max(picture.width, picture.height)));
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return true;
  return false;
}

function drawn(picture, longest) {
  const scale = longest / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const canvas = canvasOf(width, height), context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

function canvasOf(width, height) {
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

function encoded(canvas, type, quality) {
  if (canvas.convertToBlob) return canvas.convertToBlob({ type, quality });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The canvas is too large."))), type, quality);
  });
}
