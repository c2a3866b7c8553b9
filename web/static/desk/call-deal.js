// A deal that is begun in a call stands where its order would: what is typed is kept with the call's draft. When it
// belongs to the store, its order is taken in the same place, with the same goods.

import { computed } from "../vendor/signals.js";
import { useMemo } from "../vendor/hooks.js";
import { money, t } from "../say.js";
import { html } from "../ui.js";
import { api } from "../api.js";
import { toast } from "../toast.js";
import { attach } from "./candidates.js";
import { besides, draftOf, EMPTY } from "./draft.js";
import { DealWindow, FIRST, orderDraft } from "../deal/window.js";

/** The draft with a deal begun in it. */
export const begun = (draft) => ({ ...draft, deal: draft.deal ?? FIRST });

const without = ({ deal: _, ...draft }) => draft;

/** The deal within the draft, as a keeper of its own. */
const within = (kept) => ({
  value: computed(() => kept.value.value.deal ?? FIRST), state: kept.state, savedAt: kept.savedAt, reason: kept.reason,
  set: (deal) => kept.set({ ...kept.value.peek(), deal }), drop: () => kept.set(without(kept.value.peek())),
});

export const CallDeal = ({ entry }) => {
  const kept = draftOf(entry);
  const own = useMemo(() => within(kept), [kept]);
  const saved = (deal, order) => {
    toast(money(deal.amount, deal.currency), { title: t("The deal “{title}” is begun", { title: deal.title }), tone: "good" });
    const left = without(kept.value.peek());
    const aside = left.items.length ? left : undefined;
    kept.set(order ? { ...EMPTY, ...orderDraft(deal, own.value.peek()), ...(aside ? { aside } : {}), ...besides(left) } : left);
    return kept.flush();
  };
  const person = {
    choose: (one) => attach(entry.call.id, one.id),
    create: (typed, options) => api.post(`/calls/${entry.call.id}/customer`, typed, options),
    number: entry.call.remote?.display ?? null,
  };
  return html`<aside class="order" aria-label=${t("Deal")}><${DealWindow} entry=${entry} kept=${own} person=${person} saved=${saved} leave=${own.drop} /></aside>`;
};
