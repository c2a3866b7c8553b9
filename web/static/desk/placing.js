// The order leaves the desk exactly once: it carries a key, so it may be sent again until somebody answers.

import { useCallback, useEffect, useState } from "../vendor/hooks.js";
import { api, Refused } from "../api.js";
import { money, t } from "../say.js";
import { toast } from "../toast.js";
import { changes, isChanged, rest } from "./changing.js";
import { readDraft } from "./draft.js";
import { newKey, untilAnswered } from "./once.js";
import { goods, readable, terms } from "./quote.js";

const TEXTS = ["delivery_address", "comment", "delivery_date", "delivery_from", "delivery_until", "payment_method"];

/** What is said of the order, in the words of the API; `draft` is filled with what it begins with. */
export const wish = ({ call, card }, draft, shop, offers) => {
  const body = {
    customer_id: card.customer.id, shop_id: shop.id, call_id: call.id, items: goods(draft), ...terms(draft, offers),
    ...(draft.cart_id ? { cart_id: draft.cart_id } : {}), ...(draft.deal_id ? { deal_id: draft.deal_id } : {}),
  };
  for (const name of TEXTS) if (draft[name]?.trim()) body[name] = draft[name].trim();
  return body;
};

/** Names what was read aloud: the tick stands only for this. */
export const readOut = (entry, draft, shop, offers, total) => JSON.stringify([draft.edits ? changes(draft, offers) : wish(entry, draft, shop, offers), total]);

/** Why the order can not be placed yet; "" when it can. */
const lacking = ({ card }, draft, shop, confirmed) => {
  if (!draft.items.length) return t("Add what is ordered.");
  if (!card?.customer) return t("Say first who it is.");
  if (!shop) return t("Choose the shop.");
  if (!readable(draft)) return t("Something typed is no sum and no discount: it is marked.");
  if (draft.edits && !isChanged(draft) && !confirmed) return t("Nothing is different yet.");
  return "";
};

const send = (entry, draft, shop, offers, confirmed) => (options) => {
  const more = { key: draft.key, ...(confirmed ? { confirmed } : {}), ...(draft.beyond ? { beyond_stock: true } : {}) };
  const used = entry.kept?.place ? { draft: entry.kept.place } : {};
  if (!draft.edits) return api.post("/orders", { ...wish(entry, draft, shop, offers), ...more, ...used }, options);
  const body = { ...changes(draft, offers), version: draft.edits.version, call_id: entry.call.id, ...more };
  return api.patch(`/orders/${draft.edits.id}`, body, options);
};

const done = (draft, order, shop) => toast(t("Total {sum}", { sum: money(order.total, order.currency ?? shop.currency) }), {
  title: draft.edits ? t("Order {number} is changed", { number: order.number }) : t("Order {number} is placed", { number: order.number }), tone: "good",
});

/** The order in the draft is used up: here, and on the server, which emptied that of a new order itself. */
const useUp = async (entry, kept) => {
  if (entry.kept) return kept.take(rest(kept.value.peek()), 0);
  const known = await readDraft(entry.call.id).catch((error) => { if (error instanceof Refused) return null; throw error; });
  const left = rest(kept.value.peek());  // what else was typed meanwhile stays
  kept.take(left, known?.version ?? kept.version);
  kept.thaw();
  if (JSON.stringify(known?.body) !== JSON.stringify(left)) {
    kept.set(left);
    await kept.flush();
  }
};

const running = new Set();  // of which calls the order is on its way

/** {go, busy, waits, refusal, clash, lack}; `draft` is filled. What was being sent when the page went is sent again. */
export const usePlacing = (entry, kept, draft, shop, offers, confirmed) => {
  const [state, setState] = useState({ busy: false, waits: false, refusal: null });
  const { id } = entry.call;
  const lack = lacking(entry, draft, shop, confirmed);
  const go = useCallback(async () => {
    if (lack || running.has(id)) return;
    running.add(id);
    setState({ busy: true, waits: false, refusal: null });
    await kept.freeze();
    const typed = kept.value.peek();
    const sent = { ...draft, key: typed.key ?? newKey() };
    kept.set({ ...typed, key: sent.key, sending: true });
    try {
      const order = await untilAnswered(send(entry, sent, shop, offers, confirmed), () => setState({ busy: true, waits: true, refusal: null }));
      await useUp(entry, kept);
      done(sent, order, shop);
      entry.placed?.(order);
      setState({ busy: false, waits: false, refusal: null });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { sending: _, ...left } = kept.value.peek();
      kept.thaw();
      kept.set(left);
      setState({ busy: false, waits: false, refusal: error });
    } finally {
      running.delete(id);
    }
  }, [entry, draft, shop, offers, lack, confirmed]);
  useEffect(() => { if (kept.value.peek().sending && shop && !lack) go(); }, [Boolean(shop), lack]);
  return { ...state, lack, go, forget: () => setState({ busy: false, waits: false, refusal: null }) };
};

/** Field → why it was refused, from the quote's problems and the last refusal. */
export const wrongs = (quote, refusal) => {
  const errors = [...(quote?.problems ?? []), ...(refusal?.problem.errors ?? [])];
  return Object.fromEntries(errors.reverse().filter((one) => one.field).map((one) => [AT[one.field] ?? one.field, one.message]));
};
const AT = { discount_percent: "discount", discount_amount: "discount", delivery_method_id: "delivery_method" };

