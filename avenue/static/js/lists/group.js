// The form of a group: products are found while one types, and options are added without a reload.
import { announce } from "../announce.js";
import { Refused, ask } from "../api.js";

const form = document.getElementById("group");
const find = form.querySelector("#find");
const members = form.querySelector("[data-members]");
const results = form.querySelector("[data-results]");
const nothing = form.querySelector("[data-nothing]");
const PAUSE = 250;
const MOST = 20;
let asked = 0;
let timer = 0;

/** A line with a box for `product`, as the server draws it. */
function line(product) {
  const item = document.createElement("li");
  const label = Object.assign(document.createElement("label"), { className: "check" });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "member", value: product.id });
  const words = document.createElement("span");
  words.append(product.name);
  if (product.sku) words.append(" ", Object.assign(document.createElement("span"), { className: "note", textContent: product.sku }));
  label.append(box, " ", words);
  item.append(label);
  return item;
}

/** Show the products that are like what was typed, and are not in the list above. */
async function look() {
  const words = find.value.trim();
  const mine = ++asked;
  let found = [];
  if (words) {
    const query = new URLSearchParams({ search: words, sort: "name", limit: MOST });
    if ("own" in find.dataset) query.set("owner", "me");
    try {
      found = (await ask("GET", `/api/shop/products?${query}`)).items;
    } catch (error) {
      if (error instanceof Refused) return; // the button still asks the server for a page
      throw error;
    }
  }
  if (mine !== asked) return;
  const there = new Set([...members.querySelectorAll("input")].map((box) => box.value));
  const fresh = found.filter((product) => !there.has(product.id));
  // The same ones stay as they are: somebody may be about to check one.
  const shown = [...results.querySelectorAll("input")].map((box) => box.value);
  if (fresh.map((product) => product.id).join() !== shown.join()) results.replaceChildren(...fresh.map(line));
  results.hidden = fresh.length === 0;
  nothing.hidden = !words || fresh.length > 0;
  if (words) announce(fresh.length ? results.dataset.found.replace("{count}", fresh.length) : nothing.textContent);
}

find.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE);
});
find.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  clearTimeout(timer);
  look();
});
form.querySelector("button[value=find]").addEventListener("click", (event) => {
  event.preventDefault();
  look();
});

// What is checked among the found moves up, and stays in its hand.
results.addEventListener("change", (event) => {
  const item = event.target.closest("li");
  members.append(item);
  form.querySelector("[data-no-members]")?.remove();
  results.hidden = results.children.length === 0;
  event.target.focus();
});

const options = form.querySelector("[data-options]");
const another = form.querySelector("[data-add-option]");
if (options) {
  another.hidden = false;
  another.addEventListener("click", () => {
    const number = options.children.length;
    const last = options.lastElementChild;
    const fresh = last.cloneNode(true);
    for (const each of fresh.querySelectorAll("[id], [for], [name]")) {
      for (const name of ["id", "for", "name"]) {
        const value = each.getAttribute(name);
        if (value) each.setAttribute(name, value.replace(/^option-\d+/, `option-${number}`));
      }
    }
    for (const input of fresh.querySelectorAll("input")) {
      if (input.type === "checkbox") input.checked = false;
      else input.value = "";
    }
    options.append(fresh);
    fresh.querySelector("input").focus();
  });
}
