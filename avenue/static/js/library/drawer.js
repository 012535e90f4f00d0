// One picture beside the gallery: its details as its own page has them, and the way to the next one.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { coloured } from "../lists/lists.js";
import { localMoments } from "../everywhere.js";
import { describing } from "./details.js";
import { reason } from "../pictures/told.js";
import { text } from "../texts.js";
import { editable, editing } from "./editing.js";
import { refresh } from "./refreshing.js";

/** What the page of a picture has that is of use beside the gallery. */
const PARTS = ["preview", "about", "uses", "versions"];

/** Return `show(id)`, which shows a picture of `section` in `dialog`. */
export function drawer(section, dialog) {
  const inside = dialog.querySelector("[data-in]"), title = dialog.querySelector("h2");
  const act = (name) => dialog.querySelector(`[data-act=${name}]`);
  const wrong = dialog.querySelector(":scope > .wrong");
  const open = editing(document.getElementById("editing"), async () => {
    hasChanged = true;
    await show(shown);
  });
  let shown = null, details = null, hasChanged = false;

  const tiles = () => [...section.querySelectorAll("#items > li")].map((each) => each.dataset.key);
  const beside = (step) => tiles()[tiles().indexOf(shown) + step];

  async function show(id) {
    const wasOpen = dialog.open;
    if (!id || (details?.isChanged() && !(await details.save()))) return;
    if (wasOpen && !dialog.open) return; // closed while that was saved
    shown = id;
    wrong.hidden = true;
    const link = section.querySelector(`[data-key="${id}"] .name`);
    title.textContent = link.textContent;
    dialog.querySelector("[data-open]").href = link.href;
    act("previous").disabled = !beside(-1);
    act("next").disabled = !beside(1);
    inside.inert = true; // what stands there until the answer comes is of the picture before
    if (!dialog.open) dialog.showModal();
    let answer;
    try {
      answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    } catch {
      location.assign(link.href);
      return;
    }
    if (shown !== id) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.getElementById("describing");
    if (!answer.ok || !form) {
      location.assign(link.href); // it is gone, or one has to sign in
      return;
    }
    const parts = PARTS.map((each) => page.querySelector(`section[aria-labelledby=${each}]`)).filter(Boolean);
    page.getElementById("point")?.remove();
    inside.replaceChildren(...parts);
    inside.inert = false;
    localMoments(inside);
    coloured(inside);
    details = describing(form, page.getElementById("picture").dataset.url, {
      saved: ({ name }) => {
        title.textContent = name;
        hasChanged = true;
      },
    });
    dialog.scrollTop = 0;
    const edit = inside.querySelector("#edit");
    if (!edit) return;
    edit.hidden = false;
    edit.addEventListener("click", () => open({ ...editable(edit), failed: complain, isGone: () => shown !== id }));
  }

  // A version that is restored is shown here, too; what was typed is saved before.
  inside.addEventListener("submit", async (event) => {
    if (!("restores" in event.target.dataset)) return;
    event.preventDefault();
    if (details.isChanged() && !(await details.save())) return;
    try {
      await ask("POST", event.target.getAttribute("action").replace("/admin/library/", "/api/builder/media/"));
    } catch (error) {
      complain(reason(error));
      return;
    }
    hasChanged = true;
    await show(shown);
    announce(text("restored_version"));
  });
  addEventListener("beforeunload", (event) => {
    if (dialog.open && details?.isChanged()) event.preventDefault();
  });

  function complain(sentence) {
    wrong.textContent = sentence;
    wrong.hidden = false;
  }

  act("previous").addEventListener("click", () => show(beside(-1)));
  act("next").addEventListener("click", () => show(beside(1)));
  act("close").addEventListener("click", leave);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && leave());
  dialog.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.altKey || event.ctrlKey) return;
    if (event.key === "ArrowLeft") show(beside(-1));
    if (event.key === "ArrowRight") show(beside(1));
  });

  /** Close, with what was typed saved, and the focus where it was opened from. */
  async function leave() {
    if (details?.isChanged() && !(await details.save())) return;
    dialog.close();
    details = null;
    if (hasChanged) await refresh();
    hasChanged = false;
    section.querySelector(`[data-key="${shown}"] .name`)?.focus({ preventScroll: true });
  }

  return show;
}
