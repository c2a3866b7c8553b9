// The order being taken by telephone: what, how many, where to, the total at once. Kept as typed with the call.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "../vendor/hooks.js";
import { clock, t } from "../say.js";
import { Chip, html, Key } from "../ui.js";
import { toast } from "../toast.js";
import { useKey, useTold } from "../keys.js";
import { added, lineSum } from "./basket.js";
import { rest } from "./changing.js";
import { DraftClash, OrderClash } from "./clash.js";
import { begun, CallDeal } from "./call-deal.js";
import { draftOf } from "./draft.js";
import { filled } from "./filled.js";
import { keptText } from "./keep.js";
import { Beyond, fromSupplier, Lines, Offers } from "./order-lines.js";
import { readOut, usePlacing, wrongs } from "./placing.js";
import { ProductSearch } from "./products.js";
import { useQuote } from "./quote.js";
import { ReadBack } from "./readback.js";
import { readShops, shopOf, Shops } from "./shop.js";
import { part } from "./store.js";
import { Terms, Total } from "./terms.js";

export const goodsOf = (list) => list.reduce((sum, item) => sum + lineSum(item), 0);

const Head = ({ entry, draft, shop, set, kept }) => {
  if (!draft.edits) return html`<div class="order-head"><h2>${t("New order")}</h2><${Shops} shop=${shop} set=${set} />${entry.kept ? null : html`<button type="button" class="btn tight" onClick=${() => kept.set(begun(kept.value.peek()))}>${t("Deal")} <${Key}>F7<//></button>`}</div>`;
  const leave = () => kept.set(rest(kept.value.peek()));
  return html`<div class="order-head changing"><h2>${t("Order {number}", { number: draft.edits.number })}</h2><button type="button" class="btn tight" onClick=${leave}>${t("Leave it as it was")}</button></div>`;
};

const waitText = (kept, placing) => {
  if (placing.waits) return t("The server does not answer. The order will be placed by itself, and once.");
  return placing.lack || keptText(kept, clock);
};

const careful = (kept, placing) => placing.waits || ["waiting", "refused", "clash"].includes(kept.state.value);

const Foot = ({ draft, quote, currency, kept, placing, confirmed, read }) => html`<div class="sum"><${Total} draft=${draft} goods=${goodsOf(draft.items)} currency=${currency} quote=${quote} />
  ${placing.refusal && !placing.refusal.problem.clash?.length ? html`<p class="failed" role="alert">${placing.refusal.message}</p>` : null}
  <p class=${`saved ${careful(kept, placing) ? "care" : ""}`} role=${placing.waits ? "status" : undefined}>${waitText(kept, placing)}</p>
  <div class="ways"><button type="button" class="btn" onClick=${read}>${confirmed ? html`<${Chip} tone="talk" dot>${t("confirmed")}<//>` : html`<span>${t("Read back")}</span>`}<${Key}>F4<//></button>
  <button type="button" class="btn main" onClick=${placing.go} disabled=${Boolean(placing.lack)} aria-busy=${placing.busy}><span>${draft.edits ? t("Save the order") : t("Place the order")}</span><${Key}>Ctrl ⏎<//></button></div></div>`;

const Empty = ({ alone }) => html`<p class="empty-order faint">${t("Type the first letters of a product and press Enter; 3* before it takes three.")} ${alone ? t("The order stays here until it is placed.") : t("The order stays with this call until it is placed.")}</p>`;

/** What is taken in the call: an order, or a deal while one is begun. */
export const OrderPanel = ({ entry }) => (draftOf(entry).value.value.deal ? html`<${CallDeal} entry=${entry} />` : html`<${TakeOrder} entry=${entry} />`);

const TakeOrder = ({ entry }) => {
  const kept = draftOf(entry);
  const typed = kept.value.value;
  const [reading, setReading] = useState(false);
  const [search, terms] = [useRef(null), useRef(null)];
  useEffect(() => { readShops().catch((error) => toast(error.message, { tone: "error" })); }, []);
  const shop = shopOf(entry, typed);
  const draft = filled(typed, entry.card, shop);
  const currency = shop?.currency ?? entry.call.line?.currency;
  const set = (change) => kept.set({ ...kept.value.value, ...change });
  const quote = useQuote(draft, shop, entry);
  const read = spokenOf(entry, draft, shop, quote);
  const confirmed = Boolean(read) && typed.confirmed === read;
  // Whoever said so meant goods that only a supplier has: where there are none any more, nothing is sold beyond the stock.
  const sold = quote && !fromSupplier(quote).length ? { ...draft, beyond: false } : draft;
  const placing = usePlacing(entry, kept, sold, shop, quote?.deliveries, confirmed);
  const any = draft.items.length > 0;
  const [goal, setGoal] = useState(null);
  const reach = (find) => { part.value = "order"; setReading(false); find()?.focus(); setGoal(() => find); };
  const back = useCallback(() => reach(() => search.current), []);
  const agree = () => reach(() => terms.current?.querySelector("select, input"));
  // At once, for the next key is on its way already; and again when what was asked for has been drawn.
  useLayoutEffect(() => { if (goal) { goal()?.focus(); setGoal(null); } }, [goal, reading]);
  const flip = () => (reading ? back() : setReading(true));
  useTold("⏎", t("In the order: take the first found; in a line, back to the search; in delivery, on to the next field"));
  useTold("3*", t("Before a product: so many of it"));
  useKey("o", t("Take an order"), back);
  useKey("F7", t("Begin a deal"), () => { part.value = "order"; kept.set(begun(kept.value.peek())); }, !entry.kept);
  useKey("F2", t("Find a product"), back);
  useKey("F8", t("Delivery and payment"), agree, any);
  useKey("F4", t("Read the order back to the customer"), flip, any);
  useKey("Ctrl+Enter", t("Place the order"), () => { setReading(false); placing.go(); }, any);
  const wrong = wrongs(quote, placing.refusal);
  const add = (product, quantity) => set({ items: added(kept.value.value.items, { ...product, product_id: product.id, quantity }) });
  if (reading && any) return html`<aside class="order" aria-label=${t("Order")}><${ReadBack} entry=${entry} draft=${draft} quote=${quote} currency=${currency} confirmed=${confirmed} tick=${(yes) => set({ confirmed: yes ? read : undefined })} close=${back} />
    <${Foot} draft=${draft} quote=${quote} currency=${currency} kept=${kept} placing=${placing} confirmed=${confirmed} read=${flip} /></aside>`;
  return html`<aside class="order" aria-label=${t("Order")}><${Head} entry=${entry} draft=${draft} shop=${shop} set=${set} kept=${kept} />
    <${ProductSearch} field=${search} shopId=${shop?.id} customerId=${entry.card?.customer?.id} callId=${entry.call.id} currency=${currency} add=${add} />
    <div class="items" inert=${placing.busy}>${kept.state.value === "clash" ? html`<${DraftClash} callId=${entry.call.id} kept=${kept} />` : null}
      ${placing.refusal?.problem.clash?.length ? html`<${OrderClash} kept=${kept} problem=${placing.refusal.problem} again=${placing.forget} />` : null}
      ${any ? html`<${Lines} draft=${draft} quote=${quote} currency=${currency} set=${set} wrong=${wrong} back=${back} /><${Beyond} quote=${quote} draft=${draft} set=${set} /><${Offers} draft=${draft} customerId=${entry.card?.customer?.id} currency=${currency} set=${set} />
        <${Terms} draft=${draft} set=${set} card=${entry.card ?? {}} shop=${shop} quote=${quote} currency=${currency} wrong=${wrong} first=${terms} />` : html`<${Empty} alone=${Boolean(entry.kept)} />`}</div>
    ${any ? html`<${Foot} draft=${draft} quote=${quote} currency=${currency} kept=${kept} placing=${placing} confirmed=${confirmed} read=${flip} />` : null}</aside>`;
};

/** What the tick of the customer's yes stands for; null while nobody knows what it comes to. */
const spokenOf = (entry, draft, shop, quote) => (entry.card?.customer && shop && quote?.sums ? readOut(entry, draft, shop, quote.deliveries, quote.sums.total) : null);
