// The goods of an order on its page: found by first letters, barcode or article as on the desk, each a new line of the form.
// Without script the last line takes an article by its SKU.

import { render } from "./vendor/preact.js";
import { ProductSearch } from "./desk/products.js";
import { MOST } from "./desk/basket.js";
import { bind } from "./keys.js";
import { lineSumOf, watchTotal } from "./order-total.js";
import { money, t } from "./say.js";
import { made, makes } from "./typed.js";
import { html } from "./ui.js";

const TYPED = ["quantity", "price", "line_discount"];
const named = (row, name) => row.querySelector(`[name="${name}"]`);

let unbind = () => {};

const lines = (form) => {
  if (form.dataset.goods) return;  // done already
  form.dataset.goods = "found";
  const { shop, customer, currency } = form.dataset;
  const blanks = [...form.querySelectorAll("tr[data-add]")];
  const pattern = blanks[0].cloneNode(true);
  const list = blanks[0].parentNode;
  const field = { current: null };

  const sum = (row) => {
    const known = lineSumOf(row);
    if (known !== null) row.lastElementChild.textContent = money(known, currency);
  };

  /** The line of a product that is not in the order yet. */
  const line = (row, product) => {
    const { id, sku, name, price } = product;
    row.dataset.made = JSON.stringify(product);
    if (id) named(row, "product_id").value = id;
    const article = named(row, "sku");
    article.type = "hidden";
    article.value = sku;
    article.after(name, Object.assign(document.createElement("span"), { className: "sub", textContent: name === sku ? "" : sku }));
    named(row, "quantity").ariaLabel = t("Quantity of {what}", { what: name });
    named(row, "price").ariaLabel = t("Price of {what}", { what: name });
    named(row, "line_discount").ariaLabel = t("Discount on {what}", { what: name });
    if (price) Object.assign(named(row, "price"), { placeholder: price }).dataset.list = price;
  };

  const lineWith = (product) => [...list.rows].find((row) => named(row, "product_id")?.value === String(product.id) || named(row, "sku")?.value === product.sku);
  const placed = (product) => {
    const row = pattern.cloneNode(true);
    line(row, product);
    list.append(row);
    return row;
  };
  const keep = () => made(form, [...list.querySelectorAll("tr[data-made]")].map((row) =>
    ({ product: JSON.parse(row.dataset.made), typed: TYPED.map((name) => named(row, name).value) })));

  const add = (product, count) => {
    const same = lineWith(product);
    const quantity = named(same ?? placed(product), "quantity");
    quantity.value = Math.min(MOST, count + (same ? Number(quantity.value) : 0));
    quantity.dispatchEvent(new Event("input", { bubbles: true }));
    field.current?.focus();
  };

  /** Lines that were added before the page was loaded anew; what is in the order by now was added by somebody else. */
  const addAgain = (things) => {
    for (const { product, typed } of things) {
      if (lineWith(product)) continue;
      const row = placed(product);
      TYPED.forEach((name, place) => { named(row, name).value = typed[place]; });
      sum(row);
    }
    keep();
    look();
  };

  for (const row of blanks) named(row, "sku").value ? line(row, { sku: named(row, "sku").value, name: named(row, "sku").value }) : row.remove();
  list.addEventListener("input", (event) => { sum(event.target.closest("tr")); keep(); });
  const look = watchTotal(form);
  makes(form, addAgain);
  const place = form.querySelector(".find-goods");
  place.hidden = false;
  render(html`<${ProductSearch} field=${field} shopId=${shop} customerId=${customer} currency=${currency} add=${add} />`, place);
  unbind();
  unbind = bind("F2", t("Find a product"), () => field.current?.focus());
};

/** Of every order in `root`; of the page itself without being asked. */
export const fitGoods = (root) => root.querySelectorAll("form[data-goods]").forEach(lines);
fitGoods(document);
