// Whose order it is, asked before there is one: found as one types, or somebody new, written down first.

import { useEffect, useState } from "../vendor/hooks.js";
import { clock, t } from "../say.js";
import { html, Key } from "../ui.js";
import { Refused } from "../api.js";
import { useKey } from "../keys.js";
import { keptText } from "../desk/keep.js";
import { shopOf, Shops } from "../desk/shop.js";
import { Person, personOf } from "./person.js";

const lacking = (draft, shop) => {
  if (!draft.person?.name?.trim()) return t("Find the customer, or type the name of a new one.");
  return shop ? "" : t("Choose the shop.");
};

/** The shops are read. `known`: goes on with the order of this customer, in this shop where one is chosen. */
export const Whose = ({ kept, known }) => {
  const draft = kept.value.value;
  const shop = shopOf({ call: {} }, draft);
  const [state, setState] = useState({ busy: false, waits: false, refusal: null });
  const lack = lacking(draft, shop);
  useEffect(() => document.querySelector(".person-name").focus(), []);
  const set = (change) => (change.customer ? known(change.customer, shop) : kept.set({ ...kept.value.peek(), ...change }));
  const write = async () => {
    if (lack || state.busy) return;
    setState({ busy: true, waits: false, refusal: null });
    try {
      await personOf(draft, set, {}, shop.country, () => setState({ busy: true, waits: true, refusal: null }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setState({ busy: false, waits: false, refusal: error });
    }
  };
  useKey("Ctrl+Enter", t("Write the customer down and take the order"), write);
  const wrong = Object.fromEntries((state.refusal?.problem.errors ?? []).map((one) => [one.field.split(".")[0], one.message]));
  return html`<section class="deal-window whose" aria-label=${t("Whose order it is")}><div class="order-head"><h2>${t("Whose order is it?")}</h2><${Shops} shop=${shop} set=${set} /></div>
    <div class="deal-terms" inert=${state.busy}><${Person} draft=${draft} set=${set} person=${{}} wrong=${wrong} /></div>
    <div class="sum">${state.refusal ? html`<p class="failed" role="alert">${state.refusal.message}</p>` : null}
      <p class=${`saved ${state.waits ? "care" : ""}`} role=${state.waits ? "status" : undefined}>${state.waits ? t("The server does not answer. The customer will be written down by itself, and once.") : lack || keptText(kept, clock)}</p>
      <div class="ways"><button type="button" class="btn main alone" disabled=${Boolean(lack)} aria-busy=${state.busy} onClick=${write}><span>${t("Write down and take the order")}</span><${Key}>Ctrl ⏎<//></button></div></div></section>`;
};
