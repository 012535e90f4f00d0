// Files on their way by the tus protocol: two at a time, with pause, and found again after a reload.
import "../../vendor/tus.min.js";

const { Upload, defaultOptions } = window.tus;
const storage = defaultOptions.urlStorage;
const ENDPOINT = "/api/uploads/tus";
const AT_ONCE = 2;
const RETRY_MS = [0, 1000, 3000, 5000, 10_000, 20_000];
const NOTE_MS = 1000;
const HOUR_MS = 3_600_000;
const NO_MORE_PARTS = [400, 403, 404, 409, 413, 415, 422];
const FULL = 507;
const UNDER_WAY = ["waiting", "sending", "finishing", "retrying"];

/** Whose, where to and which file: what must be the same for an upload to go on. */
function markOf(owner, filing, file) {
  const facts = [owner, filing.category, filing.reference, file.name, file.size, file.lastModified];
  return `avenue/${facts.map(encodeURIComponent).join("/")}`;
}

/** What a mark in the browser's storage says, null for somebody else's. */
function read(key, owner) {
  const [, mark] = key.split("::");
  const [house, whose, category, reference, name, size, lastModified] = (mark ?? "").split("/").map(decodeURIComponent);
  if (house !== "avenue" || whose !== owner) return null;
  return { filing: { category, reference }, file: { name, size: Number(size), lastModified: Number(lastModified) } };
}

/** A file on its way. `state` is said by `state_…` of the texts; `message` is the server's. */
export class Transfer extends EventTarget {
  constructor(queue, filing, file, sent = 0) {
    super();
    Object.assign(this, { queue, filing, file, sent, state: "waiting", message: "", id: null });
    this.name = file.name;
    this.size = file.size;
    this.mark = markOf(queue.owner, filing, file);
    this._upload = null;
    this._noted = 0;
  }

  get percent() {
    return this.size ? Math.floor((100 * this.sent) / this.size) : 0;
  }

  get isUnderWay() {
    return UNDER_WAY.includes(this.state);
  }

  become(state, message = "") {
    this.state = state;
    this.message = message;
    this.dispatchEvent(new Event("change"));
    this.queue.changed(this);
  }

  /** Send it, or what is missing of it. */
  async start() {
    this.become("sending");
    if (!this._upload) {
      this._upload = this._made();
      const [before] = (await this._upload.findPreviousUploads()).sort((one, other) => other.creationTime.localeCompare(one.creationTime));
      if (before) this._upload.resumeFromPreviousUpload(before);
      if (this.state !== "sending") return; // somebody paused it meanwhile
    }
    this._upload.start();
  }

  pause() {
    this._upload?.abort();
    this._keep();
    this.become("paused");
  }

  /** Give it up, with all that has come of it, also on an earlier visit. */
  async cancel() {
    this.become("removed");
    await this._upload?.abort();
    const known = await storage.findUploadsByFingerprint(this.mark);
    const url = this._upload?.url ?? known[0]?.uploadUrl;
    await this.forget();
    if (url) await Upload.terminate(url).catch(() => {}); // what nobody goes on with expires
  }

  /** Let the browser forget where it was. */
  async forget() {
    for (const each of await storage.findUploadsByFingerprint(this.mark)) storage.removeUpload(each.urlStorageKey);
  }

  /** Write down how far it is, for the next visit. */
  async _keep() {
    const [entry] = await storage.findUploadsByFingerprint(this.mark);
    // It may have ended since it was asked for: what is forgotten must not come back.
    if (!entry || localStorage.getItem(entry.urlStorageKey) === null) return;
    const { urlStorageKey, ...facts } = entry;
    localStorage.setItem(urlStorageKey, JSON.stringify({ ...facts, sent: this.sent, at: Date.now() }));
  }

  _made() {
    const { category, reference } = this.filing;
    return new Upload(this.file, {
      endpoint: ENDPOINT,
      chunkSize: this.queue.partBytes,
      retryDelays: RETRY_MS,
      removeFingerprintOnSuccess: true,
      fingerprint: () => Promise.resolve(this.mark),
      metadata: { filename: this.name, ...(this.file?.type ? { filetype: this.file.type } : {}), category, ...(reference ? { reference } : {}) },
      onProgress: (sent) => this._moved(sent),
      onShouldRetry: (error) => this._mayTryAgain(error),
      onError: (error) => this._failed(error),
      onSuccess: () => this._stored(),
    });
  }

  _moved(sent) {
    this.sent = sent;
    if (!["sending", "retrying", "finishing"].includes(this.state)) return;
    if (Date.now() - this._noted > NOTE_MS) {
      this._noted = Date.now();
      this._keep();
    }
    this.become(sent === this.size ? "finishing" : "sending");
  }

  _mayTryAgain(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    // What is full does not become empty while one waits: it is said, and tried again when somebody wants it.
    const again = status === 0 || (status >= 500 && status !== FULL) || [423, 429].includes(status) || (status === 409 && told(error).code === "upload_offset_mismatch");
    if (again) this.become("retrying");
    return again;
  }

  _failed(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (status === 401) return this.become("signed_out");
    const { error: message, hint } = told(error);
    const why = [message, hint].filter(Boolean).join(" ");
    if (!NO_MORE_PARTS.includes(status)) {
      this._keep();
      return status === FULL ? this.become("full", why) : this.become("broken");
    }
    this.forget();
    return this.become("refused", why);
  }

  _stored() {
    this.id = this._upload.url.split("/").pop();
    this.sent = this.size;
    this.become("stored");
  }
}

function told(error) {
  try {
    return JSON.parse(error.originalResponse.getBody());
  } catch {
    return {};
  }
}

/** All of them. Tells `add`, `change` (also `remove`d ones) and `settle`, each with the transfer. */
export class Transfers extends EventTarget {
  constructor({ owner, hours, partBytes }) {
    super();
    Object.assign(this, { owner, partBytes, items: [] });
    this._hours = hours;
    addEventListener("online", () => this.items.filter((each) => each.state === "broken").forEach((each) => each.become("waiting")));
    addEventListener("pagehide", () => this.items.filter((each) => each.isUnderWay).forEach((each) => each._keep()));
    addEventListener("beforeunload", (event) => this.items.some((each) => each.isUnderWay) && event.preventDefault());
  }

  /** What this person has begun on an earlier visit and not finished, the oldest first. */
  async left() {
    const known = await storage.findAllUploads();
    const entries = known.sort((one, other) => one.creationTime.localeCompare(other.creationTime));
    for (const entry of entries) {
      const facts = read(entry.urlStorageKey, this.owner);
      if (!facts) continue;
      const at = entry.at ?? Date.parse(entry.creationTime);
      if (Date.now() - at > this._hours * HOUR_MS) storage.removeUpload(entry.urlStorageKey);
      else this._add(new Transfer(this, facts.filing, facts.file, entry.sent ?? 0), "left");
    }
  }

  /** Send `file`, or go on with it where it was; `refusal` says why it is not even tried. */
  add(filing, file, refusal = "") {
    const transfer = new Transfer(this, filing, file);
    const before = this.items.find((each) => each.mark === transfer.mark && !["stored", "refused"].includes(each.state));
    if (before && before.state !== "left") return; // it is on its way already
    if (before) this.drop(before);
    this._add(transfer, refusal ? "refused" : "waiting", refusal);
  }

  /** Take one that is not under way off the list. */
  drop(transfer) {
    transfer.become("removed");
  }

  /** Go on with one that stands still. */
  resume(transfer) {
    transfer.become("waiting");
  }

  /** Hear that one is another way now, and let those that wait have its place. */
  changed(transfer) {
    if (transfer.state === "removed") this.items = this.items.filter((each) => each !== transfer);
    this.dispatchEvent(new CustomEvent("change", { detail: transfer }));
    if (["stored", "refused", "full", "broken", "signed_out"].includes(transfer.state)) this.dispatchEvent(new CustomEvent("settle", { detail: transfer }));
    this._next();
  }

  count(...states) {
    return this.items.filter((each) => states.includes(each.state)).length;
  }

  _add(transfer, state, message = "") {
    this.items.push(transfer);
    this.dispatchEvent(new CustomEvent("add", { detail: transfer }));
    transfer.become(state, message);
  }

  _next() {
    const free = AT_ONCE - this.count("sending", "finishing", "retrying");
    const waiting = this.items.find((each) => each.state === "waiting");
    if (free > 0 && waiting) waiting.start();
  }
}
