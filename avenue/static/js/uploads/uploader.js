// The page that brings files in: chosen, dropped, pasted or photographed, they go by the tus protocol.
import { arrivals } from "../pictures/arriving.js";
import { size } from "../pictures/rows.js";
import { announce } from "../announce.js";
import { text } from "../texts.js";
import { draw } from "./rows.js";
import { Transfers } from "./transfers.js";

const facts = JSON.parse(document.getElementById("facts").textContent);
const form = document.getElementById("uploader");
const zone = form.querySelector(".zone");
const field = zone.querySelector("input[type=file]");
const { category, reference } = form.elements;
const transfers = new Transfers(facts);

const medium = (type) => /^(image|audio|video)\//.exec(type)?.[1].replace("audio", "video");

/** Whether a category may take a file: none of pictures takes a video. The server looks at the bytes. */
function mayBe(type, accept) {
  const its = medium(type);
  return !its || !accept || accept.split(",").some((each) => medium(each) === its);
}

function refusal(file) {
  if (!file.size) return text("empty");
  const { types, accept, maxBytes: most } = facts.categories[category.value];
  if (!mayBe(file.type, accept)) return text("wrong_type", { types });
  return file.size > most ? text("too_large", { size: size(file.size), most: size(most) }) : "";
}

/** A camera and a clipboard give a name of their own. */
function renamed({ file, name }) {
  return file.name === name ? file : new File([file], name, { type: file.type, lastModified: file.lastModified });
}

function take(files) {
  const filing = { category: category.value, reference: reference.value.trim() };
  for (const each of files) {
    const file = renamed(each);
    transfers.add(filing, file, refusal(file));
  }
}

/** Where files go stands in the address, so that a page that is loaded again still says so. */
function remember() {
  const address = new URL(location.href);
  for (const each of [category, reference]) {
    if (each.value) address.searchParams.set(each.name, each.value);
    else address.searchParams.delete(each.name);
  }
  history.replaceState(history.state, "", address);
}

/** Say what the chosen category takes. */
function tellLimits() {
  const { types, accept, maxBytes } = facts.categories[category.value];
  field.accept = accept;
  form.querySelector("#limits").textContent = text("limits", { types, size: size(maxBytes) });
}

/** Show what is stored now, when nothing is under way any more. */
async function tellStored() {
  if (transfers.items.some((each) => each.isUnderWay)) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(".storage");
    if (answer.ok && fresh) document.querySelector(".storage").replaceWith(fresh);
  } catch {
    // What stands there was true a moment ago.
  }
}

draw(document.getElementById("queue"), transfers, facts.categories);
transfers.addEventListener("settle", tellStored);
arrivals(zone, take, (most) => announce(text("folder_cut", { most })));
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", () => {
  remember();
  tellLimits();
});
tellLimits();
await transfers.left();
form.dataset.ready = "";
