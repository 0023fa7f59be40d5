// A card per camera: picture, probabilities, thresholds, armed, "this was ...".

import { Bars, PictureView } from "./picture.js";
import { Plot } from "./plot.js";
import { ask } from "./link.js";
import { h, openDialog, percent, setText, toast } from "./dom.js";

const LEAST = 0.01; // distance of off from on

export class CameraCard {
  #plotPlace = h("div", { className: "plot", role: "img", aria: { label: "Probabilities of the last ten minutes" } });
  #rules = h("div", { className: "rules" });
  #event = h("p", { className: "open", hidden: true });
  #everywhere = h("input", { type: "checkbox" });
  #sliders = new Map();

  constructor(page, camera) {
    this.page = page;
    this.camera = camera;
    this.picture = new PictureView(camera.name);
    this.bars = new Bars();
    this.plot = new Plot(this.#plotPlace);
    this.armed = h("input", {
      type: "checkbox",
      role: "switch",
      checked: camera.armed,
      onchange: () => this.#arm(),
    });
    this.armedText = h("span", {}, camera.armed ? "Armed" : "Disarmed");
    this.enlarge = h(
      "button",
      { type: "button", className: "icon onpicture", title: "Enlarge", aria: { label: `Enlarge ${camera.name}`, pressed: "false" }, onclick: () => page.enlarge(camera.id) },
      "⤢",
    );
    this.missed = h("button", { type: "button", className: "quiet", onclick: () => this.#thisWas() }, "This was…");
    this.thresholds = h("details", {}, h("summary", {}, "Alarm thresholds"), this.#rules);
    this.noModel = h("p", { className: "hint" }, "No model yet. Open “Teach” to make one.");
    this.picture.element.append(this.enlarge);
    this.element = h(
      "article",
      { className: "card", aria: { label: camera.name } },
      h(
        "header",
        {},
        h("h2", {}, camera.name),
        h("label", { className: "switch" }, this.armed, this.armedText),
      ),
      this.picture.element,
      h("div", { className: "now" }, this.bars.label, this.#event, this.missed),
      this.bars.element,
      this.noModel,
      this.#plotPlace,
      this.thresholds,
    );
    this.configure(camera);
  }

  /** Take over classes and thresholds. */
  configure(camera) {
    this.camera = camera;
    const model = camera.labels.length > 0;
    this.noModel.hidden = model;
    this.#plotPlace.hidden = !model;
    this.bars.element.hidden = !model;
    this.missed.hidden = !this.page.state.teach || !model;
    this.thresholds.hidden = !model;
    this.#sliders.clear();
    this.#rules.replaceChildren(
      ...Object.entries(camera.rules).map(([label, rule]) => this.#rule(label, rule)),
      this.page.state.cameras.length > 1 ? h("label", { className: "check" }, this.#everywhere, "For all cameras") : "",
      h("button", { type: "button", className: "quiet", onclick: () => this.page.chooseClasses() }, "Choose alarm classes…"),
    );
    this.load();
  }

  /** Ask for the last ten minutes. */
  async load() {
    if (!this.camera.labels.length) return;
    try {
      this.plot.reset(await ask(`/api/cameras/${this.camera.id}/history`));
    } catch {
      // the connection is lost: it is asked again after it is back
    }
  }

  /** Take over the numbers of a moment. */
  update(row) {
    this.picture.update(row);
    this.bars.update(row, this.camera.labels, this.camera.rules);
    if (row.points) this.plot.add(row.points);
    if (document.activeElement !== this.armed) this.armed.checked = row.armed;
    setText(this.armedText, row.armed ? "Armed" : "Disarmed");
    this.#event.hidden = row.open.length === 0;
    setText(this.#event, `Event: ${row.open.join(", ")}`);
    this.element.classList.toggle("alarm", row.open.length > 0);
  }

  setEnlarged(enlarged) {
    this.element.classList.toggle("large", enlarged);
    this.enlarge.setAttribute("aria-pressed", String(enlarged));
    this.enlarge.title = enlarged ? "Make smaller" : "Enlarge";
  }

  async #arm() {
    const armed = this.armed.checked;
    try {
      await ask(`/api/cameras/${this.camera.id}/armed`, "POST", { armed });
      toast(`${this.camera.name} is ${armed ? "armed" : "disarmed"}.`);
    } catch (error) {
      this.armed.checked = !armed;
      toast(error.message, "bad");
    }
  }

  #rule(label, rule) {
    const slider = (name, value, aria) =>
      h("input", { type: "range", min: "0", max: "1", step: "0.01", value: String(value), name, aria: { label: `${label}: ${aria}` } });
    const on = slider("on", rule.on, "begins at");
    const off = slider("off", rule.off, "ends below");
    const onText = h("output", {}, percent(rule.on));
    const offText = h("output", {}, percent(rule.off));
    let timer = 0;
    const moved = (which) => {
      let begins = Number(on.value);
      let ends = Number(off.value);
      if (ends > begins - LEAST) {
        if (which === on) ends = begins - LEAST;
        else begins = ends + LEAST;
        ends = Math.min(Math.max(ends, 0), 1 - LEAST);
        begins = Math.min(Math.max(begins, ends + LEAST), 1);
        on.value = begins;
        off.value = ends;
      }
      onText.textContent = percent(begins);
      offText.textContent = percent(ends);
      this.camera.rules[label] = { on: begins, off: ends };
      clearTimeout(timer);
      timer = setTimeout(() => this.#store(label, begins, ends), 150);
    };
    this.#sliders.set(label, { on, off, onText, offText });
    on.addEventListener("input", () => moved(on));
    off.addEventListener("input", () => moved(off));
    return h(
      "fieldset",
      {},
      h("legend", {}, label),
      h("label", {}, h("span", {}, "begins at"), on, onText),
      h("label", {}, h("span", {}, "ends below"), off, offText),
    );
  }

  /** Show thresholds of a class. */
  setRule(label, rule) {
    const parts = this.#sliders.get(label);
    if (!parts) return;
    this.camera.rules[label] = rule;
    parts.on.value = rule.on;
    parts.off.value = rule.off;
    setText(parts.onText, percent(rule.on));
    setText(parts.offText, percent(rule.off));
  }

  async #store(label, on, off) {
    const round = (value) => Math.round(100 * value) / 100;
    const all = this.#everywhere.checked;
    try {
      await ask("/api/rules", "POST", { camera: all ? null : this.camera.id, label, on: round(on), off: round(off) });
      if (all) this.page.spreadRule(label, { on, off }, this);
    } catch (error) {
      toast(error.message, "bad");
    }
  }

  #thisWas() {
    const known = h("select", { id: "was-label" }, ...this.camera.labels.map((label) => h("option", {}, label)));
    const seconds = h("input", { id: "was-seconds", type: "range", min: "5", max: "60", step: "1", value: "10" });
    const text = h("output", {}, "10 s");
    seconds.addEventListener("input", () => setText(text, `${seconds.value} s`));
    const form = h(
      "form",
      { className: "form" },
      h("p", { className: "hint" }, `The last seconds of ${this.camera.name} become a training clip.`),
      h("label", { for: "was-label" }, "This was"),
      known,
      h("label", { for: "was-seconds" }, "In the last ", text),
      seconds,
      h("button", { type: "submit", className: "primary" }, "Keep for training"),
    );
    const dialog = openDialog("This was…", form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await ask("/api/missed", "POST", { camera: this.camera.id, label: known.value, seconds: Number(seconds.value) });
        toast(`Kept as “${known.value}”.`);
        dialog.close();
      } catch (error) {
        toast(error.message, "bad");
      }
    });
  }
}
