// Two pictures at a time may arrive in another order than they were chosen in. Once all are there
// the new ones are put right, unless somebody has moved them meanwhile.
import { ask, Refused } from "../api.js";

/**
 * Return `keys` with those of `arrived` in the order of `chosen`; undefined when there is nothing to
 * do, or when they do not stand as they arrived, for then somebody has put them there.
 */
export function putRight(keys, arrived, chosen) {
  const standing = keys.filter((key) => arrived.includes(key));
  const isUntouched = standing.join() === arrived.filter((key) => standing.includes(key)).join();
  const wanted = chosen.filter((key) => standing.includes(key));
  if (!isUntouched || wanted.join() === standing.join()) return undefined;
  return keys.map((key) => (arrived.includes(key) ? wanted.shift() : key));
}

/** Do so for a stored product or group; tell whether anything moved. */
export async function putRightThere(ownerUrl, arrived, chosen) {
  try {
    const { images, revision } = await ask("GET", ownerUrl);
    const order = putRight(images.map((image) => image.id ?? image.url), arrived, chosen);
    if (order) await ask("PUT", `${ownerUrl}/images`, { order, revision });
    return Boolean(order);
  } catch (error) {
    if (error instanceof Refused) return false; // somebody was faster, or the line is gone: it stays
    throw error;
  }
}
