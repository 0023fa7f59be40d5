// Small helpers: elements, dialogs, short messages, formats.

/** Return an element. Keys of `props` that begin with "on" are listeners, others properties;
 * "aria" and "data" are objects of attributes. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "aria") for (const [k, v] of Object.entries(value)) element.setAttribute(`aria-${k}`, v);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "role" || key === "list" || key === "for") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set the text of an element only if it differs, so that screen readers stay silent. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show a message for some seconds. */
export function toast(text, kind = "") {
  const note = h("p", { className: `toast ${kind}` }, text);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 8000 : 4000);
}

/** Open a dialog with a title; it removes itself when it is closed. Returns the dialog. */
export function openDialog(title, ...children) {
  const close = h("button", { type: "button", className: "icon", aria: { label: "Close" } }, "✕");
  const dialog = h(
    "dialog",
    { aria: { label: title } },
    h("header", {}, h("h2", {}, title), close),
    ...children,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // outside of its box
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A button that asks once: the second press within five seconds acts. */
export function askingButton(text, question, act, className = "danger") {
  const button = h("button", { type: "button", className }, text);
  let timer = 0;
  button.addEventListener("click", () => {
    if (timer) {
      clearTimeout(timer);
      timer = 0;
      button.textContent = text;
      act();
      return;
    }
    button.textContent = question;
    timer = setTimeout(() => {
      timer = 0;
      button.textContent = text;
    }, 5000);
  });
  return button;
}

export const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(100 * value)} %`);

export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export const clockTime = (epoch) =>
  new Date(1000 * epoch).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

export const color = (index) => `var(--series-${(index % 8) + 1})`;
