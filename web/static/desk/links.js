// What the call is about: its orders and deals as chips, each with the rule that linked it; re-linking in one step.

import { t } from "../say.js";
import { html, Icon } from "../ui.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { opened } from "./opened.js";
import { ruleName } from "./words.js";

const change = async (ask) => {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("The link was not changed"), tone: "error" });
  }
};

/** Links the call with an order or a deal: kind "order" or "deal". */
export const link = (callId, kind, id) => change(() => api.post(`/calls/${callId}/links`, { [`${kind}_id`]: id }));
const unlink = (callId, linkId) => change(() => api.drop(`/calls/${callId}/links/${linkId}`));

export const linked = (card, kind, id) => (card.links ?? []).find((one) => one.kind === kind && one.object_id === id);

const ROLE = { created: () => t("made in this call"), changed: () => t("changed in this call"), discussed: () => t("talked about") };

const LinkChip = ({ one, callId }) => html`<span class="chip link" title=${[ROLE[one.role]?.(), ruleName(one.rule)].filter(Boolean).join(" — ")}>
  <${Icon} name="link" small /><a href=${`/${one.kind}s/${one.object_id}`}>${one.label}</a>
  <button type="button" aria-label=${t("This call is not about {what}", { what: one.label })} onClick=${() => unlink(callId, one.id)}>×</button></span>`;

const options = (card) => [
  ...(card.orders ?? []).map((order) => ["order", order.id, `${order.number} · ${order.status_label}`]),
  ...(card.deals ?? []).map((deal) => ["deal", deal.id, `${deal.title} · ${deal.stage_label}`]),
].filter(([kind, id]) => !linked(card, kind, id));

const choose = (callId) => (event) => {
  const [kind, id] = event.target.value.split(":");
  event.target.value = "";
  if (kind) link(callId, kind, Number(id));
};

/** Nothing is linked so far: what will be when the call ends. */
const soon = (card, open) => {
  const one = open?.kind === "order" ? card.orders?.find((each) => each.id === open.object_id)?.number : card.deals?.find((each) => each.id === open?.object_id)?.title;
  return one ? t("{what} is open: it will be linked at the end", { what: one }) : t("Not linked yet");
};

export const Links = ({ entry: { call, card } }) => {
  const free = options(card);
  const links = card.links ?? [];
  if (!links.length && !free.length) return null;
  return html`<div class="links"><span class="faint small">${links.length ? t("This call is about") : soon(card, opened({ call, card }))}</span>
    ${links.map((one) => html`<${LinkChip} key=${one.id} one=${one} callId=${call.id} />`)}
    ${free.length ? html`<select class="link-more" aria-label=${t("Link this call to an order or a deal")} onChange=${choose(call.id)}>
      <option value="">${t("+ link…")}</option>${free.map(([kind, id, label]) => html`<option key=${kind + id} value=${`${kind}:${id}`}>${label}</option>`)}</select>` : null}</div>`;
};
