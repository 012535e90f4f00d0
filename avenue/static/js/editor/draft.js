// The draft of a page: what of it is not saved yet, and the way it takes to the server. Knows
// nothing of what is on the screen: it tells by events how it stands.
import { ask, Refused } from "../api.js";

/** Typing goes on: what changed is sent when nothing has changed for so long. */
const PAUSE_MS = 2000;

/** Pauses before the next try, when there is no connection or no server. */
const RETRY_SECONDS = [2, 4, 8, 16, 30, 60];

const SIGNED_OUT = 401, CONFLICT = 409, TOO_OFTEN = 429;

/**
 * Event "change" whenever `state` does:
 *
 *   saved      everything is on the server
 *   waiting    something has changed and is sent in a moment
 *   saving     it is on its way
 *   retrying   there is no connection, or the server is away; tried again by itself
 *   signed_out somebody has to sign in again
 *   refused    the server does not take it as it is; `reason` is its sentence
 *   conflict   somebody else has saved: `conflict` is `{ current, difference }`
 *
 * Event "cleaned" when the server stored something else than was sent: `detail` is its page.
 */
export class Draft extends EventTarget {
  /** `read()` tells the content as it is now, `{ html, css }`; `page` is what the server has. */
  constructor(url, page, read) {
    super();
    this.url = url;
    this.page = page;
    this.state = "saved";
    this.reason = "";
    this.conflict = null;
    this._read = read;
    this._kept = read();
    this._fields = {};
    this._tries = 0;
    this._running = null;
    addEventListener("online", () => this.state === "retrying" && this.flush());
    addEventListener("focus", () => this.state === "signed_out" && this.flush());
    addEventListener("visibilitychange", () => document.hidden && this.state === "waiting" && this.flush());
  }

  /** What is on the screen, `{ html, css }`. */
  get content() {
    return this._read();
  }

  /** Whether leaving would lose something. */
  get isUnsaved() {
    return this.state !== "saved";
  }

  /** Something on the page may have changed, or `fields` of it (title, slug, seo…) have. */
  touch(fields = {}) {
    Object.assign(this._fields, fields);
    if (this.state === "conflict" || !this._hasChanged()) return;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this.flush(), PAUSE_MS);
    if (this.state !== "saving") this._become("waiting");
  }

  /** Save now what is not saved; resolve to whether everything is. */
  async flush() {
    clearTimeout(this._timer);
    if (this._running) await this._running;
    if (this.state === "conflict") return false;
    if (!this._hasChanged()) this._become("saved");
    else {
      this._running = this._send().finally(() => (this._running = null));
      await this._running;
    }
    return this.state === "saved";
  }

  /** Take back `fields` that the server refused, so that the rest can be saved. */
  withdraw(fields) {
    for (const name of fields) delete this._fields[name];
  }

  /** Go on from `page`, which the server has and the screen shows. */
  restart(page) {
    clearTimeout(this._timer);
    this.page = page;
    this._kept = this._read();
    this._fields = {};
    this.conflict = null;
    this._become("saved");
  }

  /** Put what is here over what somebody else has saved. */
  overrule() {
    const { current } = this.conflict;
    this._fields = { title: this.page.title, slug: this.page.slug, locale: this.page.locale, themed: this.page.themed, translation_of: this.page.translation_of, seo: seoOf(this.page), ...this._fields };
    this.page = { ...this.page, revision: current.revision };
    this._kept = {};
    this.conflict = null;
    this._become("waiting");
    return this.flush();
  }

  /** The server did something else with the page (it was published): go on from its revision. */
  follow(page) {
    this.page = page;
    this._tell();
  }

  _hasChanged() {
    return Object.keys(this._fields).length > 0 || Object.keys(this._changes(this._read())).length > 0;
  }

  _changes(content) {
    return Object.fromEntries(Object.entries(content).filter(([name, value]) => value !== this._kept[name]));
  }

  async _send() {
    const content = this._read(), fields = this._fields;
    this._fields = {};
    this._become("saving");
    try {
      const page = await ask("PUT", this.url, { revision: this.page.revision, ...fields, ...this._changes(content) });
      this._arrived(page, content);
    } catch (error) {
      this._fields = { ...fields, ...this._fields }; // what was typed meanwhile counts
      if (!(error instanceof Refused)) throw error;
      this._failed(error);
    }
  }

  _arrived(page, content) {
    this.page = page;
    this._kept = content;
    this._tries = 0;
    this._become("saved");
    if (this._hasChanged()) this.touch();
    // Embedded pictures are in the library now; sent again, each would be stored once more.
    else if (holdsPictures(content) && !holdsPictures(page)) this.dispatchEvent(new CustomEvent("cleaned", { detail: page }));
  }

  _failed({ status, code, message, hint, body }) {
    if (status === CONFLICT && code === "revision_conflict") {
      this.conflict = { current: body.current, difference: body.difference ?? "" };
      return this._become("conflict");
    }
    if (status === SIGNED_OUT) return this._become("signed_out");
    if (status === 0 || status === TOO_OFTEN || status >= 500) return this._tryAgain();
    return this._become("refused", [message, hint].filter(Boolean).join(" "));
  }

  _tryAgain() {
    const seconds = RETRY_SECONDS[Math.min(this._tries, RETRY_SECONDS.length - 1)];
    this._tries += 1;
    this._timer = setTimeout(() => this.flush(), seconds * 1000);
    this._become("retrying");
  }

  _become(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this._tell();
  }

  _tell() {
    this.dispatchEvent(new Event("change"));
  }
}

function holdsPictures({ html, css }) {
  return /data:image\//.test(html + css);
}

/** The SEO fields as they are sent. */
export function seoOf({ seo }) {
  return { title: seo?.title ?? "", description: seo?.description ?? "", image: seo?.image ?? null };
}
