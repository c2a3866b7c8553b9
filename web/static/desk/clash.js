// Two wrote the same: an order that a colleague changed meanwhile, or this draft in another window. Both are shown.

import { useEffect, useState } from "../vendor/hooks.js";
import { t } from "../say.js";
import { html } from "../ui.js";
import { Refused } from "../api.js";
import { settled } from "./changing.js";
import { readDraft } from "./draft.js";
import { readWindow } from "./window-keep.js";

const NAMES = {
  items: () => t("Goods"), discount_percent: () => t("Discount, %"), discount_amount: () => t("Discount"), coupon: () => t("Coupon"), delivery_method: () => t("Delivery by"), delivery_method_id: () => t("Delivery by"),
  delivery_cost: () => t("Delivery costs"), delivery_city: () => t("City"), delivery_postcode: () => t("Postcode"), delivery_address: () => t("Address"), delivery_date: () => t("Delivery on"), delivery_from: () => t("from"), delivery_until: () => t("until"),
  payment_method: () => t("Payment"), comment: () => t("Comment"), status: () => t("State"),
};
const nameOf = (field) => NAMES[field]?.() ?? field.replaceAll("_", " ");
const Value = ({ value }) => (value === null || value === "" || value === undefined ? html`<span class="faint">${t("nothing")}</span>`
  : Array.isArray(value) ? value.map((line) => html`<div key=${line}>${line}</div>`) : String(value));

/** `problem` is the server's refusal; `go` sends again what was chosen. */
export const OrderClash = ({ kept, problem, again }) => {
  const [theirs, setTheirs] = useState(new Set());
  const choose = (field, left) => { const now = new Set(theirs); now[left ? "add" : "delete"](field); setTheirs(now); };
  const save = async () => {
    const next = await settled(kept.value.peek(), [...theirs]);
    kept.set(next);
    again();
  };
  return html`<section class="order-clash" role="alert" aria-label=${t("Two people changed this order")}><p>${problem.detail}</p>
    ${problem.clash.map((one) => html`<fieldset key=${one.field}><legend>${nameOf(one.field)}${one.by ? html` <span class="faint">${one.by}</span>` : null}</legend>
      <label><input type="radio" name=${`keep-${one.field}`} checked=${!theirs.has(one.field)} onChange=${() => choose(one.field, false)} /> <span><b>${t("Yours")}</b> <${Value} value=${one.mine} /></span></label>
      <label><input type="radio" name=${`keep-${one.field}`} checked=${theirs.has(one.field)} onChange=${() => choose(one.field, true)} /> <span><b>${t("There now")}</b> <${Value} value=${one.theirs} /></span></label></fieldset>`)}
    <button type="button" class="btn" onClick=${save}>${t("Go on with what I chose")}</button></section>`;
};

const inWords = ({ items = [], title }) => [title, ...items.map((item) => `${item.quantity} × ${item.name}`)].filter(Boolean).join(", ") || t("nothing");

/** The same draft was written in another window or by an older page: nothing is overwritten until somebody chooses. */
export const DraftClash = ({ callId, kept }) => {
  const [theirs, setTheirs] = useState(null);
  useEffect(() => {
    const read = kept.place ? readWindow(kept.place) : readDraft(callId);
    read.then(setTheirs, (error) => { if (!(error instanceof Refused)) throw error; });
  }, [callId, kept]);
  if (!theirs) return null;
  return html`<section class="order-clash" role="alert"><p>${kept.place ? t("This was changed in another window:") : t("This order was changed in another window:")} <q>${inWords(theirs.body)}</q></p>
    <div class="choices"><button type="button" class="btn" onClick=${() => kept.mine(theirs.version)}>${t("Keep mine")}</button>
    <button type="button" class="btn" onClick=${() => kept.take(theirs.body, theirs.version)}>${t("Take theirs")}</button></div></section>`;
};
