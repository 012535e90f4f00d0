// The dialogs of the editor: settings of the page, its history, and who is right when two have saved.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { showThumbnail } from "../thumbnail.js";
import { text } from "../texts.js";
import { complain, reason } from "./bar.js";
import { seoOf } from "./draft.js";
import { button } from "./fields.js";

for (const each of document.querySelectorAll("dialog [data-close]")) {
  each.addEventListener("click", () => each.closest("dialog").close());
}

function moment(at) {
  return new Date(at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

function tell(dialog, sentence = "") {
  const wrong = dialog.querySelector(".wrong");
  wrong.textContent = sentence;
  wrong.hidden = !sentence;
}

/** Title, address, language and what search engines are told; `pick()` resolves to a picture. */
export function letChangeSettings(draft, pick) {
  const dialog = document.getElementById("settings"), form = dialog.querySelector("form"), { elements } = form;
  const shown = dialog.querySelector("[data-og]"), none = dialog.querySelector("[data-no-og]"), remove = dialog.querySelector("[data-act=remove-og]");
  let image = null;

  document.querySelector("[data-act=settings]").addEventListener("click", () => {
    const { title, slug, locale, seo, images } = draft.page;
    Object.assign(elements.title, { value: title });
    Object.assign(elements.slug, { value: slug });
    elements.locale.value = locale;
    elements.themed.value = draft.page.themed ? "1" : "0";
    if (elements.translation_of) elements.translation_of.value = draft.page.translation_of ?? "";
    elements.seo_title.value = seo?.title ?? "";
    elements.seo_description.value = seo?.description ?? "";
    showImage(seo?.image ?? null, images?.find((each) => each.id === seo?.image));
    tell(dialog);
    dialog.showModal();
  });

  function showImage(id, media) {
    image = id;
    shown.hidden = !media;
    if (media) showThumbnail(shown, media);
    none.hidden = Boolean(id);
    remove.hidden = !id;
  }

  dialog.querySelector("[data-act=choose-og]").addEventListener("click", async () => {
    const media = await pick();
    if (media) showImage(media.id, media);
  });
  remove.addEventListener("click", () => showImage(null));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    tell(dialog);
    const fields = {
      title: elements.title.value.trim(),
      slug: elements.slug.value.trim(),
      locale: elements.locale.value,
      themed: elements.themed.value === "1",
      ...(elements.translation_of && { translation_of: elements.translation_of.value || null }),
      seo: { ...seoOf(draft.page), title: elements.seo_title.value.trim(), description: elements.seo_description.value.trim(), image },
    };
    draft.touch(fields);
    if (await draft.flush()) {
      dialog.close();
      return announce(text("state_saved"));
    }
    if (draft.state !== "refused") return dialog.close(); // the bar tells, and it is tried again
    const sentence = draft.reason;
    draft.withdraw(Object.keys(fields));
    await draft.flush();
    return tell(dialog, sentence);
  });
}

/** What was saved before, the newest first; `load(page)` shows what was brought back. */
export function letLookBack(draft, load) {
  const dialog = document.getElementById("history"), list = dialog.querySelector("ol"), none = dialog.querySelector("[data-none]");

  document.querySelector("[data-act=history]").addEventListener("click", async () => {
    tell(dialog);
    list.replaceChildren();
    none.hidden = true;
    dialog.showModal();
    try {
      await draft.flush();
      const { items } = await ask("GET", `${draft.url}/history`);
      list.replaceChildren(...items.map(line));
      none.hidden = items.length > 0;
    } catch (error) {
      tell(dialog, reason(error));
    }
  });

  function line({ number, at, title, published }) {
    const item = document.createElement("li"), words = document.createElement("div");
    words.append(Object.assign(document.createElement("strong"), { textContent: moment(at) }));
    words.append(" ", Object.assign(document.createElement("span"), { className: "note", textContent: title }));
    if (published) words.append(" ", Object.assign(document.createElement("span"), { className: "chip good", textContent: text("status_published") }));
    const act = button(text("restore"), () => restore(number));
    act.append(Object.assign(document.createElement("span"), { className: "unseen", textContent: ` ${moment(at)}` }));
    item.append(words, act);
    return item;
  }

  async function restore(number) {
    try {
      load(await ask("POST", `${draft.url}/history/${number}/restore`, { revision: draft.page.revision }));
    } catch (error) {
      return tell(dialog, reason(error));
    }
    dialog.close();
    return announce(text("restored"));
  }
}

/** Say what to look at in the draft before it is published; resolves to whether to publish it. */
export function letLookThrough(draft) {
  const dialog = document.getElementById("checks"), list = dialog.querySelector("ul"), publish = dialog.querySelector("[data-act=publish-anyway]");
  let answer = () => {};
  dialog.addEventListener("close", () => answer(false));
  publish.addEventListener("click", () => {
    answer(true);
    dialog.close();
  });

  return async function isWanted() {
    let items = [];
    try {
      ({ items } = await ask("GET", `${draft.url}/checks`));
    } catch (error) {
      complain(reason(error));
      return false;
    }
    if (items.length === 0) return true;
    list.replaceChildren(...items.map(remark));
    dialog.showModal();
    return new Promise((resolve) => { answer = resolve; });
  };

  function remark({ kind, where }) {
    const item = document.createElement("li");
    item.append(text(`remark_${kind}`));
    if (where) item.append(": ", Object.assign(document.createElement("q"), { textContent: where }));
    return item;
  }
}

/** Publish the draft at a moment, as it is then; `isWanted()` as in `letPublish`. */
export function letSchedule(draft, isWanted) {
  const dialog = document.getElementById("schedule"), form = dialog.querySelector("form"), at = form.elements.publish_at;
  const unschedule = dialog.querySelector("[data-act=unschedule]"), chip = document.getElementById("scheduled");
  const show = () => {
    const end = draft.page.publish_at;
    chip.hidden = !end;
    chip.textContent = end ? text("goes_online", { moment: moment(end) }) : "";
  };
  draft.addEventListener("change", show);
  show();

  document.querySelector("[data-act=schedule]").addEventListener("click", () => {
    at.min = localMinute(new Date());
    at.value = draft.page.publish_at ? localMinute(new Date(draft.page.publish_at)) : "";
    unschedule.hidden = !draft.page.publish_at;
    tell(dialog);
    dialog.showModal();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!(await draft.flush())) return tell(dialog, text("not_published"));
    if (!(await isWanted())) return dialog.close();
    return send("PUT", { publish_at: new Date(at.value).toISOString() }, "scheduled");
  });
  unschedule.addEventListener("click", () => send("DELETE", undefined, "unscheduled"));

  async function send(method, body, said) {
    try {
      draft.follow(await ask(method, `${draft.url}/schedule`, body));
    } catch (error) {
      return tell(dialog, reason(error));
    }
    dialog.close();
    return announce(text(said));
  }
}

/** A moment as a field for one takes it: in the device's own time, to the minute. */
function localMinute(moment) {
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The draft as visitors would see it, in three widths, and a link to it for others. */
export function letPreview(draft) {
  const dialog = document.getElementById("preview"), frame = dialog.querySelector("iframe"), address = dialog.querySelector("#preview-link"), ends = dialog.querySelector("[data-ends]");
  const widths = [...dialog.querySelectorAll("[data-width]")];

  document.querySelector("[data-act=preview]").addEventListener("click", async () => {
    complain();
    if (!(await draft.flush())) return announce(text("not_done"));
    try {
      const { url, expires_at: end } = await ask("POST", `${draft.url}/preview`, {});
      address.value = url;
      frame.src = new URL(url).pathname;
      ends.textContent = text("preview_ends", { moment: moment(end) });
    } catch (error) {
      return complain(reason(error));
    }
    return dialog.showModal();
  });
  dialog.addEventListener("close", () => frame.removeAttribute("src"));
  for (const each of widths) {
    each.addEventListener("click", () => {
      frame.style.inlineSize = each.dataset.width;
      for (const other of widths) other.ariaPressed = String(other === each);
    });
  }
}

/** `content` as a document of its own, in the site's `style` where the page has it; nothing in it runs. */
function documentOf({ html, css }, { style, scheme }) {
  const made = document.implementation.createHTMLDocument("");
  const sheet = style && Object.assign(made.createElement("link"), { rel: "stylesheet", href: new URL(style, location.origin).href });
  made.documentElement.dataset.theme = scheme;
  made.head.append(...(sheet ? [sheet] : []), Object.assign(made.createElement("style"), { textContent: css }));
  made.body.className = style ? "site-content" : "";
  made.body.innerHTML = html;
  return `<!doctype html>${made.documentElement.outerHTML}`;
}

/** Scroll both pages to where they begin to differ. */
function meet(frames) {
  const sides = frames.map(({ contentDocument }) => [...contentDocument.body.children]);
  const at = sides[0].findIndex((each, index) => each.outerHTML !== sides[1][index]?.outerHTML);
  for (const [index, side] of sides.entries()) {
    const first = side[at < 0 ? sides[0].length : at] ?? side.at(-1);
    frames[index].contentWindow.scrollTo(0, (first?.offsetTop ?? 0) - 16);
  }
}

/**
 * Somebody else has saved meanwhile: see both pages beside each other and what is different, take
 * theirs, or keep one's own. `look` is `{ style, scheme }` of the site.
 */
export function letSolve(draft, load, look) {
  const dialog = document.getElementById("conflict"), difference = dialog.querySelector("pre"), who = dialog.querySelector("[data-who]");

  dialog.querySelector("[data-act=theirs]").addEventListener("click", () => {
    load(draft.conflict.current);
    dialog.close();
    announce(text("took_theirs"));
  });
  dialog.querySelector("[data-act=mine]").addEventListener("click", async () => {
    dialog.close();
    if (await draft.overrule()) announce(text("kept_mine"));
  });

  return function solve() {
    const { current, difference: lines } = draft.conflict;
    const sides = { theirs: current, mine: { ...current, ...draft.content } };
    const frames = Object.entries(sides).map(([side, content]) => {
      const frame = dialog.querySelector(`[data-side=${side}]`);
      const loaded = new Promise((resolve) => { frame.addEventListener("load", resolve, { once: true }); });
      frame.srcdoc = documentOf(content, look);
      return { frame, loaded };
    });
    Promise.all(frames.map((each) => each.loaded)).then(() => meet(frames.map((each) => each.frame)));
    who.textContent = text("saved_at", { moment: moment(current.updated_at) });
    difference.replaceChildren(...(lines || text("no_difference")).split("\n").map(lineOf));
    complain();
    if (!dialog.open) dialog.showModal();
  };
}

/** A line of a unified difference, in the colour of what it does. */
function lineOf(words) {
  const kind = { "+": "more", "-": "less" }[words[0]] ?? "";
  return Object.assign(document.createElement("span"), { className: kind, textContent: `${words}\n` });
}
