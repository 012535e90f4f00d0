// Pictures as HTML of a page. Of one that is ours only the address is written: saving makes a
// reference of it, and what follows from the picture (its text, its measures, narrower versions)
// is put in when the page is served, so that it stays right when the picture changes.

const IN_GALLERY = "(max-width: 40rem) 100vw, 33vw";

/** A document nobody sees: pictures made in it are not fetched. */
const inert = document.implementation.createHTMLDocument("");

/** An element of a page to come; everything in `attributes` is only ever text. */
export function element(tag, attributes, ...inside) {
  const made = inert.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

/** The address that shows `media` in a page. */
export function sourceOf(media) {
  return media.display_url || media.url;
}

/** The HTML of a picture on its own. */
export function pictureOf(media) {
  return element("img", { class: "avenue-picture", src: sourceOf(media) }).outerHTML;
}

/** The HTML of the pictures of a gallery. */
export function picturesOf(all) {
  return all.map((media) => element("img", { src: sourceOf(media), sizes: IN_GALLERY }).outerHTML).join("");
}

/** The HTML of pictures side by side. */
export function galleryOf(all) {
  return `<div class="avenue-gallery">${picturesOf(all)}</div>`;
}

/** Show `media` where `component`, an image, shows something else; what was said of that goes. */
export function show(component, media) {
  component.removeAttributes(["alt", "srcset", "width", "height"]);
  component.set({ src: sourceOf(media) });
}
