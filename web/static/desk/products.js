// Finding a product while the caller waits: first letters, alias, SKU or barcode, arrows and Enter, nothing to click.
// "3*mug" takes three. A scanner types a barcode and Enter faster than an answer comes: Enter then waits for it.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { money, t, tn } from "../say.js";
import { html, Key } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { latest } from "../search.js";
import { MOST } from "./basket.js";
import { scarce } from "./store.js";

const PAUSE_MS = 90;
const FEW = 3;
const SHOWN = 8;
const COUNT = /^\s*(\d{1,4})\s*[*x×]\s*(?=\S)/iu;

const ask = latest((values, options) => api.get("/products", values, options));

/** "3*mug" → {quantity: 3, words: "mug"}. */
const taken = (text) => {
  const found = COUNT.exec(text);
  return { quantity: found ? Math.min(MOST, Math.max(1, Number(found[1]))) : 1, words: text.slice(found?.[0].length ?? 0).trim() };
};

/** The name with the typed beginnings of its words in bold. */
const Marked = ({ text, query }) => {
  const words = query.trim().split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!words.length) return text;
  const parts = text.split(new RegExp(`(?<![\\p{L}\\p{N}])(${words.join("|")})`, "giu"));
  return parts.map((part, index) => (index % 2 ? html`<b>${part}</b>` : part));
};

/** "12 at supplier, 3 days", of those who have some; "" when nobody has. */
export const atSupplier = (suppliers) => {
  const having = (suppliers ?? []).filter((one) => one.quantity > 0);
  if (!having.length) return "";
  const n = having.reduce((sum, one) => sum + one.quantity, 0);
  const days = having[0].lead_days;
  return days === null ? t("{n} at supplier", { n }) : t("{n} at supplier, {days}", { n, days: tn("{n} day", "{n} days", days) });
};

const Stock = ({ product: { stock, free = stock, ahead = [], suppliers } }) => {
  if (stock === null || stock === undefined) return null;
  if (stock <= 0) return html`<span class="stock none-left">${atSupplier(suppliers) ? t("0 here") : t("none left")}</span>`;
  if (ahead.length && free <= FEW) return html`<span class="stock few">${free > 0 ? tn("{n} left", "{n} left", free) : t("last one")}, ${t("{who} has it", { who: ahead[0] })}</span>`;
  return html`<span class=${`stock ${free <= FEW ? "few" : ""}`}>${free === 1 ? t("last one") : tn("{n} left", "{n} left", free)}</span>`;
};

/** Where it lies, when it lies in several places. */
const Places = ({ product: { places = [], suppliers } }) => {
  const here = places.length < 2 ? [] : places.map((one) => `${one.warehouse} ${one.available}`);
  const all = [...here, atSupplier(suppliers)].filter(Boolean);
  return all.length ? html`<br /><span class="faint small">${all.join(" · ")}</span>` : null;
};

/** What tells it from its sisters: variant, SKU, barcode. */
const codes = ({ variant, sku, barcode }) => [variant, sku, barcode].filter(Boolean).join(" · ");

const Thumb = ({ picture }) => (picture ? html`<img class="thumb" src=${picture} alt="" loading="lazy" width="32" height="32" />` : html`<span class="thumb"></span>`);

const Option = ({ product, query, currency, on, index, take, pictured }) => html`
  <div role="option" id=${`product-${index}`} aria-selected=${on} onMouseDown=${(event) => { event.preventDefault(); take(product); }}>
    ${pictured ? html`<${Thumb} picture=${product.picture} />` : null}<span class="clip"><${Marked} text=${product.name} query=${query} /> <span class="faint">${codes(product)}</span><${Places} product=${product} /></span>
    <span class="stock-price"><${Stock} product=${product} /><span class="num">${product.usual_price && product.usual_price !== product.price ? html`<s class="faint">${money(product.usual_price)}</s> ` : null}${money(product.price, currency)}</span></span></div>`;

/** The answer for `words`: {list, failed, words}. */
const useFound = (words, where) => {
  const [found, setFound] = useState({ list: null, failed: null, words: "" });
  const news = scarce.value;
  useEffect(() => {
    if (!words) return void setFound({ list: null, failed: null, words: "" });
    const timer = setTimeout(async () => {
      try {
        setFound({ list: items(await ask({ query: words, ...where })).slice(0, SHOWN), failed: null, words });
      } catch (error) {
        if (error instanceof Refused) setFound({ list: [], failed: error.message, words });
        else if (error.name !== "AbortError") throw error;
      }
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [words, where.shop_id, where.customer_id, news]);
  return found;
};

export const ProductSearch = ({ field, shopId, customerId, callId, currency, add }) => {
  const [query, setQuery] = useState("");
  const [on, setOn] = useState(0);
  const latestQuery = useRef("");
  const { words, quantity } = taken(query);
  const where = { shop_id: shopId, customer_id: customerId, call_id: callId };
  const { list, failed, words: answered } = useFound(words, where);
  useEffect(() => setOn(0), [answered]);
  const type = (text) => { latestQuery.current = text; setQuery(text); };
  const take = (product, count = quantity) => { add(product, count); type(""); };
  // Enter came before the answer: what it means is asked for by itself, so that no later question ends it.
  const hurry = async () => {
    const typed = latestQuery.current;
    const meant = taken(typed);
    try {
      const [first] = items(await api.get("/products", { query: meant.words, ...where, limit: 1 }));
      if (first && latestQuery.current === typed) take(first, meant.quantity);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;  // the list says it
    }
  };
  const press = (event) => {
    if (event.key === "Escape" && query) { event.preventDefault(); return type(""); }
    if (event.key === "Escape") return event.target.blur();  // single letters are the call's again
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && words) {
      event.preventDefault();
      if (answered === taken(latestQuery.current).words && list?.length) take(list[on] ?? list[0]);
      else hurry();
    }
    if (!list?.length || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    setOn((on + (event.key === "ArrowDown" ? 1 : -1) + list.length) % list.length);
  };
  return html`<div class="pick-product"><div class="pick"><input type="search" ref=${field} value=${query} placeholder=${t("Product, SKU or barcode…")} aria-label=${t("Find a product by its first letters or SKU")}
      role="combobox" aria-expanded=${Boolean(list)} aria-controls="products" aria-activedescendant=${list?.length ? `product-${on}` : undefined} autocomplete="off" spellcheck=${false}
      onInput=${(event) => type(event.target.value)} onKeyDown=${press} /><${Key}>F2<//></div>
    <div class="drop" id="products" role="listbox" aria-label=${t("Products")} hidden=${!list}>${(list ?? []).map((product, index) => html`
      <${Option} key=${product.id} product=${product} query=${words} currency=${currency} on=${index === on} index=${index} take=${take} pictured=${list.some((one) => one.picture)} />`)}
      ${list && !list.length ? html`<p class="none" role="option" aria-selected="false" aria-disabled="true">${failed ?? t("No such product in this shop.")}</p>` : null}</div></div>`;
};
