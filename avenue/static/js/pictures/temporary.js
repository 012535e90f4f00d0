// The pictures of a product that is not saved yet: which of them it will get, and what was left
// from an earlier visit.
import { announce } from "../announce.js";
import { ask, Refused } from "../api.js";
import { text } from "../texts.js";
import { counted } from "./rows.js";
import { cards, refresh } from "./screen.js";

function boxes() {
  return [...document.querySelectorAll("#picture-list input[name=temp_images]")];
}

/** The ids of those the product will get. */
export function chosen() {
  return boxes().filter((box) => box.checked).map((box) => box.value);
}

/** Offer what an earlier visit left; `changed` is called when other ones are chosen. */
export function watchTemporary(section, changed) {
  section.addEventListener("change", (event) => {
    if (event.target.name !== "temp_images") return;
    chosenFirst(section);
    changed();
  });
  section.addEventListener("pictures:changed", () => chosenFirst(section));
  if (!("chosen" in section.dataset)) offerEarlier(section, changed);
}

function offerEarlier(section, changed) {
  const earlier = boxes();
  if (!earlier.length) return;
  for (const box of earlier) box.checked = false;
  const offer = Object.assign(document.createElement("div"), { className: "warning earlier" });
  const words = Object.assign(document.createElement("p"), { textContent: counted("earlier", earlier.length) });
  const close = (name) => {
    offer.remove();
    announce(text(name));
    section.querySelector(".zone .ways button").focus();
  };
  const use = button("earlier_use", () => {
    const ids = earlier.map((box) => box.value);
    for (const box of boxes()) if (ids.includes(box.value) && chosen().length < Number(section.dataset.limit)) box.checked = true;
    chosenFirst(section);
    changed();
    close("earlier_used");
  });
  const drop = button("earlier_delete", async () => {
    use.disabled = drop.disabled = true;
    for (const box of earlier) await forget(section, box.value);
    await refresh().catch(() => false);
    close("earlier_deleted");
  });
  const buttons = Object.assign(document.createElement("div"), { className: "actions" });
  buttons.append(use, drop);
  offer.append(words, buttons);
  document.getElementById("picture-list").before(offer);
}

/** What is gone already is as good as deleted. */
async function forget(section, id) {
  try {
    await ask("DELETE", `${section.dataset.uploadUrl}/${id}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

function button(name, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: text(name) });
  made.addEventListener("click", act);
  return made;
}

/** The first one is the main picture, so those that are not for this product stand behind. */
function chosenFirst(section) {
  const ids = chosen(), keys = cards().map((card) => card.dataset.key);
  const order = [...keys.filter((key) => ids.includes(key)), ...keys.filter((key) => !ids.includes(key))];
  if (order.join() === keys.join()) return;
  const focus = document.activeElement;
  putCards(section, order);
  focus.focus({ preventScroll: true });
}

/** Put the cards of `keys` into this order, which is kept by the page alone. */
export function putCards(section, keys) {
  const byKey = new Map(cards().map((card) => [card.dataset.key, card]));
  document.getElementById("picture-list").append(...keys.map((key) => byKey.get(key)));
  section.dispatchEvent(new CustomEvent("pictures:changed", { bubbles: true }));
}
