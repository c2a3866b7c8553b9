// What waits for me, on every page: the number beside the bell, and a short sound when somebody tells me something.

import { effect } from "./vendor/signals.js";
import { api } from "./api.js";
import { t } from "./say.js";
import { chime } from "./desk/ring.js";
import { told } from "./desk/store.js";

const KEPT = "chime";
const QUIET_MS = 1500;  // so long the tab that sounds keeps the others silent
const on = () => localStorage.getItem(KEPT) !== "off";

const show = (count) => {
  const bell = document.getElementById("bell");
  if (!bell) return;
  bell.querySelector(".count").textContent = count || "";
  bell.setAttribute("aria-label", count ? t("For me: {count} not read", { count }) : t("For me"));
};

const read = () => api.get("/notices/unread").then(({ unread }) => show(unread), () => {});

/** One tab sounds. Where tabs can not agree (no secure address) each does. */
const sound = () => {
  if (!on()) return;
  if (!navigator.locks) { chime(); return; }
  navigator.locks.request("chime", { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    chime();
    await new Promise((done) => { setTimeout(done, QUIET_MS); });
  });
};

const label = () => {
  const name = document.querySelector("[data-chime-name]");
  if (name) name.textContent = on() ? name.dataset.on : name.dataset.off;
};

/** Keeps the number true and sounds when something new comes. */
export const watchBell = () => {
  label();
  document.getElementById("chime-switch")?.addEventListener("click", () => {
    localStorage.setItem(KEPT, on() ? "off" : "on");
    label();
    if (on()) chime();
  });
  addEventListener("storage", (event) => { if (event.key === KEPT) label(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) read(); });
  effect(() => {
    if (!told.value) return;
    read();
    sound();
  });
};
