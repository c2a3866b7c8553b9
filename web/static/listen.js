// Listening to a colleague's call: the buttons of a call that goes on, and the bar that stays on every page while one
// listens. One's own telephone is what hears; what is shown is what the switchboard has confirmed.

import { render } from "./vendor/preact.js";
import { signal } from "./vendor/signals.js";
import { boot, lasted, t } from "./say.js";
import { Chip, html, second } from "./ui.js";
import { api, Refused } from "./api.js";
import { toast } from "./toast.js";
import { agent, listening } from "./desk/store.js";

const busy = signal(null);

/** Asks for a mode, "take_over", or (null) to leave; pressed again while it is awaited is one press. */
export const hear = async (id, mode) => {
  if (busy.value) return;
  busy.value = mode ?? "leave";
  try {
    await (mode ? api.post(`/calls/${id}/listening`, { mode }) : api.post(`/calls/${id}/listening/leave`));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Not done"), tone: "error" });
  } finally {
    busy.value = null;
  }
};

const MODES = [
  ["listen", () => t("Listen"), () => t("Nobody hears you")],
  ["whisper", () => t("Whisper"), () => t("Only the operator hears you")],
  ["barge", () => t("Speak with both"), () => t("The operator and the customer hear you")],
];
const SAID = { listen: () => t("nobody hears you"), whisper: () => t("only the operator hears you"), barge: () => t("both hear you") };

const Modes = ({ id, now }) => MODES.map(([mode, label, title]) => html`
  <button type="button" class="btn" key=${mode} title=${title()} aria-pressed=${now === undefined ? undefined : now === mode} aria-busy=${busy.value === mode} onClick=${() => hear(id, mode)}>${label()}</button>`);

const TakeOver = ({ id }) => html`<button type="button" class="btn" title=${t("The customer is yours, the operator is let go")} aria-busy=${busy.value === "take_over"} onClick=${() => hear(id, "take_over")}>${t("Take over")}</button>`;

/** The buttons of one call of a colleague; while one hears it, a line that says so. */
export const ListenButtons = ({ id }) => (listening.value?.call_id === id
  ? html`<p class="muted" role="status">${t("You are on this call; see the bar above.")}</p>`
  : html`<span class="listen-ways" role="group" aria-label=${t("Listen to this call")}><${Modes} id=${id} /><${TakeOver} id=${id} /></span>`);

/** The demo has no telephone on the table. */
const pickUp = () => api.post(`/demo/phones/${encodeURIComponent(agent.value.extensions[0])}`, { action: "answer" });

/** On every page, while one listens: to whom, how long, and the ways on. */
export const Ear = () => {
  const now = listening.value;
  if (!now) return null;
  const who = now.operator?.name ?? now.extension;
  if (!now.mode) {
    return html`<div class="ear" role="region" aria-label=${t("Listening")}><span class="said" role="status"><${Chip} tone="ring" dot>${t("Your phone is ringing")}<//>
      <b>${now.takes_over ? t("Pick it up, and {who}'s customer is yours", { who }) : t("Pick it up to hear {who}", { who })}</b></span>
      <span class="listen-ways">${boot.demo ? html`<button type="button" class="btn good" onClick=${pickUp}>${t("Answer")}</button>` : null}<button type="button" class="btn" aria-busy=${busy.value === "leave"} onClick=${() => hear(now.call_id, null)}>${t("Cancel")}</button></span></div>`;
  }
  return html`<div class="ear" role="region" aria-label=${t("Listening")}>
    <span class="said" role="status"><${Chip} tone=${now.mode === "listen" ? "wrap" : "talk"} dot>${t("You hear {who}", { who })}<//> <span class="muted">${SAID[now.mode]()}${now.told ? "" : ` · ${t("{who} does not see it", { who })}`}</span></span>
    <span class="time num">${lasted((second.value - new Date(now.since)) / 1000)}</span>
    <span class="listen-ways" role="group" aria-label=${t("How you take part")}><${Modes} id=${now.call_id} now=${now.mode} /><${TakeOver} id=${now.call_id} />
      <a class="btn" href=${`/calls/${now.call_id}/review`}>${t("Review")}</a>
      <button type="button" class="btn stop" aria-busy=${busy.value === "leave"} onClick=${() => hear(now.call_id, null)}>${t("Leave")}</button></span></div>`;
};

/** Puts the buttons where a page has a place for them: data-listen="id of the call". */
export const mountListen = (page) => {
  for (const place of page.querySelectorAll("[data-listen]")) render(html`<${ListenButtons} id=${place.dataset.listen} />`, place);
};
