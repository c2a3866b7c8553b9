// Several people own the number: a ranked list that says why, one key to choose, the choice remembered by the server.

import { useCallback, useState } from "../vendor/hooks.js";
import { t, tn } from "../say.js";
import { Chip, html, Key } from "../ui.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { useKey } from "../keys.js";

/** Makes `customer` the person of the call; resolves to true when the server took it. */
export const attach = async (callId, customerId) => {
  try {
    await api.put(`/calls/${callId}/customer`, { customer_id: customerId });
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Not attached"), tone: "error" });
    return false;
  }
};

const Candidate = ({ one, index, callId, chosen, keys }) => {
  const choose = useCallback(() => attach(callId, one.id), [callId, one.id]);
  useKey(String(index + 1), t("This is {name}", { name: one.name }), choose, keys && index < 9);
  return html`<li><button type="button" class="candidate" onClick=${choose} aria-pressed=${chosen}>
    ${keys && index < 9 ? html`<${Key}>${index + 1}<//>` : html`<span />`}
    <span class="clip"><b>${one.name}</b> ${one.vip ? html`<${Chip} tone="vip">VIP<//>` : null} <span class="muted">${one.city}</span></span>
    <span class="faint small">${one.reason}</span></button></li>`;
};

const List = ({ entry: { call, card }, keys }) => html`<ul class="candidates">${card.candidates.map((one, index) => html`
  <${Candidate} key=${one.id} one=${one} index=${index} callId=${call.id} chosen=${card.customer?.id === one.id} keys=${keys} />`)}</ul>`;

/** `none`: the operator said it is none of them; `other` says it. */
export const Candidates = ({ entry, none, other }) => {
  const { card, call } = entry;
  const keys = call.state !== "wrap_up"; // there the digits choose what came of the call
  useKey("0", t("None of them"), other, keys && !card.customer && card.candidates?.length > 1 && !none);
  const [open, setOpen] = useState(false);
  const count = card.candidates?.length ?? 0;
  if (count < 2) return null;
  if (!card.customer) return html`<section class="choose" aria-label=${t("Who is it?")}>
    <h2>${tn("{n} person has this number. Who is it?", "{n} people have this number. Who is it?", count)}</h2><${List} entry=${entry} keys=${keys} />
    ${none ? null : html`<button type="button" class="linkish" onClick=${other}>${t("None of them")} ${keys ? html`<${Key}>0<//>` : null}</button>`}</section>`;
  return html`<section class="choose quiet"><button type="button" class="linkish" aria-expanded=${open} onClick=${() => setOpen(!open)}>
    ${tn("{n} other has this number", "{n} others have this number", count - 1)}</button>
    ${open ? html`<${List} entry=${entry} keys=${keys} />` : null}</section>`;
};
