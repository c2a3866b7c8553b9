// An order or a deal opened in its place in the card: what was bought, where it is, what was paid, what was said about it.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { cents, decimal, lasted, money, point, t } from "../say.js";
import { Chip, Failed, halfMinute, html, Icon, Key, Loading, When } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { toast } from "../toast.js";
import { useKey } from "../keys.js";
import { AskPayment } from "./ask-payment.js";
import { begin } from "./changing.js";
import { close, isOpen, toggle } from "./opened.js";
import { outcomeName } from "./outcomes.js";
import { missed, resultName, statusNames } from "./words.js";

/** Reads all of `addresses`, again whenever `stamp` changes; {found, failed, again}. */
const useRead = (addresses, stamp) => {
  const [state, setState] = useState({ found: null, failed: null });
  const [tried, setTried] = useState(0);
  useEffect(() => {
    let gone = false;
    Promise.all(addresses.map(([path, values]) => api.get(path, values))).then(
      (found) => { if (!gone) setState({ found, failed: null }); },
      (error) => {
        if (!(error instanceof Refused)) throw error;
        if (!gone) setState((old) => ({ ...old, failed: error.message }));
      });
    return () => { gone = true; };
  }, [stamp, tried]);
  return { ...state, again: () => setTried(tried + 1) };
};

const Fact = ({ name, children }) => (children ? html`<dt>${name}</dt><dd>${children}</dd>` : null);

const Goods = ({ order }) => html`<table class="goods"><tbody>${order.items.map((item) => html`<tr key=${item.id}>
    <td class="num">${item.quantity} ×</td><td>${item.name} <span class="faint">${item.sku}</span></td><td class="num">${money(decimal(cents(item.price) * item.quantity), order.currency)}</td></tr>`)}
  ${Number(order.delivery_cost) ? html`<tr class="muted"><td /><td>${t("Delivery")}</td><td class="num">${money(order.delivery_cost, order.currency)}</td></tr>` : null}
  <tr class="total"><td /><td><b>${t("Total")}</b></td><td class="num"><b>${money(order.total, order.currency)}</b></td></tr></tbody></table>`;

const paid = (order) => {
  const left = decimal(cents(order.total) - cents(order.paid));
  if (Number(left) <= 0) return html`<${Chip} tone="talk">${t("paid")}<//>`;
  const owes = Number(order.paid) ? t("{paid} paid, {left} to pay", { paid: money(order.paid, order.currency), left: money(left, order.currency) }) : t("{sum} to pay", { sum: money(left, order.currency) });
  return order.open ? html`<b class="owes">${owes}</b>` : owes;
};

const promised = (order) => {
  if (!order.promised_at) return null;
  const late = order.open && new Date(order.promised_at).getTime() < halfMinute.value;
  return html`<span class=${late ? "owes" : ""}>${point(order.promised_at, halfMinute.value)}${late ? ` — ${t("late")}` : ""}</span>`;
};

/** A state to choose; saved at once, as done in this call. */
const State = ({ label, names, value, save }) => {
  const [busy, setBusy] = useState(false);
  const change = async (event) => {
    setBusy(true);
    try {
      await save(event.target.value);
    } catch (error) {
      event.target.value = value;
      if (!(error instanceof Refused)) throw error;
      toast(error.message, { title: t("Not changed"), tone: "error" });
    } finally {
      setBusy(false);
    }
  };
  return html`<select class="pick-state" aria-label=${label} value=${value} onChange=${change} disabled=${busy} aria-busy=${busy}>
    ${Object.entries(names()).map(([code, name]) => html`<option key=${code} value=${code} selected=${code === value}>${name}</option>`)}</select>`;
};

const Talk = ({ one }) => html`<li><span class="faint"><${When} at=${one.started_at} /></span>
  <span><a class=${missed(one) ? "missed" : "plain"} href=${`/calls/${one.id}`}>${resultName(one)}</a>${one.disposition ? ` · ${outcomeName(one.disposition)}` : ""}${one.talk_s ? html` · <span class="faint">${lasted(one.talk_s)}</span>` : null}</span>
  <span class="faint">${one.operator}</span>${one.note ? html`<p>${one.note}</p>` : null}</li>`;

const Talks = ({ list, callId }) => {
  const past = list.filter((one) => one.id !== callId);
  if (!past.length) return html`<p class="faint small">${t("No conversation about it before this one.")}</p>`;
  return html`<h3>${t("Calls about it")} · ${past.length}</h3><ul class="talks">${past.map((one) => html`<${Talk} key=${one.id} one=${one} />`)}</ul>`;
};

const Frame = ({ entry, kind, id, label, children }) => {
  const box = useRef(null);
  useEffect(() => { box.current?.scrollIntoView?.({ block: "nearest" }); }, []);
  return html`<div class="detail" ref=${box} role="region" aria-label=${label}>${children}
    <p class="detail-end"><a href=${`/${kind}s/${id}`}>${t("Open its page")}</a><button type="button" class="linkish" onClick=${() => close(entry)}>${t("Close")} <${Key}>Esc<//></button></p></div>`;
};

export const OrderDetail = ({ entry, order: { id, number, version } }) => {
  const { found, failed, again } = useRead([[`/orders/${id}`], [`/orders/${id}/calls`], ["/order-statuses"]], `${id}/${version}/${entry.card.links?.length}`);
  if (!found) return html`<${Frame} entry=${entry} kind="order" id=${id} label=${number}>${failed ? html`<${Failed} text=${failed} again=${again} />` : html`<${Loading} lines=${4} />`}<//>`;
  const [order, talks, { statuses }] = found;
  const deal = entry.card.deals?.find((one) => one.id === order.deal_id);
  const save = async (status) => { await api.patch(`/orders/${id}`, { version: order.version, status, call_id: entry.call.id }); again(); };
  return html`<${Frame} entry=${entry} kind="order" id=${id} label=${number}>
    <${Goods} order=${order} />
    <dl><${Fact} name=${t("State")}><${State} label=${t("State of {what}", { what: number })} names=${() => statusNames(statuses, order.status)} value=${order.status} save=${save} /><//>
      <${Fact} name=${t("Payment")}>${paid(order)}<//>
      <${Fact} name=${t("Delivery")}>${[order.delivery_method, order.delivery_address].filter(Boolean).join(" · ")}<//>
      <${Fact} name=${t("Tracking")}>${order.tracking}<//>
      <${Fact} name=${t("Promised")}>${promised(order)}<//>
      <${Fact} name=${t("Deal")}>${deal ? html`<button type="button" class="linkish" onClick=${() => toggle(entry, "deal", deal.id)}>${deal.title}</button> · ${deal.stage_label}` : order.deal_id ? html`<a href=${`/deals/${order.deal_id}`}>${t("see the deal")}</a>` : null}<//>
      <${Fact} name=${t("Comment")}>${order.comment}<//>
      <${Fact} name=${t("Placed")}><${When} at=${order.created_at} />${[order.shop, order.created_by].filter(Boolean).map((one) => ` · ${one}`)}${order.created_in_call_id ? ` · ${t("in a call")}` : ""}<//></dl>
    <${AskPayment} key=${id} entry=${entry} order=${order} />
    ${order.open ? html`<${Change} entry=${entry} id=${id} number=${number} />` : null}
    <${Talks} list=${items(talks)} callId=${entry.call.id} /><//>`;
};

/** Takes the order into the form at the right; the call stays where it is. */
const Change = ({ entry, id, number }) => {
  const change = async () => {
    try {
      await begin(entry, id);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      toast(error.message, { title: t("Not opened for changes"), tone: "error" });
    }
  };
  useKey("c", t("Change the opened order"), change);
  return html`<p><button type="button" class="btn tight" onClick=${change} aria-label=${t("Change the goods and delivery of {what}", { what: number })}>${t("Change it")} <${Key}>C<//></button></p>`;
};

const OfDeal = ({ entry, order }) => {
  const known = entry.card.orders?.some((one) => one.id === order.id);
  return html`<li>${known ? html`<button type="button" class="linkish" onClick=${() => { if (!isOpen(entry, "order", order.id)) toggle(entry, "order", order.id); }}>${order.number}</button>`
    : html`<a href=${`/orders/${order.id}`}>${order.number}</a>`} · ${order.status_label} · ${money(order.total, order.currency)}</li>`;
};

const placeOf = (deal) => (deal.kind === "lost" ? `${deal.stage}:${deal.lost_reason_id ?? ""}` : deal.stage);

/** Where a deal may go: code → name; a lost stage is there once for every reason. */
const moves = (deal, funnels, reasons) => {
  const stages = items(funnels).find((one) => one.id === deal.funnel_id)?.stages ?? [];
  const active = items(reasons).filter((one) => one.active);
  const found = stages.flatMap(({ code, name, kind }) => (kind === "lost" ? active.map((one) => [`${code}:${one.id}`, `${name}: ${one.label}`]) : [[code, name]]));
  return { ...Object.fromEntries(found), [placeOf(deal)]: [deal.stage_label, deal.lost_reason].filter(Boolean).join(": ") };
};

export const DealDetail = ({ entry, deal: { id, title, version } }) => {
  const { found, failed, again } = useRead([[`/deals/${id}`], [`/deals/${id}/calls`], ["/orders", { deal_id: id, limit: 10 }], ["/funnels"], ["/lost-reasons"]], `${id}/${version}/${entry.card.links?.length}`);
  if (!found) return html`<${Frame} entry=${entry} kind="deal" id=${id} label=${title}>${failed ? html`<${Failed} text=${failed} again=${again} />` : html`<${Loading} lines=${3} />`}<//>`;
  const [deal, talks, orders, funnels, reasons] = found;
  const save = async (move) => {
    const [stage, reason] = move.split(":");
    await api.patch(`/deals/${id}`, { version: deal.version, stage, ...(reason ? { lost_reason_id: Number(reason) } : {}), call_id: entry.call.id });
    again();
  };
  return html`<${Frame} entry=${entry} kind="deal" id=${id} label=${title}>
    <dl><${Fact} name=${t("Stage")}><${State} label=${t("Stage of {what}", { what: title })} names=${() => moves(deal, funnels, reasons)} value=${placeOf(deal)} save=${save} /><//>
      <${Fact} name=${t("Amount")}>${money(deal.amount, deal.currency)}<//>
      <${Fact} name=${t("Responsible")}>${deal.responsible}<//>
      <${Fact} name=${t("Opened")}><${When} at=${deal.created_at} /><//>
      <${Fact} name=${t("Orders")}>${items(orders).length ? html`<ul>${items(orders).map((order) => html`<${OfDeal} key=${order.id} entry=${entry} order=${order} />`)}</ul>` : null}<//></dl>
    <${Talks} list=${items(talks)} callId=${entry.call.id} /><//>`;
};

/** The button that opens a row in its place. */
export const OpenIt = ({ entry, kind, id, label }) => {
  const open = isOpen(entry, kind, id);
  return html`<button type="button" class="open-it" aria-expanded=${open} onClick=${() => toggle(entry, kind, id)}><${Icon} name="down" small /><b>${label}</b></button>`;
};
