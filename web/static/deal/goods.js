// The goods of a deal: found by first letters, how many, at which price, and what they come to.

import { decimal, money, t } from "../say.js";
import { html } from "../ui.js";
import { isPrice, lineKey, lineSum, MOST } from "../desk/basket.js";

export const sumOf = (items) => items.reduce((sum, item) => sum + lineSum(item), 0);

const Line = ({ item, fixed, change, drop, back }) => {
  const amount = (event) => {
    const quantity = Math.floor(Number(event.target.value));
    if (quantity >= 1) change({ ...item, quantity: Math.min(MOST, quantity) });
  };
  const tidy = (event) => { event.target.value = item.quantity; };
  const press = (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) { event.preventDefault(); back(); }
  };
  return html`<tr onKeyDown=${press}><td>${item.name}<br /><span class="faint small">${item.sku}</span></td>
    <td class="num"><input class="qty" type="number" min="1" max=${MOST} value=${item.quantity} readonly=${fixed} onInput=${amount} onBlur=${tidy} aria-label=${t("Quantity of {what}", { what: item.name })} /></td>
    <td class="num"><input class="own price" inputmode="decimal" value=${item.price} readonly=${fixed} onInput=${(event) => change({ ...item, price: event.target.value })} aria-invalid=${!isPrice(item.price)} aria-label=${t("Price of {what}", { what: item.name })} /></td>
    <td class="num">${money(decimal(lineSum(item)))}</td>
    <td class="num">${fixed ? null : html`<button type="button" class="remove" onClick=${drop} aria-label=${t("Remove {what}", { what: item.name })}>×</button>`}</td></tr>`;
};

export const Goods = ({ items, currency, fixed, set, back }) => {
  if (!items.length) return fixed ? null : html`<p class="empty-order faint">${t("Type the first letters of a product and press Enter; 3* before it takes three. A deal may have no goods yet.")}</p>`;
  const change = (index) => (item) => set(items.map((old, at) => (at === index ? item : old)));
  const drop = (index) => () => { set(items.filter((_, at) => at !== index)); back(); };
  return html`<table class="basket"><thead><tr><th>${t("Item")}</th><th class="num">${t("Qty")}</th><th class="num">${t("Price")}</th><th class="num">${t("Sum")}</th><th><span class="unseen">${t("Remove")}</span></th></tr></thead>
    <tbody>${items.map((item, index) => html`<${Line} key=${lineKey(item)} item=${item} fixed=${fixed} change=${change(index)} drop=${drop(index)} back=${back} />`)}</tbody>
    <tfoot><tr><th colspan="3">${t("Together")}</th><td class="num"><b>${money(decimal(sumOf(items)), currency)}</b></td><td></td></tr></tfoot></table>`;
};
