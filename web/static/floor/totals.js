// The whole house in a line: who waits, what operators do, what the day came to.

import { computed } from "../vendor/signals.js";
import { lasted, t } from "../say.js";
import { html } from "../ui.js";
import { parts, waitingIn } from "./state.js";
import { Waited } from "./queues.js";
import { kind, nameOf, NOTHING, seconds, share, stateTone, sums } from "./words.js";

const STATES = ["talking", "held", "ringing", "dialling", "wrap_up", "available", "idle", "paused"];
const counted = computed(() => {
  const found = {};
  for (const row of parts.operators.value.values()) found[kind(row)] = (found[kind(row)] ?? 0) + 1;
  return found;
});
const longest = computed(() => [...waitingIn.value.values()].flat().reduce((first, one) => (!first || one.since < first.since ? one : first), null));

const Tile = ({ name, value, more, tone = "" }) => html`<div class=${`tile ${tone}`}><dt>${name}</dt><dd><b>${value}</b>${more ? html`<span class="small">${more}</span>` : null}</dd></div>`;

export const Totals = () => {
  const house = parts.house.value.get("all");
  const waiting = parts.waiting.value.size;
  const first = longest.value;
  const target = first ? parts.queues.value.get(first.queue)?.target_s ?? 20 : 0;
  return html`<dl class="tiles">
    <${Tile} name=${t("Waiting")} value=${waiting} tone=${waiting ? "busy" : "calm"} more=${first ? html`${t("longest")} <${Waited} since=${first.since} target=${target} />` : t("nobody")} />
    <div class="tile wide"><dt>${t("Operators")}</dt><dd class="states">${STATES.filter((state) => counted.value[state]).map((state) => html`<span key=${state} class=${`chip ${stateTone(state)}`}><i></i>${nameOf(state)} <b>${counted.value[state]}</b></span>`)}
      ${counted.value.offline ? html`<span class="faint small">${t("{n} away", { n: counted.value.offline })}</span>` : null}</dd></div>
    ${house ? html`<${Today} house=${house} />` : null}</dl>`;
};

const Today = ({ house: { calls, today } }) => html`
  <${Tile} name=${t("Calls now")} value=${Object.values(calls).reduce((sum, n) => sum + n, 0)} />
  ${today ? html`<${Tile} name=${t("Calls today")} value=${today.inbound + today.outbound} more=${t("{inbound} in · {outbound} out", today)} />
    <${Tile} name=${t("In time")} value=${share(today.level)} more=${t("{n} gave up", { n: today.abandoned })} />
    <${Tile} name=${t("Answer after")} value=${seconds(today.asa_s)} />
    <${Tile} name=${t("Missed")} value=${today.missed} />
    <${Tile} name=${t("Talk today")} value=${lasted(today.talk_s)} />
    <${Tile} name=${t("Orders")} value=${today.orders} more=${sums(today.sums) || NOTHING} />` : null}`;
