// The live picture of a camera, honest about its age.

import { clockTime, duration, h, setText } from "./dom.js";

const SILENT_MS = 3000; // without numbers for this long nothing is shown as live

const WORDS = {
  connecting: "connecting since",
  stalled: "no picture since",
  lost: "lost since",
};

export class PictureView {
  #canvas = h("canvas", { width: 640, height: 360, role: "img" });
  #context = this.#canvas.getContext("bitmaprenderer");
  #chip = h("span", { className: "chip" }, "connecting");
  #age = h("span", { className: "age" });
  #veil = h("p", { className: "veil" });
  #busy = false;
  #next = null;
  #row = null;
  #heard = 0;
  #drawn = false;

  constructor(name) {
    this.element = h(
      "div",
      { className: "picture off" },
      this.#canvas,
      this.#veil,
      h("div", { className: "over" }, this.#chip, this.#age),
    );
    this.#canvas.setAttribute("aria-label", `Picture of ${name}`);
  }

  /** Draw the newest JPEG; one that arrives while another is decoded waits, older ones are dropped. */
  async draw(jpeg) {
    this.#next = jpeg;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next) {
      const data = this.#next;
      this.#next = null;
      try {
        const bitmap = await createImageBitmap(new Blob([data], { type: "image/jpeg" }));
        if (this.#canvas.width !== bitmap.width || this.#canvas.height !== bitmap.height) {
          this.#canvas.width = bitmap.width;
          this.#canvas.height = bitmap.height;
        }
        this.#context.transferFromImageBitmap(bitmap);
        this.#drawn = true;
      } catch {
        // a broken picture; the next one comes
      }
    }
    this.#busy = false;
  }

  /** Take over the state that the program sent. */
  update(row) {
    this.#row = row;
    this.#heard = performance.now();
    this.refresh(true);
  }

  /** Show state and age as they are now. */
  refresh(connected) {
    const row = this.#row;
    if (!row) return;
    const silent = performance.now() - this.#heard;
    const live = connected && row.live && silent < SILENT_MS;
    this.element.classList.toggle("off", !live);
    this.element.classList.toggle("drawn", this.#drawn);
    if (live) {
      setText(this.#chip, "● live");
      setText(this.#age, `${(row.age + silent / 1000).toFixed(1)} s`);
      setText(this.#veil, "");
      return;
    }
    const unknown = !connected || silent >= SILENT_MS;
    const state = unknown || row.state === "live" ? "unknown" : row.state;
    setText(this.#chip, state);
    setText(this.#age, row.age === null ? "" : `picture ${duration(row.age + silent / 1000)} old`);
    const since = unknown ? Date.now() / 1000 - silent / 1000 : row.since;
    const words = WORDS[state] ?? "not connected since";
    const reason = unknown ? "" : row.reason;
    setText(this.#veil, `${words} ${clockTime(since)}${reason ? `\n${reason}` : ""}`);
  }
}

/** Bars of the probabilities of a moment: raw as a tick, smoothed as a bar, thresholds as marks. */
export class Bars {
  #rows = new Map();

  constructor() {
    this.element = h("ul", { className: "bars", aria: { label: "Probabilities" } });
    this.label = h("p", { className: "label" }, "–");
  }

  /** @param row what the program sent of the camera
   * @param labels all classes, for their colors
   * @param rules thresholds by class */
  update(row, labels, rules) {
    const sure = row.live && row.sure;
    this.label.classList.toggle("sure", sure);
    setText(this.label, row.live && row.label ? `${row.label}${row.sure ? "" : " ?"}` : "–");
    const before = this.#rows.size ? [...this.#rows.keys()] : labels.slice(0, 5);
    const names = row.live && row.bars.length ? row.bars.map((bar) => bar[0]) : before;
    if ([...this.#rows.keys()].join("\n") !== names.join("\n")) this.#build(names, labels);
    if (!row.live) {
      this.element.classList.add("off");
      for (const parts of this.#rows.values()) {
        parts.fill.style.width = "0";
        setText(parts.number, "–");
        parts.on.hidden = parts.off.hidden = parts.tick.hidden = true;
      }
      return;
    }
    this.element.classList.remove("off");
    for (const [name, raw, smooth] of row.bars) {
      const parts = this.#rows.get(name);
      const value = smooth ?? raw ?? 0;
      parts.fill.style.width = `${100 * value}%`;
      parts.tick.hidden = false;
      parts.tick.style.left = `${100 * (raw ?? 0)}%`;
      setText(parts.number, `${Math.round(100 * value)} %`);
      const rule = rules[name];
      parts.on.hidden = parts.off.hidden = !rule;
      if (rule) {
        parts.on.style.left = `${100 * rule.on}%`;
        parts.off.style.left = `${100 * rule.off}%`;
      }
      parts.item.classList.toggle("alarm", row.open.includes(name));
    }
  }

  #build(names, labels) {
    this.#rows.clear();
    this.element.replaceChildren(
      ...names.map((name) => {
        const fill = h("span", { className: "fill" });
        fill.style.background = `var(--series-${(Math.max(0, labels.indexOf(name)) % 8) + 1})`;
        const tick = h("span", { className: "tick" });
        const on = h("span", { className: "mark on", title: "begins an event" });
        const off = h("span", { className: "mark", title: "ends an event" });
        const number = h("span", { className: "number" });
        const track = h("span", { className: "track", aria: { hidden: "true" } }, fill, tick, off, on);
        const item = h("li", {}, h("span", { className: "name" }, name), track, number);
        this.#rows.set(name, { item, fill, tick, on, off, number });
        return item;
      }),
    );
  }
}
