// What a deal is chosen from: funnels with their stages, colleagues, kinds of sale that were typed before.

import { signal } from "../vendor/signals.js";
import { api, items } from "../api.js";

export const choices = signal({ funnels: [], colleagues: [], kinds: [] });
let read = null;

export const readChoices = () => {
  read ??= Promise.all([api.get("/funnels"), api.get("/deal-choices")]).then(([funnels, more]) => {
    choices.value = { funnels: items(funnels), colleagues: more?.colleagues ?? [], kinds: more?.kinds ?? [] };
  });
  return read;
};
