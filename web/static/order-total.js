// What the order on its page would come to as it is typed: the server's own quote, of which nothing is kept.
// Goods, discount and coupon stand in one form, delivery in another; each is saved by itself, both count here.

import { render } from "./vendor/preact.js";
import { api, Refused } from "./api.js";
import { isOff, isPrice, lineSum, off } from "./desk/basket.js";
import { atSupplier } from "./desk/products.js";
import { isCost } from "./desk/quote.js";
import { cents, decimal, money, t, tn } from "./say.js";
import { latest } from "./search.js";
import { html } from "./ui.js";

const PAUSE_MS = 200;
const RETRY_MS = 2000;
const ask = latest((question, options) => api.post("/quotes", question, options));

const written = (place, name) => place?.querySelector(`[name="${name}"]`)?.value.trim() ?? "";
const plain = (sum) => decimal(cents(sum));

const lineOf = (row) => {
  const [id, sku, name, price] = ["product_id", "sku", "name", "price"].map((field) => written(row, field));
  return {
    ...(id ? { product_id: Number(id) } : { name: name || sku, sku }), quantity: Number(written(row, "quantity")),
    ...(price ? { price: plain(price) } : {}), ...off(written(row, "line_discount")),
  };
};

/** The lines that would be sold: a line without a number of pieces is none. */
const sold = (rows) => rows.filter((row) => (written(row, "sku") || written(row, "name")) && Number(written(row, "quantity")) > 0);

/** Where it goes and what that costs, as the other form says it. */
const brought = (form, before) => {
  const [method, cost] = [written(form, "delivery_method_id"), written(form, "delivery_cost")];
  const places = Object.fromEntries(["delivery_city", "delivery_region", "delivery_postcode"].map((name) => [name, written(form, name)]));
  const sum = cost ? plain(cost) : method ? undefined : before;
  return { ...places, ...(method ? { delivery_method_id: Number(method) } : {}), ...(sum === undefined ? {} : { delivery_cost: sum }) };
};

const readable = (form, delivery, rows) => isOff(written(form, "discount")) && isCost(written(delivery, "delivery_cost")) &&
  rows.every((row) => (!written(row, "price") || isPrice(written(row, "price"))) && isOff(written(row, "line_discount")));

const Row = ({ label, value, currency, less }) => html`<span class="muted">${label}</span><span class="num">${less ? "− " : ""}${money(value, currency)}</span>`;

const Sums = ({ quote: { sums, margin, problems = [] }, form, current }) => {
  const { currency } = form.dataset;
  return html`${sums ? html`<${Row} label=${t("Goods")} value=${sums.goods} currency=${currency} />
    ${cents(sums.discount) ? html`<${Row} label=${t("Discount")} value=${sums.discount} currency=${currency} less />` : null}
    ${cents(sums.coupon) ? html`<${Row} label=${t("Coupon")} value=${sums.coupon} currency=${currency} less />` : null}
    <${Row} label=${t("Delivery")} value=${sums.delivery} currency=${currency} />
    <b>${t("Total")}</b><b class="num"><output aria-label=${t("Total")} aria-busy=${!current}>${money(sums.total, currency)}</output></b>` : null}
    ${margin ? html`<${Row} label=${t("Margin")} value=${margin} currency=${currency} />` : null}
    ${problems.map((one) => html`<p key=${one.message} class="care small whole" role="alert">${one.message}</p>`)}
    <p class="whole small muted">${t("Not saved yet.")}</p>`;
};

/** What the server knows of a line while it is typed: pieces that may be promised, and what a supplier has. */
const tellLine = (row, line) => {
  const quantity = row.querySelector('[name="quantity"]');
  const short = line && line.free !== null && line.free !== undefined && line.quantity > line.free;
  let note = row.querySelector(".scarce");
  if (!short) return void note?.remove();
  if (!note) quantity.closest("tr").firstElementChild.append((note = Object.assign(document.createElement("span"), { className: "sub scarce few" })));
  const left = line.free > 0 ? tn("only {n} left", "only {n} left", line.free) : t("none left");
  note.textContent = [left, atSupplier(line.suppliers)].filter(Boolean).join(" · ");
};

/** Keeps the sums below `form` true; returns what to call when a line came by itself. */
export const watchTotal = (form) => {
  const place = form.parentNode.querySelector(".sum-lines");
  const delivery = () => document.querySelector('form [name="part"][value="delivery"]')?.form;  // it may come anew
  const saved = [...place.childNodes];
  const savedSums = [...form.querySelectorAll("table.goods tbody tr:not([data-add])")].map((row) => [row.lastElementChild, row.lastElementChild.textContent]);
  const rows = () => sold([...form.querySelectorAll("table.goods tbody tr")]);
  const question = () => ({
    shop_id: Number(form.dataset.shop), customer_id: Number(form.dataset.customer), order_id: Number(form.dataset.order),
    items: rows().map(lineOf), ...off(written(form, "discount")), coupon: written(form, "coupon"), ...brought(delivery(), form.dataset.delivery),
  });
  const words = () => (readable(form, delivery(), rows()) ? JSON.stringify(question()) : null);
  const known = "typed" in form.dataset ? null : words();  // what the sums that stand there are the answer to
  let shown = null;
  let answered = null;
  let timer;

  const draw = (quote, current) => {
    if (!shown) place.replaceChildren();
    shown = quote;
    render(html`<${Sums} quote=${quote} form=${form} current=${current} />`, place);
  };
  const asSaved = () => {
    if (!shown) return;
    [shown, answered] = [null, null];
    render(null, place);
    place.replaceChildren(...saved);
    savedSums.forEach(([cell, sum]) => { cell.textContent = sum; });
    rows().forEach((row) => tellLine(row, null));
  };
  const answer = async (asked) => {
    try {
      const quote = await ask(JSON.parse(asked));
      if (asked !== words() || !quote?.sums) return;
      answered = asked;
      draw(quote, true);
      rows().forEach((row, at) => { row.lastElementChild.textContent = money(quote.items[at].sum, form.dataset.currency); tellLine(row, quote.items[at]); });
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Refused)) throw error;
      if (error.passing) timer = setTimeout(look, RETRY_MS);
      else draw({ ...shown, problems: [{ message: error.message }] }, false);
    }
  };
  const look = () => {
    clearTimeout(timer);
    const asked = words();
    if (asked === null || !rows().length) return;
    if (asked === known) return asSaved();
    if (shown) draw(shown, asked === answered);
    if (asked === answered) return;
    timer = setTimeout(answer, PAUSE_MS, asked);
  };
  const typed = ({ target }) => { if (form.isConnected && [form, delivery()].includes(target.form)) look(); };
  addEventListener("input", typed);
  addEventListener("change", typed);
  if (known === null) look();
  return look;
};

/** What a line comes to before the server has answered; with a discount only it can say. */
export const lineSumOf = (row) => {
  const price = written(row, "price") || row.querySelector('[name="price"]').dataset.list;
  return written(row, "line_discount") ? null : decimal(lineSum({ price, quantity: Number(written(row, "quantity")) }));
};
