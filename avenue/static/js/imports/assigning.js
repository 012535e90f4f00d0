// Fields that name the product of a file: suggests products for what is typed, or for the file's name.
import { ask, Refused } from "../api.js";

const PAUSE_MS = 150, LEAST_LETTERS = 2, MOST = 8;
const form = document.querySelector("[data-assign]"), list = document.getElementById("products");
let timer = 0, asked = 0;

async function suggest(words) {
  const mine = (asked += 1);
  const query = new URLSearchParams({ search: words, limit: MOST, ...("own" in form.dataset ? { owner: "me" } : {}) });
  try {
    const { items } = await ask("GET", `/api/shop/products?${query}`);
    if (mine !== asked) return;
    list.replaceChildren(...items.map((each) => Object.assign(document.createElement("option"), { value: each.sku ?? each.name, label: each.sku ? each.name : "" })));
    list.dataset.shown = words;
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // what is typed can be sent all the same
  }
}

// What cannot be opened has no picture to show.
for (const picture of form.querySelectorAll("img")) {
  const away = () => picture.remove();
  if (picture.complete && !picture.naturalWidth) away();
  else picture.addEventListener("error", away, { once: true });
}

for (const field of form.querySelectorAll("[data-stem]")) {
  const look = () => {
    clearTimeout(timer);
    const words = field.value.trim() || field.dataset.stem;
    if (words.length >= LEAST_LETTERS && list.dataset.shown !== words) timer = setTimeout(suggest, PAUSE_MS, words);
  };
  field.addEventListener("input", look);
  field.addEventListener("focus", look);
}
