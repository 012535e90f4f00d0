// A picture of the store, small and square: a transparent one whole, on squares.

/** Show `media` (image JSON, an external one too) in the element `picture`. */
export function showSmall(picture, media) {
  const { variants, url } = media;
  picture.src = (media.has_alpha ? variants.card : variants?.thumb)?.url ?? url;
  picture.classList.toggle("see-through", Boolean(media.has_alpha));
}
