// Two pictures at a time may arrive in another order than they were chosen in. Once all are there
// the new ones are put right, unless somebody has moved pictures meanwhile.

/** Return `keys` with those of `arrived` in the order of `chosen`; undefined when they stand so. */
export function putRight(keys, arrived, chosen) {
  const standing = keys.filter((key) => arrived.includes(key));
  const wanted = chosen.filter((key) => standing.includes(key));
  if (wanted.join() === standing.join()) return undefined;
  return keys.map((key) => (arrived.includes(key) ? wanted.shift() : key));
}
