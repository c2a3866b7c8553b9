// What is typed into a small form that belongs to no draft: it stands there again when the form comes back, be it after a
// call that stepped before it, a reload, or a server that was away. Kept in this tab.

import { signal } from "../vendor/signals.js";

const PREFIX = "held:";
const held = new Map();

const read = (key) => {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + key));
  } catch {
    return null;
  }
};

const write = (key, value) => {
  try {
    if (value) sessionStorage.setItem(PREFIX + key, JSON.stringify(value));
    else sessionStorage.removeItem(PREFIX + key);
  } catch { /* storage full or forbidden: it is kept as long as the page lives */ }
};

/** [value, set] of the field `key`; `first` before anything was typed. */
export const useHeld = (key, first) => {
  if (!held.has(key)) held.set(key, signal(read(key) ?? first));
  const one = held.get(key);
  return [one.value, (value) => { one.value = value; write(key, value); }];
};
