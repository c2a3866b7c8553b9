// What this customer was promised and still waits for stands first on the card; one key turns what was just said into
// a promise with a deadline.

import { useCallback, useEffect, useRef, useState } from "../vendor/hooks.js";
import { exact, point, t } from "../say.js";
import { Chip, halfMinute, html, Key } from "../ui.js";
import { api, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { toast } from "../toast.js";
import { touch } from "./store.js";
import { local } from "./next-step.js";

const HOUR_MS = 3600e3;
const at = (days, hour) => { const when = new Date(Date.now() + days * 24 * HOUR_MS); when.setHours(hour, 0, 0, 0); return when; };
const UNTIL = [
  [() => t("In 2 hours"), () => new Date(Date.now() + 2 * HOUR_MS)],
  [() => t("Tomorrow 12:00"), () => at(1, 12)],
  [() => t("In 3 days"), () => at(3, 18)],
];
const instant = (typed) => new Date(typed).toISOString().replace(/\.\d+Z$/, "Z");

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

const Form = ({ entry: { call, card }, close }) => {
  const linked = (card.links ?? []).find((one) => one.kind === "order")?.object_id;
  const orders = (card.orders ?? []).filter((one) => one.open || one.id === linked);
  const [text, setText] = useState("");
  const [due, setDue] = useState({ choice: 1, at: local(UNTIL[1][1]()) });
  const [order, setOrder] = useState(linked ?? (orders.length === 1 ? orders[0].id : null));
  const [busy, setBusy] = useState(false);
  const first = useRef(null);
  useEffect(() => first.current?.focus(), []);
  const keep = async (event) => {
    event.preventDefault();
    if (busy || !text.trim()) return first.current?.focus();
    setBusy(true);
    const body = { text: text.trim(), due_at: instant(due.at), customer_id: card.customer.id, call_id: call.id, ...(order ? { order_id: order } : {}) };
    const made = await api.post("/promises", body).catch(refused(t("Not kept")));
    setBusy(false);
    if (!made) return;
    touch(call.id, { promises: [...(card.promises ?? []), { ...made, by: made.maker }] });
    close();
  };
  return html`<form class="promise-form" onSubmit=${keep} onKeyDown=${(event) => { if (event.key === "Escape") { event.preventDefault(); close(); } }} aria-label=${t("A promise")}>
    <label class="field"><span>${t("What was promised")}</span><input ref=${first} value=${text} maxlength="500" onInput=${(event) => setText(event.target.value)} /></label>
    <div class="choices" role="group" aria-label=${t("Until when")}>${UNTIL.map(([label, when], place) => html`<button type="button" class="btn" key=${place} aria-pressed=${due.choice === place} onClick=${() => setDue({ choice: place, at: local(when()) })}>${label()}</button>`)}
      <input type="datetime-local" aria-label=${t("Until when")} value=${due.at} onInput=${(event) => setDue({ choice: null, at: event.target.value })} /></div>
    ${orders.length ? html`<label class="field"><span>${t("About")}</span><select value=${order ?? ""} onChange=${(event) => setOrder(Number(event.target.value) || null)}><option value="">${t("no order")}</option>${orders.map((one) => html`<option key=${one.id} value=${one.id} selected=${one.id === order}>${one.number}</option>`)}</select></label>` : null}
    <div class="promise-go"><button class="btn main" disabled=${busy}>${t("Promise")} <${Key}>⏎<//></button><button type="button" class="btn quiet" onClick=${close}>${t("Close")}</button></div></form>`;
};

export const Promises = ({ entry }) => {
  const [open, setOpen] = useState(false);
  useKey("i", t("I promise: what was just said, with a deadline"), useCallback(() => setOpen(true), []));
  const list = entry.card.promises ?? [];
  return html`<section class="promises" aria-label=${t("Promises")}>${list.length ? html`<ul>${list.map((one) => html`<${Waiting} key=${one.id} call=${entry.call} one=${one} all=${list} />`)}</ul>` : null}
    ${open ? html`<${Form} entry=${entry} close=${() => setOpen(false)} />` : html`<button type="button" class="linkish" onClick=${() => setOpen(true)}>${t("Promise something")} <${Key}>I<//></button>`}</section>`;
};
