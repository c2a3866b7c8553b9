// The form that plans a callback: what the time typed means by the other clock, whether they may be called then, and
// moments when they are likely to answer, at a press. Without script the server says the same after sending.

import { t } from "./say.js";
import { api, Refused } from "./api.js";
import { instant, MINE, wall } from "./zoned.js";

const PAUSE_MS = 250;
const plan = document.querySelector("[data-plan]");
const said = document.querySelector("[data-said]");
const due = plan?.querySelector("[name=due_at]");
const by = plan?.querySelector("[name=clock]");

const zoneNow = () => (by.value === "theirs" ? plan.dataset.zone : MINE);
const place = (zone) => zone.split("/").at(-1).replaceAll("_", " ");
const spoken = (at, zone) => new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: zone }).format(at);

let zone = plan && by ? zoneNow() : null;
let timer = null;

const ask = async () => {
  const at = instant(due.value, zoneNow());
  const other = by.value === "theirs" ? MINE : plan.dataset.zone;
  said.textContent = plan.dataset.zone === MINE ? "" : t("{when} in {place}", { when: spoken(at, other), place: place(other) });
  said.classList.remove("wrong");
  try {
    const found = await api.get("/calling-times", { number: plan.dataset.number, at: at.toISOString().replace(/\.\d+Z$/, "Z"), ...(plan.dataset.customer ? { customer_id: plan.dataset.customer } : {}) });
    if (found.allowed) return;
    said.classList.add("wrong");
    said.textContent = t("They may not be called then; the next allowed moment is {when} there.", { when: found.next_there });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
};

const soon = () => {
  clearTimeout(timer);
  if (due.value) timer = setTimeout(ask, PAUSE_MS);
};

if (plan?.dataset.zone && due && said) {
  due.addEventListener("input", soon);
  by.addEventListener("change", () => {  // the moment stays, the clock it is written by changes
    due.value = wall(instant(due.value, zone), zoneNow());
    zone = zoneNow();
    soon();
  });
  document.addEventListener("click", ({ target }) => {
    const chosen = target.closest?.("[data-at]");
    if (!chosen) return;
    due.value = wall(new Date(chosen.dataset.at), zoneNow());
    due.focus();
    soon();
  });
}
