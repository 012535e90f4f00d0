// Follows jobs until they are over: the bars, their numbers in words, then the page anew.
import { ask } from "../api.js";
import { announce } from "../announce.js";
import { text } from "../texts.js";

const PAUSE = 700;
const LONGEST_PAUSE = 8000;
let left = 0;

/** Show how far a job, or the part of it that the place is for, is; return whether it goes on. */
function show(place, whole) {
  const run = place.dataset.part ? whole[place.dataset.part] : whole;
  const { done, total } = (run.undo || run).progress;
  const bar = place.querySelector("progress");
  bar.max = total || 1;
  bar.value = done;
  place.querySelector("[data-numbers]").textContent = text(place.dataset.part || "progress", {
    done,
    total,
  });
  return place.dataset.moving.split(" ").includes(run.state);
}

/** One job less to wait for; after the last one the page says what came of them. */
function over() {
  left -= 1;
  if (!left) {
    announce(text("finished"));
    window.location.reload();
  }
}

async function follow(place, pause) {
  let next = PAUSE;
  try {
    if (!show(place, await ask("GET", place.dataset.progress))) return over();
  } catch (error) {
    if (error.status === 404 || error.status === 401) return over();
    next = Math.min(pause * 2, LONGEST_PAUSE);
    place.querySelector("[data-numbers]").textContent = text("lost");
  }
  // Many jobs are asked about less often each, so that nobody asks too much.
  return window.setTimeout(follow, next * left, place, next);
}

for (const place of document.querySelectorAll("[data-progress]")) {
  left += 1;
  follow(place, PAUSE);
}
