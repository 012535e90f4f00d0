// The texts a page brings along for its modules: <script type="application/json" id="texts">.
const source = document.getElementById("texts");
export const texts = source ? JSON.parse(source.textContent) : {};

/** Return the text `name` with `{facts}` put in. */
export function text(name, facts = {}) {
  const known = texts[name];
  if (known === undefined) throw new Error(`There is no text "${name}".`);
  return known.replace(/\{(\w+)\}/g, (whole, fact) => (fact in facts ? String(facts[fact]) : whole));
}
