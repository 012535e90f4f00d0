// Style sheets for GrapesJS. Its own parser takes every shorthand apart into what the browser makes
// of it (`padding` into four, `border` into seventeen); this one keeps them as they are written.

const SPLIT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*\)|[^;"'(]+|[("']/g;

const GROUPS = { CSSMediaRule: "media", CSSSupportsRule: "supports", CSSKeyframesRule: "keyframes" };

/** The rules in `css`, as GrapesJS takes them: `{ selectors, style, atRule, params }`. */
export function rulesOf(css) {
  return parsed(css).filter(isKnown).flatMap(asGrapes);
}

/** What GrapesJS has no way to hold, as groups in groups and nested rules: it is kept as it is. */
export function restOf(css) {
  return parsed(css).filter((rule) => !isKnown(rule)).map((rule) => rule.cssText).join("\n");
}

function parsed(css) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return [...sheet.cssRules];
}

function isPlain(rule) {
  return rule instanceof CSSKeyframeRule || (rule instanceof CSSStyleRule && !rule.cssRules?.length);
}

function isKnown(rule) {
  return isPlain(rule) || (rule.constructor.name in GROUPS && [...rule.cssRules].every(isPlain));
}

function asGrapes(rule) {
  if (isPlain(rule)) return [plain(rule)];
  const around = { atRule: GROUPS[rule.constructor.name], params: rule.conditionText ?? rule.name };
  return [...rule.cssRules].map((each) => ({ ...plain(each), ...around }));
}

function plain(rule) {
  return { selectors: rule.selectorText ?? rule.keyText, style: declarations(rule.style.cssText) };
}

/** `{ property: value }` of a serialised declaration block; a `;` within a string or a URL ends nothing. */
function declarations(words) {
  const found = {};
  let one = "";
  const take = () => {
    const at = one.indexOf(":");
    if (at > 0) found[one.slice(0, at).trim()] = one.slice(at + 1).trim();
    one = "";
  };
  let last = 0;
  for (const { 0: part, index } of words.matchAll(SPLIT)) {
    if (index > last) take(); // a `;` stood between
    one += part;
    last = index + part.length;
  }
  take();
  return found;
}
