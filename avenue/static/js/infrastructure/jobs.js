// Follows the work that goes on: bars and their numbers, and the lists when something has changed.
import { ask } from "../api.js";
import { announce } from "../announce.js";
import { localMoments } from "../everywhere.js";
import { text } from "../texts.js";

const PAUSE = 2000;
const LONGEST_PAUSE = 30000;
const format = new Intl.NumberFormat(document.documentElement.lang);

/** Show how far a job is; return whether it stands as the page says. */
function show(place, job) {
  if (place.dataset.state !== `${job.state}${job.wish || ""}`) return false;
  const bar = place.querySelector("progress");
  if (bar && job.total) {
    bar.max = job.total;
    bar.value = job.done;
  }
  if (job.done || job.total) {
    const facts = { done: format.format(job.done), total: format.format(job.total || 0) };
    place.querySelector("[data-numbers]").textContent = text(job.total === null ? "done" : "progress", facts);
  }
  return true;
}

/** Tell whether a job is among those that the page shows: all, or those of some kinds, or one. */
function isShown(job) {
  const { kinds, site, only } = document.querySelector("[data-lists]").dataset;
  return (!kinds || kinds.split(" ").includes(job.kind)) && (!site || job.site === site) && (!only || job.id === only);
}

/** Tell whether the page has exactly the jobs that are not over, each as it stands. */
function isAsBefore(jobs) {
  const places = new Map([...document.querySelectorAll("[data-job]")].map((each) => [each.dataset.job, each]));
  return jobs.length === places.size && jobs.every((job) => places.has(job.id) && show(places.get(job.id), job));
}

/** The lists as they are now, or null. */
async function asNow() {
  const answer = await fetch(window.location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-lists]");
}

/** Put the lists as they are now in their places; who was at a button stays there, if it is left. */
function renew(fresh) {
  const here = document.querySelector("[data-lists]");
  here.dataset.phase = fresh.dataset.phase || "";
  here.dataset.only = fresh.dataset.only || "";
  const action = document.activeElement?.closest("form")?.getAttribute("action");
  here.replaceChildren(...fresh.childNodes);
  localMoments(here);
  if (action) here.querySelector(`form[action="${CSS.escape(action)}"] button`)?.focus();
  announce(text("changed"));
}

async function follow(pause) {
  let next = PAUSE;
  try {
    const { items } = await ask("GET", "/api/ops/jobs");
    const isDeciding = document.querySelector("details.sure[open], [data-lists] :active") !== null;
    const open = items.filter((job) => job.every_seconds === null && job.finished_at === null && isShown(job));
    const isSame = isAsBefore(open);
    // The phase of a move is not in its job, so while one goes on the page is asked.
    const { phase } = document.querySelector("[data-lists]").dataset;
    const fresh = isDeciding || (isSame && !(phase && open.length)) ? null : await asNow();
    if (fresh && !(isSame && fresh.dataset.phase === phase)) renew(fresh);
  } catch (error) {
    if (error.status === 401 || error.status === 403) return;
    next = Math.min(pause * 2, LONGEST_PAUSE);
    if (pause === PAUSE) announce(text("lost"));
  }
  window.setTimeout(follow, next, next);
}

window.setTimeout(follow, PAUSE, PAUSE);
