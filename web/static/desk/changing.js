// An order that is there is changed in the form of a new one: what it was, what is different, and whose change holds.

import { api } from "../api.js";
import { saidOff } from "./basket.js";
import { besides, draftOf, EMPTY } from "./draft.js";
import { goods, terms } from "./quote.js";
import { part } from "./store.js";

const TEXTS = ["delivery_address", "delivery_date", "delivery_from", "delivery_until", "payment_method", "comment"];
const TYPED = ["items", "discount", "coupon", "delivery_method", "delivery_cost", "delivery_city", "delivery_postcode", ...TEXTS];
const OF_FIELD = { discount_percent: "discount", discount_amount: "discount", delivery_method_id: "delivery_method" };

const same = (a, b) => JSON.stringify(a ?? "") === JSON.stringify(b ?? "");

/** The order as somebody would have typed it. */
export const asDraft = (order) => {
  const byRate = order.delivery_method_id && !order.delivery_by_hand;
  return {
    ...Object.fromEntries(TYPED.map((name) => [name, order[name] ?? ""])), shop_id: order.shop_id,
    items: order.items.map((item) => ({
      product_id: item.product_id ?? undefined, sku: item.sku, name: item.name, price: item.price, quantity: item.quantity,
      ...(saidOff(item.discount_percent, item.discount_amount) ? { off: saidOff(item.discount_percent, item.discount_amount) } : {}),
    })),
    discount: saidOff(order.discount_percent, order.discount_amount),
    delivery_cost: byRate || !Number(order.delivery_cost) ? "" : order.delivery_cost,
  };
};

/** Takes an order into the form; a new one that was begun is laid aside until this is done. */
export const begin = async (entry, id) => {
  const order = await api.get(`/orders/${id}`);
  const kept = draftOf(entry);
  const now = kept.value.peek();
  const aside = now.edits ? now.aside : now.items.length || now.deal ? now : undefined;  // what stands besides it goes on being typed
  const base = asDraft(order);
  kept.set({ ...base, edits: { id, number: order.number, version: order.version, total: order.total, base }, ...(aside ? { aside } : {}), ...besides(now) });
  part.value = "order";
};

/** What is left when this order is done with: what was laid aside, and what else was typed. */
export const rest = (draft) => ({ ...(draft.aside ?? EMPTY), ...besides(draft) });

const different = (draft) => TYPED.filter((name) => !same(draft[name], draft.edits.base[name]));

export const isChanged = (draft) => different(draft).length > 0;

/** The words of the API for what is different. */
export const changes = (draft, offers) => {
  const agreed = terms(draft, offers);
  const say = {
    items: () => ({ items: goods(draft).map((line, at) => ({ name: draft.items[at].name, sku: draft.items[at].sku, ...line })) }),
    discount: () => ({ discount_percent: agreed.discount_percent ?? null, discount_amount: agreed.discount_amount ?? null }),
    coupon: () => ({ coupon: agreed.coupon ?? null }),
    delivery_method: () => (agreed.delivery_method_id ? { delivery_method_id: agreed.delivery_method_id } : { delivery_method_id: null, delivery_method: agreed.delivery_method ?? null }),
    delivery_cost: () => ({ delivery_cost: agreed.delivery_cost ?? (agreed.delivery_method_id ? null : "0.00") }),
  };
  const text = (name) => ({ [name]: draft[name]?.trim() || null });
  return Object.assign({}, ...different(draft).map((name) => (say[name] ? say[name]() : text(name))));
};

/** After a clash: mine over the order as it is now, without the `fields` (in the API's words) that are left to the other. */
export const settled = async (draft, fields) => {
  const order = await api.get(`/orders/${draft.edits.id}`);
  const base = asDraft(order);
  const theirs = new Set(fields.map((name) => OF_FIELD[name] ?? name));
  const mine = Object.fromEntries(different(draft).filter((name) => !theirs.has(name)).map((name) => [name, draft[name]]));
  return { ...draft, ...base, ...mine, edits: { ...draft.edits, version: order.version, base } };
};
