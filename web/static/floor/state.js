// The board as the push server tells it: rows by part, the whole at first, then what changed. Parts draw from these signals.

import { batch, computed, signal } from "../vendor/signals.js";
import { second } from "../ui.js";

export const root = document.getElementById("floor");
export const wall = root.dataset.wall !== undefined;
const allowed = new Set((root.dataset.may ?? "").split(" "));
/** Whether a right ("calls.control") reaches everybody's calls and shifts; the server asks again. */
export const may = (right) => allowed.has(right);

const part = () => signal(new Map());
export const parts = { operators: part(), waiting: part(), queues: part(), lines: part(), house: part(), alerts: part() };
/** True once the board is there. */
export const here = signal(false);
/** Id of the operator whose row is open, the words typed into the filter, the queue that is looked at. */
export const opened = signal(null);
export const words = signal("");
export const queue = signal("");
export const byName = signal(localStorage.getItem("floor-order") === "name");

const whole = (rows) => batch(() => {
  for (const [name, kept] of Object.entries(parts)) kept.value = new Map((rows[name] ?? []).map((row) => [row.id, row]));
  here.value = true;
});

const change = (rows, gone) => batch(() => {
  for (const name of new Set([...Object.keys(rows), ...Object.keys(gone)])) {
    if (!parts[name]) continue;
    const next = new Map(parts[name].value);
    for (const row of rows[name] ?? []) next.set(row.id, row);
    for (const id of gone[name] ?? []) next.delete(id);
    parts[name].value = next;
  }
});

const ask = () => dispatchEvent(new CustomEvent("push", { detail: { type: "floor" } }));

/** Listens from now on; a snapshot of the desk means that this browser was connected anew. */
export const watchFloor = () => {
  addEventListener("pushed", ({ detail: message }) => {
    if (message.type === "snapshot") ask();
    if (message.type !== "floor") return;
    if (message.whole) whole(message.rows);
    else if (here.value) change(message.rows, message.gone);
  });
  ask();
};

/** Seconds since an instant, by the server's clock; ticks. */
export const lastedFrom = (at) => (at ? Math.max(0, (second.value - new Date(at)) / 1000) : 0);

/** The queues with those who wait in them, longest first. */
export const waitingIn = computed(() => {
  const found = new Map();
  for (const one of [...parts.waiting.value.values()].sort((a, b) => (a.since < b.since ? -1 : 1))) {
    found.set(one.queue, [...(found.get(one.queue) ?? []), one]);
  }
  return found;
});
