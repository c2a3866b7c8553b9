// Tells the server when a call was really seen: painted, in a tab that is visible. Once per ring.

import { useEffect } from "../vendor/hooks.js";

/** `send(id)` and `leave(id)` are set by the page that holds the connection. */
export const shown = { send: () => false, leave: () => false };
const told = new Set();

const tell = (id) => {
  if (!told.has(id) && shown.send(id)) told.add(id);
};

/** Whoever handed a call on does not want to watch it any more; the server takes it off the desk, in every tab. */
export const leave = (id) => shown.leave(id);

/** The component shows call `id`: acknowledged after the next paint of a visible tab. */
export const useShown = (id, state) => {
  useEffect(() => {
    let frame = 0;
    // Browsers paint nothing in a hidden tab, so the frame comes when somebody looks.
    frame = requestAnimationFrame(() => { frame = requestAnimationFrame(() => tell(id)); });
    return () => cancelAnimationFrame(frame);
  }, [id, state]);
};
