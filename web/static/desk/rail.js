// The calls of this desk beside each other: who it is, since when, why. `]` and `[` (next.js) go through them. What is
// typed in one stays where it is while the other is looked at.

import { useState } from "../vendor/hooks.js";
import { lasted, t } from "../say.js";
import { Chip, html, Key, second } from "../ui.js";
import { calls, pop, selected } from "./store.js";
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

const LIVE = ["talking", "held", "ringing", "dialling"];

/** At most so many cards stand beside each other: those of people on the line, the open one, the latest of the rest. */
const standing = (list, most) => {
  const rank = ({ call }) => (call.id === selected.value ? 0 : LIVE.indexOf(call.state) + 1 || LIVE.length + 1);
  const first = list.toReversed().sort((a, b) => rank(a) - rank(b)).slice(0, most);
  return list.filter((entry) => first.includes(entry) || LIVE.includes(entry.call.state));
};

export const Rail = () => {
  const [whole, setWhole] = useState(false);
  const list = [...calls.value.values()];
  const at = list.findIndex(({ call }) => call.id === selected.value);
  if (list.length < 2 && (at === 0 || !list.length)) return null;
  const next = list[(at + 1) % list.length].call.id;
  const few = standing(list, pop.value.most_cards);
  const more = list.length - few.length;
  return html`<div class="call-rail" role="group" aria-label=${t("Calls on your desk")}>${(whole ? list : few).map((entry) => html`
    <${Small} key=${entry.call.id} entry=${entry} next=${entry.call.id === next} />`)}
    ${more ? html`<button type="button" class="rail-more" aria-expanded=${whole} onClick=${() => setWhole(!whole)}>${whole ? t("Fewer") : t("{n} more", { n: more })}</button>` : null}</div>`;
};
