// The small parts scripts draw with. Everything a person is called reaches the page as text, never as markup:
// htm makes nodes, and nothing here sets innerHTML.

import { h } from "./vendor/preact.js";
import { signal } from "./vendor/signals.js";
import htm from "./vendor/htm.js";
import { ago, exact, money, t } from "./say.js";

export const html = htm.bind(h);

/** Difference to the server's clock in ms; the push snapshot sets it, so that timers agree with the server. */
export const skew = signal(0);
export const serverNow = () => Date.now() + skew.value;

/** Ticks for what is told in seconds, and for what is told in minutes. Milliseconds of the server's clock. */
export const second = signal(Date.now());
export const halfMinute = signal(Date.now());
setInterval(() => { second.value = serverNow(); }, 1000);
setInterval(() => { halfMinute.value = serverNow(); }, 30000);

export const setSkew = (serverTime) => {
  skew.value = serverTime ? new Date(serverTime).getTime() - Date.now() : 0;
  second.value = serverNow();
  halfMinute.value = serverNow();
};

export const Icon = ({ name, small }) =>
  html`<svg class=${small ? "icon small" : "icon"} aria-hidden="true"><use href=${`/static/icons.svg#${name}`} /></svg>`;

/** "2 min ago" with the exact instant on hover. */
export const When = ({ at }) =>
  at ? html`<time datetime=${at} title=${exact(at)}>${ago(at, halfMinute.value)}</time>` : null;

export const Money = ({ amount, currency }) => html`<span class="sum-of">${money(amount, currency)}</span>`;

export const Chip = ({ tone = "", dot, title, children }) =>
  html`<span class=${`chip ${tone}`} title=${title}>${dot ? html`<i />` : null}${children}</span>`;

export const Key = ({ children }) => html`<kbd aria-hidden="true">${children}</kbd>`;

/** The telephone beside a number; dial.js does the rest. `line`: the number the customer shall see, where it is known. */
export const Dial = ({ number, shown, ids = {}, line }) =>
  number
    ? html`<button class="dial" type="button" data-number=${number} data-customer-id=${ids.customer_id}
        data-order-id=${ids.order_id} data-deal-id=${ids.deal_id} data-callback-id=${ids.callback_id} data-line=${line}
        aria-label=${t("Call {number}", { number: shown ?? number })} title=${t("Call {number}", { number: shown ?? number })} />`
    : null;

export const Loading = ({ lines = 3 }) =>
  html`<div class="loading" role="status" aria-label=${t("Loading")}>${Array.from({ length: lines }, () => html`<i />`)}</div>`;

export const Empty = ({ title, children }) =>
  html`<div class="empty"><b>${title}</b>${children ? html`<p>${children}</p>` : null}</div>`;

export const Failed = ({ text, again }) =>
  html`<div class="failed" role="alert"><span class="grow">${text}</span>
    ${again ? html`<button class="btn" type="button" onClick=${again}>${t("Try again")}</button>` : null}</div>`;
