// Choosing a product for a card: found while one types, among those the storefront shows.
import { Refused, ask } from "../api.js";
import { showThumbnail } from "../thumbnail.js";
import { text } from "../texts.js";
import { announce } from "../announce.js";
import { reason } from "./bar.js";
import { element, sourceOf } from "./pictures.js";

const PAUSE_MS = 250, MOST = 20;

/** How prices are written, as the server writes them. */
const WRITTEN = { es: "es-PY", en: "en" };
const dialog = document.getElementById("products");
const find = dialog.querySelector("input"), list = dialog.querySelector("ul"), wrong = dialog.querySelector(".wrong");
let done = () => {}, timer = 0, asked = 0;

/** Let somebody choose; resolve to the product, or to null. */
export function chooseProduct() {
  return new Promise((resolve) => {
    done = resolve;
    find.value = "";
    dialog.showModal();
    look();
  });
}

dialog.addEventListener("close", () => done(null)); // after a choice nobody listens any more
find.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});
dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});

async function look() {
  clearTimeout(timer);
  const mine = (asked += 1), query = new URLSearchParams({ status: "published", limit: MOST });
  if (find.value.trim()) query.set("search", find.value.trim());
  let found = [];
  wrong.hidden = true;
  try {
    found = (await ask("GET", `/api/shop/products?${query}`)).items;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    wrong.textContent = reason(error);
    wrong.hidden = false;
  }
  if (mine !== asked) return;
  list.replaceChildren(...found.map(line));
  announce(text("found", { count: found.length }));
}

function line(product) {
  const item = document.createElement("li");
  const choose = Object.assign(document.createElement("button"), { type: "button", className: "choice" });
  const [image] = product.images;
  const look = Object.assign(document.createElement(image ? "img" : "span"), image ? { alt: "", width: 48, height: 48 } : { className: "no-picture" });
  if (image) showThumbnail(look, image);
  choose.append(look);
  const words = document.createElement("span");
  words.append(product.name, Object.assign(document.createElement("span"), { className: "note", textContent: priceOf(product) }));
  choose.append(words);
  choose.addEventListener("click", () => {
    done(product);
    dialog.close();
  });
  item.append(choose);
  return item;
}

function priceOf({ price, currency }) {
  if (price === null) return "";
  return new Intl.NumberFormat(WRITTEN[document.documentElement.lang], { style: "currency", currency, minimumFractionDigits: 0 }).format(Number(price));
}

/** The HTML of a card of `product`, as it is now. */
export function cardOf(product) {
  const parts = [element("strong", { class: "avenue-card-name" }, product.name)];
  if (product.price !== null) parts.push(element("span", { class: "avenue-card-price" }, priceOf(product)));
  const [image] = product.images;
  if (image) parts.unshift(element("img", { src: sourceOf(image), alt: "" }));
  return element("a", { class: "avenue-card", href: `/products/${product.id}` }, ...parts).outerHTML;
}
