// The colours of a site while they are typed: swatches, the preview, and whether people can read it.
import { text, texts } from "../texts.js";

const HEX = /^#[0-9a-f]{6}$/i;
const fields = new Map([...document.querySelectorAll("[data-color]")].map((each) => [each.dataset.color, each]));
const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });

/** The colour of `name` as it would be: what is typed if it is one, else the usual. */
function shown(name) {
  const typed = fields.get(name).value.trim();
  return HEX.test(typed) ? typed.toLowerCase() : texts.usual[name];
}

function luminance(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function ratio(one, other) {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function paint() {
  for (const each of document.querySelectorAll("[data-fill]")) each.setAttribute("fill", shown(each.dataset.fill));
  const weak = document.getElementById("weak");
  const said = texts.pairs
    .map(([front, behind, least]) => [front, least, ratio(shown(front), shown(behind))])
    .filter(([, least, measured]) => measured < least)
    .map(([front, least, measured]) => text(`weak_${front}`, { ratio: number.format(measured), least: number.format(least) }));
  if ([...weak.children].map((each) => each.textContent).join() === said.join()) return;
  weak.replaceChildren(
    ...said.map((sentence) => Object.assign(document.createElement("li"), { className: "warning", textContent: sentence })),
  );
}

/** A picker instead of the swatch, in step with the field. */
function picker(name, field) {
  const made = document.createElement("input");
  made.type = "color";
  made.value = shown(name);
  made.setAttribute("aria-label", `${text("pick")}: ${field.labels[0].textContent}`);
  made.addEventListener("input", () => {
    field.value = made.value;
    paint();
  });
  field.addEventListener("input", () => {
    made.value = shown(name);
    paint();
  });
  document.querySelector(`[data-swatch="${name}"]`).replaceWith(made);
}

/** Make the colours live. */
export function start() {
  for (const [name, field] of fields) picker(name, field);
  paint();
}
