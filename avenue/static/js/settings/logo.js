// The logo: dropped or chosen, sent at once, shown at once; what is typed in the form stays.
import { announce } from "../announce.js";
import { ask, Refused } from "../api.js";
import { text } from "../texts.js";

const zone = document.querySelector(".logo");
const form = document.getElementById("logo-form");
const problem = document.getElementById("logo-problem");
const settings = document.getElementById("settings");
let sending = null; // what is waited for before the settings are saved

async function sent(file) {
  const body = new FormData();
  body.append("file", file, file.name);
  let answer;
  try {
    answer = await fetch("/api/site/logo", { method: "PUT", headers: { Accept: "application/json" }, body });
  } catch {
    throw new Refused(0, {});
  }
  const read = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, read);
  return read;
}

function show(file) {
  const picture = document.createElement("img");
  Object.assign(picture, { src: file.path, width: file.file.width, height: file.file.height, alt: text("sent") });
  document.getElementById("logo-shown").replaceChildren(picture);
  document.getElementById("logo-remove").hidden = false;
}

/** A new logo is a new revision of the site; the form goes on from there, unless others came between. */
async function keepUp() {
  const field = document.getElementById("revision");
  const { revision } = await ask("GET", "/api/site");
  if (revision === Number(field.value) + 1) field.value = String(revision);
}

function take(files) {
  const mine = send(files).finally(() => {
    if (sending === mine) sending = null;
  });
  sending = mine;
}

async function send(files) {
  problem.hidden = true;
  try {
    if (files.length !== 1) throw new Error(text("one"));
    announce(text("sending"));
    zone.setAttribute("aria-busy", "true");
    show(await sent(files[0]));
    form.reset();
    announce(text("sent"));
    await keepUp();
  } catch (error) {
    problem.textContent = [error.message || text("failed"), error.hint].filter(Boolean).join(" ");
    problem.hidden = false;
    announce(problem.textContent);
  } finally {
    zone.removeAttribute("aria-busy");
  }
}

const holdsFiles = (event) => [...event.dataTransfer.types].includes("Files");

/** Take files that are dropped or chosen. */
export function start() {
  document.getElementById("logo-send").hidden = true;
  form.file.addEventListener("change", () => form.file.files.length && take([...form.file.files]));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take([...form.file.files]);
  });
  // The logo is a new revision of the site: saved in between, the settings would meet our own change.
  settings.addEventListener("submit", async (event) => {
    if (!sending) return;
    event.preventDefault();
    await sending;
    settings.requestSubmit(event.submitter);
  });
  zone.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    zone.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}
