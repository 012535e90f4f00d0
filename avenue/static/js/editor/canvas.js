// The canvas: GrapesJS without its own panels, and what goes into it and comes out.
import spanish from "../../vendor/grapes.es.js";
import "../../vendor/grapes.min.js";
import { text } from "../texts.js";
import { restOf, rulesOf } from "./css.js";

const PHONE = "480px", TABLET = "992px";
const TYPES = [
  ...["gallery", "card", "columns", "column", "section", "button", "hero", "media", "products", "collection"],
  ...["quote", "questions", "call", "map", "video", "spacer", "missing"],
];
const LINKS = ["button", "card", "collection", "video"];
/** Told by their class, so that a page that was saved and cleaned is known again. */
const CLASS = "avenue-";
const MARKS = /^(data-gjs-.*|draggable|contenteditable)$/;
/** Said where a page has nothing yet. */
const EMPTY = "[data-gjs-type=wrapper]:empty::before { content: TEXT; display: grid; place-items: center; min-height: 60vh; margin: 16px; padding: 24px; border: 2px dashed #868e88; border-radius: 8px; color: #4b544e; font: 1rem/1.5 system-ui, sans-serif; text-align: center; }";
/** How the classes begin that elements get for a look of their own. */
export const LOOK = "look-";

/**
 * Start GrapesJS in `container`. `choosePicture(component)` is called where it would show its own
 * asset manager. Asks nobody but this site: no telemetry, no icon font.
 */
export function canvasIn(container, { language, choosePicture, style, scheme }) {
  const editor = window.grapesjs.init({
    container,
    height: "100%",
    width: "auto",
    telemetry: false,
    cssIcons: "",
    keepUnusedStyles: true,
    storageManager: false,
    noticeOnUnload: false,
    jsInHtml: false,
    parser: { parserCss: rulesOf },
    undoManager: { trackSelection: false },
    panels: { defaults: [] },
    blockManager: { custom: true },
    layerManager: { custom: true },
    traitManager: { custom: true },
    styleManager: { custom: true, sectors: [] },
    selectorManager: { custom: true },
    assetManager: { custom: { open: ({ options }) => choosePicture(options.target), close() {} }, upload: false, embedAsBase64: false, dropzone: false },
    deviceManager: {
      devices: [
        { id: "desk", name: "desk", width: "" },
        { id: "tablet", name: "tablet", width: "770px", widthMedia: TABLET },
        { id: "phone", name: "phone", width: "360px", widthMedia: PHONE },
      ],
    },
    i18n: { locale: language, localeFallback: "en", detectLocale: false, messages: { es: spanish }, messagesAdd: named(language) },
    plugins: [knowBlocks],
    canvas: { styles: style ? [style] : [] },
    canvasCss: `body { background: var(--ground, #fff); color: var(--ink); } [data-gjs-type=wrapper].site-content { padding-block: var(--section); } ${EMPTY.replace("TEXT", JSON.stringify(text("empty_canvas")))}`,
  });
  editor.onReady(() => {
    editor.Canvas.getFrameEl().setAttribute("title", text("canvas"));
    if (!style) return;
    editor.Canvas.getDocument().documentElement.dataset.theme = scheme;
    editor.getWrapper().getEl().classList.add("site-content"); // in the view alone: it is not saved
  });
  return editor;
}

/** What our own blocks are called in the canvas. */
function named(language) {
  const names = Object.fromEntries(TYPES.map((type) => [CLASS + type, text(`kind_${type}`)]));
  return { [language]: { domComponents: { names } } };
}

function knowBlocks(editor) {
  for (const type of TYPES) {
    editor.Components.addType(CLASS + type, {
      extend: LINKS.includes(type) ? "link" : undefined,
      isComponent: (element) => element.classList?.contains(CLASS + type),
      model: { defaults: { traits: [] } },
    });
  }
}

const rests = new WeakMap(); // of each editor: styles that it shows and cannot change
const givenIds = new WeakMap(); // and the ids its page came with: others GrapesJS has made up

/** Show the content of `page` instead of what is there; nothing of it can be undone. */
export function fill(editor, page) {
  editor.setComponents(page.html);
  editor.setStyle(page.css);
  for (const rule of editor.Css.getAll().filter((each) => isLeftOver(editor, each))) editor.Css.remove(rule);
  const rest = restOf(page.css), { document } = editor.Canvas.getWindow();
  const parsed = new DOMParser().parseFromString(page.html, "text/html");
  rests.set(editor, rest);
  givenIds.set(editor, new Set([...parsed.querySelectorAll("[id]")].map((each) => each.id)));
  document.getElementById("rest")?.remove();
  document.head.append(Object.assign(document.createElement("style"), { id: "rest", textContent: rest }));
  editor.UndoManager.clear();
}

/** A look that something had which is not there any more (`looks.js`). */
function isLeftOver(editor, rule) {
  const [only, ...others] = rule.getSelectors().models;
  return !others.length && only?.getName().startsWith(LOOK) && !editor.getWrapper().find(`.${only.getName()}`).length;
}

/** What is there, as it is saved: the inside of the body, and its styles without those of the canvas. */
export function contentOf(editor) {
  const css = editor.getCss({ avoidProtected: true }) ?? "", rest = rests.get(editor) ?? "";
  const html = withTyped(editor, () => editor.getWrapper().getInnerHTML({ attributes: (_, each) => withoutOwnId(editor, each) }));
  return { html, css: [css, rest].filter(Boolean).join("\n") };
}

function withoutOwnId(editor, { id, ...others }) {
  return isMeant(editor, id) ? { id, ...others } : others;
}

/** Whether an id is one of the page, or styles go by it. */
function isMeant(editor, id) {
  return Boolean(id) && (givenIds.get(editor)?.has(id) || Object.keys(editor.Css.getRule(`#${CSS.escape(id)}`)?.getStyle() ?? {}).length > 0);
}

/** Call `write` with what is being typed in its place: GrapesJS takes it only when the typing is over. */
function withTyped(editor, write) {
  const component = editor.getEditing();
  if (!component) return write();
  component.toHTML = () => {
    const clean = component.getEl().cloneNode(true);
    for (const each of [clean, ...clean.querySelectorAll("*")]) withoutMarks(editor, each);
    return clean.outerHTML;
  };
  try {
    return write();
  } finally {
    delete component.toHTML; // the one of its class is there again
  }
}

/** Take away what GrapesJS writes on the elements of its canvas. */
function withoutMarks(editor, element) {
  for (const { name } of [...element.attributes]) if (MARKS.test(name)) element.removeAttribute(name);
  element.classList.remove(...[...element.classList].filter((each) => each.startsWith("gjs-")));
  for (const name of ["class", "style"]) if (!element.getAttribute(name)) element.removeAttribute(name);
  if (!isMeant(editor, element.id)) element.removeAttribute("id");
}

/** The kind of `component` for texts and panels: `gallery`, `image`, `text`… */
export function kindOf(component) {
  const type = component.get("type");
  if (type.startsWith(CLASS)) return type.slice(CLASS.length);
  if (/^h[1-6]$/.test(component.get("tagName"))) return "heading";
  return ["wrapper", "image", "text", "link"].includes(type) ? type : "box";
}
