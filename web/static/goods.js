// The goods of an order on its page: found by first letters, barcode or article as on the desk, each a new line of the form.
// Without script the last line takes an article by its SKU.

import { render } from "./vendor/preact.js";
import { ProductSearch } from "./desk/products.js";
import { MOST } from "./desk/basket.js";
import { bind } from "./keys.js";
import { lineSumOf, watchTotal } from "./order-total.js";
import { money, t } from "./say.js";
import { html } from "./ui.js";

const named = (row, name) => row.querySelector(`[name="${name}"]`);

const lines = (form) => {
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
  const line = (row, { id, sku, name, price }) => {
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

  const add = (product, count) => {
    const same = [...list.rows].find((row) => named(row, "product_id")?.value === String(product.id) || named(row, "sku")?.value === product.sku);
    const row = same ?? pattern.cloneNode(true);
    const quantity = named(row, "quantity");
    if (!same) {
      line(row, product);
      list.append(row);
    }
    quantity.value = Math.min(MOST, count + (same ? Number(quantity.value) : 0));
    sum(row);
    look();
    field.current?.focus();
  };

  for (const row of blanks) named(row, "sku").value ? line(row, { sku: named(row, "sku").value, name: named(row, "sku").value }) : row.remove();
  list.addEventListener("input", (event) => sum(event.target.closest("tr")));
  const look = watchTotal(form);
  const place = form.querySelector(".find-goods");
  place.hidden = false;
  render(html`<${ProductSearch} field=${field} shopId=${shop} customerId=${customer} currency=${currency} add=${add} />`, place);
  bind("F2", t("Find a product"), () => field.current?.focus());
};

document.querySelectorAll("form[data-goods]").forEach(lines);
