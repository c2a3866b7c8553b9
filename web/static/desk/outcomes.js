// The outcomes a call may have; read once.

import { signal } from "../vendor/signals.js";
import { api, items, Refused } from "../api.js";

/** [{code, label, needs_link}]; null before they are read. */
export const outcomes = signal(null);
let asked = null;

/** Reads the outcomes unless that was done. */
export const readOutcomes = async () => {
  asked ??= api.get("/dispositions");
  try {
    outcomes.value = items(await asked);
  } catch (error) {
    asked = null;
    if (!(error instanceof Refused)) throw error;
  }
};

export const outcomeName = (code) => outcomes.value?.find((one) => one.code === code)?.label ?? code?.replaceAll("_", " ");
