// What the bar above the page says and does: how the draft stands, publishing, going back and forth.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { text } from "../texts.js";

const bar = document.getElementById("bar");
const state = document.getElementById("saved");
const problem = document.getElementById("problem");
const statusChip = document.getElementById("status");
const flagged = document.getElementById("flagged");
const publicLink = document.getElementById("public");
const LOUD = ["refused", "conflict", "signed_out", "retrying"];
const TONES = { draft: "", published: "good", changed: "warn" };

/** Show the sentence of what went wrong, or nothing. */
export function complain(sentence = "") {
  problem.textContent = sentence;
  problem.hidden = !sentence;
}

/** What the server said, in its words. */
export function reason(error) {
  return error.status ? [error.message, error.hint].filter(Boolean).join(" ") || text("not_done") : text("no_connection");
}

/** Keep the bar telling of `draft`; `solve()` is called for a conflict. */
export function tellOf(draft, solve) {
  let said = "";
  const show = () => {
    const sentence = text(`state_${draft.state}`);
    state.textContent = sentence;
    state.dataset.state = draft.state;
    if (draft.state === "refused") complain(`${sentence} ${draft.reason}`);
    else if (draft.state === "saved") complain();
    if (LOUD.includes(draft.state) && said !== draft.state) announce(`${sentence} ${draft.reason}`.trim());
    said = draft.state;
    showPage(draft.page);
    if (draft.state === "conflict") solve();
  };
  draft.addEventListener("change", show);
  show();
  addEventListener("beforeunload", (event) => draft.isUnsaved && event.preventDefault());
  state.addEventListener("click", () => (draft.state === "conflict" ? solve() : draft.flush()));
}

function showPage(page) {
  document.title = document.title.replace(/^.* · /, `${page.title} · `);
  bar.querySelector("h1").textContent = page.title;
  statusChip.textContent = text(`status_${page.status}`);
  statusChip.className = `chip ${TONES[page.status]}`;
  publicLink.hidden = !page.url;
  if (page.url) publicLink.href = page.url;
  flagged.textContent = text("flagged", { addresses: page.flagged.map((each) => each.url).join(", ") });
  flagged.hidden = page.flagged.length === 0;
  act("unpublish").hidden = page.status === "draft";
  act("publish").hidden = page.status === "published";
}

function act(name) {
  return bar.querySelector(`[data-act=${name}]`);
}

/**
 * Let the buttons publish what is saved, or take it back. `isWanted()` resolves to whether to go on
 * publishing, once the draft was looked through.
 */
export function letPublish(draft, isWanted) {
  for (const verb of ["publish", "unpublish"]) {
    act(verb).addEventListener("click", async () => {
      complain();
      if (!(await draft.flush())) return announce(text("not_published"));
      if (verb === "publish" && !(await isWanted())) return undefined;
      const hadFocus = act(verb) === document.activeElement;
      try {
        draft.follow(await ask("POST", `${draft.url}/${verb}`, { revision: draft.page.revision }));
      } catch (error) {
        return complain(reason(error));
      }
      if (hadFocus) act(verb === "publish" ? "unpublish" : "publish").focus();
      return announce(text(`${verb}ed`));
    });
  }
}

/** Undo, redo, and the widths of devices. */
export function letNavigate(editor) {
  const undo = act("undo"), redo = act("redo");
  const show = () => {
    undo.disabled = !editor.UndoManager.hasUndo();
    redo.disabled = !editor.UndoManager.hasRedo();
  };
  undo.addEventListener("click", () => editor.UndoManager.undo());
  redo.addEventListener("click", () => editor.UndoManager.redo());
  editor.on("undo redo update load", show);
  show();
  const widths = [...bar.querySelectorAll("[data-device]")];
  for (const each of widths) {
    each.addEventListener("click", () => {
      editor.Devices.select(each.dataset.device);
      for (const other of widths) other.ariaPressed = String(other === each);
    });
  }
}
