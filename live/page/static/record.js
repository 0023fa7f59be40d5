// The button that records while it is held: one clip each three seconds.

import { ask } from "./link.js";
import { h, setText, toast } from "./dom.js";

const CLIP_MS = 3000;

export class RecordButton {
  #describe;
  #kept;
  #run = 0; // number of the hold; 0 while the button is up
  #count = 0;
  #text = h("span", { className: "text" }, "Hold to record");
  #fill = h("span", { className: "fill", aria: { hidden: "true" } });

  /** @param describe returns camera, label and session
   * @param kept called after each clip */
  constructor(describe, kept) {
    this.#describe = describe;
    this.#kept = kept;
    const button = h("button", { type: "button", className: "record" }, this.#fill, this.#text);
    button.setAttribute("aria-label", `Hold to record ${describe().label}`);
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      this.#press();
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
      button.addEventListener(name, () => this.#release());
    }
    const isKey = (event) => event.key === " " || event.key === "Enter";
    button.addEventListener("keydown", (event) => {
      if (!isKey(event)) return;
      event.preventDefault();
      if (!event.repeat) this.#press();
    });
    button.addEventListener("keyup", (event) => {
      if (!isKey(event)) return;
      event.preventDefault();
      this.#release();
    });
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
    this.element = button;
  }

  async #press() {
    if (this.#run) return;
    this.#count += 1;
    const run = (this.#run = this.#count);
    const held = () => this.#run === run;
    try {
      let token = (await ask("/api/teach/clips/begin", "POST", this.#describe())).token;
      while (held()) {
        if (!(await this.#countDown(held))) return; // a clip that is not ended is not kept
        const done = token;
        // The next clip begins before this one is written, so that nothing is missed while held.
        if (held()) token = (await ask("/api/teach/clips/begin", "POST", this.#describe())).token;
        const ending = ask("/api/teach/clips/end", "POST", { token: done }).then(() => this.#kept());
        ending.catch((error) => toast(error.message, "bad"));
      }
    } catch (error) {
      toast(error.message, "bad");
    } finally {
      if (held()) this.#release();
    }
  }

  async #countDown(held) {
    const begun = performance.now();
    this.element.classList.add("recording");
    for (;;) {
      const passed = performance.now() - begun;
      if (!held()) return passed >= CLIP_MS;
      if (passed >= CLIP_MS) return true;
      setText(this.#text, `Recording · ${Math.ceil((CLIP_MS - passed) / 1000)}`);
      this.#fill.style.transform = `scaleX(${passed / CLIP_MS})`;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #release() {
    if (!this.#run) return;
    this.#run = 0;
    this.element.classList.remove("recording");
    this.#fill.style.transform = "scaleX(0)";
    setText(this.#text, "Hold to record");
  }
}
