// Two pictures at a time may arrive in another order than they were chosen in. Once all are there
// the new ones are put right, unless somebody has moved pictures meanwhile.
import { ask, Refused } from "../api.js";

/** Return `keys` with those of `arrived` in the order of `chosen`; undefined when they stand so. */
export function putRight(keys, arrived, chosen) {
  const standing = keys.filter((key) => arrived.includes(key));
  const wanted = chosen.filter((key) => standing.includes(key));
  if (wanted.join() === standing.join()) return undefined;
  return keys.map((key) => (arrived.includes(key) ? wanted.shift() : key));
}

/**
 * Do so for a stored product or group, which had the revision `before`; tell whether anything moved.
 * Each arrival is one revision more: where there are others, somebody has changed something.
 */
export async function putRightThere(ownerUrl, arrived, chosen, before) {
  try {
    const { images, revision } = await ask("GET", ownerUrl);
    if (revision !== before + arrived.length) return false;
    const order = putRight(images.map((image) => image.id ?? image.url), arrived, chosen);
    if (order) await ask("PUT", `${ownerUrl}/images`, { order, revision });
    return Boolean(order);
  } catch (error) {
    if (error instanceof Refused) return false; // somebody was faster, or the line is gone: it stays
    throw error;
  }
}
