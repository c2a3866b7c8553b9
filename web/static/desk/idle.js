// Nobody is on the line: a calm page that says so, with one's own calls of today.

import { useEffect } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { lasted, sentence, t, tn } from "../say.js";
import { Chip, Dial, Empty, Failed, html, Icon, Loading, When } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { blocked, sound, switchSound } from "./ring.js";
import { agent, calls, departures, pbx, pop } from "./store.js";
import { Turn } from "./turn.js";
import { sent, wall } from "../zoned.js";
import { missed, resultName } from "./words.js";

const today = signal({ list: null, failed: null });

const midnight = () => sent(`${wall(new Date()).slice(0, 10)}T00:00`);

const SETTLE_MS = 1500;
const PATIENCE = 8;

/** A call that has just left the desk may not be written down to its end yet: then the list is read again. */
const readToday = async (tries = PATIENCE) => {
  try {
    const list = items(await api.get("/calls", { mine: true, since: midnight(), limit: 30 }));
    today.value = { list, failed: null };
    const unfinished = list.some((one) => !one.result && !calls.value.has(one.id));
    if (unfinished && tries > 0) setTimeout(() => readToday(tries - 1), SETTLE_MS);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    today.value = { ...today.value, failed: error.message };
  }
};

const goals = signal([]);

/** One's own goals; a reader without figures has none, and a line that can not be read is left out. */
const readGoals = async () => {
  try {
    goals.value = items(await api.get("/goals")).filter((one) => one.own);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
};

const SPANS = { day: t("today"), week: t("this week"), month: t("this month") };

const Goals = () => goals.value.length ? html`<p class="muted goals-line">${goals.value.map((one) => html`<span key=${one.id}>${sentence(one.name)} ${SPANS[one.every]} <b>${one.said}</b> ${t("of {goal}", { goal: one.wanted })}</span>`)}</p>` : null;

const numberOf = (one) => one.remote_e164;
const shownOf = (one) => one.display ?? t("Number withheld");
const personOf = (one) => one.customer_name ?? one.remote_name;

const Past = ({ one }) => html`<tr><td class="faint"><${When} at=${one.started_at} /></td>
  <td><${Chip} tone=${missed(one) ? "miss" : ""} dot=${Boolean(missed(one))}>${resultName(one)}<//></td>
  <td><a href=${`/calls/${one.id}`}>${personOf(one) ?? shownOf(one)}</a> ${personOf(one) ? html`<span class="faint">${shownOf(one)}</span>` : null}<${Dial} number=${numberOf(one)} shown=${shownOf(one)} ids=${{ customer_id: one.customer_id }} /></td>
  <td class="muted">${one.disposition_label ?? one.disposition ?? ""}</td><td class="num">${one.talk_s ? lasted(one.talk_s) : ""}</td></tr>`;

const Today = () => {
  const { list, failed } = today.value;
  if (list === null) return failed ? html`<${Failed} text=${failed} again=${() => readToday()} />` : html`<${Loading} lines=${5} />`;
  if (!list.length) return html`<${Empty} title=${t("No calls yet today")}>${t("Your calls of today will be listed here.")}<//>`;
  return html`<div class="scroll"><table class="list"><thead><tr><th>${t("When")}</th><th>${t("How it ended")}</th><th>${t("Who")}</th><th>${t("Outcome")}</th><th class="num">${t("Talked")}</th></tr></thead>
    <tbody>${list.map((one) => html`<${Past} key=${one.id} one=${one} />`)}</tbody></table></div>`;
};

const OPENS = {
  ring: () => t("The card opens here when your telephone rings."), answer: () => t("The card opens here when you answer."),
  never: () => t("A line says here who rings; click it, or press ], for the card."),
};

const headline = () => {
  const down = pbx.value.length && pbx.value.every((one) => one.state !== "connected");
  if (down) return [t("No switchboard"), pbx.value[0].detail || t("Calls can not be shown until the connection is back.")];
  if (agent.value && !agent.value.extensions?.length) return [t("You have no telephone"), t("An administrator has to give you an extension before calls can reach you.")];
  if (agent.value?.state === "offline") return [t("Your telephone is offline"), t("Switch it on; calls can not reach you now.")];
  if (agent.value?.state === "paused") return [t("You are paused"), [agent.value.reason, agent.value.pauses?.length ? t("No queue rings you. Press Ready when you are back.") : t("The switchboard paused you; the menu above says why.")].filter(Boolean).join(" · ")];
  if (agent.value?.state === "wrap_up") return [t("Finish the last call"), t("No queue rings you until the time is over or you press Ready.")];
  if (agent.value?.queues?.length && !agent.value.signed_in) return [t("You are in no queue"), t("Calls to your own number still reach you. Sign in to a queue above for the rest.")];
  return [t("Ready for calls"), OPENS[pop.value.mode]()];
};

const Sound = () => html`<button type="button" class="btn" aria-pressed=${sound.value} onClick=${switchSound}><${Icon} name=${sound.value ? "bell" : "mute"} small />
  ${sound.value ? (blocked.value ? t("Click to let this page ring") : t("Rings")) : t("Silent")}</button>`;

export const Idle = () => {
  useEffect(() => { readToday(); readGoals(); }, [departures.value]);
  const [head, text] = headline();
  const list = today.value.list ?? [];
  const talked = list.reduce((sum, one) => sum + (one.talk_s ?? 0), 0);
  return html`<div class="idle"><div class="idle-head"><div><h1>${head}</h1><p class="muted">${text}</p><${Goals} /></div><${Sound} /></div>
    <${Turn} />
    <section class="panel flush"><div class="panel-head"><h2>${t("Your calls today")}</h2>
      ${list.length ? html`<span class="faint small">${tn("{n} call", "{n} calls", list.length)} · ${t("talked {time}", { time: lasted(talked) })}</span>` : null}</div><${Today} /></section></div>`;
};
