// What an order begins with before anything is typed: where and how the customer had the last one brought and paid.

/** The order that tells how the next one will probably be: the newest of this shop that was not called off. */
export const lastOf = (card, shop) => {
  const kept = (card?.orders ?? []).filter((order) => !/^(cancelled|returned|lost\..*)$/.test(order.status));
  const newest = (list) => list.reduce((best, order) => (best && best.created_at >= order.created_at ? best : order), null);
  return newest(kept.filter((order) => order.shop_id === shop?.id)) ?? newest(kept);
};

export const addressOf = ({ customer }) => [customer?.address, customer?.city].filter(Boolean).join(", ");

const FROM_LAST = ["delivery_method", "delivery_city", "delivery_postcode", "payment_method"];

/** The draft with what it begins with; what was typed, even to nothing, stays. */
export const filled = (draft, card, shop) => {
  if (draft.edits) return draft;
  const last = lastOf(card, shop);
  const begins = { delivery_address: last?.delivery_address || addressOf(card ?? {}) };
  for (const name of FROM_LAST) if (last?.[name]) begins[name] = last[name];
  return { ...begins, ...Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined && value !== null)) };
};
