// The order being taken by telephone: what, how many, where to, the total at once. Kept as typed with the call.

import { useCallback, useEffect, useState } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { cents, clock, decimal, money, t } from "../say.js";
import { html, Key } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { toast } from "../toast.js";
import { useKey } from "../keys.js";
import { added, lineKey, MOST } from "./basket.js";
import { draftOf } from "./draft.js";
import { keptText } from "./keep.js";
import { ProductSearch } from "./products.js";
import { goods, isCost, isOff, terms, useQuote } from "./quote.js";
import { addressOf, Terms, Total } from "./terms.js";

const shops = signal(null);
const readShops = async () => { shops.value ??= items(await api.get("/shops")); };

export const goodsOf = (list) => list.reduce((sum, item) => sum + cents(item.price) * item.quantity, 0);

const Item = ({ item, currency, change, drop }) => {
  // Taken while it is typed: Ctrl+Enter from this very field must order what it shows.
  const amount = (event) => {
    const quantity = Math.floor(Number(event.target.value));
    if (quantity >= 1) change({ ...item, quantity: Math.min(MOST, quantity) });
  };
  const tidy = (event) => { event.target.value = item.quantity; };
  const short = item.stock !== undefined && item.stock !== null && item.quantity > item.stock;
  return html`<tr><td>${item.name}<br /><span class="faint small">${item.sku}</span>${short ? html` <span class="small few">${t("only {n} left", { n: item.stock })}</span>` : null}</td>
    <td class="num"><input class="qty" type="number" min="1" max=${MOST} value=${item.quantity} onInput=${amount} onBlur=${tidy} aria-label=${t("Quantity of {what}", { what: item.name })} /></td>
    <td class="num">${money(item.price)}</td><td class="num" title=${currency}>${money(decimal(cents(item.price) * item.quantity))}</td>
    <td class="num"><button type="button" class="remove" onClick=${drop} aria-label=${t("Remove {what}", { what: item.name })}>×</button></td></tr>`;
};

const Items = ({ draft, currency, set }) => {
  const change = (index) => (item) => set({ items: draft.items.map((old, at) => (at === index ? item : old)) });
  const drop = (index) => () => set({ items: draft.items.filter((_, at) => at !== index) });
  return html`<table class="basket"><thead><tr><th>${t("Item")}</th><th class="num">${t("Qty")}</th><th class="num">${t("Price")}</th><th class="num">${t("Sum")}</th><th><span class="unseen">${t("Remove")}</span></th></tr></thead>
    <tbody>${draft.items.map((item, index) => html`<${Item} key=${lineKey(item)} item=${item} currency=${currency} change=${change(index)} drop=${drop(index)} />`)}</tbody></table>`;
};

const wish = ({ call, card }, draft, shop, offers) => {
  const body = {
    customer_id: card.customer.id, shop_id: shop.id, call_id: call.id, items: goods(draft), ...terms(draft, offers),
    ...(draft.cart_id ? { cart_id: draft.cart_id } : {}),
  };
  const texts = {
    delivery_address: draft.delivery_address ?? addressOf(card), comment: draft.comment, delivery_date: draft.delivery_date,
    delivery_from: draft.delivery_from, delivery_until: draft.delivery_until,
  };
  for (const [name, text] of Object.entries(texts)) if (text?.trim()) body[name] = text.trim();
  return body;
};

/** Why the order can not be placed yet; "" when it can. */
const lacking = ({ card }, draft, shop) => {
  if (!draft.items.length) return t("Add what is ordered.");
  if (!card?.customer) return t("Say first who it is.");
  if (!shop) return t("Choose the shop.");
  if (!isCost(draft.delivery_cost)) return t("The delivery costs are no sum.");
  if (!isOff(draft.discount)) return t("Write the discount as 10 % or as a sum.");
  return "";
};

const place = async (entry, kept, draft, shop, offers) => {
  const order = await api.post("/orders", wish(entry, draft, shop, offers));
  await kept.restart({ items: [] });
  toast(t("Total {sum}", { sum: money(order.total, order.currency ?? shop.currency) }), { title: t("Order {number} is placed", { number: order.number }), tone: "good" });
};

const usePlacing = (entry, kept, draft, shop, offers) => {
  const [state, setState] = useState({ busy: false, refusal: null });
  const lack = lacking(entry, draft, shop);
  const go = useCallback(async () => {
    if (lack || state.busy) return;
    setState({ busy: true, refusal: null });
    try {
      await place(entry, kept, draft, shop, offers);
      setState({ busy: false, refusal: null });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setState({ busy: false, refusal: [error.message, ...(error.problem.errors ?? []).map((one) => one.message)].join(" ") });
    }
  }, [entry, draft, shop, offers, lack, state.busy]);
  return { ...state, lack, go };
};

const Shops = ({ shop, set }) => ((shops.value?.length ?? 0) < 2 ? null : html`<select class="shop" aria-label=${t("Shop")} value=${shop?.id ?? ""} onChange=${(event) => set({ shop_id: Number(event.target.value) || undefined })}>
  ${shop ? null : html`<option value="">${t("Choose a shop")}</option>`}${shops.value.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select>`);

/** The shop chosen, else the one that was called, else the one the person bought from last, else the only one. */
const shopOf = ({ call, card }, draft) => {
  const list = shops.value ?? [];
  const wanted = draft.shop_id ?? call.line?.shop_id ?? card?.orders?.[0]?.shop_id;
  return list.find((one) => one.id === wanted) ?? (list.length === 1 ? list[0] : null);
};

export const OrderPanel = ({ entry }) => {
  const kept = draftOf(entry);
  const draft = kept.value.value;
  useEffect(() => { readShops().catch((error) => toast(error.message, { tone: "error" })); }, []);
  const shop = shopOf(entry, draft);
  const currency = shop?.currency ?? entry.call.line?.currency;
  const set = (change) => kept.set({ ...kept.value.value, ...change });
  const quote = useQuote(draft, shop, entry.card?.customer);
  const placing = usePlacing(entry, kept, draft, shop, quote?.deliveries);
  useKey("Ctrl+Enter", t("Place the order"), placing.go, draft.items.length > 0);
  return html`<aside class="order" aria-label=${t("Order")}>
    <div class="order-head"><h2>${t("New order")}</h2><${Shops} shop=${shop} set=${set} /></div>
    <${ProductSearch} shopId=${shop?.id} customerId=${entry.card?.customer?.id} currency=${currency} add=${(product) => set({ items: added(kept.value.value.items, { ...product, product_id: product.id, quantity: 1 }) })} />
    <div class="items">${draft.items.length ? html`<${Items} draft=${draft} currency=${currency} set=${set} /><${Terms} draft=${draft} set=${set} card=${entry.card ?? {}} quote=${quote} currency=${currency} />`
      : html`<p class="empty-order faint">${t("Type the first letters of a product and press Enter. The order stays with this call until it is placed.")}</p>`}</div>
    ${draft.items.length ? html`<div class="sum"><${Total} draft=${draft} goods=${goodsOf(draft.items)} currency=${currency} quote=${quote} />
      ${placing.refusal ? html`<p class="failed" role="alert">${placing.refusal}</p>` : null}
      <p class=${`saved ${["waiting", "refused", "clash"].includes(kept.state.value) ? "care" : ""}`}>${placing.lack || keptText(kept, clock)}</p>
      <button type="button" class="btn main" onClick=${placing.go} disabled=${Boolean(placing.lack)} aria-busy=${placing.busy}><span>${t("Place the order")}</span><${Key}>Ctrl ⏎<//></button></div>` : null}</aside>`;
};
