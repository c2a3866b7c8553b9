// What stands first: whoever needs a hand. Within the same need the order hardly moves, so that eyes find a row again.

import { computed } from "../vendor/signals.js";
import { lastedFrom, byName, parts, queue, waitingIn, words } from "./state.js";
import { kind } from "./words.js";

const RANK = { held: 1, talking: 2, ringing: 3, dialling: 3, wrap_up: 4, available: 5, paused: 6, idle: 7, offline: 8 };
const LONG_HOLD_S = 120;

/** Alerts that name this operator or this queue. */
const about = (kind, id) => [...parts.alerts.value.values()].filter((one) => one.about === kind && one.of === id);
export const alertsOf = (row) => about("operator", row.id);
export const alertsIn = (row) => about("queue", row.id);

/** Why somebody should look at this operator: 2 an alert or a trouble, 1 a customer who is on hold for long, 0. */
export const need = (row) => {
  if (row.trouble || alertsOf(row).length) return 2;
  return row.state === "held" && lastedFrom(row.call?.held_at ?? row.since) > LONG_HOLD_S ? 1 : 0;
};

const fits = (row) => {
  if (queue.value && !row.queues.includes(queue.value) && row.call?.queue !== queue.value) return false;
  const said = [row.name, ...row.extensions, row.call?.name, row.call?.number, row.call?.order?.number].join(" ").toLowerCase();
  return words.value.toLowerCase().split(/\s+/).every((word) => said.includes(word));
};

const named = (a, b) => a.name.localeCompare(b.name) || a.id - b.id;
const needed = (a, b) => need(b) - need(a) || RANK[kind(a)] - RANK[kind(b)] || (a.since < b.since ? -1 : a.since > b.since ? 1 : 0) || named(a, b);

/** The operators that are shown, in their order. */
export const operators = computed(() => [...parts.operators.value.values()].filter(fits).sort(byName.value ? named : needed));

const free = (row) => row.members.available ?? 0;
/** 3: somebody waits longer than he should, 2: somebody waits and nobody is free, 1: below the goal, 0. */
export const queueNeed = (row) => {
  const [first] = waitingIn.value.get(row.id) ?? [];
  if (alertsIn(row).length || (first && lastedFrom(first.since) > row.target_s)) return 3;
  if (first && !free(row)) return 2;
  return row.today?.level != null && row.today.level * 100 < row.goal ? 1 : 0;
};

/** The queues, those that need a hand first; queues in which nobody is and nobody was stay away. */
export const queues = computed(() => [...parts.queues.value.values()]
  .filter((row) => Object.keys(row.members).length || waitingIn.value.has(row.id) || row.today?.answered || row.today?.abandoned)
  .sort((a, b) => queueNeed(b) - queueNeed(a) || a.id.localeCompare(b.id)));

/** Lines on which something is or was today come first, the busy ones above. */
export const lines = computed(() => [...parts.lines.value.values()]
  .sort((a, b) => b.now - a.now || (b.today?.inbound ?? 0) - (a.today?.inbound ?? 0) || a.name.localeCompare(b.name)));
