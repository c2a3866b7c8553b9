// Queues, who waits in them, and lines.

import { lasted, t } from "../say.js";
import { Chip, html } from "../ui.js";
import { lines, queueNeed, queues } from "./order.js";
import { lastedFrom, parts, queue, waitingIn } from "./state.js";
import { nameOf, seconds, share, whoCalls } from "./words.js";

const SHOWN = ["available", "talking", "held", "ringing", "dialling", "wrap_up", "paused"];
const busyOf = (members) => SHOWN.slice(1, 5).reduce((sum, state) => sum + (members[state] ?? 0), 0);

/** How long somebody waits; its colour follows the target of his queue. */
export const Waited = ({ since, target }) => {
  const time = lastedFrom(since);
  return html`<b class=${`timer ${time > target ? "late" : time > target / 2 ? "soon" : ""}`}>${lasted(time)}</b>`;
};

export const Queues = () => html`<section class="panel flush" aria-labelledby="queues-head"><h2 id="queues-head">${t("Queues")}</h2>
  ${queues.value.length ? html`<div class="scroll" tabindex="0" role="group" aria-labelledby="queues-head"><table class="list floor-table"><thead><tr><th>${t("Queue")}</th><th class="num">${t("Waiting")}</th><th class="num">${t("Longest")}</th><th class="num" title=${t("Operators who are free, busy with a call, paused or in wrap-up")}>${t("Free · busy · off")}</th>
    <th class="num">${t("In time")}</th><th class="num">${t("Gave up")}</th><th class="num less" title=${t("Seconds until somebody answers, on average")}>${t("Answer")}</th></tr></thead>
  <tbody>${queues.value.map((row) => html`<${Queue} key=${row.id} row=${row} />`)}</tbody></table></div>` : html`<p class="empty">${t("No queue has anybody in it.")}</p>`}</section>`;

const Queue = ({ row }) => {
  const here = waitingIn.value.get(row.id) ?? [];
  const { members, today } = row;
  const chosen = queue.value === row.id;
  const off = (members.wrap_up ?? 0) + (members.paused ?? 0);
  return html`<tr class=${`need-${queueNeed(row)}`} data-queue=${row.id}>
    <th scope="row"><button type="button" class="as-link" aria-pressed=${chosen} title=${t("Show the operators of this queue alone")} onClick=${() => { queue.value = chosen ? "" : row.id; }}>${row.id}</button></th>
    <td class="num big">${here.length || html`<span class="faint">0</span>`}</td>
    <td class="num">${here.length ? html`<${Waited} since=${here[0].since} target=${row.target_s} />` : html`<span class="faint">–</span>`}</td>
    <td class="num"><span title=${SHOWN.filter((state) => members[state]).map((state) => `${nameOf(state)} ${members[state]}`).join(" · ")}><b class=${members.available ? "good" : here.length ? "late" : ""}>${members.available ?? 0}</b> · ${busyOf(members)} · ${off}</span></td>
    <td class="num" title=${t("Goal {goal} % within {n} s", { goal: row.goal, n: row.target_s })}><${Level} row=${row} /></td>
    <td class="num">${today ? today.abandoned : "–"}</td><td class="num less">${seconds(today?.asa_s)}</td></tr>`;
};

export const Level = ({ row: { today, goal } }) => {
  const low = today?.level != null && today.level * 100 < goal;
  return html`<span class=${low ? "late" : ""}>${share(today?.level)}${low ? html`<span class="unseen"> ${t("below the goal")}</span>` : null}</span>`;
};

/** Everybody who waits now, longest first. */
export const Waiting = () => {
  const all = [...waitingIn.value.values()].flat().sort((a, b) => (a.since < b.since ? -1 : 1));
  if (!all.length) return null;
  return html`<section class="panel flush" aria-labelledby="waiting-head"><h2 id="waiting-head">${t("Waiting now")}</h2>
    <ul class="waiting-list">${all.map((one) => html`<li key=${one.id}><${Waited} since=${one.since} target=${parts.queues.value.get(one.queue)?.target_s ?? 20} />
      <span class="grow"><b class="clip">${whoCalls(one)}</b>${one.vip ? html`<${Chip} tone="vip">VIP<//>` : null}<span class="faint clip">${[one.name ? one.number : null, one.queue, one.line].filter(Boolean).join(" · ")}</span></span>
      ${one.rings ? html`<${Chip} tone="ring" dot>${t("Ringing")}<//>` : null}</li>`)}</ul></section>`;
};

export const Lines = () => (lines.value.length ? html`<section class="panel flush" aria-labelledby="lines-head"><h2 id="lines-head">${t("Lines")}</h2>
  <div class="scroll" tabindex="0" role="group" aria-labelledby="lines-head"><table class="list floor-table"><thead><tr><th>${t("Line")}</th><th class="num">${t("Now")}</th><th class="num">${t("In")}</th><th class="num">${t("Missed")}</th><th class="num">${t("Out")}</th><th class="num">${t("Orders")}</th></tr></thead>
  <tbody>${lines.value.map((row) => html`<tr key=${row.id}><th scope="row"><span class="clip" title=${row.number}>${row.name}</span></th><td class="num big">${row.now || html`<span class="faint">0</span>`}</td>
    ${row.today ? html`<td class="num">${row.today.inbound}</td><td class="num">${row.today.missed}</td><td class="num">${row.today.outbound}</td><td class="num">${row.today.orders}</td>` : html`<td colspan="4"></td>`}</tr>`)}</tbody></table></div></section>` : null);
