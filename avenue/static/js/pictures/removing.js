// Taking pictures away, back again, and out of the trash.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { text } from "../texts.js";
import { card, cards, refresh, screen } from "./screen.js";
import { offer, reason, tell, tellCard } from "./told.js";

const section = screen();
const leaving = new WeakSet(); // cards whose removal is under way

section.addEventListener("click", (event) => {
  const removing = event.target.closest("[data-part=remove]");
  if (!removing) return;
  event.preventDefault();
  remove(removing.closest(".shot"));
});

section.addEventListener("submit", (event) => {
  const restoring = event.target.closest("form.restore");
  if (!restoring) return;
  event.preventDefault();
  restore(restoring.closest("li").dataset.key, nameIn(restoring.closest("li")));
});

function nameIn(item) {
  return item.querySelector("b").textContent;
}

async function remove(shot) {
  if (leaving.has(shot)) return; // a double click
  leaving.add(shot);
  const { key, id, name } = shot.dataset;
  const at = cards().indexOf(shot);
  const { ownerUrl, uploadUrl } = section.dataset;
  try {
    if (id) await ask("DELETE", `${uploadUrl}/${id}`);
    else await ask("DELETE", uploadUrl, { image_url: key });
  } catch (error) {
    if (error.status !== 404) {
      leaving.delete(shot);
      return tellCard(shot, reason(error));
    }
    tell(reason(error)); // somebody else was quicker
  }
  await refresh();
  leaving.delete(shot);
  focusNear(at);
  announce(text("removed", { name }));
  if (ownerUrl) offer(text("removed", { name }), text("undo"), () => (id ? restore(key, name) : restoreExternal(key, name, at)));
}

/** After a picture went: to the one in its place, else to where new ones are chosen. */
function focusNear(at) {
  const near = cards()[Math.min(at, cards().length - 1)];
  const ways = [...section.querySelectorAll(".zone .ways button, .zone input")].filter((each) => each.offsetParent);
  (near?.querySelector("[data-part=remove]") || ways[0])?.focus();
}

async function restore(key, name) {
  try {
    await ask("POST", `${section.dataset.uploadUrl}/${key}/restore`);
  } catch (error) {
    tell(reason(error));
    return;
  }
  await isBack(key, name);
}

/** An external picture is only its address: it is named again, and put where it was. */
async function restoreExternal(url, name, at) {
  const { ownerUrl, uploadUrl } = section.dataset;
  try {
    await ask("POST", uploadUrl, { image_url: url });
    const owner = await ask("GET", ownerUrl);
    const order = owner.images.map((each) => each.id || each.url).filter((each) => each !== url);
    order.splice(at, 0, url);
    await ask("PUT", uploadUrl, { order, revision: owner.revision });
  } catch (error) {
    tell(reason(error));
  }
  await isBack(url, name);
}

async function isBack(key, name) {
  await refresh();
  card(key)?.focus();
  announce(text("restored", { name }));
}
