// How what is selected looks. Each element that is given a look of its own gets a class of its own,
// so that changing one card changes no other; on the phone's width the rule is for phones only.
import { text } from "../texts.js";
import { LOOK, kindOf } from "./canvas.js";
import { button, field, input, select } from "./fields.js";
import { sourceOf } from "./pictures.js";

/** What each property is usually set to: a value of CSS, and the name of its text. */
const PRESETS = {
  color: palette("accent", "ink", "faint", "on-accent"),
  "background-color": palette("accent", "paper", "sunken", "ink"),
  "font-size": [["0.875em", "size_small"], ["1.25em", "size_large"], ["2em", "size_huge"]],
  "font-weight": [["400", "weight_400"], ["600", "weight_600"], ["700", "weight_700"]],
  "line-height": [["1.3", "lines_tight"], ["1.6", "lines_usual"], ["2", "lines_wide"]],
  "text-align": ["left", "center", "right", "justify"].map((each) => [each, `align_${each}`]),
  padding: room(),
  margin: room(),
  width: [["50%", "share_half"], ["100%", "share_whole"]],
  "max-width": [["40rem", "size_small"], ["60rem", "size_medium"], ["75rem", "size_large"]],
  height: [["12rem", "size_small"], ["20rem", "size_medium"], ["80vh", "size_screen"]],
  "min-height": [["12rem", "size_small"], ["20rem", "size_medium"], ["80vh", "size_screen"]],
  border: [["0", "none"], ["1px solid currentcolor", "line_thin"], ["4px solid currentcolor", "line_thick"]],
  "border-radius": [["0", "none"], ["8px", "size_small"], ["24px", "size_large"], ["999px", "round"]],
};

/** Colours of the site's theme: they go with it when it changes. */
function palette(...names) {
  return names.map((each) => [`var(--${each})`, `palette_${each}`]);
}

function room() {
  return [["0", "none"], ["8px", "size_small"], ["16px", "size_medium"], ["32px", "size_large"], ["64px", "size_huge"]];
}

/** Chosen where none of the presets will do: a value is written, or a colour picked. */
const OWN = "own";
const FIRST_COLOUR = "#17593f";

/** Each group of fields, the properties of CSS in it, and the kinds it is for (all if none). */
const GROUPS = [
  { name: "text", not: ["image", "gallery"], fields: ["color", "font-size", "font-weight", "line-height", "text-align"] },
  { name: "background", not: ["image"], fields: ["background-color", "background-image"] },
  { name: "room", fields: ["padding", "margin"] },
  { name: "size", not: ["wrapper"], fields: ["width", "max-width", "height", "min-height"] },
  { name: "edge", not: ["wrapper"], fields: ["border", "border-radius"] },
];

const COLOURS = ["color", "background-color"];

/** What a slider goes through: from, to, in steps of, where it begins (as no preset does), and what stands behind the number. */
const RANGES = {
  "font-size": { min: 12, max: 96, step: 1, start: 18, unit: "px" },
  "line-height": { min: 1, max: 3, step: 0.1, start: 1.5, unit: "" },
  padding: { min: 0, max: 160, step: 4, start: 24, unit: "px" },
  margin: { min: 0, max: 160, step: 4, start: 24, unit: "px" },
  width: { min: 10, max: 100, step: 5, start: 75, unit: "%" },
  "max-width": { min: 160, max: 1600, step: 20, start: 960, unit: "px" },
  height: { min: 20, max: 1000, step: 20, start: 320, unit: "px" },
  "min-height": { min: 20, max: 1000, step: 20, start: 320, unit: "px" },
  border: { min: 0, max: 20, step: 1, start: 2, unit: "px solid currentcolor" },
  "border-radius": { min: 0, max: 100, step: 1, start: 12, unit: "px" },
};

/** The fields for how `component` looks at the width that is being shown. */
export function looksOf(editor, component, chooseBackground) {
  const kind = kindOf(component), style = lookOf(editor, component);
  return GROUPS.filter((group) => !group.not?.includes(kind)).map((group) => {
    const box = Object.assign(document.createElement("details"), { className: "looks" });
    box.open = open.has(group.name);
    box.addEventListener("toggle", () => (box.open ? open.add(group.name) : open.delete(group.name)));
    box.append(Object.assign(document.createElement("summary"), { textContent: text(`looks_${group.name}`) }));
    for (const name of group.fields) box.append(...fieldOf(name));
    return box;
  });

  function fieldOf(name) {
    const set = (value) => setLook(editor, component, { [name]: value });
    const show = (value) => component.getEl()?.style.setProperty(name, value);
    if (name === "background-image") return background(style[name], set);
    return presetFields(name, style[name] ?? "", set, show);
  }

  function background(value, set) {
    const choose = button(text("choose_background"), () => chooseBackground((media) => cover(media)));
    const cover = (media) =>
      setLook(editor, component, {
        "background-image": `url("${sourceOf(media)}")`,
        "background-size": "cover",
        "background-position": media.focal ? `${100 * media.focal[0]}% ${100 * media.focal[1]}%` : "center",
      });
    if (!value) return [choose];
    return [choose, button(text("no_background"), () => set(""))];
  }
}

/** Groups that somebody opened stay open from one element to the next. */
const open = new Set(["text"]);

/**
 * A choice of presets, and a slider, or a field for a colour, where a value of one's own is chosen or
 * there already. What no slider can say stays a text. `show(value)` shows one without keeping it.
 */
function presetFields(name, value, set, show) {
  const presets = (PRESETS[name] ?? []).map(([each, label]) => [each, text(label)]);
  const label = text(`look_${name}`), isColour = COLOURS.includes(name);
  const isOwn = Boolean(value) && !presets.some(([each]) => each === value);
  const range = RANGES[name], number = isOwn ? numberIn(value, range) : range?.start, isRange = number !== undefined;
  const control = isColour ? input(asHex(value), { type: "color" }) : isRange ? sliderAt(number, range) : input(value);
  const own = field(text("own_value", { name: label }), control, isRange ? () => set(valueOf(control, range)) : set);
  if (isRange) tellValue(own, control, range, show);
  own.hidden = !isOwn;
  const choice = select(isOwn ? OWN : value, [["", text("as_is")], ...presets, [OWN, text("own")]]);
  return [field(label, choice, (chosen) => {
    own.hidden = chosen !== OWN;
    if (chosen !== OWN) set(chosen);
    else if (isColour) set(isOwn ? value : FIRST_COLOUR);
    else {
      if (isRange) set(valueOf(control, range));
      control.focus();
    }
  }), own];
}

/** The number of a value that a slider can show, else undefined. */
function numberIn(value, range) {
  if (!range || !value.endsWith(range.unit)) return undefined;
  const number = Number(value.slice(0, value.length - range.unit.length) || NaN);
  return number >= 0 ? number : undefined;
}

function valueOf(control, range) {
  return `${control.value}${range.unit}`;
}

/** A slider that stands at `number`, also where that is beyond its usual ends or between its steps. */
function sliderAt(number, { min, max, step }) {
  const fits = Number.isInteger(Math.round((1e6 * (number - min)) / step) / 1e6);
  return input(undefined, { type: "range", min: Math.min(min, number), max: Math.max(max, number), step: fits ? step : "any", value: number });
}

/** Say beside a slider where it stands, and show it in the page while it moves. */
function tellValue(box, control, range, show) {
  const told = document.createElement("output"), unit = range.unit.split(" ")[0];
  told.htmlFor = control.id;
  const tell = () => {
    told.textContent = `${Math.round(10 * control.value) / 10}${unit && ` ${unit}`}`;
    control.ariaValueText = told.textContent;
  };
  control.addEventListener("input", () => {
    tell();
    show(valueOf(control, range));
  });
  control.addEventListener("change", () => show(""));
  tell();
  box.append(told);
}

/** `rgb(23, 89, 63)`, as browsers serialise colours, as `#17593f`; black for what is no plain colour. */
function asHex(value = "") {
  if (/^#[0-9a-f]{6}$/i.test(value)) return value;
  const [, ...parts] = value.match(/^rgb\((\d+), (\d+), (\d+)\)$/) ?? [];
  return parts.length ? `#${parts.map((each) => Number(each).toString(16).padStart(2, "0")).join("")}` : "#000000";
}

function own(component) {
  return component.getClasses().find((each) => each.startsWith(LOOK));
}

/** The class that only `component` has: a copy has that of what it was copied from, until it changes. */
function ownAlone(editor, component) {
  const before = own(component);
  if (before && editor.getWrapper().find(`.${before}`).length === 1) return before;
  const name = LOOK + crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
  if (before) {
    for (const rule of editor.Css.getRules(`.${before}`)) {
      editor.Css.setRule(`.${name}`, rule.getStyle(), { atRuleType: rule.get("atRuleType"), atRuleParams: rule.get("mediaText") });
    }
    component.removeClass(before);
  }
  component.addClass(name);
  return name;
}

function mediaOf(editor) {
  const width = editor.Devices.getSelected()?.get("widthMedia");
  return width ? { atRuleType: "media", atRuleParams: `(max-width: ${width})` } : {};
}

function lookOf(editor, component) {
  const name = own(component);
  return name ? (editor.Css.getRule(`.${name}`, mediaOf(editor))?.getStyle() ?? {}) : {};
}

/** Give `component` the properties in `changes`; an empty one is taken away. */
function setLook(editor, component, changes) {
  const name = ownAlone(editor, component);
  const style = { ...lookOf(editor, component), ...changes };
  if ("background-image" in changes && !changes["background-image"]) {
    for (const each of ["background-size", "background-position"]) delete style[each];
  }
  const kept = Object.fromEntries(Object.entries(style).filter(([, value]) => value));
  editor.Css.setRule(`.${name}`, kept, mediaOf(editor));
  component.trigger("change:style"); // the panels and the draft hear of it
  editor.trigger("component:update", component);
}
