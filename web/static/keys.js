// The keys of a page: who may be pressed where, and the sheet that shows them all. Single letters and digits work
// only while nothing is being typed, and can be switched off (they disturb speech input and some screen readers).

import { useLayoutEffect, useRef, useState } from "./vendor/hooks.js";
import { signal } from "./vendor/signals.js";
import { t } from "./say.js";

const bindings = new Map();
/** What keys do inside a form that has the focus: in the sheet, and acted on by the form itself. */
const told = new Map();
/** Whether single letters and digits act; kept in this browser. */
export const singleKeys = signal(localStorage.getItem("keys") !== "off");

export const switchSingleKeys = () => {
  singleKeys.value = !singleKeys.value;
  localStorage.setItem("keys", singleKeys.value ? "on" : "off");
};

const typing = (target) =>
  target instanceof Element &&
  (target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select"));

const nameOf = (event) => {
  const parts = [event.ctrlKey || event.metaKey ? "Ctrl+" : "", event.altKey ? "Alt+" : ""];
  return parts.join("") + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
};

const single = (name) => name.length === 1;

const press = (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const name = nameOf(event);
  const binding = bindings.get(name)?.at(-1);
  if (!binding || document.querySelector("dialog[open]")) return;
  if (single(name) && (typing(event.target) || !singleKeys.value)) return;
  event.preventDefault();
  binding.act(event);
};
addEventListener("keydown", press);

/** `name` as in "n", "F2", "Ctrl+Enter"; the latest binding of a key wins. Returns a function that takes it away. */
export const bind = (name, label, act) => {
  const binding = { label, act };
  bindings.set(name, [...(bindings.get(name) ?? []), binding]);
  return () => bindings.set(name, bindings.get(name).filter((other) => other !== binding));
};

/** The same for a component: bound while it is shown and `on`; acts on what was drawn last, never on older state. */
export const useKey = (name, label, act, on = true) => {
  const latest = useRef(act);
  latest.current = act;
  useLayoutEffect(() => (on ? bind(name, label, (event) => latest.current(event)) : undefined), [name, label, on]);
};

/** Has the sheet say what a key does in the form that is shown: `keys` as people read them, as in "⇧ ⏎". */
export const useTold = (keys, label, on = true) => {
  useLayoutEffect(() => {
    if (!on) return undefined;
    told.set(keys, [...(told.get(keys) ?? []), label]);
    return () => told.set(keys, told.get(keys).filter((other) => other !== label));
  }, [keys, label, on]);
};

/** For a panel that takes the focus: when it goes with the focus in it, the focus is again where it was before. */
export const useReturn = () => {
  const [was] = useState(() => document.activeElement);  // before anything in the panel takes it
  useLayoutEffect(() => () => requestAnimationFrame(() => {
    if (document.activeElement === document.body && was?.isConnected) was.focus();
  }), []);
};

/** Keys that would do two things now; for tests. */
export const clashes = () => [...bindings].filter(([, stack]) => stack.length > 1).map(([name, stack]) => [name, stack.map(({ label }) => label)]);

/** Opens the sheet of the keys that act on this page now. */
export const openSheet = () => {
  const sheet = document.createElement("dialog");
  sheet.setAttribute("aria-labelledby", "keys-title");
  const list = document.createElement("dl");
  list.className = "keys-list";
  for (const [name, stack] of bindings) if (stack.length) list.append(...line(SHOWN[name] ?? (single(name) ? name.toUpperCase() : name), stack.at(-1).label));
  for (const [keys, labels] of told) for (const label of labels) list.append(...line(keys, label));
  sheet.append(head(sheet), body(list));
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
};

const SHOWN = { Enter: "⏎", Escape: "Esc", Backspace: "⌫", "Ctrl+Enter": "Ctrl ⏎" };
const line = (keys, label) => {
  const term = document.createElement("dt");
  term.append(Object.assign(document.createElement("kbd"), { textContent: keys }));
  return [term, Object.assign(document.createElement("dd"), { textContent: label })];
};

const head = (sheet) => {
  const box = Object.assign(document.createElement("div"), { className: "dialog-head" });
  const title = Object.assign(document.createElement("h2"), { id: "keys-title", textContent: t("Keys") });
  const close = Object.assign(document.createElement("button"), { className: "btn", type: "button", textContent: t("Close") });
  close.addEventListener("click", () => sheet.close());
  box.append(title, close);
  return box;
};

const body = (list) => {
  const box = Object.assign(document.createElement("div"), { className: "dialog-body" });
  const label = document.createElement("label");
  const check = Object.assign(document.createElement("input"), { type: "checkbox", checked: singleKeys.value });
  check.addEventListener("change", switchSingleKeys);
  label.append(check, ` ${t("Single letters and digits act")}`);
  box.append(list, label);
  return box;
};
