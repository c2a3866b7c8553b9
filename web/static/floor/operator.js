// One operator: what he does since when, with whom and about what, what he did today. Open, it shows what can be done.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { exact, lasted, t, tn } from "../say.js";
import { Chip, html, Icon, Key } from "../ui.js";
import { useKey } from "../keys.js";
import { actionsOf } from "./actions.js";
import { doing } from "./doing.js";
import { alertsOf, need } from "./order.js";
import { lastedFrom, may, opened } from "./state.js";
import { kind, sinceOf, stateName, stateTone, sums, whoCalls } from "./words.js";

export const Since = ({ at }) => (at ? html`<span class="timer" title=${t("Since {when}", { when: exact(at) })}>${lasted(lastedFrom(at))}</span>` : null);

const With = ({ call }) => html`<span class="with"><${Icon} name=${call.direction === "outbound" ? "outgoing" : "in"} small /><b class="clip">${whoCalls(call)}</b>
  ${call.vip ? html`<${Chip} tone="vip">VIP<//>` : null}${call.order ? html`<span class="faint">${call.order.number}</span>` : null}</span>
  <span class="faint clip">${[call.queue, call.line].filter(Boolean).join(" · ")}</span>`;

const Today = ({ today }) => (today ? html`<span class="day"><b>${today.answered + today.out}</b> <i>${tn("call", "calls", today.answered + today.out)}</i></span>
  <span class="day"><b>${lasted(today.talk_s)}</b> <i>${t("talk")}</i></span>
  <span class="day" title=${sums(today.sums)}><b>${today.orders}</b> <i>${tn("order", "orders", today.orders)}</i></span>` : null);

export const Operator = ({ row }) => {
  const open = opened.value === row.id;
  const line = useRef();
  const worry = need(row);
  useEffect(() => { if (open) line.current.scrollIntoView({ block: "nearest" }); }, [open]);
  const turn = () => { opened.value = open ? null : row.id; };
  return html`<li ref=${line} class=${`operator ${row.state}${worry ? ` need-${worry}` : ""}${open ? " open" : ""}`} data-operator=${row.id}>
    <button type="button" class="operator-line" aria-expanded=${open} onClick=${turn}>
      <span class="doing"><${Chip} tone=${stateTone(kind(row))} dot><span class="clip">${stateName(row)}</span><//><${Since} at=${sinceOf(row)} /></span>
      <span class="who"><b class="clip">${row.name}</b><span class="faint clip">${[row.extensions.join(", "), row.queues.join(", ") || t("in no queue")].join(" · ")}</span></span>
      <span class="call">${row.call ? html`<${With} call=${row.call} />` : null}
        ${alertsOf(row).map((one) => html`<span class="why" key=${one.id}>${one.text}</span>`)}${row.trouble ? html`<span class="why">${row.trouble}</span>` : null}</span>
      <span class="days"><${Today} today=${row.today} /></span>
    </button>
    ${open ? html`<${Opened} row=${row} />` : null}</li>`;
};

const Opened = ({ row }) => {
  const [panel, setPanel] = useState(null);
  const acts = actionsOf(row);
  const shown = acts.find((one) => one.name === panel);
  return html`<div class="opened">
    <div class="acts">${acts.map((one) => html`<${Act} key=${one.name} one=${one} row=${row} on=${panel === one.name} turn=${() => setPanel(panel === one.name ? null : one.name)} />`)}
      <span class="grow"></span><${Ways} row=${row} /></div>
    ${shown ? html`<div class="act-panel"><${shown.panel} row=${row} close=${() => setPanel(null)} /></div>` : null}
    <${More} row=${row} /></div>`;
};

const Act = ({ one, row, on, turn }) => {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    if (one.panel) return turn();
    if (busy) return;
    setBusy(true);
    await doing(one.label(row), () => one.act(row));
    setBusy(false);
  };
  useKey(one.key, `${row.name}: ${one.label(row)}`, press);
  return html`<button type="button" class=${`btn ${one.tone ?? ""}`} aria-busy=${busy} aria-pressed=${one.panel ? on : undefined} onClick=${press}>${one.label(row)}<${Key}>${one.key.toUpperCase()}<//></button>`;
};

/** The pages that belong to what he does. */
const Ways = ({ row: { call } }) => (call ? html`
  ${may("calls.view") ? html`<a class="btn quiet" href=${`/calls/${call.id}`}>${t("The call")}</a>` : null}
  ${call.customer_id ? html`<a class="btn quiet" href=${`/customers/${call.customer_id}`}>${t("The customer")}</a>` : null}
  ${call.order ? html`<a class="btn quiet" href=${`/orders/${call.order.id}`}>${t("Order {number}", { number: call.order.number })}</a>` : null}` : null);

const More = ({ row: { today, call } }) => {
  const facts = [
    call ? [call.direction === "outbound" ? t("Calls") : t("Caller"), [call.name, call.number].filter(Boolean).join(" · ") || t("Number withheld")] : null,
    today ? [t("Today"), [t("{n} answered", { n: today.answered }), t("{n} called", { n: today.out }), t("{n} let ring", { n: today.let_ring })].join(" · ")] : null,
    today?.orders ? [t("Sold"), `${tn("{n} order", "{n} orders", today.orders)} · ${sums(today.sums)}`] : null,
  ].filter(Boolean);
  return html`<dl class="facts">${facts.map(([name, said]) => html`<div key=${name}><dt>${name}</dt><dd>${said}</dd></div>`)}</dl>`;
};
