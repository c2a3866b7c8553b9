// The board for a screen on the wall, read from five metres: who waits, the queues, who does what.

import { clock, t } from "../say.js";
import { Chip, html, Icon, Loading, second } from "../ui.js";
import { Alerts } from "./alerts.js";
import { Level, Waited } from "./queues.js";
import { need, operators, queueNeed, queues } from "./order.js";
import { Since } from "./operator.js";
import { here, parts, waitingIn } from "./state.js";
import { kind, seconds, sinceOf, stateName, stateTone } from "./words.js";
import { Totals } from "./totals.js";

const MOST_QUEUES = 6;

const Queue = ({ row }) => {
  const waiting = waitingIn.value.get(row.id) ?? [];
  return html`<li class=${`wall-queue need-${queueNeed(row)}`}><h2 class="clip">${row.id}</h2>
    <p class="wall-count"><b>${waiting.length}</b> ${t("wait")}</p>
    <p>${waiting.length ? html`${t("longest")} <${Waited} since=${waiting[0].since} target=${row.target_s} />` : html`<span class="faint">${t("nobody waits")}</span>`}</p>
    <p><span class=${row.members.available ? "good" : "late"}><b>${row.members.available ?? 0}</b> ${t("free")}</span></p>
    <p><b><${Level} row=${row} /></b> ${t("in time")}</p>
    <p class="faint">${t("answer {time}", { time: seconds(row.today?.asa_s) })}</p></li>`;
};

export const Wall = () => (here.value ? html`<div class="wall-head"><h1>${t("Floor")}</h1><span class="wall-clock">${clock(second.value)}</span>
    <a class="btn quiet icon-only" href="/floor" aria-label=${t("Back to the board")}><${Icon} name="close" small /></a></div>
  <${Alerts} /><${Totals} />
  <ul class="wall-queues">${queues.value.slice(0, MOST_QUEUES).map((row) => html`<${Queue} key=${row.id} row=${row} />`)}</ul>
  <ul class="wall-people">${operators.value.filter((row) => row.state !== "offline").map((row) => html`<li key=${row.id} class=${`wall-person ${row.state}${need(row) ? " need-2" : ""}`}>
    <b class="clip">${row.name}</b><${Chip} tone=${stateTone(kind(row))} dot>${stateName(row)}<//><${Since} at=${sinceOf(row)} /></li>`)}</ul>
  ${parts.operators.value.size ? null : html`<p class="empty">${t("Nobody has a telephone yet.")}</p>`}` : html`<div class="wall-head"><h1>${t("Floor")}</h1></div><${Loading} lines=${6} />`);
