// Events of a day on a timeline, and the dialog of one event.

import { ask } from "./link.js";
import { askingButton, color, duration, h, openDialog, percent, setText, toast } from "./dom.js";

const FIRST = 24; // stills that are shown at once

const VERDICTS = { right: "right", wrong: "wrong" };

export class EventsView {
  #day = null; // null is today
  #data = null;
  #all = false;
  #title = h("h1", {}, "Today");
  #lanes = h("div", { className: "lanes" });
  #list = h("ul", { className: "stills" });
  #none = h("p", { className: "hint" });
  #more = h("button", { type: "button", className: "quiet", onclick: () => this.#showAll() }, "Show all");
  #next = h("button", { type: "button", className: "icon", aria: { label: "Next day" }, onclick: () => this.#step(1) }, "›");
  #timer = 0;

  constructor(page, element) {
    this.page = page;
    this.element = element;
    element.append(
      h(
        "header",
        { className: "dayhead" },
        this.#title,
        h(
          "div",
          { className: "days" },
          h("button", { type: "button", className: "icon", aria: { label: "Previous day" }, onclick: () => this.#step(-1) }, "‹"),
          this.#next,
        ),
      ),
      this.#lanes,
      this.#none,
      this.#list,
      this.#more,
    );
    setInterval(() => this.load(), 60000);
  }

  /** Load soon; several reasons at once load once. */
  soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), 300);
  }

  /** Load the events of the day that is shown. */
  async load() {
    try {
      this.#data = await ask(`/api/events${this.#day ? `?day=${this.#day}` : ""}`);
    } catch {
      return; // the connection is lost: it is loaded again after it is back
    }
    this.#draw();
  }

  #step(days) {
    if (!this.#data) return;
    const [year, month, day] = this.#data.day.split("-").map(Number);
    const moved = new Date(Date.UTC(year, month - 1, day + days));
    this.#day = moved.toISOString().slice(0, 10);
    this.#all = false;
    this.load();
  }

  #showAll() {
    this.#all = true;
    this.#draw();
  }

  #draw() {
    const { start, end, hours, events, now, today } = this.#data;
    const focused = document.activeElement?.dataset?.event;
    const place = (time) => (100 * (Math.min(Math.max(time, start), end) - start)) / (end - start);
    const [year, month, day] = this.#data.day.split("-").map(Number);
    const date = new Date(Date.UTC(year, month - 1, day));
    const words = date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
    setText(this.#title, today ? `Today, ${words}` : words);
    this.#next.disabled = today;
    if (today) this.#day = null;

    const names = this.page.state.cameras.map((camera) => camera.name);
    for (const event of events) if (!names.includes(event.camera)) names.push(event.camera);
    const ticks = h("div", { className: "hours", aria: { hidden: "true" } });
    hours.forEach(([time, name]) => {
      const hour = h("span", { data: { every: Number(name) % 6 === 0 ? "6" : Number(name) % 3 === 0 ? "3" : "1" } }, name);
      hour.style.left = `${place(time)}%`;
      ticks.append(hour);
    });
    this.#lanes.replaceChildren(
      ...names.map((name) => {
        const track = h("div", { className: "track" });
        hours.forEach(([time]) => {
          const line = h("span", { className: "grid" });
          line.style.left = `${place(time)}%`;
          track.append(line);
        });
        if (today) {
          const past = h("span", { className: "past" });
          past.style.width = `${place(now)}%`;
          track.append(past);
        }
        for (const event of events.filter((each) => each.camera === name)) {
          const mark = h("button", {
            type: "button",
            className: `event ${event.verdict}`,
            title: `${event.clock} ${event.label}`,
            aria: { label: `${event.label} at ${event.clock}, ${event.camera}` },
            onclick: () => this.open(event.id),
          });
          mark.style.left = `${place(event.started)}%`;
          mark.style.width = `${place(event.ended ?? now) - place(event.started)}%`;
          mark.style.background = this.#color(event.label);
          track.append(mark);
        }
        return h("div", { className: "lane" }, h("span", { className: "lanename" }, name), track);
      }),
      h("div", { className: "lane" }, h("span", { className: "lanename" }), ticks),
    );

    const newest = [...events].reverse();
    const shown = this.#all ? newest : newest.slice(0, FIRST);
    this.#more.hidden = shown.length === newest.length;
    setText(this.#more, `Show all ${newest.length}`);
    this.#none.hidden = events.length > 0;
    setText(this.#none, today ? "No events so far today." : "No events on this day.");
    this.#list.replaceChildren(...shown.map((event) => this.#card(event)));
    if (focused) this.#list.querySelector(`[data-event="${focused}"]`)?.focus();
  }

  #color(label) {
    const camera = this.page.state.cameras.find((each) => each.labels.includes(label));
    return color(camera ? camera.labels.indexOf(label) : 0);
  }

  #card(event) {
    const picture = event.still
      ? h("img", { src: `/event/${event.id}/still.jpg`, alt: "", loading: "lazy", width: 320, height: 180 })
      : h("span", { className: "nostill" }, "no picture");
    const dot = h("span", { className: "dot" });
    dot.style.background = this.#color(event.label);
    const state = event.ended === null ? "still open" : duration(event.seconds);
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", className: "still", data: { event: String(event.id) }, onclick: () => this.open(event.id) },
        picture,
        h(
          "span",
          { className: "words" },
          h("strong", {}, dot, event.corrected || event.label),
          h("span", {}, event.clock),
          h("span", { className: "where" }, `${event.camera} · ${state}`),
          event.silent ? h("span", { className: "badge" }, "not sent") : null,
          VERDICTS[event.verdict] ? h("span", { className: `badge ${event.verdict}` }, VERDICTS[event.verdict]) : null,
        ),
      ),
    );
  }

  /** Open the dialog of an event. */
  async open(id) {
    let event;
    try {
      event = await ask(`/api/events/${id}`);
    } catch (error) {
      toast(error.message, "bad");
      this.load();
      return;
    }
    new EventDialog(this, event);
  }
}

class EventDialog {
  constructor(view, event) {
    this.view = view;
    this.event = event;
    this.verdict = h("p", { className: "hint" });
    const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
    this.dialog = openDialog(
      `${event.label}, ${event.clock}`,
      this.#media(),
      h(
        "dl",
        { className: "facts" },
        fact("Camera", event.camera),
        fact("Length", event.ended === null ? "still open" : duration(event.seconds)),
        fact("Peak", percent(event.peak)),
        fact("Mean", percent(event.mean)),
      ),
      ...(view.page.state.teach ? [this.#correction()] : []),
      h(
        "footer",
        {},
        askingButton("Delete", "Delete for good?", () => this.#delete()),
      ),
    );
    this.#showVerdict();
  }

  #media() {
    const { event } = this;
    const still = event.still ? `/event/${event.id}/still.jpg` : "";
    if (!event.parts) {
      const text = event.ended === null ? "The recording is ready after the event." : "There is no recording.";
      return h("div", { className: "media" }, still ? h("img", { src: still, alt: "Picture of the event" }) : "", h("p", { className: "hint" }, text));
    }
    const video = h("video", { controls: true, preload: "metadata", playsInline: true, src: `/event/${event.id}/0.mp4`, poster: still });
    video.setAttribute("aria-label", "Recording of the event");
    if (event.parts === 1) return h("div", { className: "media" }, video);
    const parts = Array.from({ length: event.parts }, (_, part) =>
      h(
        "button",
        { type: "button", className: "quiet", onclick: () => { video.src = `/event/${event.id}/${part}.mp4`; video.play(); } },
        `Part ${part + 1}`,
      ),
    );
    return h("div", { className: "media" }, video, h("div", { className: "row" }, ...parts));
  }

  #correction() {
    const labels = [...new Set(this.view.page.state.cameras.flatMap((camera) => camera.labels))];
    const other = h(
      "select",
      { aria: { label: "It was another class" } },
      h("option", { value: "" }, "It was…"),
      ...labels.filter((label) => label !== this.event.label).map((label) => h("option", { value: label }, label)),
    );
    other.addEventListener("change", () => other.value && this.#judge("wrong", other.value));
    return h(
      "div",
      { className: "correction" },
      h(
        "div",
        { className: "row" },
        h("button", { type: "button", className: "primary", onclick: () => this.#judge("right", null) }, "Right"),
        h("button", { type: "button", onclick: () => this.#judge("wrong", null) }, "Wrong"),
        other,
      ),
      this.verdict,
    );
  }

  #showVerdict() {
    const { verdict, corrected } = this.event;
    const words = corrected ? `Marked: it was “${corrected}”.` : verdict ? `Marked as ${verdict}.` : "";
    setText(this.verdict, words || "Your answer is used the next time the model learns.");
  }

  async #judge(verdict, label) {
    try {
      await ask(`/api/events/${this.event.id}/verdict`, "POST", { verdict, label });
      Object.assign(this.event, { verdict, corrected: label ?? "" });
      this.#showVerdict();
      this.view.load();
    } catch (error) {
      toast(error.message, "bad");
    }
  }

  async #delete() {
    try {
      await ask(`/api/events/${this.event.id}`, "DELETE");
      this.dialog.close();
      toast("The event is deleted.");
      this.view.load();
    } catch (error) {
      toast(error.message, "bad");
    }
  }
}
