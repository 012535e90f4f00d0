// The chosen picture: what is to be seen on it, in each language, and what must not be cut off.
import { announce } from "../../announce.js";
import { Refused, ask } from "../../api.js";
import { onGrid } from "../../pictures/cutting.js";
import { text } from "../../texts.js";
import { reason } from "../bar.js";

const STEP = 0.01, CENTRE = [0.5, 0.5];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PAUSE_MS = 600;

export class Details {
  /** `changed(media)` is told what the server has after each change. */
  constructor(host, changed) {
    this._host = host;
    this._changed = changed;
    this._stage = host.querySelector(".stage");
    this._point = host.querySelector(".point");
    this._place = host.querySelector("[data-place]");
    this._wrong = host.querySelector(".wrong");
    this._state = host.querySelector("[data-state]");
    this._fields = [...host.querySelectorAll("input[lang]")];
    this._decorative = host.querySelector("[name=decorative]");
    this._sent = Promise.resolve();
    for (const each of [...this._fields, this._decorative]) each.addEventListener("change", () => this._describe());
    host.addEventListener("submit", (event) => event.preventDefault());
    this._letPoint();
  }

  /** Show `media`, or that nothing is chosen. */
  show(media) {
    this._host.hidden = !media;
    if (!media || media === this._media) return;
    const isSame = media.id === this._media?.id;
    this._media = media;
    this._stage.querySelector("img").src = media.display_url || media.url;
    this._stage.style.setProperty("--ratio", media.width / media.height || 1);
    this._host.querySelector("[data-name]").textContent = media.name;
    this._host.querySelector("[data-facts]").textContent = media.width ? `${media.width} × ${media.height} px` : "";
    for (const each of this._fields) if (!isSame || each !== document.activeElement) each.value = media.alt?.[each.lang] ?? "";
    this._decorative.checked = media.decorative;
    this._tell();
    this._put(media.focal ?? CENTRE);
  }

  _describe() {
    const alt = { ...this._media.alt };
    for (const each of this._fields) alt[each.lang] = each.value.trim();
    this._save({ alt: Object.fromEntries(Object.entries(alt).filter(([, words]) => words)), decorative: this._decorative.checked });
  }

  /** One after the other, so that what was said last stays. */
  _save(changes, { id } = this._media) {
    this._sent = this._sent.then(async () => {
      this._tell(text("state_saving"));
      try {
        const fresh = await ask("PATCH", `/api/builder/media/${id}`, changes);
        this._changed(fresh);
        if (this._media.id === id) this._media = fresh;
        this._tell(text("state_saved"));
        announce(text("state_saved"));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this._tell("", reason(error));
      }
    });
  }

  _tell(sentence = "", wrong = "") {
    this._state.textContent = sentence;
    this._wrong.textContent = wrong;
    this._wrong.hidden = !wrong;
  }

  _letPoint() {
    const stage = this._stage;
    const follow = (event) => {
      const box = stage.getBoundingClientRect();
      if (box.width && box.height) this._put([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    };
    stage.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      stage.setPointerCapture(event.pointerId);
      follow(event);
      this._point.focus({ preventScroll: true });
    });
    stage.addEventListener("pointermove", (event) => stage.hasPointerCapture(event.pointerId) && follow(event));
    stage.addEventListener("pointerup", () => this._save({ focal: this._at }));
    this._point.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const step = event.shiftKey ? STEP * 10 : STEP;
      this._put([this._at[0] + arrow[0] * step, this._at[1] + arrow[1] * step]);
      clearTimeout(this._timer);
      const media = this._media, focal = this._at; // another picture may be chosen by then
      this._timer = setTimeout(() => this._save({ focal }, media), PAUSE_MS);
    });
  }

  _put([x, y]) {
    this._at = [onGrid(x), onGrid(y)];
    this._stage.style.setProperty("--x", `${this._at[0] * 100}%`);
    this._stage.style.setProperty("--y", `${this._at[1] * 100}%`);
    this._place.textContent = text("point_at", { x: percent(this._at[0]), y: percent(this._at[1]) });
  }
}

function percent(share) {
  return (share * 100).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
}
