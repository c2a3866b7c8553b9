// After the hang-up: what came of it, what happens next, and done.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { clock, lasted, t } from "../say.js";
import { html, Icon, Key, Loading } from "../ui.js";
import { api, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { toast } from "../toast.js";
import { dismiss } from "./store.js";
import { Player } from "../player.js";
import { noteOf } from "./note.js";
import { outcomes, readOutcomes } from "./outcomes.js";
import { draftOf } from "./draft.js";
import { resultName } from "./words.js";

const DIGITS = "1234567890-";

const Outcome = ({ one, index, on, choose }) => {
  useKey(DIGITS[index] ?? "", one.label, choose, index < DIGITS.length);
  return html`<button type="button" class="btn outcome" aria-pressed=${on} onClick=${choose}>${index < DIGITS.length ? html`<${Key}>${DIGITS[index]}<//>` : null}<span>${one.label}</span></button>`;
};

const FRESH_MS = 90e3;  // a recording is taken within this time after the hang-up
const HOUR_MS = 3600e3;
/** The value of a datetime-local field for this instant. */
export const local = (at) => new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
const tomorrowAt = (hour) => { const at = new Date(Date.now() + 24 * HOUR_MS); at.setHours(hour, 0, 0, 0); return at; };
const WHEN = [
  [() => t("In 1 hour"), () => new Date(Date.now() + HOUR_MS)],
  [() => t("In 3 hours"), () => new Date(Date.now() + 3 * HOUR_MS)],
  [() => t("Tomorrow 10:00"), () => tomorrowAt(10)],
];

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;  // what a field of the browser means
const zoneOf = ({ call, card }) => card?.customer?.timezone ?? call.remote?.timezone;
/** What a time typed here means by the clock of the customer; nothing where the clocks agree. */
const there = (typed, zone) => {
  const at = new Date(typed);
  if (!typed || !zone || clock(at, HERE) === clock(at, zone)) return null;
  return t("{clock} there ({zone})", { clock: clock(at, zone), zone: zone.split("/").at(-1).replaceAll("_", " ") });
};

const Callback = ({ value, change, missing, zone }) => html`<fieldset class="next-step"><legend class="label">${t("Next step")}</legend>
  <div class="choices"><button type="button" class="btn" aria-pressed=${!value} onClick=${() => change(null)}>${t("Nothing")}</button>
  ${WHEN.map(([label, at]) => html`<button type="button" class="btn" aria-pressed=${value?.choice === label()} onClick=${() => change({ ...value, choice: label(), due: local(at()) })}>${label()}</button>`)}</div>
  ${value ? html`<div class="pair"><label class="field"><span>${t("Call back at")}</span><input type="datetime-local" value=${value.due} onInput=${(event) => change({ ...value, choice: null, due: event.target.value })} />${there(value.due, zone) ? html`<span class="faint small">${there(value.due, zone)}</span>` : null}</label>
    <label class="field"><span>${t("Why")}</span><input value=${value.reason ?? ""} aria-invalid=${missing ? "true" : undefined} onInput=${(event) => change({ ...value, reason: event.target.value })} />
    ${missing ? html`<span class="wrong">${t("Say why, so that whoever calls knows.")}</span>` : null}</label></div>` : null}</fieldset>`;

const callback = ({ call, card }, next) => {
  const order = (card.links ?? []).find((one) => one.kind === "order");
  return {
    number: call.remote.number ?? call.remote.raw, due_at: new Date(next.due).toISOString().replace(/\.\d+Z$/, "Z"),
    reason: next.reason.trim(), source_call_id: call.id,
    ...(card.customer ? { customer_id: card.customer.id } : {}), ...(order ? { order_id: order.object_id } : {}),
  };
};

const finish = async (entry, code, next) => {
  await noteOf(entry).flush();
  await draftOf(entry).flush();
  if (next) await api.post("/callbacks", callback(entry, next));
  await api.put(`/calls/${entry.call.id}/disposition`, { code });
};

/** The outcome chosen for each call: at once, whether the page has drawn it yet or draws the card anew meanwhile. */
const chosen = new Map();

export const WrapUp = ({ entry }) => {
  const { call, card } = entry;
  const [code, setCode] = useState(chosen.get(call.id) ?? card?.disposition ?? null);
  const [next, setNext] = useState(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [heard, setHeard] = useState(false);
  const done = useRef(null);
  useEffect(() => { readOutcomes(); }, []);
  const missing = tried && Boolean(next) && !next?.reason?.trim();
  const wantsLink = code && !card?.links?.length && outcomes.value?.find((one) => one.code === code)?.needs_link;
  const choose = (one) => () => { chosen.set(call.id, one); setCode(one); done.current?.focus(); };
  const submit = async (event) => {
    event.preventDefault();
    const code = chosen.get(call.id) ?? card?.disposition;
    setTried(true);
    if (!code || (next && !next.reason?.trim())) return;
    setBusy(true);
    try {
      await finish(entry, code, next);
      chosen.delete(call.id);
      dismiss(call.id);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      toast(error.message, { title: t("Not finished yet"), tone: "error" });
      const allowed = next && error.problem?.choices?.[0];  // they sleep at that time: the next moment stands there now
      if (allowed && error.problem.errors?.some((one) => one.field === "due_at")) setNext({ ...next, choice: null, due: local(new Date(allowed.value)) });
      setBusy(false);
    }
  };
  return html`<form class="wrap-up" onSubmit=${submit} aria-label=${t("Wrap-up")}>
    <div class="wrap-head"><h2>${t("What came of it?")}</h2><span class="faint small">${[resultName(call), call.talk_s ? lasted(call.talk_s) : null].filter(Boolean).join(" · ")}</span>
      ${call.result === "answered" ? html`<button type="button" class="linkish" aria-expanded=${heard} onClick=${() => setHeard(!heard)}><${Icon} name="play" small />${t("Recording and text")}</button>` : null}</div>
    ${heard ? html`<${Player} callId=${call.id} until=${new Date(call.ended_at).getTime() + FRESH_MS} />` : null}
    <div class="choices" role="group" aria-label=${t("Outcome")}>${outcomes.value === null ? html`<${Loading} lines=${1} />` : null}${(outcomes.value ?? []).map((one, index) => html`
      <${Outcome} key=${one.code} one=${one} index=${index} on=${one.code === code} choose=${choose(one.code)} />`)}</div>
    ${wantsLink ? html`<p class="small muted">${t("Such a call is usually about an order or a deal: link it below.")}</p>` : null}
    ${tried && !code ? html`<p class="wrong" role="alert">${t("Choose an outcome first.")}</p>` : null}
    ${call.remote?.raw && !call.remote.anonymous ? html`<${Callback} zone=${zoneOf(entry)} value=${next} change=${setNext} missing=${missing} />` : null}
    <button class="btn main" ref=${done} disabled=${busy} aria-busy=${busy}><span>${t("Finish")}</span><${Key}>⏎<//></button></form>`;
};
