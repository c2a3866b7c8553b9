// Discount, coupon, delivery, payment and comment of the order being taken, and what it all comes to.

import { cents, decimal, money, t } from "../say.js";
import { html, Key } from "../ui.js";
import { isOff } from "./basket.js";
import { lastOf } from "./filled.js";
import { costOf, isCost } from "./quote.js";

export const PAY_BY = { cash: () => t("Cash"), card: () => t("Card"), transfer: () => t("Bank transfer"), online: () => t("Online, by a link"), on_delivery: () => t("On delivery") };
const OTHER = "\u0000";

const offerName = (offer, currency) => `${offer.name} · ${offer.cost === null ? t("does not go there") : money(offer.cost, currency)}`;

/** The shop's ways by their first letter; where it has none, or for another, a name is typed. */
const Method = ({ draft, set, offers, currency, typed }) => {
  const value = draft.delivery_method ?? "";
  const offered = offers.some((one) => one.name === value);
  if (!offers.length) return typed;
  const choose = (event) => set({ delivery_method: event.target.value === OTHER ? " " : event.target.value });
  return html`<label class="field"><span>${t("Delivery by")}</span><select value=${offered || !value ? value : OTHER} onChange=${choose}>
      <option value="">${t("not said yet")}</option>${offers.map((one) => html`<option key=${one.id} value=${one.name}>${offerName(one, currency)}</option>`)}<option value=${OTHER}>${t("another way…")}</option></select></label>
    ${offered || !value ? null : typed}`;
};

const field = (draft, set, wrong) => (name, label, more = {}) => html`<label class="field"><span>${label}</span>
  <input value=${draft[name] ?? ""} onInput=${(event) => set({ [name]: event.target.value })} autocomplete="off" aria-invalid=${Boolean(wrong[name])} aria-describedby=${wrong[name] ? `wrong-${name}` : undefined} ...${more} />
  ${wrong[name] ? html`<small class="wrong" id=${`wrong-${name}`}>${wrong[name]}</small>` : null}</label>`;

/** Enter goes to the next field, so that one hand can stay where it is. */
const onward = (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.target.matches("textarea")) return;
  event.preventDefault();
  const all = [...event.currentTarget.closest(".order").querySelectorAll(".delivery :is(input, select, textarea)")];
  all[all.indexOf(event.target) + 1]?.focus();
};

export const Terms = ({ draft, set, card, shop, quote, currency, wrong: told, first }) => {
  const known = [...new Set((card.orders ?? []).map((order) => order.delivery_method).filter(Boolean))];
  const offers = quote?.deliveries ?? [];
  const last = draft.edits ? null : lastOf(card, shop);
  const wrong = {
    ...told, ...(isOff(draft.discount) ? {} : { discount: t("Write it as 10 % or as a sum.") }), ...(isCost(draft.delivery_cost) ? {} : { delivery_cost: t("This is no sum.") }),
  };
  const one = field(draft, set, wrong);
  const typed = html`${one("delivery_method", offers.length ? t("Another way") : t("Delivery by"), { list: "methods" })}
    <datalist id="methods">${known.map((name) => html`<option key=${name} value=${name} />`)}</datalist>`;
  const byRate = costOf(draft) === null && quote?.sums ? decimal(cents(quote.delivery_cost)) : "0.00";
  return html`<div class="delivery" onKeyDown=${onward}>
    <h3>${t("Delivery and payment")} <${Key}>F8<//>${last?.delivery_address ? html`<span class="faint small">${t("as in {number}", { number: last.number })}</span>` : null}</h3>
    <div class="pair" ref=${first}><${Method} draft=${draft} set=${set} offers=${offers} currency=${currency} typed=${typed} />${one("delivery_cost", t("Delivery costs"), { inputmode: "decimal", class: "num", placeholder: byRate })}</div>
    <div class="pair">${one("delivery_city", t("City"), { placeholder: card.customer?.city ?? "" })}${one("delivery_postcode", t("Postcode"))}</div>
    <label class="field"><span>${t("Address")}</span><textarea class="short" rows="2" value=${draft.delivery_address ?? ""} onInput=${(event) => set({ delivery_address: event.target.value })} /></label>
    <div class="pair">${one("delivery_date", t("Delivery on"), { type: "date" })}<div class="pair">${one("delivery_from", t("from"), { type: "time" })}${one("delivery_until", t("until"), { type: "time" })}</div></div>
    <div class="pair"><label class="field"><span>${t("Payment")}</span><select value=${draft.payment_method ?? ""} onChange=${(event) => set({ payment_method: event.target.value })}>
      <option value="">${t("not said yet")}</option>${Object.entries(PAY_BY).map(([code, name]) => html`<option key=${code} value=${code}>${name()}</option>`)}</select></label>${one("discount", t("Discount"), { placeholder: "10 %" })}</div>
    <div class="pair">${one("coupon", t("Coupon"))}${one("comment", t("Comment"))}</div></div>`;
};

const Row = ({ label, value, currency, less }) => html`<span class="muted">${label}</span><span class="num">${less ? "− " : ""}${money(value, currency)}</span>`;

/** The server's sums; before it has answered only what goods and a typed delivery come to. */
export const Total = ({ draft, goods, currency, quote }) => {
  const delivery = decimal(costOf(draft) ?? 0);
  const sums = quote?.sums ?? { goods: decimal(goods), discount: "0", coupon: "0", delivery, total: decimal(goods + cents(delivery)) };
  const loose = (quote?.problems ?? []).filter((one) => !one.field);
  return html`<${Row} label=${t("Goods")} value=${sums.goods} currency=${currency} />
    ${cents(sums.discount) ? html`<${Row} label=${t("Discount")} value=${sums.discount} currency=${currency} less />` : null}
    ${cents(sums.coupon) ? html`<${Row} label=${t("Coupon")} value=${sums.coupon} currency=${currency} less />` : null}
    <${Row} label=${t("Delivery")} value=${sums.delivery} currency=${currency} />
    ${quote?.margin ? html`<${Row} label=${t("Margin")} value=${quote.margin} currency=${currency} />` : null}
    <b>${t("Total")}</b><b class="num"><output aria-label=${t("Total")}>${money(sums.total, currency)}</output></b>
    ${loose.map((one) => html`<p key=${one.message} class="care small" role="alert">${one.message}</p>`)}`;
};
