// What the customer does in the web shop: the cart that is open, and the pages looked at last.

import { useCallback } from "../vendor/hooks.js";
import { ago, exact, money, t, tn } from "../say.js";
import { Chip, halfMinute, html, Key, When } from "../ui.js";
import { toast } from "../toast.js";
import { useKey } from "../keys.js";
import { draftOf } from "./draft.js";
import { added } from "./basket.js";
import { part } from "./store.js";

const ABANDONED_MS = 10 * 60e3;  // nobody touched it for so long

const age = (cart, now) => {
  const when = ago(cart.updated_at, now);
  return now - new Date(cart.updated_at).getTime() > ABANDONED_MS ? t("abandoned {when}", { when }) : t("filled {when}", { when });
};

/** Puts the cart into the order of this call; says why when it can not. */
const take = (entry, cart) => {
  const kept = draftOf(entry);
  const draft = kept.value.peek();
  if (draft.cart_id === cart.id) return void toast(t("The cart is in the order already."), { tone: "info" });
  if (draft.items.length && draft.shop_id && draft.shop_id !== cart.shop_id) {
    return void toast(t("The order holds articles of another shop. Place it or empty it first."), { tone: "error" });
  }
  kept.set({ ...draft, shop_id: cart.shop_id, cart_id: cart.id, items: cart.items.reduce(added, draft.items) });
  part.value = "order";
};

const Cart = ({ entry, cart }) => {
  const now = halfMinute.value;
  const pieces = cart.items.reduce((sum, item) => sum + item.quantity, 0);
  const said = cart.items.map((item) => (item.quantity === 1 ? item.name : `${item.quantity} × ${item.name}`)).join(", ");
  const act = useCallback(() => take(entry, cart), [entry, cart]);
  useKey("q", t("Make the cart an order"), act);
  const taken = draftOf(entry).value.value.cart_id === cart.id;
  const what = tn("{n} piece", "{n} pieces", pieces);
  return html`<div class="row cart"><${Chip} tone="ring" dot>${t("Cart")}<//>
    <span>${cart.url ? html`<a href=${cart.url} target="_blank" rel="noopener noreferrer">${what}</a>` : what} · <span title=${exact(cart.updated_at)}>${age(cart, now)}</span></span>
    <span class="end">${money(cart.total, cart.currency)}</span>
    <p>${said}</p><p><button type="button" class="btn tight" onClick=${act} disabled=${taken}><span>${taken ? t("In the order") : t("Make it an order")}</span>${taken ? null : html`<${Key}>Q<//>`}</button></p></div>`;
};

const Page = ({ visit }) => html`<li><span class="faint"><${When} at=${visit.at} /></span><a class="clip" href=${visit.url} target="_blank" rel="noopener noreferrer">${visit.title}</a></li>`;

/** Nothing when the shop has told nothing. */
export const Site = ({ entry }) => {
  const { cart, visits = [] } = entry.card;
  if (!cart && !visits.length) return null;
  return html`<div class="site"><h2>${t("On the site")}</h2>
    ${cart ? html`<${Cart} key=${cart.id} entry=${entry} cart=${cart} />` : null}
    ${visits.length ? html`<ul class="visits">${visits.map((visit) => html`<${Page} key=${visit.at + visit.url} visit=${visit} />`)}</ul>` : null}</div>`;
};
