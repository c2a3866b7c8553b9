// The left column: who is on the line, and whom to call next, each with the reason.

import { useCallback, useEffect } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { ago, exact, lasted, point, t, tn } from "../say.js";
import { Chip, Dial, Empty, Failed, halfMinute, html, Loading, second, serverNow } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { agent, calling, calls, departures, selected } from "./store.js";
import { since, stateName, tone, whoCalls } from "./words.js";

/** Open callbacks: {list, failed}; list is null before the first answer. */
export const waiting = signal({ list: null, failed: null });
const AHEAD_MS = 24 * 3600e3;

let readAt = 0;
export const readNext = async () => {
  readAt = Date.now();
  try {
    const answer = await api.get("/callbacks", { state: "open", mine: true, limit: 40 });
    waiting.value = { list: items(answer), failed: null };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    waiting.value = { ...waiting.value, failed: error.message };
  }
};

const nameOf = (one) => one.customer_name ?? one.display ?? one.number;

const OnLine = ({ entry: { call, card } }) => {
  const from = since(call);
  const where = [call.line?.name, call.queue, call.direction === "inbound" && call.wait_s ? t("waited {time}", { time: lasted(call.wait_s) }) : null].filter(Boolean).join(" · ");
  return html`<li class=${selected.value === call.id ? "on" : ""}><button type="button" class="line" aria-current=${selected.value === call.id ? "true" : undefined} onClick=${() => { selected.value = call.id; }}>
    <b class="clip">${whoCalls(call, card)}</b><${Chip} tone=${tone(call)} dot>${from ? lasted((second.value - new Date(from)) / 1000) : stateName(call)}<//>
    <span class="why-line">${call.failure?.text ?? [stateName(call), where].filter(Boolean).join(" — ")}</span></button></li>`;
};

const SOON_MS = 12 * 3600e3;
const planned = (at) => {
  const when = point(at, halfMinute.value);
  return new Date(at).getTime() - halfMinute.value < SOON_MS && /^\d/.test(when) ? t("due {when}", { when }) : when;
};

/** Who is with this customer now, in words; null for nobody and for oneself. */
const engaged = (one) => {
  const by = calling.value.get(one.id);
  if (by) return by.id === agent.value?.id ? null : t("{name} is calling now.", { name: by.name });
  return one.calling?.said ?? null;
};

const Due = ({ one }) => {
  const busy = engaged(one);
  const late = new Date(one.due_at).getTime() < halfMinute.value;
  const about = [busy, late ? ago(one.due_at, halfMinute.value) : null, one.reason, one.missed > 1 ? t("called {n} times", { n: one.missed }) : null, one.attempts ? tn("{n} attempt", "{n} attempts", one.attempts) : null, one.order_number ?? one.deal, one.note, one.assigned_to ? null : one.team ?? t("anyone may take it")].filter(Boolean).join(" · ");
  const shown = one.display ?? one.number;
  return html`<li><div class="line"><b class="clip">${one.customer_id ? html`<a class="plain" href=${`/customers/${one.customer_id}`}>${nameOf(one)}</a>` : nameOf(one)}</b>
    <${Chip} tone=${late ? "miss" : "ring"} dot title=${t("Due {when}", { when: exact(one.due_at) })}>${late ? t("overdue") : planned(one.due_at)}<//>
    <span class="why-line"><a class="plain" href=${`/callbacks/${one.id}`}>${about}</a></span>${busy ? null : html`<${Dial} number=${one.number} shown=${shown} ids=${{ callback_id: one.id, customer_id: one.customer_id, order_id: one.order_id, deal_id: one.deal_id }} />`}</div></li>`;
};

/** What is due today or earlier, the most urgent first. */
export const due = () => (waiting.value.list ?? []).filter((one) => new Date(one.due_at).getTime() < serverNow() + AHEAD_MS);

const Waiting = () => {
  if (waiting.value.list === null) return waiting.value.failed ? html`<${Failed} text=${waiting.value.failed} again=${readNext} />` : html`<${Loading} />`;
  const list = due();
  if (!list.length) return html`<${Empty} title=${t("Nobody is waiting")}>${t("Callbacks that are due within a day show here.")}<//>`;
  return html`<ul>${list.map((one) => html`<${Due} key=${one.id} one=${one} />`)}</ul>`;
};

const SHOWN_MS = 300;    // one that stands here: somebody called, was reached, moved it
const OTHERS_MS = 2500;  // another one may belong here now
const REST_MS = 5000;    // between two readings, however much happens
let soon = null;

/** What others change of callbacks; the push server says which, and not every desk asks at the same moment. */
const heard = ({ detail: message }) => {
  if (message.type === "snapshot") follow();
  if (message.type !== "rows" || message.noun !== "callbacks" || soon) return;
  const shown = message.ids === null || (waiting.value.list ?? []).some((one) => message.ids.includes(one.id));
  const wait = (shown ? SHOWN_MS : OTHERS_MS) * (0.6 + 0.8 * Math.random());
  soon = setTimeout(() => { soon = null; readNext(); }, Math.max(wait, readAt + REST_MS - Date.now()));
};
const follow = () => dispatchEvent(new CustomEvent("push", { detail: { type: "follow", nouns: ["callbacks"] } }));

const useFresh = () => {
  useEffect(() => { readNext(); }, [departures.value]);
  useEffect(() => {
    addEventListener("pushed", heard);
    follow();
    return () => removeEventListener("pushed", heard);
  }, []);
  useEffect(() => {
    const timer = setInterval(readNext, 60000);
    return () => clearInterval(timer);
  }, []);
};

const step = (by) => {
  const ids = [...calls.value.keys()];
  if (ids.length) selected.value = ids[(ids.indexOf(selected.value) + by + ids.length) % ids.length];
};

export const Next = () => {
  useFresh();
  useKey("]", t("Next call on the desk"), useCallback(() => step(1), []));
  useKey("[", t("Previous call on the desk"), useCallback(() => step(-1), []));
  const onLine = [...calls.value.values()];
  const count = waiting.value.list ? due().length : 0;
  return html`<section class="next" aria-label=${t("Next")} tabindex="0">
    ${onLine.length ? html`<h2>${t("On your desk")}</h2><ul>${onLine.map((entry) => html`<${OnLine} key=${entry.call.id} entry=${entry} />`)}</ul>` : null}
    <h2>${t("Next")}${count ? ` · ${count}` : ""}</h2><${Waiting} /></section>`;
};
