// Why they probably call: the likeliest reason with its share and the evidence, and what else may be behind it.

import { ago, money, sentence, t } from "../say.js";
import { halfMinute, html } from "../ui.js";

const REASON = {
  late_parcel: () => t("Late parcel"), parcel_on_the_way: () => t("Parcel on the way"), unpaid_order: () => t("Unpaid order"), order_just_placed: () => t("Order just placed"),
  missed_call: () => t("We missed their call"), callback_promised: () => t("A callback was promised"), task_due: () => t("Something is to be done for them"), promise: () => t("We promised something"),
  complaint: () => t("Complaint or return"), left_cart: () => t("Cart left in the shop"), open_deal: () => t("Deal under way"),
};
export const reasonName = ({ reason, label }) => REASON[reason]?.() ?? label ?? reason;

const PRESSING = new Set(["late_parcel", "missed_call", "callback_promised", "complaint", "promise"]);
const said = (value) => (value?.amount !== undefined ? money(value.amount, value.currency) : value);

/** One piece of evidence as a sentence. */
export const evidence = ({ words, values }, now = halfMinute.value) =>
  sentence(words, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, name === "ago" ? ago(value, now) : said(value)])));

const share = (one) => `${Math.round(one.share * 100)} %`;

export const Why = ({ card }) => {
  const [first, ...others] = card.forecast ?? [];
  if (!first || (card.links ?? []).some((one) => one.role === "created")) return null;  // made just now: no guess is needed
  return html`<div class=${`why ${PRESSING.has(first.reason) ? "care" : ""}`} aria-label=${t("Why they probably call")} role="group">
    <p><b><span class="share" title=${t("Of all that the card knows")}>${share(first)}</span> ${reasonName(first)}</b> <span>${first.facts.map((fact) => evidence(fact)).join("; ")}</span></p>
    ${others.length ? html`<p class="small">${others.map((one) => html`<span key=${one.reason} title=${one.facts.map((fact) => evidence(fact)).join("; ")}>${share(one)} ${reasonName(one)}</span>`)}</p>` : null}</div>`;
};
