// A card that nobody touched after its call goes by itself, where that is wanted. What was begun in it stays.

import { effect } from "../vendor/signals.js";
import { halfMinute } from "../ui.js";
import { draftOf } from "./draft.js";
import { noteOf } from "./note.js";
import { closeEverywhere } from "./ring.js";
import { calls, pop } from "./store.js";

const begun = (entry) => {
  const { items, ...more } = draftOf(entry).value.value;
  return items.length > 0 || Object.keys(more).length > 0 || noteOf(entry).dirty;
};

const over = ({ call }, now) => ["wrap_up", "ended"].includes(call.state) && call.ended_at
  && now - new Date(call.ended_at).getTime() >= pop.value.hide_min * 60e3;

/** Starts looking after cards whose time is over. */
export const watchOldCards = () => effect(() => {
  if (!pop.value.hide_min) return;
  [...calls.value.values()].filter((entry) => entry.card && over(entry, halfMinute.value) && !begun(entry))
    .forEach(({ call }) => closeEverywhere(call.id));
});
