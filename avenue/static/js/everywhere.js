// What every page of the panel gets: its moments in the reader's own time zone, a navigation that shows
// where one is, and keys.

/** Write the moments below `root` as the reader's clock shows them. */
export function localMoments(root) {
  for (const each of root.querySelectorAll("time[datetime]")) {
    const at = new Date(each.dateTime);
    if (!Number.isNaN(at.valueOf())) {
      each.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    }
  }
}

localMoments(document);

// On a phone navigation and tabs are wider than the window. Only they are scrolled, never the page.
for (const strip of document.querySelectorAll(".top nav, .tabs, .views, .places > ul")) {
  const here = strip.querySelector("[aria-current]");
  if (!here) continue;
  const [around, item] = [strip.getBoundingClientRect(), here.getBoundingClientRect()];
  strip.scrollLeft += item.left + item.width / 2 - (around.left + around.width / 2);
}

// How much waits behind lines of the navigation: asked for once the page is there, and kept for a while.
const counted = [...document.querySelectorAll("[data-count]")];
const COUNTS = `avenue.counts ${document.querySelector(".leave a")?.textContent}`, COUNTS_MS = 60_000, MOST = 99;

async function counts() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(COUNTS));
    if (kept && Date.now() - kept.at < COUNTS_MS && Date.now() >= kept.at) return kept.found;
    const answer = await fetch("/admin/counts", { headers: { Accept: "application/json" } });
    if (!answer.ok) return {};
    const found = await answer.json();
    sessionStorage.setItem(COUNTS, JSON.stringify({ at: Date.now(), found }));
    return found;
  } catch {
    return {}; // no connection, or no storage here: the lines lead there all the same
  }
}

if (counted.length) {
  counts().then((found) => {
    for (const each of counted) {
      each.hidden = !(each.dataset.count in found);
      each.firstChild.textContent = found[each.dataset.count] ?? `${MOST}+`;
    }
  });
}

// Keys. Those without Ctrl do nothing while somebody types, and can be turned off: speech input types.
const parts = document.getElementById("palette-parts");
const KEYS = {
  "?": async () => (await import("./palette.js")).openKeys(),
  "/": () => {
    const field = document.querySelector("main input[type=search]");
    if (field) field.focus();
    else openPalette();
  },
  n: () => {
    const link = parts.content.querySelector('[href="/admin/products/new"]');
    if (link) location.assign(link.getAttribute("href"));
  },
};

/** Whether keys without Ctrl do something, as this browser was told. */
export function areSingleKeysOn() {
  try {
    return localStorage.getItem("avenue.single-keys") !== "off";
  } catch {
    return true; // no storage here
  }
}

let isComing = false; // what is typed before the dialog is there is meant for it

async function openPalette() {
  isComing = true;
  try {
    (await import("./palette.js")).openPalette();
  } finally {
    isComing = false;
  }
}

if (parts) {
  document.querySelector("[data-palette]").addEventListener("click", openPalette);
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
    } else if (!isCommand && !isComing && Object.hasOwn(KEYS, event.key) && !event.target.closest("input, textarea, select, [contenteditable], dialog[open]") && areSingleKeysOn()) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });
}
