// The page of one picture: saved, replaced and pointed at without leaving it.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { arrivals } from "../pictures/arriving.js";
import { pictureOf, pointing } from "../pictures/pointing.js";
import { Queue } from "../pictures/queue.js";
import { Rows, size } from "../pictures/rows.js";
import { describing } from "./details.js";
import { editable, editing } from "./editing.js";

const picture = document.getElementById("picture"), { url } = picture.dataset;
const details = describing(document.getElementById("describing"), url, {
  saved: ({ name }) => {
    document.querySelector("h1").textContent = name;
    return freshen("copies");
  },
});
let isLeaving = false;

addEventListener("beforeunload", (event) => {
  if (!isLeaving && (details.isChanged() || queue.isBusy)) event.preventDefault();
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
  if (details.isChanged() && !(await details.save())) return;
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

const edit = document.getElementById("edit");
if (edit) {
  const open = editing(document.getElementById("editing"), () => again("replaced"));
  edit.hidden = false;
  edit.addEventListener("click", () => open({ ...editable(edit), failed: (sentence) => announce(sentence) }));
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
