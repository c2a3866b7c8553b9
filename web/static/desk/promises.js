// What this customer was promised and still waits for stands first on the card; one key turns what was just said into
// a promise with a deadline.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { exact, point, t } from "../say.js";
import { Chip, halfMinute, html, Key } from "../ui.js";
import { api, Refused } from "../api.js";
import { useKey, useReturn, useTold } from "../keys.js";
import { toast } from "../toast.js";
import { inDays, sent, wall } from "../zoned.js";
import { draftOf } from "./draft.js";
import { newKey, untilAnswered } from "./once.js";
import { part, touch } from "./store.js";

const HOUR_MS = 3600e3;
const UNTIL = [
  [() => t("In 2 hours"), () => new Date(Date.now() + 2 * HOUR_MS)],
  [() => t("Tomorrow 12:00"), () => inDays(1, 12)],
  [() => t("In 3 days"), () => inDays(3, 18)],
];

const refused = (title) => (error) => {
  if (!(error instanceof Refused)) throw error;
  toast(error.message, { title, tone: "error" });
  return null;
};

const Waiting = ({ call, one, all }) => {
  const late = one.state === "broken" || new Date(one.due_at).getTime() < halfMinute.value;
  const settle = async (state) => {
    const done = await api.post(`/promises/${one.id}/settle`, { state, version: one.version }).catch(refused(t("Not settled")));
    if (done) touch(call.id, { promises: all.filter((other) => other.id !== one.id) });
  };
  return html`<li class=${late ? "late" : ""}><span><b>${t("Promised:")}</b> ${one.text}${one.order_number ? html` <${Chip}>${one.order_number}<//>` : null}</span>
    <span class="faint" title=${exact(one.due_at)}>${late ? t("broken, was due {when}", { when: point(one.due_at, halfMinute.value) }) : t("until {when}", { when: point(one.due_at, halfMinute.value) })}${one.by ? ` · ${one.by}` : ""}</span>
    <span class="promise-go"><button type="button" class="btn" onClick=${() => settle("kept")}>${late ? t("Done") : t("Kept")}</button><button type="button" class="btn quiet" onClick=${() => settle("withdrawn")}>${t("Withdraw")}</button></span></li>`;
};

/** Begins with tomorrow noon and what the call is about. */
const begun = ({ card }) => {
  const linked = (card.links ?? []).find((one) => one.kind === "order")?.object_id;
  const orders = about(card, linked);
  return { key: newKey(), text: "", choice: 1, due: wall(UNTIL[1][1]()), order_id: linked ?? (orders.length === 1 ? orders[0].id : null) };
};
const about = (card, linked) => (card.orders ?? []).filter((one) => one.open || one.id === linked);

const Form = ({ entry: { call, card }, typed, change, close }) => {
  useReturn();
  const orders = about(card, typed.order_id);
  const [state, setState] = useState("");
  const first = useRef(null);
  useTold("⏎", t("In the promise: keep it in mind"));
  useEffect(() => first.current?.focus(), []);
  const keep = async (event) => {
    event.preventDefault();
    if (state || !typed.text.trim()) return first.current?.focus();
    setState("busy");
    const body = { key: typed.key, text: typed.text.trim(), due_at: sent(typed.due), customer_id: card.customer.id, call_id: call.id, ...(typed.order_id ? { order_id: typed.order_id } : {}) };
    const made = await untilAnswered((options) => api.post("/promises", body, options), () => setState("waits")).catch(refused(t("Not kept")));
    setState("");
    if (!made) return;
    touch(call.id, { promises: [...(card.promises ?? []).filter((one) => one.id !== made.id), { ...made, by: made.maker }] });
    close();
  };
  return html`<form class="promise-form" onSubmit=${keep} onKeyDown=${(event) => { if (event.key === "Escape") { event.preventDefault(); close(); } }} aria-label=${t("A promise")}>
    <label class="field"><span>${t("What was promised")}</span><input ref=${first} value=${typed.text} maxlength="500" onInput=${(event) => change({ text: event.target.value })} /></label>
    <div class="choices" role="group" aria-label=${t("Until when")}>${UNTIL.map(([label, when], place) => html`<button type="button" class="btn" key=${place} aria-pressed=${typed.choice === place} onClick=${() => change({ choice: place, due: wall(when()) })}>${label()}</button>`)}
      <input type="datetime-local" aria-label=${t("Until when")} value=${typed.due} onInput=${(event) => change({ choice: null, due: event.target.value })} /></div>
    ${orders.length ? html`<label class="field"><span>${t("About")}</span><select value=${typed.order_id ?? ""} onChange=${(event) => change({ order_id: Number(event.target.value) || null })}><option value="">${t("no order")}</option>${orders.map((one) => html`<option key=${one.id} value=${one.id} selected=${one.id === typed.order_id}>${one.number}</option>`)}</select></label>` : null}
    <div class="promise-go"><button class="btn main" disabled=${Boolean(state)} aria-busy=${Boolean(state)}>${t("Promise")} <${Key}>⏎<//></button><button type="button" class="btn quiet" onClick=${close}>${t("Close")}</button>
      ${state === "waits" ? html`<span class="care small" role="status">${t("The server does not answer. It will be kept by itself, and once.")}</span>` : null}</div></form>`;
};

export const Promises = ({ entry }) => {
  const draft = draftOf(entry);
  const typed = draft.value.value.promise;
  const change = (what) => { const now = draft.value.peek(); draft.set({ ...now, promise: { ...now.promise, ...what } }); };
  const open = () => { part.value = "call"; if (!draft.value.peek().promise) change(begun(entry)); else document.querySelector(".promise-form input")?.focus(); };
  const close = () => { const { promise: _, ...left } = draft.value.peek(); draft.set(left); };
  useKey("i", t("I promise: what was just said, with a deadline"), open);
  const list = entry.card.promises ?? [];
  return html`<section class="promises" aria-label=${t("Promises")}>${list.length ? html`<ul>${list.map((one) => html`<${Waiting} key=${one.id} call=${entry.call} one=${one} all=${list} />`)}</ul>` : null}
    ${typed ? html`<${Form} entry=${entry} typed=${typed} change=${change} close=${close} />` : html`<button type="button" class="linkish" onClick=${open}>${t("Promise something")} <${Key}>I<//></button>`}</section>`;
};
