// Probabilities of the last ten minutes, drawn by uPlot.

import { clockTime } from "./dom.js";

const SPAN = 600;
const GAP = 3; // seconds without a decision after which a curve is interrupted

export class Plot {
  #place;
  #labels = [];
  #data = [[]];
  #plot = null;
  #visible = true;
  #width = 0;

  /** @param {HTMLElement} place element that holds the plot */
  constructor(place) {
    this.#place = place;
    new IntersectionObserver((entries) => {
      this.#visible = entries.at(-1).isIntersecting;
    }).observe(place);
    new ResizeObserver(() => {
      if (this.#plot && place.clientWidth !== this.#width) this.#build();
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#build());
  }

  /** Replace all points; `points` is what the program answers. */
  reset(points) {
    this.#labels = points.labels;
    this.#data = [[], ...points.labels.map(() => [])];
    this.add(points);
    this.#build();
  }

  /** Append points. */
  add(points) {
    if (points.labels.join("\n") !== this.#labels.join("\n")) {
      if (points.labels.length) this.reset(points);
      return;
    }
    const times = this.#data[0];
    points.times.forEach((time, row) => {
      const last = times.at(-1);
      if (last !== undefined && time <= last) return;
      if (last !== undefined && time - last > GAP) {
        times.push(last + 0.1);
        for (let place = 1; place < this.#data.length; place += 1) this.#data[place].push(null);
      }
      times.push(time);
      points.labels.forEach((_, place) => {
        this.#data[place + 1].push(points.smoothed[place][row] ?? points.raw[place][row]);
      });
    });
  }

  /** Draw up to a time in seconds since 1970. */
  draw(now) {
    const times = this.#data[0];
    let old = 0;
    while (old < times.length && times[old] < now - SPAN) old += 1;
    if (old > 200) for (const column of this.#data) column.splice(0, old);
    if (!this.#visible || !this.#labels.length || this.#place.offsetParent === null) return;
    if (!this.#plot) this.#build();
    if (!this.#plot) return;
    this.#plot.batch(() => {
      this.#plot.setData(this.#data, false);
      this.#plot.setScale("x", { min: now - SPAN, max: now });
    });
  }

  #build() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#width = this.#place.clientWidth;
    if (!this.#width || !this.#labels.length) return;
    const style = getComputedStyle(document.documentElement);
    const ink = (name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: ink("--muted"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: ink("--line"), width: 1 },
      ticks: { show: false },
    };
    this.#plot = new window.uPlot(
      {
        width: this.#width,
        height: 120,
        padding: [6, 18, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: true, auto: false }, y: { range: [0, 1] } },
        axes: [
          { ...axis, size: 22, space: 60, incrs: [60, 120, 300], values: (_, ticks) => ticks.map(clockTime) },
          { ...axis, size: 44, splits: [0, 0.5, 1], values: ["0", "50 %", "100 %"] },
        ],
        series: [
          {},
          ...this.#labels.map((label, index) => ({
            label,
            stroke: ink(`--series-${(index % 8) + 1}`),
            width: 1.75,
            points: { show: false },
            spanGaps: false,
          })),
        ],
      },
      this.#data,
      this.#place,
    );
  }
}
