// The lines of an order that is being taken: what is added again only counts more.

import { cents, decimal } from "../say.js";

export const MOST = 9999;
const OFF = /^(\d{1,7}(?:[.,]\d{1,2})?) ?(%?)$/;
const PRICE = /^\d{1,7}([.,]\d{1,2})?$/;

/** True for a discount written as "10 %" or "5.00" (or none), and for a price. */
export const isOff = (text) => !text?.trim() || OFF.test(text.trim());
export const isPrice = (text) => PRICE.test(String(text).trim());

/** A discount in the words of the API; {} for none. */
export const off = (text) => {
  const found = OFF.exec(text?.trim() ?? "");
  if (!found) return {};
  return { [found[2] ? "discount_percent" : "discount_amount"]: found[1].replace(",", ".") };
};

/** The same the other way round, as people write it. */
export const saidOff = (percent, amount) => {
  if (Number(percent)) return `${Number(percent)} %`;
  return Number(amount) ? amount : "";
};

/** What makes two lines the same: the product, else the article the site named, else its name. */
export const lineKey = (item) => item.product_id ?? `${item.sku ?? ""}/${item.name}`;

/** The list with one more product (as the search gives it) or line (as a cart gives it). */
export const added = (list, one) => {
  const line = { product_id: one.product_id, sku: one.sku, name: one.name, price: String(one.price), quantity: one.quantity ?? 1, stock: one.stock };
  const known = list.find((item) => lineKey(item) === lineKey(line));
  if (known) return list.map((item) => (item === known ? { ...item, quantity: Math.min(MOST, item.quantity + line.quantity) } : item));
  return [...list, line];
};

/** What stands at the line before the server has answered, in hundredths. */
export const lineSum = (item) => (isPrice(item.price) ? cents(item.price) * item.quantity : 0);

/** A line as the server wants it; what is no product of ours is named. */
export const wanted = (item) => ({
  ...(item.product_id ? { product_id: item.product_id } : { name: item.name, ...(item.sku ? { sku: item.sku } : {}) }),
  quantity: item.quantity, price: decimal(cents(item.price)), ...off(item.off),
});
