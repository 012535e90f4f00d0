// Follows the loading of the sample products: the page is asked again until they are there.
import { announce } from "./announce.js";

const EVERY_MS = 1000;
const place = document.getElementById("standing");

function isLoading() {
  return place.dataset.state === "loading";
}

/** Show what the server says now; a question that got no answer is asked again. */
async function look() {
  try {
    const answer = await fetch("/admin/demo", { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("standing");
    if (answer.ok && fresh) {
      show(fresh);
    }
  } catch {
    // The connection is away for a moment.
  }
  if (isLoading()) {
    setTimeout(look, EVERY_MS);
  }
}

function show(fresh) {
  const [bar, next] = [place.querySelector("progress"), fresh.querySelector("progress")];
  if (bar && next) {
    bar.value = next.value;
    place.querySelector("#progress").textContent = fresh.querySelector("#progress").textContent;
    return;
  }
  place.dataset.state = fresh.dataset.state;
  place.replaceChildren(...fresh.childNodes);
  announce(place.querySelector("h2, .problem").textContent);
}

if (isLoading()) {
  place.querySelector("[data-reload]").hidden = true;
  setTimeout(look, EVERY_MS);
}
