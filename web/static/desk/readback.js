// Everything to say aloud on one screen, before the order is placed; the customer's yes is kept with the call's time.

import { useEffect, useRef } from "../vendor/hooks.js";
import { money, t } from "../say.js";
import { html, Key } from "../ui.js";
import { useTold } from "../keys.js";
import { countSaid, daySaid, sumSaid, windowSaid } from "../spoken.js";
import { PAY_BY } from "./terms.js";

const Missing = ({ children }) => html`<span class="care">${children}</span>`;

const Part = ({ name, children }) => html`<div class="say"><h3>${name}</h3><div>${children}</div></div>`;

const Goods = ({ draft, quote, currency }) => html`<ul>${draft.items.map((item, index) => {
  const sum = quote?.items?.[index]?.sum;
  return html`<li key=${index}><b>${countSaid(item.quantity)}</b> × ${item.name} <span class="faint">${sum ? money(sum, currency) : ""}</span></li>`;
})}</ul>`;

const When = ({ draft }) => {
  if (!draft.delivery_date) return html`<${Missing}>${t("No day was said.")}<//>`;
  return html`<b>${daySaid(draft.delivery_date)}</b> ${windowSaid(draft.delivery_from, draft.delivery_until)}`;
};

export const ReadBack = ({ entry, draft, quote, currency, confirmed, tick, close }) => {
  const box = useRef(null);
  useEffect(() => { box.current?.focus(); }, []);
  useTold("⏎", t("In the read-back: the customer said yes"));
  const total = quote?.sums?.total;
  const who = entry.card.customer;
  const number = entry.call.remote?.display ?? entry.call.remote?.raw ?? who?.numbers?.[0]?.display;
  const less = Number(quote?.sums?.discount ?? 0) + Number(quote?.sums?.coupon ?? 0);
  return html`<section class="read-back" aria-label=${t("Read back to the customer")}>
    <div class="read-head"><h2>${t("Say it aloud")}</h2><button type="button" class="btn tight" onClick=${close}>${t("Back")} <${Key}>F4<//></button></div>
    <${Part} name=${t("For")}><b>${who?.name}</b>${number ? ` · ${number}` : ""}<//>
    <${Part} name=${t("Goods")}><${Goods} draft=${draft} quote=${quote} currency=${currency} /><//>
    <${Part} name=${t("Delivery")}>${draft.delivery_method?.trim() ? html`<b>${draft.delivery_method}</b>, ` : html`<${Missing}>${t("No way of delivery was said.")}<//> `}<${When} draft=${draft} />
      <p>${draft.delivery_address?.trim() || html`<${Missing}>${t("No address was said.")}<//>`}</p><//>
    <${Part} name=${t("Payment")}>${draft.payment_method ? html`<b>${PAY_BY[draft.payment_method]()}</b>` : html`<${Missing}>${t("Nothing was said about payment.")}<//>`}<//>
    <${Part} name=${t("Together")}><b class="total">${total ? sumSaid(total, currency) : "…"}</b><p class="muted">${money(total, currency)}${Number(quote?.sums?.delivery) ? ` · ${t("{sum} of it delivery", { sum: money(quote.sums.delivery, currency) })}` : ""}${less ? ` · ${t("{sum} taken off", { sum: money(less, currency) })}` : ""}</p><//>
    <label class="yes"><input type="checkbox" ref=${box} checked=${confirmed} disabled=${!total} onChange=${(event) => tick(event.target.checked)} onKeyDown=${(event) => { if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) { event.preventDefault(); tick(!confirmed); } }} /> <span>${t("The customer said yes")}</span> <${Key}>⏎<//></label></section>`;
};
