// Another file for a picture, or an earlier one again; its id and its place stay.
import { announce } from "../announce.js";
import { ask, Refused } from "../api.js";
import { text } from "../texts.js";
import { card, refresh, screen } from "./screen.js";
import { reason, tellCard } from "./told.js";

const section = screen();
const LABELS = { "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP" };

section.addEventListener("change", (event) => {
  const form = event.target.closest("form.file");
  if (form && event.target.files?.length) replace(form.closest(".shot"), form, event.target.files[0]);
});

section.addEventListener("submit", (event) => {
  if (event.target.closest("form.file")) event.preventDefault(); // the choice of a file sends it
});

async function replace(shot, form, file) {
  const { key } = shot.dataset;
  const input = form.querySelector("input");
  const wrong = problemOf(file);
  tellCard(shot, wrong);
  if (wrong) {
    input.value = "";
    return;
  }
  const progress = document.createElement("progress");
  const words = document.createElement("span");
  progress.max = 1;
  progress.setAttribute("aria-label", text("replacing", { percent: 0 }));
  form.append(progress, words);
  input.disabled = true;
  try {
    await send(`${section.dataset.ownerUrl}/images/${shot.dataset.id}/file`, file, (part) => {
      progress.value = part;
      words.textContent = text("replacing", { percent: Math.round(part * 100) });
    });
  } catch (error) {
    tellCard(card(key), reason(error));
    return;
  } finally {
    progress.remove();
    words.remove();
    input.disabled = false;
    input.value = "";
  }
  await refresh();
  card(key)?.focus();
  announce(text("replaced"));
}

section.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.version");
  if (!form) return;
  event.preventDefault();
  const shot = form.closest(".shot"), { key, id } = shot.dataset;
  try {
    await ask("POST", `${section.dataset.uploadUrl}/${id}/versions/${form.dataset.version}/restore`);
  } catch (error) {
    tellCard(shot, reason(error));
    return;
  }
  await refresh();
  card(key)?.focus();
  announce(text("versionShown"));
});

/** Why the server would not take `file`, as far as this can be known here; else "". */
function problemOf(file) {
  const types = section.dataset.types.split(",");
  const most = Number(section.dataset.maxBytes);
  if (file.type && !types.includes(file.type)) return text("wrongType", { types: types.map((each) => LABELS[each] || each).join(", ") });
  if (file.size > most) return text("tooLarge", { size: megabytes(file.size), most: megabytes(most) });
  return "";
}

function megabytes(bytes) {
  const count = bytes / 1024 / 1024;
  return `${count.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })} MB`;
}

/** Send one file and say how far it is, 0 to 1; throw `Refused`. */
function send(url, file, onProgress) {
  const form = new FormData();
  form.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", freshKey());
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("error", () => reject(new Refused(0, {})));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(new Refused(request.status, read(request.responseText)));
    });
    request.send(form);
  });
}

function read(body) {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}

section.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const address = button.closest("details").querySelector(".address");
  try {
    await navigator.clipboard.writeText(address.value);
  } catch {
    address.select(); // no clipboard here: the person copies it
    return;
  }
  button.textContent = `✓ ${text("copied")}`;
  announce(text("copied"));
});
