// Finding a product while the caller waits: first letters or SKU, arrows and Enter, nothing to click.

import { useCallback, useEffect, useRef, useState } from "../vendor/hooks.js";
import { money, t, tn } from "../say.js";
import { html, Key } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { latest } from "../search.js";

const PAUSE_MS = 120;
const FEW = 3;

const ask = latest((values, options) => api.get("/products", values, options));

/** The name with the typed beginnings of its words in bold. */
const Marked = ({ text, query }) => {
  const words = query.trim().split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!words.length) return text;
  const parts = text.split(new RegExp(`(?<![\\p{L}\\p{N}])(${words.join("|")})`, "giu"));
  return parts.map((part, index) => (index % 2 ? html`<b>${part}</b>` : part));
};

const Stock = ({ stock }) => {
  if (stock === null || stock === undefined) return null;
  if (stock <= 0) return html`<span class="stock none-left">${t("none left")}</span>`;
  return html`<span class=${`stock ${stock <= FEW ? "few" : ""}`}>${stock === 1 ? t("last one") : tn("{n} left", "{n} left", stock)}</span>`;
};

/** What tells it from its sisters: variant, SKU, barcode. */
const codes = ({ variant, sku, barcode }) => [variant, sku, barcode].filter(Boolean).join(" · ");

const Option = ({ product, query, currency, on, index, take }) => html`
  <div role="option" id=${`product-${index}`} aria-selected=${on} onMouseDown=${(event) => { event.preventDefault(); take(product); }}>
    <span class="clip"><${Marked} text=${product.name} query=${query} /> <span class="faint">${codes(product)}</span></span>
    <span class="stock-price"><${Stock} stock=${product.stock} /><span class="num">${money(product.price, currency)}</span></span></div>`;

const useFound = (query, shopId, customerId) => {
  const [found, setFound] = useState({ list: null, failed: null });
  useEffect(() => {
    if (!query.trim()) return void setFound({ list: null, failed: null });
    const timer = setTimeout(async () => {
      try {
        setFound({ list: items(await ask({ query: query.trim(), shop_id: shopId, customer_id: customerId })).slice(0, 8), failed: null });
      } catch (error) {
        if (error instanceof Refused) setFound({ list: [], failed: error.message });
        else if (error.name !== "AbortError") throw error;
      }
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query, shopId, customerId]);
  return found;
};

export const ProductSearch = ({ shopId, customerId, currency, add }) => {
  const [query, setQuery] = useState("");
  const [on, setOn] = useState(0);
  const field = useRef(null);
  const { list, failed } = useFound(query, shopId, customerId);
  useKey("F2", t("Find a product"), useCallback(() => field.current?.focus(), []));
  useEffect(() => setOn(0), [list]);
  const take = (product) => { add(product); setQuery(""); };
  const press = (event) => {
    if (!list?.length) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOn((on + (event.key === "ArrowDown" ? 1 : -1) + list.length) % list.length);
    } else if (event.key === "Enter" && !event.ctrlKey) {
      event.preventDefault();
      take(list[on]);
    } else if (event.key === "Escape") setQuery("");
  };
  return html`<div class="pick-product"><div class="pick"><input type="search" ref=${field} value=${query} placeholder=${t("Product, SKU or barcode…")} aria-label=${t("Find a product by its first letters or SKU")}
      role="combobox" aria-expanded=${Boolean(list)} aria-controls="products" aria-activedescendant=${list?.length ? `product-${on}` : undefined} autocomplete="off" spellcheck="false"
      onInput=${(event) => setQuery(event.target.value)} onKeyDown=${press} /><${Key}>F2<//></div>
    <div class="drop" id="products" role="listbox" aria-label=${t("Products")} hidden=${!list}>${(list ?? []).map((product, index) => html`
      <${Option} key=${product.id} product=${product} query=${query} currency=${currency} on=${index === on} index=${index} take=${take} />`)}
      ${list && !list.length ? html`<p class="none" role="option" aria-selected="false" aria-disabled="true">${failed ?? t("No such product in this shop.")}</p>` : null}</div></div>`;
};
