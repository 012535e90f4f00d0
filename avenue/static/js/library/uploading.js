// Brings pictures into the library: into the folder that is open, by every way there is.
import { announce } from "../announce.js";
import { ask, Refused } from "../api.js";
import { arrivals } from "../pictures/arriving.js";
import { Queue } from "../pictures/queue.js";
import { Rows, size } from "../pictures/rows.js";
import { text } from "../texts.js";
import { refresh } from "./refreshing.js";

const API = "/api/builder/media";
const zone = document.getElementById("uploader"), notice = document.getElementById("notice");
const { folder, types } = zone.dataset, maxBytes = Number(zone.dataset.maxBytes);

const queue = new Queue({
  url: folder ? `${API}?folder=${folder}` : API,
  limits: { maxBytes, types: types.split(",") },
  room: () => Infinity,
  placed,
  withdraw,
});
new Rows(document.getElementById("queue"), queue, { max: size(maxBytes) }, { more: offerTheOther, home: () => document.querySelector(".upload-menu > summary") });

arrivals(zone, take, (most) => {
  notice.textContent = text("folder_cut", { most });
  notice.hidden = false;
});
addEventListener("beforeunload", (event) => {
  if (queue.isBusy || queue.count("broken")) event.preventDefault();
});
document.getElementById("library-contents").addEventListener("click", (event) => event.target.closest("[data-choose]") && document.getElementById("files").click());
zone.dataset.ready = "";

function take(files) {
  notice.hidden = true;
  document.querySelector(".upload-menu").open = false;
  queue.add(files);
}

async function placed({ image }) {
  const isShown = await refresh();
  return image.duplicate_of ? "duplicate" : isShown;
}

/** Take a picture back that arrived although it was cancelled. */
async function withdraw(image) {
  try {
    await ask("DELETE", `${API}/${image.id}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  await refresh();
}

/** Beside a picture that was here already: a look at that one, and the choice of it. */
function offerTheOther(item, row) {
  const actions = row.querySelector(".actions");
  if (item.note !== "duplicate" || actions.querySelector("[data-other]")) return;
  const look = Object.assign(document.createElement("a"), {
    className: "button quiet small", href: `/admin/library/${item.image.duplicate_of}`, textContent: text("open_there"),
  });
  look.dataset.other = "";
  look.append(named(item));
  const keep = [...actions.querySelectorAll("button")].find((each) => !each.hidden);
  keep.replaceChildren(text("keep_both"), named(item));
  const use = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: text("use_there") });
  use.append(named(item));
  use.addEventListener("click", async () => {
    use.disabled = true;
    await withdraw(item.image);
    use.remove();
    keep.replaceChildren(text("remove"), named(item));
    row.querySelector(".state").textContent = text("duplicate_used");
    announce(text("duplicate_used"));
    look.focus();
  });
  actions.prepend(use, look);
}

function named(item) {
  return Object.assign(document.createElement("span"), { className: "unseen", textContent: ` ${item.name}` });
}
