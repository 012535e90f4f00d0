// What every page of the panel gets: its moments in the reader's own time zone.

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
