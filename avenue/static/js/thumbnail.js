// The small view of a stored picture.

/** Show `media` (image JSON, also of an external one) in the <img> `picture`; a transparent one whole. */
export function showThumbnail(picture, media) {
  const { variants, url } = media;
  picture.src = (media.has_alpha ? variants.card : variants?.thumb)?.url ?? url;
  picture.classList.toggle("see-through", Boolean(media.has_alpha));
}
