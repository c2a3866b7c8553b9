// The lines of an order that is being taken: what is added again only counts more.

export const MOST = 9999;

/** What makes two lines the same: the product, else the article the site named, else its name. */
export const lineKey = (item) => item.product_id ?? `${item.sku ?? ""}/${item.name}`;

/** The list with one more product (as the search gives it) or line (as a cart gives it). */
export const added = (list, one) => {
  const line = { product_id: one.product_id, sku: one.sku, name: one.name, price: String(one.price), quantity: one.quantity ?? 1, stock: one.stock };
  const known = list.find((item) => lineKey(item) === lineKey(line));
  if (known) return list.map((item) => (item === known ? { ...item, quantity: Math.min(MOST, item.quantity + line.quantity) } : item));
  return [...list, line];
};

/** A line as the server wants it; what is no product of ours is named. */
export const wanted = ({ product_id, sku, name, quantity, price }) => (product_id ? { product_id, quantity, price } : { name, ...(sku ? { sku } : {}), quantity, price });
