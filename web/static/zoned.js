// Times as they are typed: by the clock of whoever is signed in, by which everything on the page is told, whatever clock
// the machine has.

import { boot } from "./say.js";

export const MINE = boot.user?.timezone || Intl.DateTimeFormat().resolvedOptions().timeZone;
const DAY_MS = 24 * 3600e3;
const PARTS = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** The value of a datetime-local field for this instant in `zone`. */
export const wall = (at, zone = MINE) => {
  const part = Object.fromEntries(new Intl.DateTimeFormat("en-GB", { ...PARTS, timeZone: zone }).formatToParts(at).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}`;
};

/** The instant that a clock on the wall of `zone` means. */
export const instant = (typed, zone = MINE) => {
  const guess = new Date(`${typed}Z`).getTime();
  const off = new Date(`${wall(new Date(guess), zone)}Z`).getTime() - guess;
  return new Date(guess - off);
};

/** The instant that is typed here, as the API takes it. */
export const sent = (typed) => instant(typed).toISOString().replace(/\.\d+Z$/, "Z");

/** The full hour in so many days. */
export const inDays = (days, hour) => instant(`${wall(new Date(Date.now() + days * DAY_MS)).slice(0, 10)}T${String(hour).padStart(2, "0")}:00`);
