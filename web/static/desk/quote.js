// What the order being taken would cost, told by the server: it alone knows discounts, coupons and rates of delivery,
// and who else has the last piece in a call.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { api, Refused } from "../api.js";
import { cents, decimal } from "../say.js";
import { isOff, isPrice, off, wanted } from "./basket.js";
import { scarce } from "./store.js";

const PAUSE_MS = 200;
const RETRY_MS = 2000;
const AGAIN_MS = 20000;  // a piece that another call holds comes free without anybody doing something
const COST = /^\d{1,10}([.,]\d{1,2})?$/;

/** True for a sum (or none). */
export const isCost = (text) => !text?.trim() || COST.test(text.trim());
export const costOf = (draft) => (draft.delivery_cost?.trim() && isCost(draft.delivery_cost) ? cents(draft.delivery_cost.trim()) : null);

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

export const goods = (draft) => draft.items.map(wanted);

/** True when everything typed is a sum, a discount, a price. */
export const readable = (draft) => isOff(draft.discount) && isCost(draft.delivery_cost) && draft.items.every((item) => isPrice(item.price) && isOff(item.off));

const question = (draft, shop, { call, card }, offers) => {
  const { delivery_method: _, ...agreed } = terms(draft, offers);
  return {
    shop_id: shop.id, ...(card?.customer ? { customer_id: card.customer.id } : {}), call_id: call.id, items: goods(draft), ...agreed,
    ...(draft.edits ? { order_id: draft.edits.id } : {}), ...(draft.cart_id ? { cart_id: draft.cart_id } : {}),
  };
};

/** Asks anew whenever something of `draft` is scarce now, and again and again while somebody else has it. */
const useScarcity = (draft, quote, setCount) => {
  const news = scarce.value;
  const seen = useRef(news);
  useEffect(() => {
    if (seen.current === news) return;
    seen.current = news;
    if (draft.items.some((item) => news.includes(item.product_id))) setCount((now) => now + 1);
  }, [news]);
  const waits = Boolean(quote?.items?.some((line) => line.ahead?.length));
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(() => setCount((now) => now + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, [waits]);
};

/** The server's answer for the draft as it is, null until there is one. It is asked anew a moment after each change. */
export const useQuote = (draft, shop, entry) => {
  const [quote, setQuote] = useState(null);
  const [count, setCount] = useState(0);
  useScarcity(draft, quote, setCount);
  const asked = draft.items.length && shop && readable(draft) ? JSON.stringify(question(draft, shop, entry, quote?.deliveries)) : null;
  useEffect(() => {
    if (!asked) return void setQuote(null);
    let stale = false;
    let timer = setTimeout(async () => {
      try {
        const answer = await api.post("/quotes", JSON.parse(asked));
        if (!stale) setQuote(answer?.sums ? { ...answer, asked } : null);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const problems = error.passing ? undefined : [{ field: "items", message: error.message }];
        if (!stale && error.passing) timer = setTimeout(() => setCount((now) => now + 1), RETRY_MS);
        if (!stale) setQuote((old) => (old || problems ? { ...old, ...(problems ? { problems } : {}), asked: null } : null));
      }
    }, PAUSE_MS);
    return () => { stale = true; clearTimeout(timer); };
  }, [asked, count]);
  return quote && { ...quote, current: quote.asked === asked };
};
