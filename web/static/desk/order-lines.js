// The lines of the order: how many, at which price, less what; who else wants the last piece; what goes with it.

import { useEffect, useState } from "../vendor/hooks.js";
import { decimal, money, t, tn } from "../say.js";
import { html, Key } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { atSupplier } from "./products.js";
import { added, isOff, isPrice, lineKey, lineSum, MOST } from "./basket.js";

const listed = (names) => names.slice(0, 2).join(", ");

/** What the server knows of the line: not enough of it, and who has the rest; or who waits for it. */
const Scarce = ({ item, line }) => {
  const free = line?.free ?? item.stock;
  if (free !== undefined && free !== null && item.quantity > free) {
    const who = line?.ahead?.length ? listed(line.ahead) : null;
    const left = free <= 0 ? (who ? t("{who} has the last one in a call", { who }) : t("none left")) : tn("only {n} left", "only {n} left", free);
    const more = [free > 0 && who ? t("{who} has the rest in a call", { who }) : "", atSupplier(line?.suppliers)];
    return html` <span class="small few" role="status">${[left, ...more].filter(Boolean).join(" · ")}</span>`;
  }
  if (line?.behind?.length) return html` <span class="small held" role="status">${t("held for this call; {who} would like it too", { who: listed(line.behind) })}</span>`;
  return null;
};

const Line = ({ item, line, currency, change, drop, back }) => {
  // Taken while it is typed: Ctrl+Enter from this very field must order what it shows.
  const amount = (event) => {
    const quantity = Math.floor(Number(event.target.value));
    if (quantity >= 1) change({ ...item, quantity: Math.min(MOST, quantity) });
  };
  const tidy = (event) => { event.target.value = item.quantity; };
  const press = (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) { event.preventDefault(); back(); }
  };
  const less = line?.list_price && Number(line.list_price) !== Number(line.price);
  return html`<tr onKeyDown=${press}><td>${item.name}<br /><span class="faint small">${item.sku}</span><${Scarce} item=${item} line=${line} /></td>
    <td class="num"><input class="qty" type="number" min="1" max=${MOST} value=${item.quantity} onInput=${amount} onBlur=${tidy} aria-label=${t("Quantity of {what}", { what: item.name })} /></td>
    <td class="num"><input class="own price" inputmode="decimal" value=${item.price} onInput=${(event) => change({ ...item, price: event.target.value })} aria-invalid=${!isPrice(item.price)} aria-label=${t("Price of {what}", { what: item.name })} title=${less ? t("{sum} by the list", { sum: money(line.list_price, currency) }) : currency} />
      <input class="own less" value=${item.off ?? ""} placeholder="− %" onInput=${(event) => change({ ...item, off: event.target.value })} aria-invalid=${!isOff(item.off)} aria-label=${t("Discount on {what}", { what: item.name })} /></td>
    <td class="num" title=${currency}>${money(line?.sum ?? decimal(lineSum(item)))}</td>
    <td class="num"><button type="button" class="remove" onClick=${drop} aria-label=${t("Remove {what}", { what: item.name })}>×</button></td></tr>`;
};

/** Lines of which there is not enough here while a supplier has some. */
export const fromSupplier = (quote) => (quote?.items ?? []).filter((line) => typeof line.free === "number" && line.quantity > line.free && atSupplier(line.suppliers));

/** Whoever may sell what is not here says so for this order. */
export const Beyond = ({ quote, draft, set }) => (!quote?.may_promise || !fromSupplier(quote).length ? null : html`
  <label class="check beyond"><input type="checkbox" checked=${Boolean(draft.beyond)} onChange=${(event) => set({ beyond: event.target.checked })} /> ${t("What is not here comes from the supplier")}</label>`);

export const Lines = ({ draft, quote, currency, set, wrong, back }) => {
  const change = (index) => (item) => set({ items: draft.items.map((old, at) => (at === index ? item : old)) });
  const drop = (index) => () => { set({ items: draft.items.filter((_, at) => at !== index) }); back(); };
  const line = (item, index) => (quote?.items?.[index]?.name === item.name ? quote.items[index] : undefined);
  return html`<table class="basket"><thead><tr><th>${t("Item")}</th><th class="num">${t("Qty")}</th><th class="num">${t("Price")}</th><th class="num">${t("Sum")}</th><th><span class="unseen">${t("Remove")}</span></th></tr></thead>
    <tbody>${draft.items.map((item, index) => html`<${Line} key=${lineKey(item)} item=${item} line=${line(item, index)} currency=${currency} change=${change(index)} drop=${drop(index)} back=${back} />`)}</tbody></table>
    ${wrong.items ? html`<p class="wrong" role="alert">${wrong.items}</p>` : null}`;
};

const useOffers = (ids, customerId) => {
  const [offers, setOffers] = useState([]);
  useEffect(() => {
    if (!ids) return void setOffers([]);
    let stale = false;
    api.get("/suggestions", { product_ids: ids, customer_id: customerId }).then(
      (found) => { if (!stale) setOffers(items(found)); },
      (error) => { if (!(error instanceof Refused)) throw error; });  // an offer is nothing to wait for
    return () => { stale = true; };
  }, [ids, customerId]);
  return offers;
};

/** A sentence to say, in the words that somebody chose or the usual ones. */
const say = (one) => one.line ?? t("Most people who take the {what} take this as well. Shall I add one?", { what: one.because });

/** What goes with the order, with a line to say; one key adds the first. */
export const Offers = ({ draft, customerId, currency, set }) => {
  const ids = [...new Set(draft.items.map((item) => item.product_id).filter(Boolean))].slice(0, 30).join(",");
  const offers = useOffers(ids, customerId).filter((one) => !draft.items.some((item) => item.product_id === one.product_id));
  const add = (one) => () => set({ items: added(draft.items, one) });
  useKey("F9", t("Add what is offered first"), offers.length ? add(offers[0]) : () => {}, offers.length > 0);
  if (!offers.length) return null;
  const [first, ...others] = offers;
  return html`<section class="offers" aria-label=${t("Goes with it")}><p><b>${first.name}</b> <span class="num">${money(first.price, currency)}</span>
      <button type="button" class="btn tight" onClick=${add(first)} aria-label=${t("Add {what}", { what: first.name })}>${t("Add")} <${Key}>F9<//></button></p>
    <q>${say(first)}</q>
    ${others.length ? html`<p class="small">${t("Or")} ${others.map((one) => html`<button type="button" class="linkish" key=${one.product_id} onClick=${add(one)} title=${say(one)} aria-label=${t("Add {what}", { what: one.name })}>${one.name} ${money(one.price)}</button> `)}</p>` : null}</section>`;
};
