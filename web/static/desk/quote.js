// What the order being taken would cost, told by the server: it alone knows discounts, coupons and rates of delivery.

import { useEffect, useState } from "../vendor/hooks.js";
import { api, Refused } from "../api.js";
import { cents, decimal } from "../say.js";
import { wanted } from "./basket.js";

const PAUSE_MS = 250;
const COST = /^\d{1,10}([.,]\d{1,2})?$/;
const OFF = /^(\d{1,7}(?:[.,]\d{1,2})?) ?(%?)$/;

/** True for a sum (or none) and for a discount written as "10 %" or "5.00" (or none). */
export const isCost = (text) => !text?.trim() || COST.test(text.trim());
export const isOff = (text) => !text?.trim() || OFF.test(text.trim());

export const costOf = (draft) => (draft.delivery_cost?.trim() && isCost(draft.delivery_cost) ? cents(draft.delivery_cost.trim()) : null);

const off = (text) => {
  const found = OFF.exec(text?.trim() ?? "");
  if (!found) return {};
  return { [found[2] ? "discount_percent" : "discount_amount"]: found[1].replace(",", ".") };
};

/** The typed name of a way of delivery, as one of the shop's or as a word of one's own. */
const delivery = (draft, offers) => {
  const name = draft.delivery_method?.trim();
  const offer = name && (offers ?? []).find((one) => one.name.toLowerCase() === name.toLowerCase());
  const cost = costOf(draft);
  return {
    ...(offer ? { delivery_method_id: offer.id } : name ? { delivery_method: name } : {}),
    ...(cost === null ? {} : { delivery_cost: decimal(cost) }),
  };
};

/** What is agreed besides the goods, in the words of the API. */
export const terms = (draft, offers) => ({
  ...off(draft.discount),
  ...(draft.coupon?.trim() ? { coupon: draft.coupon.trim() } : {}),
  ...(draft.delivery_city?.trim() ? { delivery_city: draft.delivery_city.trim() } : {}),
  ...(draft.delivery_postcode?.trim() ? { delivery_postcode: draft.delivery_postcode.trim() } : {}),
  ...delivery(draft, offers),
});

export const goods = (draft) => draft.items.map((item) => wanted({ ...item, price: decimal(cents(item.price)) }));

const question = (draft, shop, customer, offers) => {
  const { delivery_method: _, ...agreed } = terms(draft, offers);
  return {
    shop_id: shop.id, ...(customer ? { customer_id: customer.id } : {}), items: goods(draft), ...agreed,
    ...(draft.cart_id ? { cart_id: draft.cart_id } : {}),
  };
};

/** The server's answer for the draft as it is, null until there is one. It is asked anew a moment after each change. */
export const useQuote = (draft, shop, customer) => {
  const [quote, setQuote] = useState(null);
  const asked = draft.items.length && shop && isOff(draft.discount) && isCost(draft.delivery_cost)
    ? JSON.stringify(question(draft, shop, customer, quote?.deliveries)) : null;
  useEffect(() => {
    if (!asked) return void setQuote(null);
    let stale = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await api.post("/quotes", JSON.parse(asked));
        if (!stale) setQuote(answer?.sums ? { ...answer, asked } : null);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (!stale) setQuote((old) => (old ? { ...old, asked: null } : null));
      }
    }, PAUSE_MS);
    return () => { stale = true; clearTimeout(timer); };
  }, [asked]);
  return quote && { ...quote, current: quote.asked === asked };
};
