// What every page of the panel gets: its moments in the reader's own time zone, and a navigation that
// shows where one is.

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

// On a phone the navigation is wider than the window. Only it is scrolled, never the page.
const navigation = document.querySelector(".top nav");
const here = navigation?.querySelector("[aria-current]");
if (here) {
  const [strip, item] = [navigation.getBoundingClientRect(), here.getBoundingClientRect()];
  navigation.scrollLeft += item.left + item.width / 2 - (strip.left + strip.width / 2);
}
