// A menu as a list of links, moved by dragging or by buttons; what is saved stays a line for each link.
import Sortable from "../../vendor/sortable.esm.js";
import { announce } from "../announce.js";
import { text, texts } from "../texts.js";

const BETWEEN = " = ";

/** [label, to] of each line. */
function linksIn(lines) {
  return lines
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
}

function input(name, value) {
  const made = Object.assign(document.createElement("input"), { type: "text", value, placeholder: text(name), autocomplete: "off", maxLength: name === "link_label" ? 40 : 500 });
  made.setAttribute("aria-label", text(name));
  return made;
}

function button(name, sign, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: sign, title: text(name) });
  made.addEventListener("click", act);
  return made;
}

/** Offer pages and categories by name; a link without a text of its own gets that name. */
function offered(label, to) {
  to.setAttribute("list", "link-targets");
  to.addEventListener("change", () => {
    const [chosen] = [...to.list.options].filter((each) => each.value === to.value);
    if (chosen && !label.value.trim()) label.value = chosen.text;
  });
  return [label, to];
}

/** Put a list in the place of the lines in `area`. */
function list(area) {
  const rows = document.createElement("ul");
  rows.className = "links";
  rows.setAttribute("aria-label", area.labels[0].textContent);
  const add = button("link_add", text("link_add"), () => append(["", ""]).querySelector("input").focus());
  add.removeAttribute("title");

  function write() {
    area.value = [...rows.children]
      .map((row) => [...row.querySelectorAll("input")].map((each) => each.value.trim()))
      .filter(([label, to]) => label || to)
      .map((link) => link.join(BETWEEN))
      .join("\n");
    add.hidden = rows.children.length >= texts.most_links;
    for (const row of rows.children) name(row);
  }

  /** What its buttons are called: by the link they are about. */
  function name(row) {
    const label = row.querySelector("input").value.trim();
    for (const each of row.querySelectorAll("button")) each.setAttribute("aria-label", `${each.title}: ${label}`);
  }

  function move(row, by) {
    const all = [...rows.children], to = all.indexOf(row) + by;
    if (to < 0 || to >= all.length) return;
    if (by < 0) all[to].before(row);
    else all[to].after(row);
    write();
    tell(row);
  }

  function tell(row) {
    const all = [...rows.children];
    announce(text("link_moved", { label: row.querySelector("input").value, place: all.indexOf(row) + 1, count: all.length }));
  }

  function append([label, to]) {
    const row = document.createElement("li"), grip = document.createElement("span"), typed = document.createElement("span");
    Object.assign(grip, { className: "grip", textContent: "⠿" }).setAttribute("aria-hidden", "true");
    typed.className = "typed";
    typed.append(...offered(input("link_label", label), input("link_to", to)));
    const up = button("link_up", "↑", () => (move(row, -1), up.focus()));
    const down = button("link_down", "↓", () => (move(row, 1), down.focus()));
    const remove = button("link_remove", "×", () => {
      const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("input") ?? add;
      announce(text("link_removed", { label: row.querySelector("input").value }));
      row.remove();
      write();
      next.focus();
    });
    row.append(grip, typed, up, down, remove);
    row.addEventListener("input", write);
    row.addEventListener("change", write);
    rows.append(row);
    write();
    return row;
  }

  for (const link of linksIn(area.value)) append(link);
  write();
  const animation = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150;
  // A row that still glides under the pointer would swap back.
  Sortable.create(rows, { handle: ".grip", animation, onMove: ({ related }) => !related.animated, onEnd: ({ item }) => (write(), tell(item)) });
  document.getElementById(`${area.id}-note`).textContent = text("link_note");
  area.hidden = true;
  area.labels[0].removeAttribute("for");
  area.after(rows, add);
}

/** Make every menu of the page a list. */
export function start() {
  for (const each of document.querySelectorAll("[data-menu] textarea")) list(each);
}
