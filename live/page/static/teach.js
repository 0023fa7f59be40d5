// Teaching: name classes, record clips, learn, watch the result.

import { Bars, PictureView } from "./picture.js";
import { RecordButton } from "./record.js";
import { ask } from "./link.js";
import { askingButton, clockTime, duration, h, openDialog, percent, setText, toast } from "./dom.js";

const THUMBS = 4;
const ENOUGH = 3; // clips of a class, to begin with

export class TeachView {
  #classes = [];
  #bars = new Bars();
  #now = h("div", { className: "result" }, this.#bars.label, this.#bars.element);
  #list = h("div", { className: "classes" });
  #learn = h("button", { type: "button", className: "primary big", onclick: () => this.#start() }, "Learn");
  #cancel = h("button", { type: "button", className: "quiet", hidden: true, onclick: () => this.#stop() }, "Cancel");
  #progress = h("progress", { max: 1, value: 0, hidden: true, aria: { label: "Progress of learning" } });
  #phase = h("p", { className: "hint", role: "status" });
  #need = h("p", { className: "hint" }, `Record at least ${ENOUGH} clips of two classes. Ten of each are better.`);
  #score = h("div", { className: "score", hidden: true });
  #camera = h("select", { id: "teach-camera" });
  #session = h("input", { id: "teach-session", maxLength: 60, autocomplete: "off" });
  #sessions = h("datalist", { id: "teach-sessions" });
  #pictures = new Map();
  #stage = h("div", { className: "stage" });
  #state = "";

  constructor(page, element) {
    this.page = page;
    this.#session.setAttribute("list", "teach-sessions");
    this.#session.value = new Date().toLocaleDateString("en-CA");
    this.#camera.addEventListener("change", () => this.#showCamera());
    const name = h("input", { id: "teach-name", maxLength: 60, required: true, autocomplete: "off", placeholder: "such as: fall" });
    const add = h(
      "form",
      { className: "add", onsubmit: (event) => { event.preventDefault(); this.#add(name); } },
      h("label", { for: "teach-name" }, "New class"),
      h("div", { className: "row" }, name, h("button", { type: "submit" }, "Add")),
    );
    element.append(
      h("h1", {}, "Teach"),
      h("p", { className: "lead" }, "Name what the camera should tell apart, show it a few times, and press Learn."),
      h(
        "div",
        { className: "teach" },
        h(
          "div",
          { className: "side" },
          this.#stage,
          h(
            "div",
            { className: "panel" },
            this.#now,
            h(
              "div",
              { className: "form two" },
              h("div", {}, h("label", { for: "teach-camera" }, "Camera"), this.#camera),
              h("div", {}, h("label", { for: "teach-session" }, "Session"), this.#session, this.#sessions),
            ),
            h(
              "p",
              { className: "hint" },
              "A new place, person or day is a new session. With two sessions or more the score is honest.",
            ),
          ),
        ),
        h(
          "div",
          {},
          h("h2", {}, "1. Classes and clips"),
          this.#list,
          add,
          h("h2", {}, "2. Learn"),
          h(
            "div",
            { className: "panel" },
            h("div", { className: "row" }, this.#learn, this.#cancel),
            this.#progress,
            this.#need,
            this.#phase,
            this.#score,
          ),
        ),
      ),
    );
  }

  /** Take over cameras and load the classes. */
  configure() {
    const chosen = this.#camera.value;
    this.#camera.replaceChildren(
      ...this.page.state.cameras.map((camera) => h("option", { value: String(camera.id) }, camera.name)),
    );
    if (chosen && this.page.state.cameras.some((camera) => String(camera.id) === chosen)) this.#camera.value = chosen;
    this.#showCamera();
    this.load();
  }

  /** Number of the camera that is shown. */
  get camera() {
    return Number(this.#camera.value);
  }

  #showCamera() {
    const camera = this.page.state.cameras.find((each) => each.id === this.camera);
    if (!camera) return;
    if (!this.#pictures.has(camera.id)) this.#pictures.set(camera.id, new PictureView(camera.name));
    this.#stage.replaceChildren(this.#pictures.get(camera.id).element);
    this.page.look();
    this.page.redraw(camera.id);
  }

  /** Draw a picture, if its camera is the one that is shown. */
  picture(camera, jpeg) {
    if (camera === this.camera) this.#pictures.get(camera)?.draw(jpeg);
  }

  refresh(connected) {
    this.#pictures.get(this.camera)?.refresh(connected);
  }

  /** Take over the numbers of a moment. */
  update(message) {
    const row = message.cameras.find((each) => each.id === this.camera);
    const camera = this.page.state.cameras.find((each) => each.id === this.camera);
    if (row && camera) {
      this.#pictures.get(row.id)?.update(row);
      this.#now.hidden = !camera.labels.length;
      this.#bars.update(row, camera.labels, camera.rules);
    }
    if (message.learn) this.#showProgress(message.learn);
  }

  /** Load the classes and their clips. */
  async load() {
    try {
      const { classes, sessions, progress } = await ask("/api/teach");
      this.#classes = classes;
      this.#sessions.replaceChildren(...sessions.toReversed().map((value) => h("option", { value })));
      this.#showProgress(progress);
    } catch {
      return;
    }
    this.#draw();
  }

  #draw() {
    const known = new Map([...this.#list.children].map((card) => [card.dataset.name, card]));
    const cards = this.#classes.map((each) => {
      const card = known.get(each.name) ?? this.#card(each.name); // a button that is held must stay
      const count = each.count ?? each.clips.length;
      setText(card.querySelector(".count"), `${count} ${count === 1 ? "clip" : "clips"}`);
      const sessions = new Set(each.clips.map((clip) => clip.session)).size;
      setText(card.querySelector(".groups"), count ? `${sessions} ${sessions === 1 ? "session" : "sessions"}` : "");
      const ids = each.clips.slice(0, THUMBS).map((clip) => clip.id).join();
      const thumbs = card.querySelector(".thumbs");
      if (thumbs.dataset.ids !== ids) {
        thumbs.dataset.ids = ids;
        thumbs.replaceChildren(...each.clips.slice(0, THUMBS).map((clip) => this.#thumb(each, clip)));
      }
      card.querySelector(".all").hidden = each.clips.length === 0;
      return card;
    });
    // Only what changed is moved, so that the focus stays where it is.
    for (const child of [...this.#list.children]) if (!cards.includes(child)) child.remove();
    cards.forEach((card, place) => {
      if (this.#list.children[place] !== card) this.#list.insertBefore(card, this.#list.children[place] ?? null);
    });
    this.#hint();
  }

  #hint() {
    if (this.#state === "running") return;
    const ready = this.#classes.filter((each) => (each.count ?? each.clips.length) >= ENOUGH).length;
    this.#learn.disabled = ready < 2;
    this.#need.hidden = ready >= 2;
  }

  #card(name) {
    const record = new RecordButton(
      () => ({ camera: this.camera, label: name, session: this.#session.value.trim() }),
      () => this.load(),
    );
    const remove = askingButton("Remove", "Remove with all clips?", () => this.#remove(name), "quiet danger");
    const all = h("button", { type: "button", className: "quiet all", onclick: () => this.#showAll(name) }, "All clips");
    return h(
      "article",
      { className: "class panel", data: { name }, aria: { label: name } },
      h("header", {}, h("h3", {}, name), h("span", { className: "count" }), h("span", { className: "groups hint" })),
      record.element,
      h("div", { className: "thumbs" }),
      h("div", { className: "row" }, all, remove),
    );
  }

  #thumb(each, clip) {
    return h(
      "button",
      {
        type: "button",
        className: "thumb",
        aria: { label: `Clip of ${each.name}, ${clip.session}` },
        onclick: () => this.#play(each.name, clip),
      },
      h("video", { src: `/teach/clip/${clip.id}.mp4#t=0.1`, preload: "metadata", muted: true, playsInline: true, tabIndex: -1 }),
    );
  }

  #play(name, clip) {
    const dialog = openDialog(
      name,
      h(
        "div",
        { className: "media" },
        h("video", { src: `/teach/clip/${clip.id}.mp4`, controls: true, autoplay: true, loop: true, muted: true, playsInline: true }),
      ),
      h("p", { className: "hint" }, `${clip.camera} · session ${clip.session} · ${duration(clip.seconds)} · ${clockTime(clip.created)}`),
      h("footer", {}, askingButton("Delete", "Delete for good?", () => this.#delete(clip.id, dialog))),
    );
  }

  #showAll(name) {
    const each = this.#classes.find((one) => one.name === name);
    const rows = each.clips.map((clip) =>
      h(
        "li",
        {},
        h("button", { type: "button", className: "quiet", onclick: () => this.#play(name, clip) }, `▶ ${clockTime(clip.created)}`),
        h("span", {}, `${duration(clip.seconds)} · ${clip.session} · ${clip.camera}`),
      ),
    );
    openDialog(`Clips of ${name}`, h("ul", { className: "cliplist" }, ...rows));
  }

  async #do(action, good = "") {
    try {
      await action();
      if (good) toast(good);
    } catch (error) {
      toast(error.message, "bad");
      return false;
    }
    await this.load();
    return true;
  }

  async #add(field) {
    const name = field.value.trim();
    if (name && (await this.#do(() => ask("/api/teach/classes", "POST", { name })))) field.value = "";
  }

  #remove(name) {
    this.#do(() => ask("/api/teach/classes", "DELETE", { name }), `“${name}” is removed.`);
  }

  async #delete(id, dialog) {
    if (await this.#do(() => ask(`/api/teach/clips/${id}`, "DELETE"), "The clip is deleted.")) dialog.close();
  }

  #start() {
    this.#do(() => ask("/api/teach/learn", "POST"));
  }

  #stop() {
    this.#do(() => ask("/api/teach/cancel", "POST"));
  }

  #showProgress(progress) {
    const running = progress.state === "running";
    this.#cancel.hidden = this.#progress.hidden = !running;
    setText(this.#learn, progress.state === "done" ? "Learn again" : "Learn");
    if (running) {
      this.#need.hidden = true;
      this.#learn.disabled = true;
      this.#progress.value = progress.fraction ?? 0;
      const phase = progress.message || progress.phase || "Starting";
      setText(this.#phase, `${phase} · ${Math.round(100 * (progress.fraction ?? 0))} %`);
    }
    const changed = this.#state !== progress.state;
    this.#state = progress.state;
    if (!changed) return;
    this.#score.hidden = progress.state !== "done";
    if (progress.state === "done") this.#showScore(progress);
    const words = { done: progress.message || "", failed: progress.message, refused: progress.message, idle: "" };
    this.#phase.classList.toggle("error", progress.state === "failed" || progress.state === "refused");
    if (!running) {
      setText(this.#phase, words[progress.state] ?? "");
      this.#hint();
    }
  }

  #showScore(progress) {
    const number = typeof progress.score === "number" ? percent(progress.score) : progress.score ?? "–";
    this.#score.replaceChildren(
      h("p", { className: "big" }, h("strong", {}, String(number)), " of the clips that were held back were named right"),
      progress.warning ? h("p", { className: "warning" }, progress.warning) : "",
      h("p", { className: "hint" }, `It took ${duration(progress.seconds ?? 0)}. The new model watches now; its answer is beside the picture.`),
    );
  }
}
