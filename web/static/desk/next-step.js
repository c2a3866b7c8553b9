// What happens after a call: nothing, a callback, a task, or a deal that goes to another stage.

import { useEffect, useState } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { clock, t } from "../say.js";
import { html, Key } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { inDays, instant, sent, wall } from "../zoned.js";

const HOUR_MS = 3600e3;
const WHEN = [
  [() => t("In 1 hour"), () => new Date(Date.now() + HOUR_MS)],
  [() => t("In 3 hours"), () => new Date(Date.now() + 3 * HOUR_MS)],
  [() => t("Tomorrow 10:00"), () => inDays(1, 10)],
];

const funnels = signal(null);
const readFunnels = async () => {
  if (funnels.value) return;
  try {
    funnels.value = items(await api.get("/funnels"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
};

/** What the server wants of the step as typed; null for none. */
export const stepBody = (step, deals) => {
  if (!step?.kind) return null;
  if (step.kind === "callback") return { kind: "callback", due_at: sent(step.due), reason: step.reason.trim() };
  if (step.kind === "task") return { kind: "task", title: step.reason.trim(), ...(step.due ? { due_at: sent(step.due) } : {}) };
  const deal = deals.find((one) => one.id === step.deal_id);
  return { kind: "stage", deal_id: deal.id, version: deal.version, stage: step.stage, ...(step.lost_reason_id ? { lost_reason_id: step.lost_reason_id } : {}) };
};

/** The sentence on what is still missing, or null. */
export const stepMissing = (step) => {
  if (!step?.kind) return null;
  if (step.kind === "stage") return step.deal_id && step.stage ? null : t("Choose the stage.");
  if (!step.reason?.trim()) return step.kind === "callback" ? t("Say why, so that whoever calls knows.") : t("Say what is to be done.");
  return step.kind === "callback" && !step.due ? t("Say when.") : null;
};

/** What a time typed here means by the clock of the customer; nothing where the clocks agree. */
const there = (typed, { call, card }) => {
  const zone = card?.customer?.timezone ?? call.remote?.timezone;
  if (!typed || !zone || clock(instant(typed)) === clock(instant(typed), zone)) return null;
  const at = instant(typed);
  return t("{clock} there ({zone})", { clock: clock(at, zone), zone: zone.split("/").at(-1).replaceAll("_", " ") });
};

const Due = ({ entry, step, change, label }) => html`<div class="choices">${WHEN.map(([said, at]) => html`<button type="button" class="btn tight" aria-pressed=${step.choice === said()} onClick=${() => change({ ...step, choice: said(), due: wall(at()) })}>${said()}</button>`)}
  <label class="field"><span>${label}</span><input type="datetime-local" value=${step.due ?? ""} onInput=${(event) => change({ ...step, choice: null, due: event.target.value })} /></label>${there(step.due, entry) ? html`<span class="faint small">${there(step.due, entry)}</span>` : null}</div>`;

const LostReason = ({ step, change }) => {
  const [reasons, setReasons] = useState([]);
  useEffect(() => {
    api.get("/lost-reasons").then((found) => setReasons(items(found).filter((one) => one.active)), (error) => { if (!(error instanceof Refused)) throw error; });
  }, []);
  return html`<label class="field"><span>${t("Why it is lost")}</span><select value=${step.lost_reason_id ?? ""} onChange=${(event) => change({ ...step, lost_reason_id: Number(event.target.value) || undefined })}>
    <option value="">${t("choose…")}</option>${reasons.map((one) => html`<option key=${one.id} value=${one.id}>${one.label}</option>`)}</select></label>`;
};

const Stage = ({ step, change, deals }) => {
  useEffect(() => { readFunnels(); }, []);
  const deal = deals.find((one) => one.id === step.deal_id);
  const stages = funnels.value?.find((one) => one.id === deal?.funnel_id)?.stages ?? [];
  const lost = stages.find((one) => one.code === step.stage)?.kind === "lost";
  return html`<div class="choices">${deals.length > 1 ? html`<label class="field"><span>${t("Deal")}</span><select value=${step.deal_id} onChange=${(event) => change({ ...step, deal_id: Number(event.target.value), stage: null })}>
    ${deals.map((one) => html`<option key=${one.id} value=${one.id}>${one.title}</option>`)}</select></label>` : html`<b class="deal-name">${deal?.title}</b>`}
    <label class="field"><span>${t("Goes to the stage")}</span><select value=${step.stage ?? ""} onChange=${(event) => change({ ...step, stage: event.target.value, lost_reason_id: undefined })}>
      <option value="">${t("choose…")}</option>${stages.map((one) => html`<option key=${one.code} value=${one.code} disabled=${one.code === deal?.stage}>${one.name}</option>`)}</select></label>
    ${lost ? html`<${LostReason} step=${step} change=${change} />` : null}</div>`;
};

/** The kinds of steps with their keys, and whether this call can have one: [kind, letter, label, possible]. */
export const stepKinds = ({ call, card }) => [
  ["callback", "r", t("Call back"), Boolean(call.remote?.raw && !call.remote.anonymous)],
  ["task", "t", t("Task"), true],
  ["stage", "d", t("Move the deal"), (card?.deals ?? []).some((deal) => deal.open)],
];

/** The step as it begins when its kind is chosen; what was typed for another kind is kept. */
export const begin = (kind, step, { card }) => ({
  ...step, kind,
  ...(kind === "callback" && !step?.due ? { due: wall(new Date(Date.now() + HOUR_MS)), choice: t("In 1 hour") } : {}),
  ...(kind === "stage" && !step?.deal_id ? { deal_id: card.deals.find((deal) => deal.open)?.id } : {}),
});

export const NextStep = ({ entry, step, change, missing, why }) => {
  const deals = (entry.card?.deals ?? []).filter((deal) => deal.open);
  const kinds = stepKinds(entry).filter(([, , , possible]) => possible);
  const labels = { callback: t("Why"), task: t("What is to be done") };
  return html`<fieldset class="next-step"><legend class="label">${t("Next step")}</legend>
    <div class="choices"><button type="button" class="btn" aria-pressed=${!step?.kind} onClick=${() => change(null)}>${t("Nothing")}</button>
    ${kinds.map(([kind, key, label]) => html`<button type="button" key=${kind} class="btn" aria-pressed=${step?.kind === kind} onClick=${() => change(begin(kind, step, entry))}><${Key}>${key.toUpperCase()}<//><span>${label}</span></button>`)}</div>
    ${step?.kind === "stage" ? html`<${Stage} step=${step} change=${change} deals=${deals} />` : step?.kind ? html`
      <label class="field"><span>${labels[step.kind]}</span><input ref=${why} class="why-next" value=${step.reason ?? ""} maxlength="200" aria-invalid=${missing ? "true" : undefined} onInput=${(event) => change({ ...step, reason: event.target.value })} /></label>
      <${Due} entry=${entry} step=${step} change=${change} label=${step.kind === "callback" ? t("Call back at") : t("Until")} />` : null}
    ${missing ? html`<p class="wrong" role="alert">${missing}</p>` : null}</fieldset>`;
};
