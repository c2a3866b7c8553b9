// What is typed into a window that belongs to no call: kept on the server for whoever types it, as a call's draft is.

import { api } from "../api.js";
import { keeper } from "./keep.js";

export const putWindow = (place, body, version, options) => api.put(`/windows/${place}`, { body, version }, options);

/** What the server has of this window: {body, version}; version 0: nothing. */
export const readWindow = async (place) => {
  const { body, version } = await api.get(`/windows/${place}`);
  return { body, version };
};

/** The keeper of the window `place`; without anything kept it begins with `first`. What is made of it uses it up: whoever
 *  sends it says `draft: kept.place`. */
export const windowKeeper = async (place, first) => {
  const there = await readWindow(place);
  const put = (body, version, options) => putWindow(place, body, version, options);
  const kept = keeper(`window/${place}`, put, there.version ? there.body : first, there.version);
  kept.place = place;
  return kept;
};
