// Follows a job until it is over: the bar, its numbers in words, then the page anew.
import { ask } from "../api.js";
import { announce } from "../announce.js";
import { text } from "../texts.js";

const PAUSE = 700;
const LONGEST_PAUSE = 8000;
const place = document.querySelector("[data-progress]");
let pause = PAUSE;

/** Show how far it is; return whether it goes on. */
function show(run) {
  const { done, total } = (run.undo || run).progress;
  const bar = place.querySelector("progress");
  bar.max = total || 1;
  bar.value = done;
  place.querySelector("[data-numbers]").textContent = text("progress", { done, total: total ?? "…" });
  return place.dataset.moving.split(" ").includes(run.state);
}

async function look() {
  try {
    const run = await ask("GET", place.dataset.progress);
    pause = PAUSE;
    if (!show(run)) {
      announce(text("finished"));
      window.location.reload();
      return;
    }
  } catch (error) {
    if (error.status === 404 || error.status === 401) {
      window.location.reload();
      return;
    }
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    place.querySelector("[data-numbers]").textContent = text("lost");
  }
  window.setTimeout(look, pause);
}

if (place) look();
