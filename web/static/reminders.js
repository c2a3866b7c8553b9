// A callback is due: on whatever page, with one key to call and one to put it off. After the call the desk shows the
// card with the whole history.

import { useState } from "./vendor/hooks.js";
import { ago, exact, point, t, tn } from "./say.js";
import { Chip, halfMinute, html, Icon, Key, serverNow } from "./ui.js";
import { api, Refused } from "./api.js";
import { dial } from "./dial.js";
import { useKey } from "./keys.js";
import { toast } from "./toast.js";
import { useHeld } from "./desk/held.js";
import { calling, calls, reminders } from "./desk/store.js";

const SNOOZE_MIN = 15;
const drop = (id) => { reminders.value = reminders.value.filter((one) => one.id !== id); };

const call = async (one, anchor) => {
  const body = { to: one.number, callback_id: one.id };
  for (const name of ["customer_id", "order_id", "deal_id"]) if (one[name]) body[name] = one[name];
  const id = await dial(body, anchor);
  if (!id) return;
  drop(one.id);
  if (!document.getElementById("desk")) location.assign(`/?call=${id}`);
};

const snooze = async (one, note) => {
  try {
    const answer = await api.post(`/callbacks/${one.id}/snooze`, { minutes: SNOOZE_MIN, note });
    drop(one.id);
    toast(t("Due again {when}.", { when: point(answer.due_at, serverNow()) }), { title: one.customer_name ?? one.display });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Not put off"), tone: "error" });
  }
};

const about = (one) => [one.reason, one.missed > 1 ? t("called {n} times", { n: one.missed }) : null, one.attempts ? tn("{n} attempt", "{n} attempts", one.attempts) : null, one.note].filter(Boolean).join(" · ");

const Due = ({ one, first }) => {
  const [note, setNote] = useHeld(`later/${one.id}`, "");
  const [busy, setBusy] = useState(false);
  const once = (act) => async (event) => {
    if (busy) return;
    setBusy(true);
    try { await act(event); } finally { setBusy(false); }
  };
  const ring = once((event) => call(one, event?.target instanceof Element ? event.target.closest("button") : null));
  const later = once(() => snooze(one, note));
  useKey("r", t("Call whoever is due"), ring, first);
  useKey("z", t("Put off what is due"), later, first);
  const by = calling.value.get(one.id);
  return html`<article class="reminder" aria-label=${t("Due: {who}", { who: one.customer_name ?? one.display })}>
    <div class="reminder-head"><b class="clip">${one.customer_id ? html`<a class="plain" href=${`/customers/${one.customer_id}`}>${one.customer_name}</a>` : one.display}</b>
      <${Chip} tone="miss" dot title=${exact(one.due_at)}>${t("due {when}", { when: ago(one.due_at, halfMinute.value) })}<//>
      <button type="button" class="btn quiet icon-only" aria-label=${t("Close")} onClick=${() => drop(one.id)}>×</button></div>
    <p class="muted">${about(one)}</p>
    ${by ? html`<p><${Chip} tone="ring" dot>${t("{name} is calling now.", { name: by.name })}<//></p>` : null}
    <label class="field"><span class="unseen">${t("Note")}</span><input value=${note} maxlength="200" placeholder=${t("Note, if you put it off")} onInput=${(event) => setNote(event.target.value)} /></label>
    <div class="reminder-go"><button type="button" class="btn main" disabled=${busy} onClick=${ring}><${Icon} name="outgoing" small />${t("Call")}${first ? html`<${Key}>R<//>` : null}</button>
      <button type="button" class="btn" disabled=${busy} onClick=${later}>${t("In {n} min", { n: SNOOZE_MIN })}${first ? html`<${Key}>Z<//>` : null}</button>
      <a class="btn quiet" href=${`/callbacks/${one.id}`}>${t("Open")}</a></div></article>`;
};

const states = () => [...calls.value.values()].map((entry) => entry.call.state);
const LIVE = ["ringing", "dialling", "talking", "held"];

/** What is due, the oldest first; nobody is disturbed while on the line, and the keys of a wrap-up stay its own. */
export const Reminders = () => {
  const now = states();
  if (now.some((state) => LIVE.includes(state))) return null;
  return reminders.value.slice(0, 3).map((one, place) => html`<${Due} key=${one.id} one=${one} first=${place === 0 && !now.some((state) => ["wrap_up", "ended"].includes(state))} />`);
};
