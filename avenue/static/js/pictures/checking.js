// What a file is, told by its first bytes as the server tells it, and whether it can be sent as it
// is. The name plays no part: phones and chats call anything .jpg.

/** A file that cannot be taken; `reason` and `facts` name the text that says why. */
export class Unfit extends Error {
  constructor(reason, facts = {}) {
    super(reason);
    this.reason = reason;
    this.facts = facts;
  }
}

export const JPEG = "image/jpeg", PNG = "image/png", WEBP = "image/webp";

/** The measures of a picture may stand behind a preview and a colour profile. */
const HEAD_BYTES = 512 * 1024;

/** Above these a picture is made smaller even if its bytes would fit: nobody sees the difference. */
const MOST_PIXELS = 25_000_000, LONGEST_SIDE = 8000;

/** What is larger is not even opened: it would take the memory of a phone. */
const MOST_BYTES = 150 * 1024 * 1024;

const KINDS = [
  { label: "JPEG", type: JPEG, begins: "ffd8ff" },
  { label: "PNG", type: PNG, begins: "89504e470d0a1a0a" },
  { label: "GIF", type: "image/gif", begins: "47494638" },
  { label: "TIFF", type: "image/tiff", begins: "49492a00" },
  { label: "TIFF", type: "image/tiff", begins: "4d4d002a" },
  { label: "PDF", type: "application/pdf", begins: "255044462d" },
  { label: "BMP", type: "image/bmp", begins: "424d" },
];
const AVIF_BRANDS = ["avif", "avis"];
const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];

/**
 * Say what becomes of `file`: `{ type, label, act }`, where `act` is "send", "shrink" (it is too
 * large) or "convert" (it is a picture of a kind not taken here, of which only the first one is kept
 * when it `isAnimated`). Throw `Unfit`.
 */
export async function examine(file, { maxBytes, types }) {
  if (file.size === 0) throw new Unfit("empty");
  if (file.size > MOST_BYTES) throw new Unfit("too_large");
  let head;
  try {
    head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  } catch {
    throw new Unfit("unreadable");
  }
  const kind = kindOf(head);
  if (!kind || kind.label === "PDF") throw new Unfit(kind ? "is_document" : "not_a_picture");
  if (!types.includes(kind.type)) return { ...kind, act: "convert", isAnimated: kind.label === "GIF" && isAnimated(head) };
  const { width = 0, height = 0 } = measures(head, kind.type) ?? {};
  const isVast = width * height > MOST_PIXELS || Math.max(width, height) > LONGEST_SIDE;
  return { ...kind, act: isVast || file.size > maxBytes ? "shrink" : "send" };
}

/** Whether a GIF has a second picture, as far as its `head` goes: each has a control block before it. */
function isAnimated(head) {
  let pictures = 0;
  for (let at = head.indexOf(0x21); at !== -1 && pictures < 2; at = head.indexOf(0x21, at + 1)) {
    const isControl = head[at + 1] === 0xf9 && head[at + 2] === 4 && head[at + 7] === 0;
    if (isControl && [0x21, 0x2c].includes(head[at + 8])) pictures += 1;
  }
  return pictures > 1;
}

/** Return `{ type, label }` of a file that begins with the bytes `head`, or undefined. */
export function kindOf(head) {
  const begin = Array.from(head.subarray(0, 12), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const text = letters(head, 0, 12);
  if (text.startsWith("RIFF") && text.endsWith("WEBP")) return { label: "WebP", type: WEBP };
  if (text.slice(4, 8) === "ftyp") return isoKind(head);
  const found = KINDS.find((each) => begin.startsWith(each.begins));
  if (found) return { label: found.label, type: found.type };
  return /<svg[\s>/]/i.test(letters(head, 0, 4096)) ? { label: "SVG", type: "image/svg+xml" } : undefined;
}

/** An AVIF may call itself a general `mif1` first, so all of its brands are read. */
function isoKind(head) {
  const length = Math.min(new DataView(head.buffer).getUint32(0), head.length, 4096);
  const brands = [letters(head, 8, 12)];
  for (let at = 16; at < length; at += 4) brands.push(letters(head, at, at + 4));
  if (brands.some((each) => AVIF_BRANDS.includes(each))) return { label: "AVIF", type: "image/avif" };
  if (brands.some((each) => HEIC_BRANDS.includes(each))) return { label: "HEIC", type: "image/heic" };
  return undefined;
}

/** Return `{ width, height }` where the header tells them, else undefined. */
function measures(head, type) {
  const view = new DataView(head.buffer);
  if (type === PNG && head.length >= 24) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (type === JPEG) return jpegMeasures(view);
  return type === WEBP && head.length >= 30 ? webpMeasures(head, view) : undefined;
}

/** Go from marker to marker until the frame header (ITU-T T.81, B.2.2). */
function jpegMeasures(view) {
  let at = 2;
  while (at + 9 < view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** A WebP tells its measures in one of three ways (RFC 9649). */
function webpMeasures(head, view) {
  const triple = (at) => head[at] | (head[at + 1] << 8) | (head[at + 2] << 16);
  switch (letters(head, 12, 16)) {
    case "VP8X":
      return { width: 1 + triple(24), height: 1 + triple(27) };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >> 14) & 0x3fff) };
    }
    case "VP8 ":
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    default:
      return undefined;
  }
}

function letters(bytes, from, to) {
  return String.fromCharCode(...bytes.subarray(from, to));
}
