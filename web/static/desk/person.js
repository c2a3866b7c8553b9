// Who is on the line: name, number with the time there, what they are worth.

import { clock, country, money, t, tn } from "../say.js";
import { Chip, Dial, halfMinute, html, Icon, When } from "../ui.js";

/** Whoever called this shop sees this shop when we call back. */
const lineOf = (call) => (call.line?.shop_id ? call.line.number : undefined);

const zoneOf = ({ call, card }) => card?.customer?.timezone ?? call.remote?.timezone;

const LocalTime = ({ zone }) => {
  if (!zone) return null;
  const here = clock(halfMinute.value, zone);
  return html`<span title=${zone}>${t("{time} there", { time: here })}</span>`;
};

const Numbers = ({ entry: { call, card } }) => {
  const { remote } = call;
  const shown = remote?.display ?? remote?.raw;
  if (!shown || remote.anonymous) return html`<span>${t("Number withheld")}</span>`;
  const others = (card?.customer?.numbers ?? []).filter((one) => one.e164 !== remote.number);
  return html`<span class="phone" title=${t("As the switchboard sent it: {raw}", { raw: remote.raw ?? "—" })}>${shown}<${Dial} number=${remote.number} shown=${shown} ids=${{ customer_id: card?.customer?.id }} line=${lineOf(call)} /></span>
    ${others.map((one) => html` <span class="phone faint" key=${one.id}>${one.label ? `${one.label} ` : ""}${one.display}<${Dial} number=${one.e164} shown=${one.display} ids=${{ customer_id: card.customer.id }} line=${lineOf(call)} /></span>`)}`;
};

const KIND = {
  mobile: () => t("Mobile"), landline: () => t("Landline"), toll_free: () => t("Toll-free"), premium: () => t("Premium rate"), internet: () => t("Internet"),
};

/** What sort of number it is and whose it was: "Mobile · Plus (original)"; with its country unless that is said anyway. */
const NumberFacts = ({ remote, home }) => {
  const carrier = remote?.carrier ? t("{carrier} (original)", { carrier: remote.carrier }) : null;
  const region = remote?.region && remote.region !== home ? country(remote.region) : null;
  const said = [KIND[remote?.kind]?.(), carrier, region].filter(Boolean).join(" · ");
  return said ? html`<span title=${carrier ? t("The carrier to whom the number was given first; it may have moved") : undefined}>${said}</span>` : null;
};

const Flags = ({ customer }) => html`
  ${customer.vip ? html` <${Chip} tone="vip" title=${t("An important customer")}>VIP<//>` : null}
  ${customer.bad ? html` <${Chip} tone="miss" dot title=${t("Marked as difficult: refused parcels, unpaid orders or worse")}>${t("Careful")}<//>` : null}
  ${(customer.tags ?? []).map((tag) => html` <${Chip} key=${tag}>${tag}<//>`)}`;

const Worth = ({ totals, orders }) => {
  if (!totals?.orders) return html`<div class="worth"><b>${orders?.length ? t("Bought nothing that stayed") : t("No orders yet")}</b></div>`;
  return html`<div class="worth"><b title=${t("All orders that were not cancelled or returned")}>${money(totals.sum, totals.currency)}</b>
    <p class="muted">${tn("{n} order", "{n} orders", totals.orders)}${totals.last_at ? html` · ${t("last")} <${When} at=${totals.last_at} />` : null}</p></div>`;
};

const Address = ({ entry }) => {
  const { customer } = entry.card;
  const place = [customer.city, country(customer.country)].filter(Boolean).join(", ") || country(entry.call.remote?.region);
  return html`<p class="muted facts-line"><${Numbers} entry=${entry} /><${NumberFacts} remote=${entry.call.remote} home=${customer.country ?? entry.call.remote?.region} />${place ? html`<span>${place}</span>` : null}<${LocalTime} zone=${zoneOf(entry)} />
    ${customer.email ? html`<a href=${`mailto:${customer.email}`}>${customer.email}</a>` : null}</p>`;
};

export const Person = ({ entry }) => {
  const { customer } = entry.card;
  return html`<div class="who">
    <div><h1><a href=${`/customers/${customer.id}`}>${customer.name}</a><${Flags} customer=${customer} /></h1><${Address} entry=${entry} /></div>
    <${Worth} totals=${customer.totals} orders=${entry.card.orders} />
    ${customer.note ? html`<p class="standing"><${Icon} name="warn" small /><span>${customer.note}</span></p>` : null}</div>`;
};

/** A caller whom nobody knows yet. */
export const Stranger = ({ entry }) => {
  const { remote } = entry.call;
  return html`<div class="who"><div>
    <h1>${remote?.anonymous ? t("Number withheld") : remote?.display ?? remote?.raw ?? t("Unknown caller")}${remote?.number && !remote.anonymous ? html` <${Dial} number=${remote.number} shown=${remote.display} line=${lineOf(entry.call)} />` : null}</h1>
    <p class="muted facts-line">${entry.card.candidates?.length ? null : html`<span>${remote?.anonymous ? t("The caller hides it: ask who it is") : t("Nobody here has this number")}</span>`}
      ${remote?.name ? html`<span>${t("The telephone says “{name}”", { name: remote.name })}</span>` : null}
      <${NumberFacts} remote=${remote} /><${LocalTime} zone=${remote?.timezone} /></p></div></div>`;
};
