// What is asked of the switchboard for one call: sent once, and what it refuses is said in its own words.

import { useRef, useState } from "../vendor/hooks.js";
import { t } from "../say.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { flushed } from "./keep.js";

const HANDS_ON = ["transfer", "consult", "consult/complete", "park"];

/** Resolves to true when it has really happened. */
export const act = async (id, path, body) => {
  try {
    if (HANDS_ON.includes(path)) await flushed(id);  // whoever gets the call gets what was typed to the last letter
    await api.post(`/calls/${id}/${path}`, body);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Not done"), tone: "error" });
    return false;
  }
};

/** [busy, run]: one thing after the other; the same pressed again while it is awaited is one press. */
export const useHands = (id) => {
  const [busy, setBusy] = useState(null);
  const last = useRef(Promise.resolve());
  const run = (path, body) => {
    if (busy === path) return Promise.resolve(false);
    const next = async () => {
      setBusy(path);
      try {
        return await act(id, path, body);
      } finally {
        setBusy(null);
      }
    };
    last.current = last.current.then(next, next);
    return last.current;
  };
  return [busy, run];
};
