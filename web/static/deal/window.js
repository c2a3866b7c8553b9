// The window of a deal: goods, whose it is, delivery, stage and who looks after it, all in one place; kept as typed.
// `kept` is a keeper {value, state, savedAt, set}; `person` says how somebody is chosen and written down.

import { useCallback, useEffect, useRef, useState } from "../vendor/hooks.js";
import { boot, clock, decimal, cents, money, t } from "../say.js";
import { html, Key } from "../ui.js";
import { api, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { added, isPrice } from "../desk/basket.js";
import { DraftClash } from "../desk/clash.js";
import { keptText } from "../desk/keep.js";
import { newKey, untilAnswered } from "../desk/once.js";
import { ProductSearch } from "../desk/products.js";
import { readShops, shopOf, Shops } from "../desk/shop.js";
import { choices, readChoices } from "./choices.js";
import { Goods, sumOf } from "./goods.js";
import { nobody, Person, personOf } from "./person.js";
import { Terms } from "./terms.js";

export const FIRST = { items: [] };
const DELIVERY = ["delivery_date", "delivery_from", "delivery_until"];
const PLAIN = ["kind_of_sale", "comment", ...DELIVERY];

/** The deal as somebody would have typed it. */
export const asTyped = (deal) => ({
  ...Object.fromEntries(PLAIN.map((name) => [name, deal[name] ?? ""])), title: deal.title, stage: deal.stage, funnel_id: deal.funnel_id, amount: deal.amount,
  probability: deal.probability ?? "", for_all: deal.for_all, from_store: deal.from_store, responsible_id: deal.responsible_id,
  customer: { id: deal.customer_id, name: deal.customer_name, display: deal.display },
  items: deal.items.map(({ product_id, sku, name, quantity, price }) => ({ product_id, sku, name, quantity, price })),
});

/** What the order of a deal begins with. */
export const orderDraft = (deal, typed) => ({
  items: deal.items.map(({ product_id, sku, name, quantity, price }) => ({ product_id, sku, name, quantity, price })),
  deal_id: deal.id, shop_id: typed?.shop_id, comment: deal.comment ?? "",
  ...Object.fromEntries(DELIVERY.filter((name) => deal[name]).map((name) => [name, deal[name]])),
});

const suggested = ({ items, title }) => title?.trim() || (items.length ? items[0].name + (items.length > 1 ? ` + ${items.length - 1}` : "") : "");

const goods = (items) => items.map((item) => ({ product_id: item.product_id, quantity: item.quantity, price: decimal(cents(item.price)) }));

/** The typed fields in the words of the API. */
const said = (draft) => ({
  title: suggested(draft), items: goods(draft.items), for_all: Boolean(draft.for_all), from_store: Boolean(draft.from_store),
  ...Object.fromEntries(PLAIN.map((name) => [name, draft[name]?.trim() || null])),
  probability: draft.probability === "" || draft.probability === undefined ? null : Number(draft.probability),
  ...(draft.funnel_id ? { funnel_id: draft.funnel_id } : {}), ...(draft.stage ? { stage: draft.stage } : {}),
  responsible_id: draft.responsible_id ?? boot.user?.id ?? null,
  amount: isPrice(draft.amount ?? "") ? decimal(cents(draft.amount)) : "0.00",
});

/** Of a deal that is there only what is different, and nothing that is not its own to say. */
const different = (draft) => {
  const [now, was] = [said(draft), said(draft.edits.base)];
  const own = draft.edits.owned;
  const left = new Set([...Object.keys(own), ...(draft.items.length ? ["amount"] : [])]);
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => !left.has(name) && JSON.stringify(value) !== JSON.stringify(was[name])));
};

const lacking = (draft, shop, number) => {
  if (draft.items.some((item) => !isPrice(item.price))) return t("A price is no sum: it is marked.");
  if (!suggested(draft)) return t("Add goods, or say in the title what it is about.");
  if (!draft.edits && nobody(draft)) return nobody(draft);
  if (!shop && !draft.edits) return t("Choose the shop.");
  return number;
};

const Head = ({ draft, shop, set, leave }) => html`<div class="order-head"><h2>${draft.edits ? t("Deal") : t("New deal")}</h2><${Shops} shop=${shop} set=${set} fixed=${draft.items.length > 0 || draft.edits} />
  ${leave ? html`<button type="button" class="btn tight" onClick=${leave}>${t("Leave it")}</button>` : null}</div>`;

const useSaving = ({ draft, set, kept, person, entry, saved, lack, shop }) => {
  const [state, setState] = useState({ busy: false, waits: false, refusal: null });
  const go = async (order) => {
    if (lack || state.busy) return;
    setState({ busy: true, waits: false, refusal: null });
    const waits = () => setState({ busy: true, waits: true, refusal: null });
    const put = (change) => { kept.set({ ...kept.value.peek(), ...change }); };
    const key = draft.key ?? newKey();
    if (!draft.key) put({ key });
    await kept.freeze?.();
    const more = { key, ...(kept.place ? { draft: kept.place } : {}) };
    try {
      const customer_id = draft.edits ? null : await personOf(draft, put, person, shop.country, waits);
      const deal = await untilAnswered((options) => (draft.edits
        ? api.patch(`/deals/${draft.edits.id}`, { version: draft.edits.version, ...different(draft), ...more }, options)
        : api.post("/deals", { ...said(draft), customer_id, currency: shop.currency, ...more, ...(entry.call?.id ? { call_id: entry.call.id } : {}) }, options)), waits);
      await saved(deal, order);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      kept.thaw?.();
      setState({ busy: false, waits: false, refusal: error });
    }
  };
  return { ...state, go };
};

export const DealWindow = ({ entry, kept, person, saved, leave, again }) => {
  const typed = kept.value.value;
  const known = entry.card?.customer;
  const draft = { ...typed, customer: typed.customer ?? (known ? { id: known.id, name: known.name, display: known.numbers?.[0]?.display } : undefined) };
  const search = useRef(null);
  useEffect(() => { readShops(); readChoices(); }, []);
  const shop = shopOf(entry, draft);
  const currency = typed.edits?.currency ?? shop?.currency;
  const set = (change) => kept.set({ ...kept.value.peek(), ...change });
  const lack = lacking(draft, shop, "");
  const saving = useSaving({ draft, set, kept, person, entry, saved, lack, shop });
  const wrong = Object.fromEntries((saving.refusal?.problem.errors ?? []).map((one) => [one.field.split(".")[0], one.message]));
  const back = useCallback(() => search.current?.focus(), []);
  const store = Boolean(draft.from_store);
  useKey("F2", t("Find a product"), back, !store);
  useKey("Ctrl+Enter", t("Save the deal"), () => saving.go(store && !draft.edits));
  const add = (product, quantity) => set({ shop_id: product.shop_id ?? shop?.id, items: added(kept.value.peek().items, { ...product, product_id: product.id, quantity }) });
  const ordered = Boolean(draft.edits?.orders);
  return html`<section class="deal-window" aria-label=${t("Deal")}><${Head} draft=${draft} shop=${shop} set=${set} leave=${leave} />
    ${kept.place && kept.state.value === "clash" ? html`<${DraftClash} kept=${kept} />` : null}
    <div class="deal-parts" inert=${saving.busy}>
      <div class="deal-goods">${store ? html`<p class="deal-note">${t("From the online store: goods, sum and delivery are those of its order.")}</p>`
        : html`<${ProductSearch} field=${search} shopId=${shop?.id} customerId=${draft.customer?.id} callId=${entry.call?.id} currency=${currency} add=${add} />`}
        <div class="deal-list"><${Goods} items=${draft.items} currency=${currency} fixed=${store} set=${(items) => set({ items })} back=${back} />
        ${wrong.items ? html`<p class="wrong" role="alert">${wrong.items}</p>` : null}</div></div>
      <div class="deal-terms"><${Person} draft=${draft} set=${set} person=${person} fixed=${Boolean(known || draft.edits)} wrong=${wrong} />
        <${Terms} draft=${draft} set=${set} wrong=${wrong} choices=${choices.value} currency=${currency} suggested=${suggested({ ...draft, title: "" })} sum=${sumOf(draft.items)} fixed=${store || ordered} /></div></div>
    <div class="sum deal-sum"><b>${t("Amount")}</b><b class="num" aria-live="polite">${money(draft.items.length ? decimal(sumOf(draft.items)) : said(draft).amount, currency)}</b>
      ${saving.refusal ? html`<p class="failed" role="alert"><span class="grow">${saving.refusal.message}</span>${saving.refusal.problem.version && again ? html`<button type="button" class="btn" onClick=${again}>${t("Begin with what is there now")}</button>` : null}</p>` : null}
      <p class=${`saved ${saving.waits ? "care" : ""}`} role=${saving.waits ? "status" : undefined}>${saving.waits ? t("The server does not answer. The deal will be saved by itself, and once.") : lack || keptText(kept, clock)}</p>
      <div class="ways">${store && !ordered ? html`<button type="button" class="btn" disabled=${Boolean(lack)} onClick=${() => saving.go(false)}>${t("Save")}</button>
          <button type="button" class="btn main" disabled=${Boolean(lack)} aria-busy=${saving.busy} onClick=${() => saving.go(true)}><span>${t("Create order in the store")}</span><${Key}>Ctrl ⏎<//></button>`
        : html`<button type="button" class="btn main alone" disabled=${Boolean(lack)} aria-busy=${saving.busy} onClick=${() => saving.go(false)}><span>${t("Save the deal")}</span><${Key}>Ctrl ⏎<//></button>`}</div></div></section>`;
};
