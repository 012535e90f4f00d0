// Photos from the library: chosen in a dialog, and brought in as files from this computer are, with
// what is said of them there.
import { announce } from "../announce.js";
import { ask, Refused } from "../api.js";
import { text } from "../texts.js";
import { showThumbnail } from "../thumbnail.js";
import { reason } from "./told.js";

const A_PAGE = 40, PAUSE_MS = 250;

const dialog = document.getElementById("library");
const find = dialog.querySelector("input[type=search]"), list = dialog.querySelector("ul");
const wrong = dialog.querySelector(".wrong"), use = dialog.querySelector("[data-act=use]");
let asked = 0, timer, shown = new Map();
let room = () => 0, take = () => {};

/** Let somebody choose of the library; `give` gets the files, at most `left()`. */
export function chooseOfLibrary(left, give) {
  [room, take] = [left, give];
  find.value = "";
  list.replaceChildren();
  dialog.showModal();
  look();
}

function chosen() {
  return [...list.querySelectorAll("input:checked")];
}

/** No more can be chosen than fit. */
function choose() {
  const count = chosen().length;
  use.disabled = !count || count > room();
  for (const each of list.querySelectorAll("input:not(:checked)")) each.disabled = count >= room();
}

function complain(sentence) {
  wrong.textContent = sentence;
  wrong.hidden = !sentence;
}

async function look() {
  clearTimeout(timer);
  const mine = (asked += 1), query = new URLSearchParams({ limit: A_PAGE, sort: "newest" });
  if (find.value.trim()) query.set("search", find.value.trim());
  let answer;
  try {
    answer = await ask("GET", `/api/builder/media?${query}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (mine === asked) complain(reason(error));
    return;
  }
  if (mine !== asked) return;
  complain("");
  const readable = answer.items.filter((each) => each.width && each.scan !== "pending" && each.scan !== "quarantined");
  shown = new Map(readable.map((each) => [each.id, each]));
  list.replaceChildren(...readable.map(line));
  dialog.querySelector("[data-none]").hidden = shown.size > 0;
  choose();
  announce(text("library_found", { count: shown.size }));
}

async function finish() {
  use.disabled = true;
  const files = [];
  for (const { value } of chosen()) {
    try {
      files.push(await fileOf(shown.get(value)));
    } catch {
      complain(text("library_lost", { name: shown.get(value).name }));
      choose();
      return;
    }
  }
  dialog.close();
  take(files);
}

find.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});
list.addEventListener("change", choose);
use.addEventListener("click", finish);
dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
dialog.querySelector("[data-act=cancel]").addEventListener("click", () => dialog.close());

function line(media) {
  const item = document.createElement("li"), label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: media.id });
  const look = Object.assign(document.createElement("img"), { alt: "", width: 200, height: 200, loading: "lazy", draggable: false });
  showThumbnail(look, media);
  label.append(box, look, Object.assign(document.createElement("span"), { className: "name", textContent: media.name }));
  item.append(label);
  return item;
}

/** The stored file of `media`, and what is said of it. */
async function fileOf(media) {
  const { pathname, search } = new URL(media.url); // by the name of the site one came by
  const answer = await fetch(pathname + search);
  if (!answer.ok) throw new Error(String(answer.status));
  const file = new File([await answer.blob()], media.name, { type: media.media_type });
  file.described = { alt: media.alt, decorative: media.decorative };
  return { file, name: media.name };
}
