// What is said of one picture: its texts, name, folder and tags, saved without leaving the page.
import { ask } from "../api.js";
import { reason } from "../pictures/told.js";
import { text } from "../texts.js";

/** Let `form` save to the picture at `url`; `saved(picture)` is called after each time it was taken. */
export function describing(form, url, { saved = () => {} } = {}) {
  const state = form.querySelector(".saved-state");
  let kept = written();

  /** The fields of the form as the API takes them. */
  function written() {
    const alt = {};
    for (const each of form.querySelectorAll("textarea[lang]")) if (each.value.trim()) alt[each.lang] = each.value.trim();
    const { decorative, name, folder, tags } = form.elements;
    const words = tags.value.split(",").map((each) => each.trim()).filter(Boolean);
    return { alt, decorative: decorative.checked, name: name.value, folder: folder.value || null, tags: words };
  }

  function tell(sentence, isBad = false) {
    state.textContent = sentence;
    state.classList.toggle("bad", isBad);
  }

  /** Save what the form says, and tell whether it was taken. */
  async function save() {
    const sent = written();
    tell(text("saving"));
    let now;
    try {
      now = await ask("PATCH", url, sent);
    } catch (error) {
      tell(`${text("notSaved")}: ${reason(error)}`, true);
      return false;
    }
    // Who goes on typing keeps what is typed.
    if (JSON.stringify(written()) === JSON.stringify(sent)) [form.elements.name.value, form.elements.tags.value] = [now.name, now.tags.join(", ")];
    kept = { ...sent, name: now.name, tags: now.tags };
    await saved(now);
    tell(`✓ ${text("saved")}`);
    return true;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  form.addEventListener("input", () => tell(""));
  return { save, isChanged: () => JSON.stringify(written()) !== JSON.stringify(kept) };
}
