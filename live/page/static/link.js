// The connection: one WebSocket for pictures and numbers, fetch for everything else.

/** Ask the program; throws an Error with its line if it refuses. */
export async function ask(path, method = "GET", body = undefined) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "content-type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The program cannot be reached.");
  }
  if (answer.status === 401) {
    location.assign("/login");
    throw new Error("The session has ended.");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(content.error || `The program answered ${answer.status}.`);
  return content;
}

const WAITS = [500, 1000, 2000, 4000, 5000];
const SILENT_MS = 4000; // without any message for this long the connection is dead

export class Link extends EventTarget {
  #socket = null;
  #tries = 0;
  #timer = 0;
  #heard = 0;
  #enlarged = null;
  #cameras = null;

  /** Connect, and again whenever the connection ends. */
  start() {
    this.#connect();
    setInterval(() => {
      if (this.#socket?.readyState === WebSocket.OPEN && performance.now() - this.#heard > SILENT_MS) {
        this.#end(this.#socket);
      }
    }, 1000);
    document.addEventListener("visibilitychange", () => {
      this.#send({ visible: !document.hidden });
      if (!document.hidden) this.#now();
    });
    addEventListener("online", () => this.#now());
  }

  get connected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Ask for one camera's pictures in full size; null for none. */
  enlarge(camera) {
    this.#enlarged = camera;
    this.#send({ enlarged: camera });
  }

  /** Ask for the pictures of the cameras that are on the screen only; null for all. */
  look(cameras) {
    this.#cameras = cameras;
    this.#send({ cameras });
  }

  #now() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#connect();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#heard = performance.now();
      this.#tries = 0;
      this.#send({ visible: !document.hidden, enlarged: this.#enlarged, cameras: this.#cameras });
      this.dispatchEvent(new Event("open"));
    });
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("close", () => this.#end(socket));
  }

  #end(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    socket.close();
    this.dispatchEvent(new Event("close"));
    this.#timer = setTimeout(() => this.#connect(), WAITS[Math.min(this.#tries, WAITS.length - 1)]);
    this.#tries += 1;
    if (this.#tries % 3 === 0) ask("/api/state").catch(() => {}); // 401 leads to the form
  }

  #send(message) {
    if (this.connected) this.#socket.send(JSON.stringify(message));
  }

  #receive(data) {
    this.#heard = performance.now();
    if (typeof data !== "string") {
      const view = new DataView(data);
      const detail = { camera: view.getUint8(0), time: view.getFloat64(1), jpeg: new Uint8Array(data, 9) };
      this.dispatchEvent(new CustomEvent("picture", { detail }));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "round") {
      // Confirm after the browser had time to draw: a slow one then gets fewer pictures.
      requestAnimationFrame(() => this.#send({ round: message.number }));
    } else if (message.type === "status") {
      this.dispatchEvent(new CustomEvent("status", { detail: message }));
    }
  }
}
