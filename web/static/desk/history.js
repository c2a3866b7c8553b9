// The two columns of the card: what the person has with us, and what was said and promised.

import { useCallback, useState } from "../vendor/hooks.js";
import { lasted, money, t } from "../say.js";
import { Chip, Empty, html, Icon, Key, When } from "../ui.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { useKey } from "../keys.js";
import { Player } from "../player.js";
import { DealDetail, OpenIt, OrderDetail } from "./detail.js";
import { link, linked } from "./links.js";
import { close, isOpen, opened, openNext } from "./opened.js";
import { outcomeName } from "./outcomes.js";
import { Site } from "./site.js";
import { touch } from "./store.js";
import { missed, orderLook, resultName } from "./words.js";

const LinkIt = ({ entry: { call, card }, kind, id, label }) => {
  if (linked(card, kind, id)) return html`<span class="about-this" title=${t("This call is about it")}><${Icon} name="link" small /></span>`;
  return html`<button type="button" class="link-it" title=${t("This call is about {what}", { what: label })} aria-label=${t("This call is about {what}", { what: label })}
    onClick=${() => link(call.id, kind, id)}><${Icon} name="link" small /></button>`;
};

const paidWord = (order) => {
  const [paid, total] = [Number(order.paid ?? 0), Number(order.total)];
  if (paid >= total) return t("paid");
  return order.open ? t("{sum} to pay", { sum: money(total - paid, order.currency) }) : "";
};

const Order = ({ entry, order }) => {
  const detail = [order.items, order.delivery_method, order.tracking, paidWord(order)].filter(Boolean).join(" · ");
  return html`<div class="row owned"><${Chip} tone=${orderLook(order)} dot>${order.status_label}<//>
    <${OpenIt} entry=${entry} kind="order" id=${order.id} label=${order.number} /><span class="end"><span>${money(order.total, order.currency)}</span><${LinkIt} entry=${entry} kind="order" id=${order.id} label=${order.number} /></span>
    ${isOpen(entry, "order", order.id) ? html`<${OrderDetail} entry=${entry} order=${order} />`
      : html`<p>${detail}${detail ? " · " : ""}<${When} at=${order.created_at} /></p>`}</div>`;
};

const Deal = ({ entry, deal }) => html`<div class="row owned"><${Chip} tone=${deal.open ? "vip" : ""}>${deal.stage_label}<//>
  <${OpenIt} entry=${entry} kind="deal" id=${deal.id} label=${deal.title} /><span class="end"><span>${money(deal.amount, deal.currency)}</span><${LinkIt} entry=${entry} kind="deal" id=${deal.id} label=${deal.title} /></span>
  ${isOpen(entry, "deal", deal.id) ? html`<${DealDetail} entry=${entry} deal=${deal} />` : html`<p>${t("Deal")}${deal.funnel ? ` · ${deal.funnel}` : ""}</p>`}</div>`;

export const Owns = ({ entry }) => {
  const { orders = [], deals = [] } = entry.card;
  const any = orders.length + deals.length > 0;
  useKey("v", t("View the next order or deal"), useCallback(() => openNext(entry), [entry]), any);
  useKey("Escape", t("Close the order or deal"), useCallback(() => close(entry), [entry]), Boolean(opened(entry)) && !["wrap_up", "ended"].includes(entry.call.state));  // in a wrap-up Esc leads back to it
  return html`<section><h2>${t("Orders and deals")}${any ? html` <${Key}>V<//>` : null}</h2>
    ${orders.map((order) => html`<${Order} key=${`o${order.id}`} entry=${entry} order=${order} />`)}
    ${deals.map((deal) => html`<${Deal} key=${`d${deal.id}`} entry=${entry} deal=${deal} />`)}
    ${any ? null : html`<${Empty} title=${t("Nothing yet")}>${t("The first order can be taken at the right.")}<//>`}</section>`;
};

const finishTask = async (task, { call, card }) => {
  try {
    if (task.kind === "callback") await api.patch(`/callbacks/${task.id}`, { state: "done" });
    else await api.put(`/tasks/${task.id}/state`, { state: "done" });
    touch(call.id, { tasks: card.tasks.filter((one) => one.id !== task.id || one.kind !== task.kind) });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: task.kind === "callback" ? t("The callback is still open") : t("The task is still open"), tone: "error" });
  }
};

const dueWord = (task) => (task.overdue ? t("overdue") : task.due_at ? t("due") : t("to do"));

const Task = ({ task, entry }) => html`<div class="row task"><${Chip} tone=${task.overdue ? "miss" : "ring"} dot>${dueWord(task)} <${When} at=${task.due_at} /><//>
  <span class="faint clip">${task.assigned_to}</span>${task.kind === "courier" ? null : html`<button type="button" class="btn tight" onClick=${() => finishTask(task, entry)}>${t("Done")}</button>`}
  <p>${task.kind === "callback" ? html`<b>${task.reason}</b>` : html`<a class="plain" href=${`/tasks/${task.id}`}><b>${task.reason}</b></a>`}${task.note ? ` — ${task.note}` : ""}</p></div>`;

const Note = ({ note }) => html`<div class="row"><span class="faint"><${When} at=${note.at} /></span><span class="said-text">${note.text}</span><span class="faint">${note.author}</span></div>`;

const PastCall = ({ past }) => {
  const [open, setOpen] = useState(false);
  return html`<div class="row"><span class="faint"><${When} at=${past.started_at} /></span>
    <span><a class=${missed(past) ? "missed" : "plain"} href=${`/calls/${past.id}`}><b>${resultName(past)}</b></a>${past.disposition ? html` · ${outcomeName(past.disposition)}` : null}${past.talk_s ? html` · <span class="faint">${lasted(past.talk_s)}</span>` : null}</span>
    <span class="end faint">${past.operator?.name ?? past.operator}${past.recorded ? html`<button type="button" class="link-it" aria-expanded=${open} aria-label=${t("Recording and text")} title=${t("Recording and text")} onClick=${() => setOpen(!open)}><${Icon} name="play" small /></button>` : null}</span>
    ${past.note ? html`<p>${past.note}</p>` : null}${open ? html`<div class="heard"><${Player} callId=${past.id} /></div>` : null}</div>`;
};

export const Said = ({ entry }) => {
  const { call, card } = entry;
  const { tasks = [], notes = [], calls = [] } = card;
  const past = calls.filter((one) => one.id !== call.id);
  return html`<section><${Site} entry=${entry} /><h2>${t("What was said and promised")}</h2>
    ${tasks.map((task) => html`<${Task} key=${`${task.kind}${task.id}`} task=${task} entry=${entry} />`)}
    ${notes.map((note) => html`<${Note} key=${`n${note.id}`} note=${note} />`)}
    ${past.map((one) => html`<${PastCall} key=${one.id} past=${one} />`)}
    ${tasks.length + notes.length + past.length ? null : html`<${Empty} title=${t("Nobody has talked yet")} />`}</section>`;
};
