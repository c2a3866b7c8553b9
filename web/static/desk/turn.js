// Whose turn it is: one key takes the customer who waits most pressingly, alone; Enter calls him; done or passed over, the
// next. The page says every half minute that it still shows him; when it is gone he stands in the queue again.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { money, t } from "../say.js";
import { Chip, Empty, html, Key, When } from "../ui.js";
import { api, Refused } from "../api.js";
import { dial } from "../dial.js";
import { useKey, useReturn, useTold } from "../keys.js";
import { toast } from "../toast.js";
import { useHeld } from "./held.js";
import { outcomeName } from "./outcomes.js";
import { Tips, useGuide } from "./guide.js";
import { OnLists } from "./on-lists.js";
import { Why } from "./why.js";
import { departures } from "./store.js";
import { orderLook, resultName } from "./words.js";

const ALIVE_MS = 30e3;
/** The turn one has, null for none; undefined before it is known. */
export const turn = signal(undefined);

const LABEL = {
  missed: () => t("We missed their call"), promise: () => t("A promise is due"), callback: () => t("A callback is due"), lead: () => t("New lead"),
  stuck: () => t("Late delivery"), unpaid: () => t("Unpaid order"), cart: () => t("Cart left in the shop"), task: () => t("Overdue task"),
  list: () => t("On a call list"),
};

const ask = async (request, after) => {
  try {
    after(await request());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 403) turn.value = null;
    else if (error.status === 409) { turn.value = null; toast(error.message, { tone: "info" }); }
    else toast(error.message, { title: t("The queue does not answer"), tone: "error" });
  }
};

export const readTurn = () => ask(() => api.get("/queue/turn"), (answer) => { turn.value = answer?.turn ?? null; });
export const takeNext = () => ask(() => api.post("/queue/turn"), (answer) => {
  turn.value = answer?.turn ?? null;
  if (!turn.value) toast(t("Nobody waits for a call."), { tone: "good" });
});
const end = (path, body) => ask(() => api.post(`/queue/turn/${path}`, body), () => { turn.value = null; });
const letGo = () => ask(() => api.drop("/queue/turn"), () => { turn.value = null; });

const keepAlive = () => {
  if (turn.value) ask(() => api.put("/queue/turn"), () => {});
};

const errand = (cause, lists) => {
  if (cause?.object === "callback") return { callback_id: cause.id };
  const order = cause?.object === "order" ? cause.id : cause?.object === "call_list" ? lists.find((one) => one.entry_id === cause.id)?.order_id : null;
  return order ? { order_id: order } : {};
};

const call = (one, anchor) => dial({
  to: one.number, ...(one.customer_id ? { customer_id: one.customer_id } : {}), ...errand(one.causes[0], one.lists),
}, anchor);

const Cause = ({ one }) => html`<li><b>${LABEL[one.kind]?.() ?? one.kind}</b> ${one.object === "order" ? html`<a href=${`/orders/${one.id}`}>${one.label}</a>` : one.object === "task" ? html`<a href=${`/tasks/${one.id}`}>${one.label}</a>` : one.label}
  ${Number(one.money) ? html` · ${money(one.money, one.currency)}` : null} <span class="faint"><${When} at=${one.since} /></span></li>`;

const Order = ({ order }) => html`<div class="row"><${Chip} tone=${orderLook(order)} dot>${order.status_label}<//><a href=${`/orders/${order.id}`}><b>${order.number}</b></a><span class="end">${money(order.total, order.currency)}</span><p>${order.items}</p></div>`;
const Past = ({ past }) => html`<div class="row"><span class="faint"><${When} at=${past.started_at} /></span><a class="plain" href=${`/calls/${past.id}`}><b>${resultName(past)}</b>${past.disposition ? ` · ${outcomeName(past.disposition)}` : ""}</a>${past.note ? html`<p>${past.note}</p>` : null}</div>`;

const Skip = ({ id, close }) => {
  useReturn();
  const [reason, setReason] = useHeld(`skip/${id}`, "");
  const [hours, setHours] = useState(4);
  const field = useRef(null);
  useEffect(() => { field.current?.focus(); }, []);
  const submit = (event) => { event.preventDefault(); if (reason.trim()) end("skipped", { reason: reason.trim(), hours }); };
  return html`<form class="pass-over" onSubmit=${submit} onKeyDown=${(event) => { if (event.key === "Escape") close(); }}><label class="field"><span>${t("Why not now?")}</span><input ref=${field} value=${reason} maxlength="200" onInput=${(event) => setReason(event.target.value)} /></label>
    <label class="field"><span>${t("Again")}</span><select value=${hours} onChange=${(event) => setHours(Number(event.target.value))}><option value="1">${t("in an hour")}</option><option value="4">${t("in four hours")}</option><option value="24">${t("tomorrow")}</option><option value="168">${t("in a week")}</option></select></label>
    <button class="btn main">${t("Pass over")}</button><button type="button" class="btn quiet" onClick=${close}>${t("Back")}</button></form>`;
};

const Taken = ({ one }) => {
  const { card } = one;
  const first = useRef(null);
  const [skipping, setSkipping] = useHeld(`skipping/${one.id}`, false);
  const guide = useGuide({ customer_id: one.customer_id });
  useEffect(() => { first.current?.focus(); }, [one.id]);
  useKey("u", t("Done with this customer"), () => end("done"));
  useKey("y", t("Pass over, and why"), () => setSkipping(true));
  useTold("⏎", t("Call whoever you took"), Boolean(one.number));
  const orders = card.orders ?? [];
  const past = card.calls ?? [];
  return html`<section class="panel turn" aria-label=${t("Your turn with {who}", { who: one.name ?? one.display })}>
    <div class="turn-head"><div><h1>${one.customer_id ? html`<a href=${`/customers/${one.customer_id}`}>${one.name}</a>` : one.name ?? one.display}</h1><p class="muted">${[one.display, card.customer?.city].filter(Boolean).join(" · ")}</p></div>
      <span class="ways">${one.number ? html`<button type="button" class="btn main" ref=${first} onClick=${(event) => call(one, event.currentTarget)}><span>${t("Call")}</span><${Key}>⏎<//></button>` : html`<span class="muted">${t("no number")}</span>`}
        <button type="button" class="btn" onClick=${() => end("done")}><span>${t("Done")}</span><${Key}>U<//></button><button type="button" class="btn" aria-expanded=${skipping} onClick=${() => setSkipping(!skipping)}><span>${t("Pass over")}</span><${Key}>Y<//></button><button type="button" class="btn quiet" onClick=${letGo}>${t("let go")}</button></span></div>
    ${skipping ? html`<${Skip} id=${one.id} close=${() => setSkipping(false)} />` : null}
    <h2 class="label">${t("Why here")}</h2><ul class="causes">${one.causes.map((cause) => html`<${Cause} key=${cause.object + cause.id} one=${cause} />`)}</ul>
    <${OnLists} lists=${one.lists} /><${Tips} tips=${guide?.tips} />
    ${card.customer?.note ? html`<p class="standing">${card.customer.note}</p>` : null}
    <${Why} card=${card} />
    <div class="cols"><section><h2>${t("Orders")}</h2>${orders.map((order) => html`<${Order} key=${order.id} order=${order} />`)}${orders.length ? null : html`<${Empty} title=${t("Nothing yet")} />`}</section>
      <section><h2>${t("What was said")}</h2>${past.map((one) => html`<${Past} key=${one.id} past=${one} />`)}${past.length ? null : html`<${Empty} title=${t("Nobody has talked yet")} />`}</section></div></section>`;
};

/** Above the calls of today: whose turn it is, or the way to the next. */
export const Turn = () => {
  useEffect(() => {
    readTurn();
    const timer = setInterval(keepAlive, ALIVE_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => { if (departures.value) readTurn(); }, [departures.value]);
  useKey("h", t("Take the next who waits for a call"), takeNext, turn.value === null);
  if (turn.value) return html`<${Taken} key=${turn.value.id} one=${turn.value} />`;
  return turn.value === null ? html`<div class="panel turn-next"><span><b>${t("Who waits for a call?")}</b> <span class="muted">${t("The most pressing customer is yours alone until you are done.")}</span></span><button type="button" class="btn main" onClick=${takeNext}><span>${t("Next")}</span><${Key}>H<//></button></div>` : null;
};
