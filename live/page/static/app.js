// The page: views, and what the program sends to them.

import { CameraCard } from "./cameras.js";
import { EventsView } from "./events.js";
import { Link, ask } from "./link.js";
import { TeachView } from "./teach.js";
import { clockTime, duration, h, openDialog, setText, toast } from "./dom.js";

const VIEWS = ["watch", "events", "teach"];
const NAMES = { events: "events", messages_sent: "messages sent" };

class Page {
  state = { cameras: [], teach: false, model: false, alarm_classes: [] };
  link = new Link();
  cards = new Map();
  #enlarged = null;
  #newest = new Map(); // the newest JPEG of each camera
  #seen = "";
  #classes = null;
  #lostAt = null;
  #place = document.getElementById("cameras");
  #counters = document.getElementById("counters");
  #linkText = document.getElementById("link");

  constructor() {
    this.events = new EventsView(this, document.getElementById("events"));
    this.teach = new TeachView(this, document.getElementById("teach"));
    for (const tab of document.querySelectorAll(".tab")) {
      tab.addEventListener("click", () => this.show(tab.dataset.view));
    }
    document.getElementById("leave").addEventListener("click", async () => {
      await ask("/logout", "POST", {}).catch(() => {});
      location.assign("/login");
    });
    addEventListener("hashchange", () => this.show(location.hash.slice(1)));
    this.link.addEventListener("open", () => this.#connected());
    this.link.addEventListener("close", () => this.#disconnected());
    this.link.addEventListener("status", (event) => this.#status(event.detail));
    this.link.addEventListener("picture", ({ detail }) => {
      this.#newest.set(detail.camera, detail.jpeg);
      this.redraw(detail.camera);
    });
    setInterval(() => this.#tick(), 500);
    this.link.start();
  }

  /** Show a view. */
  show(view) {
    if (!VIEWS.includes(view) || (view === "teach" && !this.state.teach)) view = "watch";
    this.view = view;
    for (const name of VIEWS) document.getElementById(name).hidden = name !== view;
    for (const tab of document.querySelectorAll(".tab")) {
      if (tab.dataset.view === view) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    if (location.hash.slice(1) !== view) history.replaceState(null, "", `#${view}`);
    this.look();
    for (const camera of this.#newest.keys()) this.redraw(camera);
    if (view === "teach") this.teach.load();
    if (view === "events") this.events.load();
  }

  /** Ask for the pictures that are on the screen. */
  look() {
    const cameras = { watch: null, events: [], teach: [this.teach.camera] };
    this.link.look(cameras[this.view] ?? null);
  }

  /** Show one camera larger; the same again makes it small. */
  enlarge(camera) {
    this.#enlarged = this.#enlarged === camera ? null : camera;
    for (const [id, card] of this.cards) card.setEnlarged(id === this.#enlarged);
    this.link.enlarge(this.#enlarged);
    this.cards.get(camera)?.element.scrollIntoView({ block: "nearest" });
  }

  /** Show a threshold that was set for all cameras on the other cards, too. */
  spreadRule(label, rule, from) {
    for (const card of this.cards.values()) if (card !== from) card.setRule(label, rule);
  }

  /** Let the user choose the classes that raise alarms. */
  chooseClasses() {
    const labels = [...new Set(this.state.cameras.flatMap((camera) => camera.labels))];
    const boxes = labels.map((label) => {
      const box = h("input", { type: "checkbox", value: label, checked: this.state.alarm_classes.includes(label) });
      return h("label", { className: "check" }, box, label);
    });
    const form = h(
      "form",
      { className: "form" },
      h("p", { className: "hint" }, "These classes begin events, on all cameras."),
      ...boxes,
      h("button", { type: "submit", className: "primary" }, "Store"),
    );
    const dialog = openDialog("Alarm classes", form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const classes = [...form.querySelectorAll("input:checked")].map((box) => box.value);
      try {
        await ask("/api/alarm_classes", "POST", { classes });
        dialog.close();
        await this.configure();
      } catch (error) {
        toast(error.message, "bad");
      }
    });
  }

  /** Ask for cameras, classes and thresholds, and show them. */
  async configure() {
    try {
      this.state = await ask("/api/state");
    } catch (error) {
      toast(error.message, "bad");
      return false;
    }
    document.getElementById("leave").hidden = !this.state.login;
    document.querySelector('[data-view="teach"]').hidden = !this.state.teach;
    const ids = new Set(this.state.cameras.map((camera) => camera.id));
    for (const [id, card] of this.cards) {
      if (!ids.has(id)) {
        card.element.remove();
        this.cards.delete(id);
      }
    }
    for (const camera of this.state.cameras) {
      const card = this.cards.get(camera.id);
      if (card) card.configure(camera);
      else {
        const made = new CameraCard(this, camera);
        this.cards.set(camera.id, made);
        this.#place.append(made.element);
      }
    }
    this.#place.dataset.count = String(this.state.cameras.length);
    if (this.state.teach) this.teach.configure();
    if (!this.view) {
      const wanted = location.hash.slice(1);
      this.show(VIEWS.includes(wanted) ? wanted : this.state.model || !this.state.teach ? "watch" : "teach");
    }
    for (const camera of this.#newest.keys()) this.redraw(camera);
    this.events.load();
    return true;
  }

  /** Draw the newest picture of a camera, if there is one. */
  redraw(camera) {
    const jpeg = this.#newest.get(camera);
    if (!jpeg) return;
    if (this.view === "watch") this.cards.get(camera)?.picture.draw(jpeg);
    else if (this.view === "teach") this.teach.picture(camera, jpeg);
  }

  #connected() {
    this.#lostAt = null;
    document.body.classList.remove("disconnected");
    setText(this.#linkText, "Connected");
    this.#classes = null; // the program may have been started again: ask for everything
  }

  #disconnected() {
    this.#lostAt ??= Date.now() / 1000;
    document.body.classList.add("disconnected");
    setText(this.#linkText, `Disconnected since ${clockTime(this.#lostAt)}. Trying again…`);
    this.#tick();
  }

  async #status(message) {
    if (message.classes !== this.#classes) {
      this.#classes = message.classes;
      if (!(await this.configure())) setTimeout(() => (this.#classes = null), 2000);
    }
    for (const row of message.cameras) this.cards.get(row.id)?.update(row);
    this.teach.update(message);
    this.now = message.now;
    const seen = JSON.stringify([message.counters.events, message.cameras.map((row) => row.open)]);
    if (this.#seen && seen !== this.#seen) this.events.soon();
    this.#seen = seen;
    this.#count(message);
  }

  #count(message) {
    const total = (name) => message.cameras.reduce((sum, row) => sum + row[name], 0);
    const rows = { running: message.uptime < 60 ? "under 1 min" : duration(message.uptime), frames: total("frames"), steps: total("steps") };
    if (total("skipped")) rows["steps skipped"] = total("skipped");
    for (const [name, value] of Object.entries(message.counters)) rows[NAMES[name] ?? name.replaceAll("_", " ")] = value;
    const names = Object.keys(rows);
    if (this.#counters.dataset.names !== names.join()) {
      this.#counters.dataset.names = names.join();
      this.#counters.replaceChildren(...names.map((name) => h("div", {}, h("dt", {}, name), h("dd", {}))));
    }
    names.forEach((name, place) => {
      const value = rows[name];
      setText(this.#counters.children[place].lastChild, typeof value === "number" ? value.toLocaleString() : value);
    });
  }

  #tick() {
    const { connected } = this.link;
    for (const card of this.cards.values()) {
      card.picture.refresh(connected);
      if (this.view === "watch" && connected && this.now) card.plot.draw(this.now);
    }
    this.teach.refresh(connected);
  }
}

globalThis.page = new Page();
