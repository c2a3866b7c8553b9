// One's own shift in the head of every page: what one is doing and for how long, pause and ready, queues, wrap-up.
// What is shown is what the switchboard has confirmed; a press only asks, and a refusal is said in its words.

import { useEffect, useRef } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { exact, lasted, t } from "../say.js";
import { Chip, html, Icon, Key, second } from "../ui.js";
import { api, Refused } from "../api.js";
import { useKey, useReturn } from "../keys.js";
import { toast } from "../toast.js";
import { agent, pbx } from "./store.js";

const NAME = {
  offline: () => t("Phone offline"), available: () => t("Available"), ringing: () => t("Ringing"), dialling: () => t("Calling"),
  talking: () => t("Talking"), held: () => t("On hold"), wrap_up: () => t("Wrap-up"), paused: () => t("Paused"),
};
const TONE = { available: "talk", ringing: "ring", dialling: "ring", talking: "talk", held: "ring", wrap_up: "wrap", offline: "miss", paused: "" };
const MORE_S = 30;

const open = signal(false);
const busy = signal(null);
const reasons = signal(null);

const readReasons = async () => {
  try {
    reasons.value = (await api.get("/pause-reasons")).filter((one) => one.active);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    reasons.value ??= [];
    toast(error.message, { title: t("The reasons for a pause are not known"), tone: "error" });
  }
};

let last = Promise.resolve();

/** Asks for something, after what was asked before; what comes of it arrives as the state. `name` marks the button that waits. */
const ask = (name, title, request) => {
  if (busy.value === name) return;  // pressed twice
  const next = () => asked(name, title, request);
  last = last.then(next, next);
};

const asked = async (name, title, request) => {
  busy.value = name;
  try {
    await request(`/agents/${agent.value.id}`);
    open.value = false;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title, tone: "error" });
  } finally {
    busy.value = null;
  }
};

const pause = (code) => ask(code, t("You are not paused"), (me) => api.post(`${me}/pause`, { reason: code }));
const ready = () => ask("ready", t("You are not ready yet"), (me) => api.post(`${me}/ready`, { auto_pause: autoPaused(agent.value) }));
const finish = () => ask("finish", t("The wrap-up goes on"), (me) => api.post(`${me}/wrap-up/finish`));
const extend = () => ask("extend", t("No more time"), (me) => api.post(`${me}/wrap-up/extend`, { seconds: MORE_S }));
const enter = (one) => ask(one.queue, t("Not signed in to {queue}", { queue: one.queue }), (me) => api.put(`${me}/queues/${one.pbx}/${one.queue}`));
const leave = (one) => ask(one.queue, t("Still in {queue}", { queue: one.queue }), (me) => api.drop(`${me}/queues/${one.pbx}/${one.queue}`));

const ours = (me) => me.pauses?.find((one) => one.kind === "pause");
const autoPaused = (me) => (me.queues ?? []).some((one) => one.by_others && one.reason === "Auto-Pause");
/** Paused by somebody else in every queue: only he lifts it, unless it was Asterisk's own doing. */
const canBeReady = (me) => Boolean(ours(me)) || autoPaused(me);
const left = (me) => Math.max(0, (new Date(me.wrap_up.until) - second.value) / 1000);

const stateText = (me) => {
  if (me.state === "paused" && me.reason) return t("Paused · {reason}", { reason: me.reason });
  if (me.state === "available" && me.queues?.length && !me.signed_in) return t("In no queue");
  return NAME[me.state]?.() ?? me.state;
};
const toneOf = (me) => (me.state === "available" && me.queues?.length && !me.signed_in ? "" : TONE[me.state] ?? "");

const State = ({ me }) => {
  const counts = me.state === "wrap_up" && me.wrap_up?.until;
  const time = counts ? left(me) : me.since ? (second.value - new Date(me.since)) / 1000 : null;
  const title = [me.since ? t("Since {when}", { when: exact(me.since) }) : null, t("Phone {phones}", { phones: me.extensions.join(", ") }), me.trouble].filter(Boolean).join(" · ");
  return html`<button type="button" class="shift-state" aria-expanded=${open.value} aria-controls="shift-menu" title=${title} onClick=${() => { open.value = !open.value; }}>
    <${Chip} tone=${toneOf(me)} dot><span class="clip">${stateText(me)}</span>${time === null ? null : html` <span class="timer">${counts ? t("{time} left", { time: lasted(time) }) : lasted(time)}</span>`}<//><${Icon} name="down" small /></button>`;
};

const Act = ({ name, label, keyName, main, act }) => {
  useKey(keyName, label, act);
  return html`<button type="button" class=${main ? "btn main tight" : "btn tight"} aria-busy=${busy.value === name} onClick=${act}><span>${label}</span><${Key}>${keyName.toUpperCase()}<//></button>`;
};

const Acts = ({ me }) => {
  if (me.wrap_up) return html`<${Act} name="extend" label=${t("+{n} s", { n: MORE_S })} keyName="l" act=${extend} /><${Act} name="finish" label=${t("Ready")} keyName="g" main act=${finish} />`;
  if (canBeReady(me)) return html`<${Act} name="ready" label=${t("Ready")} keyName="g" main act=${ready} />`;
  return html`<${Act} name="menu" label=${t("Pause")} keyName="s" act=${() => { open.value = !open.value; }} />`;
};

const Reason = ({ one, index, on }) => {
  const choose = () => pause(one.code);
  useKey(String(index + 1), t("Pause: {reason}", { reason: one.label }), choose, index < 9);
  return html`<button type="button" aria-pressed=${on} aria-busy=${busy.value === one.code} onClick=${choose}><span class="grow">${one.label}</span>
    ${one.productive ? html`<span class="faint small tag">${t("work")}</span>` : null}${index < 9 ? html`<${Key}>${index + 1}<//>` : null}</button>`;
};

const queueNote = (one) => {
  if (!one.known) return t("not known: no switchboard");
  if (one.paused) return one.by_others ? t("paused by the switchboard: {reason}", { reason: one.reason ?? t("no reason given") }) : t("paused");
  return one.fixed ? t("always in it") : null;
};

const Queue = ({ one, several }) => html`<li class="shift-queue"><span class="grow"><b>${one.queue}</b>${several ? html` <span class="faint small">${one.pbx}</span>` : null}
  ${queueNote(one) ? html`<span class="faint small">${queueNote(one)}</span>` : null}</span>
  ${one.fixed ? null : html`<button type="button" class="btn tight" disabled=${!one.known} aria-busy=${busy.value === one.queue} onClick=${() => (one.member ? leave(one) : enter(one))}
    aria-label=${one.member ? t("Sign out of {queue}", { queue: one.queue }) : t("Sign in to {queue}", { queue: one.queue })}>${one.member ? t("Sign out") : t("Sign in")}</button>`}</li>`;

const Menu = ({ me }) => {
  useReturn();
  const box = useRef(null);
  useKey("Escape", t("Close"), () => { open.value = false; });
  useEffect(() => {
    readReasons().then(() => box.current?.querySelector("button")?.focus());
    const away = (event) => { if (!event.target.closest(".shift")) open.value = false; };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, []);
  const held = ours(me);
  const foreign = me.state === "paused" && !held;
  const queues = me.queues ?? [];
  return html`<div id="shift-menu" class="shift-menu sheet-menu" role="group" aria-label=${t("Your shift")} ref=${box}>
    ${me.trouble ? html`<p class="shift-say care">${t("The switchboard refused: {text}", { text: me.trouble })}</p>` : null}
    ${foreign ? html`<p class="shift-say">${autoPaused(me) ? t("The switchboard paused you because a call rang out. Press Ready when you are back.") : t("Somebody else paused you on the switchboard. Whoever did it lifts it.")}</p>` : null}
    ${me.wrap_up ? html`<button type="button" class="only-narrow" onClick=${extend}>${t("{n} seconds more", { n: MORE_S })}</button>` : null}
    <h2>${me.wrap_up ? t("Pause after the wrap-up") : t("Pause")}</h2>
    ${(reasons.value ?? []).map((one, index) => html`<${Reason} key=${one.code} one=${one} index=${index} on=${held?.reason === one.label} />`)}
    ${held && me.wrap_up ? html`<button type="button" onClick=${ready}>${t("No pause after it")}</button>` : null}
    ${queues.length ? html`<h2>${t("Queues")}</h2><ul>${queues.map((one) => html`<${Queue} key=${`${one.pbx}/${one.queue}`} one=${one} several=${pbx.value.length > 1} />`)}</ul>` : null}</div>`;
};

/** The state of whoever has a telephone, with what he can do about it. */
export const Shift = () => {
  const me = agent.value;
  if (!me?.extensions?.length) return null;  // nobody waits for somebody without a telephone
  return html`<div class="shift"><${State} me=${me} /><span class="shift-acts"><${Acts} me=${me} /></span>${open.value ? html`<${Menu} me=${me} />` : null}</div>`;
};
