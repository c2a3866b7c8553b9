// The goods of a new order on a customer's page: found by first letters, barcode or article as on the desk, at his prices.
// Without script the form takes three articles by their SKU.

import { render } from "./vendor/preact.js";
import { ProductSearch } from "./desk/products.js";
import { MOST } from "./desk/basket.js";
import { bind } from "./keys.js";
import { money, t } from "./say.js";
import { toast } from "./toast.js";
import { made, makes } from "./typed.js";
import { html } from "./ui.js";

let unbind = () => {};

const finds = (form) => {
  const place = form.querySelector(".find-goods");
  if (!place.hidden) return;  // done already
  const list = form.querySelector(".chosen");
  const field = { current: null };
  const lines = [...form.querySelectorAll(".pair")];
  // [{sku, name, price, quantity}]; what was refused comes back by its SKU alone
  let goods = lines.map((one) => [one.querySelector("[name=sku]").value, one.querySelector("[name=quantity]").value])
    .filter(([sku]) => sku).map(([sku, quantity]) => ({ sku, name: sku, quantity }));
  lines.forEach((one) => one.remove());
  place.hidden = false;

  const shop = () => form.elements.shop_id.value;
  const currency = () => JSON.parse(form.dataset.currencies)[shop()];
  const change = (next) => {
    goods = next;
    made(form, goods.length ? [{ shop: shop(), goods }] : []);
    draw();
  };
  const add = (product, count) => {
    const same = goods.find((one) => one.sku === product.sku);
    const { sku, name, price } = product;
    change(same ? goods.map((one) => (one === same ? { ...one, quantity: Math.min(MOST, Number(one.quantity) + count) } : one)) : [...goods, { sku, name, price, quantity: count }]);
    field.current?.focus();
  };
  const put = (chosen, quantity) => change(goods.map((one) => (one === chosen ? { ...one, quantity } : one)));

  const Chosen = ({ one }) => html`<li><input type="hidden" name="sku" value=${one.sku} data-made="" /><span class="what">${one.name}${one.name === one.sku ? null : html` <span class="faint">${one.sku}</span>`}</span>
    <input class="qty" type="number" name="quantity" min="1" max=${MOST} required value=${one.quantity} data-made="" aria-label=${t("Quantity of {what}", { what: one.name })} onInput=${(event) => put(one, event.target.value)} />
    <span class="num">${money(one.price, currency())}</span>
    <button type="button" class="btn quiet" aria-label=${t("Remove {what}", { what: one.name })} onClick=${() => change(goods.filter((it) => it !== one))}>×</button></li>`;
  const draw = () => {
    render(html`${goods.map((one) => html`<${Chosen} key=${one.sku} one=${one} />`)}`, list);
    render(html`<${ProductSearch} key=${shop()} field=${field} shopId=${shop()} customerId=${form.dataset.newOrder} currency=${currency()} add=${add} />`, place);
  };
  let from = shop();
  let closeOffer = () => {};
  const choose = (kept) => {
    closeOffer();
    form.elements.shop_id.value = from = kept.shop;
    change(kept.goods);
  };
  form.elements.shop_id.addEventListener("change", () => {  // goods are a shop's own
    const before = { shop: from, goods };
    from = shop();
    change([]);
    closeOffer();
    if (!before.goods.length) return;
    const action = { label: t("Undo"), act: () => choose(before) };
    closeOffer = toast(t("What was chosen belongs to the other shop and was taken off."), { tone: "warning", action });
  });
  form.addEventListener("submit", (event) => {
    if (goods.length) return;
    event.preventDefault();
    toast(t("Find what is ordered and choose it; then the order can be placed."), { title: t("Nothing is chosen yet"), tone: "warning" });
    field.current?.focus();
  });
  makes(form, ([kept]) => { if (kept) choose(kept); });
  draw();
  unbind();
  unbind = bind("F2", t("Find a product"), () => { form.closest("details").open = true; field.current?.focus(); });
};

/** Of every customer in `root`; of the page itself without being asked. */
export const fitNewOrder = (root) => root.querySelectorAll("form[data-new-order]").forEach(finds);
fitNewOrder(document);
