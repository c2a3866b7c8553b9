// Tells the server when a call was really seen: painted, in a tab that is visible. Once per ring.

import { useEffect } from "../vendor/hooks.js";

/** `send(id)` is set by the page that holds the connection. */
export const shown = { send: () => false };
const told = new Set();

const tell = (id) => {
  if (!told.has(id) && shown.send(id)) told.add(id);
};

/** The component shows call `id`: acknowledged after the next paint of a visible tab. */
export const useShown = (id, state) => {
  useEffect(() => {
    let frame = 0;
    // Browsers paint nothing in a hidden tab, so the frame comes when somebody looks.
    frame = requestAnimationFrame(() => { frame = requestAnimationFrame(() => tell(id)); });
    return () => cancelAnimationFrame(frame);
  }, [id, state]);
};
