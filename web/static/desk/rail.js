// The calls of this desk beside each other: who it is, since when, why. `]` and `[` (next.js) go through them. What is
// typed in one stays where it is while the other is looked at.

import { lasted, t } from "../say.js";
import { Chip, html, Key, second } from "../ui.js";
import { calls, selected } from "./store.js";
import { since, stateName, tone, whoCalls } from "./words.js";

const Clock = ({ from }) => (from ? html`<span class="time">${lasted((second.value - new Date(from).getTime()) / 1000)}</span>` : null);

/** What it is about, in a few words: an order that is open, else the line that was called. */
const about = ({ call, card }) => {
  const open = (card?.orders ?? []).filter((order) => order.open);
  const order = open.length === 1 ? [open[0].number, open[0].status_label].filter(Boolean).join(" · ") : null;
  return order ?? [call.line?.name, call.queue].filter(Boolean).join(" · ");
};

const Small = ({ entry, next }) => {
  const { call, card } = entry;
  const here = selected.value === call.id;
  return html`<button type="button" class=${tone(call)} aria-pressed=${here} onClick=${() => { selected.value = call.id; }}>
    <${Chip} tone=${tone(call)} dot>${stateName(call)}<//><${Clock} from=${since(call)} />
    <span class="who-line"><b class="clip">${whoCalls(call, card)}</b><span class="muted small clip">${about(entry)}</span></span>
    ${next ? html`<${Key}>]<//>` : null}</button>`;
};

export const Rail = () => {
  const list = [...calls.value.values()];
  const at = list.findIndex(({ call }) => call.id === selected.value);
  const next = list.length > 1 ? list[(at + 1) % list.length].call.id : null;
  if (next === null) return null;
  return html`<div class="call-rail" role="group" aria-label=${t("Calls on your desk")}>${list.map((entry) => html`
    <${Small} key=${entry.call.id} entry=${entry} next=${entry.call.id === next} />`)}</div>`;
};
