// A notification of the system for a call that rings while nobody looks at our pages. What callers are called is text;
// a click leads to the card; it goes when the call is answered or gone.

import { t } from "../say.js";
import { pop, selected } from "./store.js";
import { whoCalls } from "./words.js";

const shown = new Map();  // call id → what is shown

/** Whether this browser lets us: default (not asked yet), granted, denied, none (no secure address). */
export const allowed = () => (window.isSecureContext && "Notification" in window ? Notification.permission : "none");

/** Asks the person at the browser; true when he agrees. Only ever at a press. */
export const askToNotify = async () => (await Notification.requestPermission()) === "granted";

const open = (id) => {
  window.focus();
  if (document.getElementById("desk")) selected.value = id;
  else location.assign(`/?call=${id}`);
};

const show = ({ call, card }) => {
  const about = [call.remote?.display, call.line?.name, call.queue].filter(Boolean).join(" · ");
  const one = new Notification(t("Ringing: {who}", { who: whoCalls(call, card) }), { body: about, tag: `call-${call.id}`, icon: "/static/mark.svg", requireInteraction: true, silent: true });
  one.addEventListener("click", () => { one.close(); open(call.id); });
  shown.set(call.id, one);
};

/** `entries`: the calls that ring here and in no other tab. */
export const notify = (entries) => {
  const now = new Set(entries.map(({ call }) => call.id));
  for (const [id, one] of shown) if (!now.has(id)) { one.close(); shown.delete(id); }
  if (!pop.value.desktop || allowed() !== "granted" || document.hasFocus()) return;
  entries.filter(({ call }) => !shown.has(call.id)).forEach(show);
};
addEventListener("pagehide", () => notify([]));
