// The files on their way: checked one by one, sent two at a time, tried again when the connection
// breaks. Knows nothing of the page: it tells by events what changed.
import { examine, Unfit } from "./checking.js";
import { send } from "./sending.js";
import { shrunk } from "./shrinking.js";

const AT_A_TIME = 2;

/** Pauses after each time the connection broke; then somebody has to say "again". */
const PAUSES_SECONDS = [1, 2, 4, 8, 15];

/** How often an answer may ask for patience: a lease of the server lasts a minute or so. */
const MOST_WAITS = 60;

/** A server that takes no more says so, and that may change: somebody can try again. */
const MAY_CHANGE = new Set(["too_many_images", "too_many_temp_images", "quota_exceeded", "user_quota_exceeded", "storage_full"]);

/** Why a browser does not open a picture of these kinds. */
const NOT_OPENED = { HEIC: "is_heic", SVG: "is_drawing" };

const UNDER_WAY = new Set(["checking", "shrinking", "waiting", "sending", "storing", "pausing", "withdrawing"]);

/** One file. `state` is where it is; `reason` and `facts`, or `error` and `hint`, say why it stays. */
class Item {
  static count = 0;

  constructor(file, name) {
    this.id = `file-${(Item.count += 1)}`;
    this.file = this.body = file;
    this.name = name;
    this.type = file.type;
    this.key = crypto.randomUUID?.() ?? randomKey();
    this.state = "checking";
    this.share = 0;
    this.breaks = this.waits = 0;
  }

  /** Whether somebody should wait for it. */
  get isUnderWay() {
    return UNDER_WAY.has(this.state);
  }

  /** Whether it takes one of the places that are left. */
  get takesPlace() {
    return (this.isUnderWay && this.state !== "checking") || this.state === "broken" || this.state === "placing";
  }

  get mayRetry() {
    return this.state === "broken" || this.state === "cancelled" || (this.state === "refused" && this.isTryable);
  }
}

/**
 * Events: "change" (`detail` is the item), "settle" (an item came to rest).
 *
 * `url` is where files are sent by `method`, or a function that tells it when one comes. `room()` tells how many
 * places are left beside what is in the queue; `placed(item)` resolves when the page shows the stored picture, to
 * whether it does, or to the name of a text by which the row stays; `withdraw(image)` takes one back that was
 * cancelled too late.
 */
export class Queue extends EventTarget {
  constructor({ url, method = "POST", limits, room, placed, withdraw }) {
    super();
    this.items = [];
    this.stored = 0;
    this._urlNow = typeof url === "function" ? url : () => url;
    this._method = method;
    this._limits = limits;
    this._room = room;
    this._placed = placed;
    this._withdraw = withdraw;
    this._checks = Promise.resolve();
    addEventListener("online", () => this._backOnline());
  }

  get isBusy() {
    return this.items.some((item) => item.isUnderWay || item.state === "placing");
  }

  /** How many of the places that are left are spoken for. */
  get placesTaken() {
    return this.items.filter((item) => item.takesPlace).length;
  }

  count(...states) {
    return this.items.filter((item) => states.includes(item.state)).length;
  }

  /** Take `files` in: `[{ file, name }]`, in this order. */
  add(files) {
    if (!this.isBusy) this.stored = 0;
    for (const { file, name } of files) {
      const item = new Item(file, name);
      item.url = this._urlNow();
      this.items.push(item);
      this._begin(item);
    }
  }

  /** Stop an item; what may have arrived already is taken back. */
  cancel(item) {
    if (item.state === "storing" || item.isSent) {
      this._set(item, "withdrawing");
      if (item.timer) this._resume(item);
      return;
    }
    clearTimeout(item.timer);
    item.timer = undefined;
    this._set(item, "cancelled");
    item.stop?.abort(new Error("cancelled"));
    this._advance();
  }

  /** Try an item again, with the same key: it never becomes two. */
  retry(item) {
    item.breaks = item.waits = 0;
    if (item.isReady) this._queueUp(item);
    else this._begin(item);
  }

  /** Take an item that came to rest out of the list. */
  remove(item) {
    this.items = this.items.filter((each) => each !== item);
    item.state = "removed";
    this._tell("change", item);
  }

  /** Let everything that rests because of the connection or the session go on. */
  _backOnline() {
    for (const item of this.items) {
      if (item.state === "broken" && item.reason === "broken") this.retry(item);
      else if (item.timer !== undefined || item.isOffline) this._resume(item);
    }
  }

  // One after the other: each opened picture takes a lot of memory, and places are given in order.
  _begin(item) {
    this._set(item, "checking");
    const checked = this._checks.then(() => this._check(item));
    this._checks = checked.catch(() => {}); // a fault in one stops no other
  }

  async _check(item) {
    if (item.state !== "checking") return;
    try {
      const found = await examine(item.file, this._limits);
      if (item.state !== "checking") return;
      if (this._room() <= this.placesTaken) throw new Unfit("no_room");
      if (found.act === "send") item.type = found.type;
      else await this._shrink(item, found);
    } catch (error) {
      if (["cancelled", "removed"].includes(item.state)) return;
      if (!(error instanceof Unfit)) throw error;
      this._refuse(item, { reason: error.reason, facts: error.facts, isTryable: error.reason === "no_room" });
      return;
    }
    if (["cancelled", "removed"].includes(item.state)) return;
    item.isReady = true;
    this._queueUp(item);
  }

  async _shrink(item, { act, label, type: from, isAnimated }) {
    item.stop = new AbortController();
    this._set(item, "shrinking");
    try {
      item.body = await shrunk(item.file, { ...this._limits, from }, item.stop.signal);
    } catch {
      throw new Unfit(act === "convert" ? (NOT_OPENED[label] ?? "is_other") : "cannot_shrink", { label });
    }
    item.type = item.body.type;
    item.made = { act, label, isAnimated, from: item.file.size, to: item.body.size };
  }

  _queueUp(item) {
    this._set(item, "waiting");
    this._advance();
  }

  _advance() {
    const sending = () => this.count("sending", "storing", "pausing", "withdrawing");
    for (const item of this.items) {
      if (sending() >= AT_A_TIME) return;
      if (item.state === "waiting") this._send(item);
    }
  }

  async _send(item) {
    item.timer = undefined;
    item.isOffline = false;
    item.share = 0;
    item.stop = new AbortController();
    if (item.state !== "withdrawing") this._set(item, "sending");
    const outcome = await send({ ...item, method: this._method }, (share) => this._progressed(item, share), item.stop.signal);
    await this._settle(item, outcome);
    this._advance();
  }

  _settle(item, outcome) {
    switch (outcome.kind) {
      case "stored":
        return item.state === "withdrawing" ? this._takeBack(item, outcome) : this._place(item, outcome);
      case "refused":
        return item.state === "withdrawing" ? this._takeBack(item, {}) : this._refusedThere(item, outcome);
      case "wait":
        return this._wait(item, outcome);
      case "broken":
        return this._break(item);
      case "signed_out":
        return this._giveUp(item, "signed_out");
      default: // aborted: whoever did that has said what becomes of it
        return undefined;
    }
  }

  _progressed(item, share) {
    item.share = share;
    item.isSent ||= share === 1;
    if (item.state === "sending" && share === 1) this._set(item, "storing");
    else if (item.state === "sending") this._tell("change", item);
  }

  async _place(item, { image, isNew, isMended }) {
    item.image = image;
    this._set(item, "placing");
    const shown = await this._placed(item);
    if (!isNew) item.note = isMended ? "was_mended" : "was_there";
    else if (shown !== true) item.note = shown || "not_shown";
    else if (item.made?.isAnimated) item.note = "was_animated";
    this.stored += isNew;
    if (!item.note) this.items = this.items.filter((each) => each !== item);
    this._set(item, "stored");
    this._tell("settle", item);
  }

  async _takeBack(item, { image, isNew }) {
    if (isNew) await this._withdraw(image);
    item.key = crypto.randomUUID?.() ?? randomKey(); // the old one stands for what was taken back
    item.isSent = false;
    this._set(item, "cancelled");
    this._tell("settle", item);
  }

  _refusedThere(item, { status, code, error, hint }) {
    this._refuse(item, { reason: "server", facts: { status }, error, hint, isTryable: MAY_CHANGE.has(code) });
  }

  _refuse(item, why) {
    Object.assign(item, { error: "", hint: "", isSent: false }, why);
    this._set(item, "refused");
    this._tell("settle", item);
  }

  _wait(item, { seconds, code }) {
    item.waits += 1;
    if (item.waits > MOST_WAITS) this._giveUp(item, "busy");
    else this._pause(item, code === "upload_in_progress" ? "in_progress" : "busy", seconds);
  }

  _break(item) {
    item.breaks += 1;
    if (item.breaks > PAUSES_SECONDS.length) this._giveUp(item, "broken");
    else this._pause(item, "broken", PAUSES_SECONDS[item.breaks - 1]);
  }

  _pause(item, reason, seconds) {
    item.isOffline = reason === "broken" && !navigator.onLine;
    Object.assign(item, { reason: item.isOffline ? "offline" : reason, facts: { seconds } });
    if (!item.isOffline) item.timer = setTimeout(() => this._resume(item), seconds * 1000);
    if (item.state !== "withdrawing") this._set(item, "pausing");
  }

  _resume(item) {
    clearTimeout(item.timer);
    this._send(item);
  }

  _giveUp(item, reason) {
    Object.assign(item, { reason, facts: {} });
    this._set(item, "broken");
    this._tell("settle", item);
  }

  _set(item, state) {
    item.state = state;
    this._tell("change", item);
  }

  _tell(what, item) {
    this.dispatchEvent(new CustomEvent(what, { detail: item }));
  }
}

/** For pages over plain http, where browsers keep `randomUUID` to themselves. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
