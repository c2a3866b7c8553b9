// What is asked of the switchboard for one call: sent once, and what it refuses is said in its own words.

import { useRef, useState } from "../vendor/hooks.js";
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
