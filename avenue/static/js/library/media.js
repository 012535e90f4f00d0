// The page of one picture: saved, replaced and pointed at without leaving it.
import { ask } from "../api.js";
import { text } from "../texts.js";
import { arrivals } from "../pictures/arriving.js";
import { pictureOf, pointing } from "../pictures/pointing.js";
import { Queue } from "../pictures/queue.js";
import { Rows, size } from "../pictures/rows.js";
import { reason } from "../pictures/told.js";

const picture = document.getElementById("picture"), { url } = picture.dataset;
const form = document.getElementById("describing"), state = form.querySelector(".saved-state");
let kept = written();
let isLeaving = false;

/** The fields of the form as the API takes them. */
function written() {
  const alt = {};
  for (const each of form.querySelectorAll("textarea[lang]")) if (each.value.trim()) alt[each.lang] = each.value.trim();
  const { decorative, name, folder, tags } = form.elements;
  const words = tags.value.split(",").map((each) => each.trim()).filter(Boolean);
  return { alt, decorative: decorative.checked, name: name.value, folder: folder.value || null, tags: words };
}

function isChanged() {
  return JSON.stringify(written()) !== JSON.stringify(kept);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});

/** Save what the form says, and tell whether it was taken. */
async function save() {
  const sent = written();
  tell(text("saving"));
  let now;
  try {
    now = await ask("PATCH", url, sent);
  } catch (error) {
    tell(`${text("notSaved")}: ${reason(error)}`, true);
    return false;
  }
  kept = sent;
  form.elements.name.value = kept.name = now.name;
  form.elements.tags.value = now.tags.join(", ");
  kept.tags = now.tags;
  document.querySelector("h1").textContent = now.name;
  await freshen("copies");
  tell(`✓ ${text("saved")}`);
  return true;
}

function tell(sentence, isBad = false) {
  state.textContent = sentence;
  state.classList.toggle("bad", isBad);
}

form.addEventListener("input", () => tell(""));
addEventListener("beforeunload", (event) => {
  if (!isLeaving && (isChanged() || queue.isBusy)) event.preventDefault();
});

/** What editors copy has the alternative text in it: show it as the server writes it now. */
async function freshen(id) {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const field of document.querySelectorAll(`[aria-labelledby=${id}] :is(input, textarea)`)) {
      const fresh = page.getElementById(field.id);
      if (fresh) field.value = fresh.value;
    }
  } catch {
    // What stands there was right a moment ago.
  }
}

/** Load the page again: picture, addresses and versions are others now. What was typed is saved before. */
async function again(said) {
  if (isChanged() && !(await save())) return;
  isLeaving = true;
  document.cookie = "avenue_said=1; path=/; max-age=60; samesite=lax"; // said once: web/pages.py
  location.replace(`${location.pathname}?said=${said}`);
}

const point = document.getElementById("point");
if (point) {
  const show = pointing(document.getElementById("focal"), {
    cuts: () => JSON.parse(picture.dataset.cuts),
    save: (focal) => ask("PATCH", url, { focal }),
    done: () => again("focal"),
  });
  point.hidden = false;
  point.addEventListener("click", () => show(pictureOf(point)));
  document.querySelector("section.without-script")?.remove();
}

const zone = document.getElementById("replacer"), { types, version } = zone.dataset, maxBytes = Number(zone.dataset.maxBytes);
const queue = new Queue({
  url: `${url}/file`,
  method: "PUT",
  limits: { maxBytes, types: types.split(",") },
  room: () => Infinity,
  placed: async ({ image }) => {
    again(image.version === version ? "same" : "replaced");
    return "state_placing";
  },
  withdraw: async () => {
    await ask("POST", `${url}/versions/${version}/restore`);
    again("version");
  },
});
new Rows(document.getElementById("queue"), queue, { max: size(maxBytes) });
zone.querySelector("input[type=file]").multiple = false;
arrivals(zone, replace, () => {});
zone.querySelector(".ways .folder")?.remove();

/** One file at a time, the last one that was chosen. */
function replace(files) {
  if (queue.isBusy) return;
  for (const each of queue.items) queue.remove(each);
  queue.add(files.slice(0, 1));
}
