// The fields and buttons of the panels.

let count = 0;

/** A label with its field below it. `change(value)` is told when somebody has chosen. */
export function field(label, control, change = () => {}) {
  const box = Object.assign(document.createElement("div"), { className: "field" });
  control.id = `field-${(count += 1)}`;
  const words = Object.assign(document.createElement("label"), { htmlFor: control.id, textContent: label });
  control.addEventListener("change", () => change(control.type === "checkbox" ? control.checked : control.value));
  if (control.type === "checkbox") {
    words.className = "check";
    words.prepend(control);
    box.append(words);
  } else box.append(words, control);
  return box;
}

/** A field for a line of text. */
export function input(value, facts = {}) {
  return Object.assign(document.createElement("input"), { autocomplete: "off", value: value ?? "", ...facts });
}

/** A choice of `[value, label]`; a value that is none of them stays one. */
export function select(value, choices) {
  const made = document.createElement("select");
  for (const [each, label] of choices) made.append(new Option(label, each, false, each === value));
  if (!choices.some(([each]) => each === value)) made.prepend(new Option(value, value, true, true));
  return made;
}

/** A button that is no part of a form. */
export function button(label, act, className = "quiet small") {
  const made = Object.assign(document.createElement("button"), { type: "button", className, textContent: label });
  made.addEventListener("click", act);
  return made;
}
