// The courier's page where the network comes and goes: a mark is kept on the telephone until the server has it. The
// server takes the same mark twice as once, so it is sent again whenever nobody knows whether it arrived.

import { api, Refused } from "./api.js";
import { toast } from "./toast.js";

const KEPT = "courier-marks";
const AGAIN_MS = 15000;
const REFRESH_MS = 60000;

const kept = () => {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
};
const keep = (marks) => localStorage.setItem(KEPT, JSON.stringify(marks));

const show = () => {
  const marks = kept();
  const line = document.getElementById("waiting");
  line.hidden = marks.length === 0;
  line.textContent = marks.length === 1 ? line.dataset.one : line.dataset.many.replace("{n}", marks.length);
  for (const card of document.querySelectorAll("[data-delivery]")) {
    const waits = marks.some(({ id }) => id === card.dataset.delivery);
    card.classList.toggle("waits", waits);
    for (const button of card.querySelectorAll("button")) button.disabled = waits;
  }
};

/** One after the other, in the order in which they were pressed. True when something arrived. */
const sendAll = async () => {
  let arrived = false;
  for (let [mark] = kept(); mark; [mark] = kept()) {
    try {
      await api.put(`/deliveries/${mark.id}`, mark.body);
      arrived = true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.passing) break;
      toast(error.message, { tone: "error" });
    }
    keep(kept().slice(1));
    show();
  }
  return arrived;
};

let sending = null;
const send = () => {
  sending ??= sendAll().finally(() => { sending = null; show(); });
  return sending.then((arrived) => { if (arrived && kept().length === 0) location.replace("/courier"); });
};

const bodyOf = (form, mark) => {
  const given = new FormData(form);
  const why = [given.get("why"), given.get("more")?.trim()].filter(Boolean).join(": ");
  const taken = (given.get("taken") ?? "").replace(",", ".").replaceAll(" ", "");
  const body = { mark };
  if (taken) body.taken = taken;
  if (given.get("means")) body.means = given.get("means");
  if (mark === "not_delivered") body.reason = why;
  return body;
};

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-mark]");
  if (!form) return;
  event.preventDefault();
  const id = form.closest("[data-delivery]").dataset.delivery;
  if (kept().some((mark) => mark.id === id)) return;
  keep([...kept(), { id, body: bodyOf(form, event.submitter.value) }]);
  show();
  send();
});

const busy = () => document.querySelector(".delivery details[open]") || document.activeElement?.matches("input, textarea");
addEventListener("online", send);
document.addEventListener("visibilitychange", () => { if (!document.hidden) send(); });
setInterval(() => { if (kept().length) send(); }, AGAIN_MS);
setInterval(() => { if (!document.hidden && navigator.onLine && !kept().length && !busy()) location.reload(); }, REFRESH_MS);
show();
if (kept().length) send();
