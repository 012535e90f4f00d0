// Finds a number behind `<salt>:` whose SHA-256 begins with `difficulty` zero bits. Our own SHA-256:
// crypto.subtle is only there over https, and takes longer for each of so many short texts.
const DIGITS = 10;

/** The constants of FIPS 180-4: parts of the roots of the first 64 primes. */
function roots(exponent, count) {
  const found = [];
  for (let number = 2; found.length < count; number += 1) {
    if (isPrime(number)) found.push((number ** exponent % 1) * 2 ** 32);
  }
  return Int32Array.from(found, (each) => Math.floor(each) | 0);
}

function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) return false;
  return true;
}

const START = roots(1 / 2, 8);
const ROUND = roots(1 / 3, 64);
const words = new Int32Array(64);

/** Return the first word of the SHA-256 of the one block in `words`. */
function firstWord() {
  for (let i = 16; i < 64; i += 1) {
    const x = words[i - 15];
    const y = words[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
  }
  let a = START[0]; // one by one: taking them apart at once takes half of the time
  let b = START[1];
  let c = START[2];
  let d = START[3];
  let e = START[4];
  let f = START[5];
  let g = START[6];
  let h = START[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + words[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  return (a + START[0]) >>> 0;
}

/** Return the number as text, with zeros before it. `difficulty` is at most 32. */
function solve(salt, difficulty) {
  const text = new TextEncoder().encode(`${salt}:${"0".repeat(DIGITS)}`);
  const block = new Uint8Array(64);
  block.set(text);
  block[text.length] = 0x80;
  const view = new DataView(block.buffer);
  view.setUint32(60, text.length * 8);
  const last = text.length - 1;
  for (;;) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(i * 4);
    if (firstWord() >>> (32 - difficulty) === 0) {
      return new TextDecoder().decode(block.subarray(text.length - DIGITS, text.length));
    }
    let digit = last;
    while (block[digit] === 0x39) {
      block[digit] = 0x30;
      digit -= 1;
    }
    block[digit] += 1;
  }
}

self.onmessage = ({ data }) => self.postMessage(solve(data.salt, data.difficulty));
