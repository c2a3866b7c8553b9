// What can be done with the call on the line, and what is being done: hold, transfer, park, keys, silent recording.

import { useState } from "../vendor/hooks.js";
import { lasted, t } from "../say.js";
import { Chip, html, Icon, Key, second } from "../ui.js";
import { useKey, useReturn, useTold } from "../keys.js";
import { act, useHands } from "./hands.js";
import { useHeld } from "./held.js";
import { parked } from "./store.js";
import { TransferPanel } from "./transfer.js";

const sinceThen = (at) => lasted((second.value - new Date(at).getTime()) / 1000);

const Press = ({ name, label, title, icon, tone = "", run, path, busy, pressed, off }) => {
  const press = () => run(path);
  useKey(name, title ?? label, press, !off);
  return html`<button type="button" class=${`btn ${tone}`} title=${title} disabled=${off} aria-pressed=${pressed} aria-busy=${busy === path} onClick=${press}>
    ${icon ? html`<${Icon} name=${icon} small />` : null}<span>${label}</span><${Key}>${name.toUpperCase()}<//></button>`;
};

const ASKING = {
  calling: (who) => t("Calling {who}", { who }), ringing: (who) => t("Ringing at {who}", { who }),
  talking: (who) => t("You are talking with {who}", { who }), failed: (who) => t("{who} can not be had", { who }),
};
const WHY = { busy: () => t("busy"), no_answer: () => t("no answer"), unavailable: () => t("not reachable") };
const TONES = { talking: "talk", failed: "miss" };

/** While a colleague is asked: how far it is, and the ways out of it. */
const Consulting = ({ consult, busy, run }) => {
  const who = consult.name ?? consult.target;
  const said = consult.with_customer ? t("You are with the customer; {who} waits", { who })
    : [ASKING[consult.stage]?.(who), WHY[consult.reason]?.()].filter(Boolean).join(": ");
  const talks = consult.stage === "talking";
  return html`<div class="doing" role="group" aria-label=${t("Asking a colleague")}>
    <span class="said" role="status"><${Chip} tone=${TONES[consult.stage] ?? "ring"} dot>${said}<//></span>
    <span class="ways">
      ${consult.stage === "failed" ? null : html`<${Press} name="j" tone="main" label=${t("Connect")} title=${t("Connect the customer with {who}; you leave", { who })} run=${run} busy=${busy} path="consult/complete" />`}
      <${Press} name="b" label=${t("Back to the customer")} title=${t("Let {who} go", { who })} run=${run} busy=${busy} path="consult/cancel" />
      ${talks ? html`<${Press} name="w" label=${t("Change over")} title=${t("Speak with the other one")} run=${run} busy=${busy} path="consult/swap" />
      <${Press} name="a" label=${t("All three")} run=${run} busy=${busy} path="consult/conference" />` : null}
    </span></div>`;
};

const OnHold = ({ busy, run }) => html`<div class="doing" role="group" aria-label=${t("On hold")}>
  <span class="said" role="status">${t("The customer hears music. Your phone stays connected.")}</span>
  <span class="ways"><${Press} name="h" tone="main" icon="play" label=${t("Take back")} run=${run} busy=${busy} path="resume" /></span></div>`;

const InSlot = ({ slot, busy, run }) => html`<div class="doing" role="group" aria-label=${t("Parked")}>
  <span class="said" role="status">${slot.ringing ? t("Your phone rings: pick it up.") : t("Parked in slot {slot}. Any colleague can fetch him.", { slot: slot.slot })}${slot.at ? html` <span class="time faint">${sinceThen(slot.at)}</span>` : null}</span>
  <span class="ways">${slot.ringing ? null : html`<${Press} name="f" tone="main" label=${t("Fetch")} title=${t("Your phone rings; pick it up")} run=${run} busy=${busy} path="retrieve" />`}</span></div>`;

const Silent = ({ paused, busy, run }) => html`<div class="doing silent" role="group" aria-label=${t("Recording")}>
  <span class="said" role="status"><${Chip} tone="miss" dot>${t("Recording paused")}<//> <span class="time">${sinceThen(paused.at)}</span> <span class="small">${t("goes on by itself at a transfer")}</span></span>
  <span class="ways"><${Press} name="r" tone="stop" label=${t("Record again")} run=${run} busy=${busy} path="recording/resume" /></span></div>`;

const KEYS = [..."123456789*0#"];

/** A keypad for the machine at the other end. What is pressed is not kept. */
const Keypad = ({ id, close }) => {
  useReturn();
  const [pressed, setPressed] = useState("");
  useTold("0 – 9 * #", t("On the keypad: press it"));
  const press = async (digits) => { if (await act(id, "dtmf", { digits })) setPressed((before) => (before + digits).slice(-12)); };
  const typed = (event) => {
    if (event.key === "Escape") { event.preventDefault(); close(); }
    if (/^[0-9*#]$/.test(event.key)) { event.preventDefault(); press(event.key); }
  };
  return html`<div class="keypad" role="group" aria-label=${t("Keys of the telephone")} onKeyDown=${typed}>
    <output class="num" aria-label=${t("Pressed so far")}>${pressed || t("Type 0-9, * and #")}</output>
    ${KEYS.map((key, index) => html`<button type="button" class="btn" autofocus=${index === 0} ref=${index === 0 ? focus : null} onClick=${() => press(key)}>${key}</button>`)}
    <button type="button" class="btn quiet" onClick=${close}>${t("Close")} <${Key}>Esc<//></button></div>`;
};
const focus = (element) => element?.focus();

const Ready = ({ call, control, busy, run }) => {
  const [open, setOpen] = useHeld(`control/${call.id}`, null);
  const toggle = (what) => () => setOpen(open === what ? null : what);
  const close = () => setOpen(null);
  useKey("t", t("Transfer the call"), toggle("transfer"));
  useKey("k", t("Keys of the telephone"), toggle("keys"));
  const opener = (what, name, label) => html`<button type="button" class="btn" aria-expanded=${open === what} aria-pressed=${open === what} onClick=${toggle(what)}><span>${label}</span><${Key}>${name}<//></button>`;
  return html`<div class="hands" role="group" aria-label=${t("What to do with the call")}>
    ${opener("transfer", "T", t("Transfer"))}
    <${Press} name="h" icon="pause" label=${t("Hold")} title=${t("The customer hears music")} run=${run} busy=${busy} path="hold" />
    <${Press} name="p" label=${t("Park")} title=${t("He waits in a slot, any colleague can fetch him")} run=${run} busy=${busy} path="park" />
    ${opener("keys", "K", t("Keys"))}
    ${control.recording_paused ? null : html`<${Press} name="r" label=${t("Pause recording")} title=${t("Before card data is spoken")} run=${run} busy=${busy} path="recording/pause" />`}
  </div>
  ${open === "transfer" ? html`<${TransferPanel} call=${call} close=${close} />` : null}
  ${open === "keys" ? html`<${Keypad} id=${call.id} close=${close} />` : null}`;
};

const HEARD = { listen: (who) => t("{who} listens", { who }), whisper: (who) => t("{who} whispers to you", { who }), barge: (who) => t("{who} speaks with both of you", { who }) };

/** A supervisor is on the line, where the house tells that. */
const HeardBy = ({ by }) => html`<p class="heard-by" role="status">${by.map((one) => html`<${Chip} key=${one.name} tone=${one.mode === "listen" ? "" : "wrap"} dot>${HEARD[one.mode]?.(one.name)}<//>`)}</p>`;

/** Under the bar of a call that somebody talks in. */
export const Control = ({ call }) => {
  const [busy, run] = useHands(call.id);
  const control = call.control ?? {};
  if (!["talking", "held"].includes(call.state)) return null;
  const { consult, parked: slot, recording_paused: paused } = control;
  const now = slot ? html`<${InSlot} slot=${slot} busy=${busy} run=${run} />`
    : consult?.stage === "hold" ? html`<${OnHold} busy=${busy} run=${run} />`
    : consult ? html`<${Consulting} consult=${consult} busy=${busy} run=${run} />`
    : call.state === "talking" ? html`<${Ready} call=${call} control=${control} busy=${busy} run=${run} />` : null;
  return html`${control.heard_by?.length ? html`<${HeardBy} by=${control.heard_by} />` : null}${paused ? html`<${Silent} paused=${paused} busy=${busy} run=${run} />` : null}${now}`;
};

/** Who waits in a slot, on every desk: whoever is free fetches him. */
export const Parked = ({ without }) => {
  const list = parked.value.filter((one) => one.id !== without);
  if (!list.length) return null;
  return html`<section class="parked-list" aria-label=${t("Parked")}>${list.map((one) => html`<${ParkedOne} key=${one.id} one=${one} />`)}</section>`;
};

const ParkedOne = ({ one }) => {
  const [busy, run] = useHands(one.id);
  return html`<div class="banner"><${Chip} tone="ring" dot>${t("Parked {slot}", { slot: one.slot })}<//>
    <span class="grow clip"><b>${one.who}</b> <span class="muted">${one.by ? t("by {name}", { name: one.by }) : ""} <span class="time">${sinceThen(one.at)}</span></span></span>
    <button type="button" class="btn" aria-busy=${Boolean(busy)} onClick=${() => run("retrieve")}>${t("Fetch")}</button></div>`;
};
