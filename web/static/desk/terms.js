// Discount, coupon, delivery and comment of the order being taken, and what it all comes to.

import { cents, decimal, money, t } from "../say.js";
import { html } from "../ui.js";
import { costOf } from "./quote.js";

export const addressOf = ({ customer }) => [customer?.address, customer?.city].filter(Boolean).join(", ");

const Offers = ({ offers, known, currency }) => html`<datalist id="methods">
  ${offers.map((one) => html`<option key=${one.id} value=${one.name}>${one.cost === null ? t("does not go there") : money(one.cost, currency)}</option>`)}
  ${known.filter((name) => !offers.some((one) => one.name === name)).map((name) => html`<option key=${name} value=${name} />`)}</datalist>`;

export const Terms = ({ draft, set, card, quote, currency }) => {
  const known = [...new Set((card.orders ?? []).map((order) => order.delivery_method).filter(Boolean))];
  const offers = quote?.deliveries ?? [];
  const text = (field) => (event) => set({ [field]: event.target.value });
  const field = (name, label, more = {}) => html`<label class="field"><span>${label}</span><input value=${draft[name] ?? ""} onInput=${text(name)} autocomplete="off" ...${more} /></label>`;
  const byRate = costOf(draft) === null && quote ? decimal(cents(quote.delivery_cost)) : "0.00";
  return html`<div class="delivery">
    <div class="pair">${field("discount", t("Discount"), { placeholder: "10 %" })}${field("coupon", t("Coupon"))}</div>
    <div class="pair">${field("delivery_method", t("Delivery by"), { list: "methods" })}${field("delivery_cost", t("Delivery costs"), { inputmode: "decimal", class: "num", placeholder: byRate })}</div>
    <${Offers} offers=${offers} known=${known} currency=${currency} />
    ${offers.length ? html`<div class="pair">${field("delivery_city", t("City"), { placeholder: card.customer?.city ?? "" })}${field("delivery_postcode", t("Postcode"))}</div>` : null}
    <div class="pair">${field("delivery_date", t("Delivery on"), { type: "date" })}<div class="pair">${field("delivery_from", t("from"), { type: "time" })}${field("delivery_until", t("until"), { type: "time" })}</div></div>
    <label class="field"><span>${t("Address")}</span><textarea class="short" rows="2" value=${draft.delivery_address ?? addressOf(card)} onInput=${text("delivery_address")} /></label>
    ${field("comment", t("Comment"))}</div>`;
};

const Row = ({ label, value, currency, less }) => html`<span class="muted">${label}</span><span class="num">${less ? "− " : ""}${money(value, currency)}</span>`;

/** The server's sums; before it has answered only what goods and a typed delivery come to. */
export const Total = ({ draft, goods, currency, quote }) => {
  const delivery = decimal(costOf(draft) ?? 0);
  const sums = quote?.sums ?? { goods: decimal(goods), discount: "0", coupon: "0", delivery, total: decimal(goods + cents(delivery)) };
  return html`<${Row} label=${t("Goods")} value=${sums.goods} currency=${currency} />
    ${cents(sums.discount) ? html`<${Row} label=${t("Discount")} value=${sums.discount} currency=${currency} less />` : null}
    ${cents(sums.coupon) ? html`<${Row} label=${t("Coupon")} value=${sums.coupon} currency=${currency} less />` : null}
    <${Row} label=${t("Delivery")} value=${sums.delivery} currency=${currency} />
    <b>${t("Total")}</b><b class="num" aria-live="polite">${money(sums.total, currency)}</b>
    ${(quote?.problems ?? []).map((one) => html`<p key=${one.message} class="care small" role="alert">${one.message}</p>`)}`;
};
