// Packs the photos of a folder into ZIPs that are sent one after another, each an import of its own.
import { Zip, ZipPassThrough } from "../../vendor/fflate.esm.js";
import { announce } from "../announce.js";
import { text } from "../texts.js";

const MB = 1024 * 1024;
const PICTURE = /\.(jpe?g|jfif|png|webp)$/i;
const HIDDEN = /(^|\/)(\.|__MACOSX\/)/;
const IMPORTS = "/api/shop/pictures/import";
const place = document.querySelector("[data-folder]");
const part = (name) => place.querySelector(`[data-${name}]`);
const mostBytes = Number(place.dataset.mostBytes);
const mostFiles = Number(place.dataset.mostFiles);
const partBytes = () => Number(place.dataset.partBytes);
let stopped = new AbortController();

/** Say how far it is, and show it as a part of 1. */
function tell(sentence, share) {
  part("word").textContent = sentence;
  part("work").querySelector("progress").value = share;
}

/** Say what went wrong. */
function complain(sentence) {
  part("problem").textContent = sentence;
  part("problem").hidden = false;
  part("work").hidden = true;
}

/** List the photos that are too large to be sent. */
function listLeft(files) {
  part("left").hidden = !files.length;
  const heading = document.createElement("p");
  heading.textContent = text("left");
  const list = document.createElement("ul");
  for (const file of files) {
    const size = (file.size / MB).toFixed(1);
    const item = document.createElement("li");
    item.textContent = text("large", { name: file.webkitRelativePath, size, most: Math.floor(mostBytes / MB) });
    list.append(item);
  }
  part("left").replaceChildren(heading, list);
}

/** Return what the photos of one product have in common: their folder, or their name without its number. */
function ownerOf(file) {
  const path = file.webkitRelativePath.replace(/\.[^.]+$/, "");
  return path.replace(/(\/|[-_])\d{1,3}$/, "");
}

/** Return the files in parts that are sent well; the photos of one product stay together. */
function inParts(files) {
  const groups = new Map();
  for (const file of files) groups.set(ownerOf(file), [...(groups.get(ownerOf(file)) || []), file]);
  const parts = [[]];
  let bytes = 0;
  for (const group of groups.values()) {
    const more = group.reduce((sum, file) => sum + file.size, 0);
    const current = parts.at(-1);
    if (current.length && (bytes + more > partBytes() || current.length + group.length > mostFiles)) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1).push(...group);
    bytes += more;
  }
  return parts;
}

/** Return a ZIP of `files`, not compressed, for photos are already. */
async function packed(files, told) {
  const pieces = [];
  const zip = new Zip((error, piece) => {
    if (error) throw error;
    pieces.push(piece);
  });
  for (const file of files) {
    stopped.signal.throwIfAborted();
    const entry = new ZipPassThrough(file.webkitRelativePath);
    zip.add(entry);
    entry.push(new Uint8Array(await file.arrayBuffer()), true);
    told();
  }
  zip.end();
  return new Blob(pieces, { type: "application/zip" });
}

/** Send a ZIP and return the import it became. */
function send(archive, name, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${IMPORTS}?name=${encodeURIComponent(name)}`);
    request.responseType = "json";
    request.setRequestHeader("Content-Type", "application/zip");
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 201) return resolve(request.response);
      const { error = "", hint = "" } = request.response || {};
      return reject(new Error(`${error} ${hint}`.trim() || text("lost")));
    };
    request.onerror = () => reject(new Error(text("lost")));
    request.onabort = () => reject(stopped.signal.reason);
    stopped.signal.addEventListener("abort", () => request.abort());
    request.send(archive);
  });
}

/** Pack and send the photos, and go to what was found. */
async function bring(files) {
  const folder = files[0].webkitRelativePath.split("/")[0];
  const parts = inParts(files);
  const ids = [];
  let done = 0;
  for (const [index, some] of parts.entries()) {
    const archive = await packed(some, () => {
      done += 1;
      tell(text("packing", { done, total: files.length }), (done / files.length) * 0.3);
    });
    const name = parts.length > 1 ? `${folder} ${index + 1}.zip` : `${folder}.zip`;
    const made = await send(archive, name, (share) => {
      const facts = { part: index + 1, parts: parts.length, percent: Math.round(share * 100) };
      tell(text("sending", facts), 0.3 + 0.7 * ((index + share) / parts.length));
    });
    ids.push(made.id);
  }
  announce(text("sending", { part: parts.length, parts: parts.length, percent: 100 }));
  const together = ids.map((id) => `id=${id}`).join("&");
  window.location.assign(
    ids.length > 1 ? `/admin/imports/pictures/together?${together}` : `/admin/imports/pictures/${ids[0]}`,
  );
}

async function chosen(event) {
  const photos = [...event.target.files]
    .filter((file) => PICTURE.test(file.name) && !HIDDEN.test(file.webkitRelativePath) && file.size)
    .sort((one, other) => one.webkitRelativePath.localeCompare(other.webkitRelativePath, undefined, { numeric: true }));
  const taken = photos.filter((file) => file.size <= mostBytes);
  part("problem").hidden = true;
  listLeft(photos.filter((file) => file.size > mostBytes));
  if (!taken.length) {
    complain(text("none"));
    return;
  }
  stopped = new AbortController();
  part("work").hidden = false;
  try {
    await bring(taken);
  } catch (error) {
    if (stopped.signal.aborted) part("work").hidden = true;
    else complain(error.message);
  } finally {
    event.target.value = "";
  }
}

place.hidden = false;
place.querySelector("input").addEventListener("change", chosen);
part("stop").addEventListener("click", () => stopped.abort());
