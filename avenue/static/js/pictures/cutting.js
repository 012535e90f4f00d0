// What a variant shows of a picture: the same numbers as `box_of` in avenue/media/pictures/variants.py.

const STEPS = 1000;

/** Where a point counts: thousandths, inside the picture. */
export function onGrid(share) {
  return Math.min(Math.max(Math.round(share * STEPS), 0), STEPS) / STEPS;
}

/** Left, top, right and bottom of the box, in pixels of the picture; `height` null cuts nothing. */
export function boxOf([wide, high], width, height, [x, y]) {
  if (high === null) return [0, 0, width, height];
  const boxWidth = Math.min(width, (height * wide) / high);
  const boxHeight = Math.min(height, (width * high) / wide);
  const left = Math.min(Math.max(0, onGrid(x) * width - boxWidth / 2), width - boxWidth);
  const top = Math.min(Math.max(0, onGrid(y) * height - boxHeight / 2), height - boxHeight);
  return [left, top, left + boxWidth, top + boxHeight];
}

/** The box as CSS shows it by `object-fit: cover`: the ratio of its sides, and `object-position`. */
export function asCss(box, width, height) {
  const [left, top, right, bottom] = box;
  const part = (before, room) => (room > 1e-9 ? `${(100 * before) / room}%` : "50%");
  return {
    ratio: (right - left) / (bottom - top),
    position: `${part(left, width - (right - left))} ${part(top, height - (bottom - top))}`,
  };
}
