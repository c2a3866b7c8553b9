// What is asked of the switchboard for one call: sent once, and what it refuses is said in its own words.

import { useState } from "../vendor/hooks.js";
import { t } from "../say.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";

/** Resolves to true when it has really happened. */
export const act = async (id, path, body) => {
  try {
    await api.post(`/calls/${id}/${path}`, body);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Not done"), tone: "error" });
    return false;
  }
};

/** [busy, run]: one thing at a time, however often the key is pressed. */
export const useHands = (id) => {
  const [busy, setBusy] = useState(null);
  const run = async (path, body) => {
    if (busy) return false;
    setBusy(path);
    const done = await act(id, path, body);
    setBusy(null);
    return done;
  };
  return [busy, run];
};
