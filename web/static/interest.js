// What a lead is interested in, found by first letters, barcode or article as for an order; choosing it puts it down.
// Without script the form takes an article by its SKU.

import { render } from "./vendor/preact.js";
import { ProductSearch } from "./desk/products.js";
import { bind } from "./keys.js";
import { t } from "./say.js";
import { html } from "./ui.js";

let unbind = () => {};

const finds = (form) => {
  const place = form.querySelector(".find-goods");
  if (!place.hidden) return;  // done already
  const { sku, quantity } = form.elements;
  const add = (product, count) => {
    sku.value = product.sku;
    quantity.value = count;
    form.requestSubmit();
  };
  form.querySelectorAll(".pair, .go").forEach((part) => { part.hidden = true; });
  place.hidden = false;
  const field = { current: null };
  render(html`<${ProductSearch} field=${field} shopId=${form.dataset.interest || undefined} currency=${form.dataset.currency || undefined} add=${add} />`, place);
  unbind();
  unbind = bind("F2", t("Find a product"), () => field.current?.focus());
};

/** Of every lead in `root`; of the page itself without being asked. */
export const fitInterest = (root) => root.querySelectorAll("form[data-interest]").forEach(finds);
fitInterest(document);
