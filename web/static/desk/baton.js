// A call that goes from one operator to the next: the line that comes with it, and the card of whoever handed it on, who
// sees what becomes of it and can change nothing.

import { useCallback } from "../vendor/hooks.js";
import { boot, clock, money, t, tn } from "../say.js";
import { html, Icon, Key } from "../ui.js";
import { useKey } from "../keys.js";
import { CallBar } from "./call-bar.js";
import { Person, Stranger } from "./person.js";
import { leave } from "./shown.js";
import { Why } from "./why.js";
import { whoCalls } from "./words.js";

/** What the one before was at, from the facts. */
const doing = ({ pieces, opened, noted }) => [
  pieces ? tn("was taking an order of {n} piece", "was taking an order of {n} pieces", pieces) : null,
  opened ? t("had {what} open", { what: opened.label }) : null,
  noted ? t("left a note") : null,
].filter(Boolean).join(", ");

/** On top of the card of whoever gets a call: from whom, what was being done, and what he wrote for it. */
export const Baton = ({ card }) => {
  const { baton } = card;
  if (!baton || baton.giver.id === boot.user?.id) return null;
  const facts = doing(baton.doing ?? {});
  return html`<div class="baton" role="status"><${Icon} name="link" small />
    <span><b>${t("From {name}", { name: baton.giver.name })}</b> <span class="time faint">${clock(baton.at)}</span>${facts ? html` · ${facts}` : null}
      ${baton.said ? html`<q>${baton.said}</q>` : null}</span></div>`;
};

const Items = ({ draft }) => {
  const items = draft?.items ?? draft?.body?.items ?? [];
  if (!items.length) return null;
  return html`<section class="watched"><h2>${t("The order so far")}</h2><ul>${items.map((item) => html`
    <li key=${item.product_id ?? item.sku}><span class="num">${item.quantity} ×</span> <span class="clip">${item.name}</span> <span class="num muted">${money(item.price)}</span></li>`)}</ul></section>`;
};

const Written = ({ note }) => (note?.text ? html`<section class="watched"><h2>${t("Note to this call")}</h2><p>${note.text}</p></section>` : null);

const saysWho = ({ call, card }) => {
  const taker = card?.baton?.taker ?? (call.operator?.id === boot.user?.id ? null : call.operator);
  return taker ? t("{name} has this call now.", { name: taker.name }) : t("The call is on its way; nobody has taken it yet.");
};

/** The card of a call that was handed on. */
export const Watched = ({ entry }) => {
  const { call, card } = entry;
  const go = useCallback(() => leave(call.id), [call.id]);
  useKey("Escape", t("Stop watching this call"), go);
  return html`<article class="call watching" aria-label=${t("Call: {who}", { who: whoCalls(call, card) })}>
    <${CallBar} call=${call} card=${card} />
    <div class="doing"><span class="said" role="status"><b>${saysWho(entry)}</b> <span class="muted">${t("You see it live and can change nothing.")}</span></span>
      <span class="ways"><button type="button" class="btn" onClick=${go}><span>${t("Leave")}</span><${Key}>Esc<//></button></span></div>
    ${card ? html`<fieldset class="bare" disabled>${card.customer ? html`<${Person} entry=${entry} /><${Why} card=${card} />` : html`<${Stranger} entry=${entry} />`}</fieldset>
      <${Items} draft=${card.draft} /><${Written} note=${card.note} />` : null}</article>`;
};
