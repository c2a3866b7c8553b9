// What every page has: the state of the operator and of the switchboard in the head, the call that rings meanwhile,
// search, keys and the telephones beside numbers.

import { render } from "./vendor/preact.js";
import { boot, lasted, t } from "./say.js";
import { Chip, html, second } from "./ui.js";
import { bind, openSheet } from "./keys.js";
import { watchDials } from "./dial.js";
import { watchSearch } from "./search.js";
import { linkText, listen } from "./desk/socket.js";
import { agent, calls, pbx, take } from "./desk/store.js";
import { since, stateName, tone, whoCalls } from "./desk/words.js";
import { watchRinging } from "./desk/ring.js";
import { shown, useShown } from "./desk/shown.js";
import { mountPlayers } from "./player.js";

const AGENT = {
  offline: () => t("Phone offline"), available: () => t("Available"), ringing: () => t("Ringing"), dialling: () => t("Calling"),
  talking: () => t("Talking"), held: () => t("On hold"), wrap_up: () => t("Wrap-up"), paused: () => t("Paused"),
};
const AGENT_TONE = { available: "talk", ringing: "ring", dialling: "ring", talking: "talk", held: "ring", wrap_up: "wrap", offline: "miss", paused: "" };

const AgentChip = () => {
  const me = agent.value;
  if (!me?.extensions?.length) return null;  // nobody waits for somebody without a telephone
  const phones = (me.extensions ?? []).join(", ");
  const timed = ["talking", "held", "wrap_up", "paused"].includes(me.state) && me.since;
  return html`<${Chip} tone=${AGENT_TONE[me.state] ?? ""} dot title=${[t("Phone {phones}", { phones: phones || "—" }), me.reason].filter(Boolean).join(" · ")}>
    ${AGENT[me.state]?.() ?? me.state}${timed ? html` <span class="timer">${lasted((second.value - new Date(me.since)) / 1000)}</span>` : null}<//>`;
};

/** Of several switchboards the one that is away is named. */
const named = (text, one) => (pbx.value.length > 1 ? `${text}: ${one.pbx}` : text);
const PbxChips = () => pbx.value.filter((one) => one.state !== "connected" || one.delayed).map((one) => html`
  <${Chip} key=${one.pbx} tone=${one.state === "connected" ? "ring" : "miss"} dot title=${one.detail}>${named(one.state === "connected" ? t("Switchboard data delayed") : one.state === "refused" ? t("Switchboard refuses us") : t("No switchboard"), one)}<//>`);

const LinkChip = () => (linkText(second.value) ? html`<${Chip} tone="ring" dot>${t("Offline")}<//>` : null);

const Head = () => html`<${LinkChip} /><${PbxChips} /><${AgentChip} />`;

/** On pages other than the desk: the calls of this operator, one line each, with the way to the card. */
const LiveBar = () => {
  const list = [...calls.value.values()].filter(({ call }) => call.state !== "ended" || call.failure);
  return list.map((entry) => html`<${LiveCall} key=${entry.call.id} entry=${entry} />`);
};

const LiveCall = ({ entry: { call, card } }) => {
  useShown(call.id, call.state);
  const from = since(call);
  return html`<div class=${`live-call ${tone(call)}`}>
    <${Chip} tone=${tone(call)} dot>${stateName(call)}${from ? html` <span class="timer">${lasted((second.value - new Date(from)) / 1000)}</span>` : null}<//>
    <b class="clip">${whoCalls(call, card)}</b><span class="muted clip grow">${call.failure?.text ?? call.stage ?? call.line?.name}</span>
    <a class="btn" href=${`/?call=${call.id}`}>${t("Open the card")}</a></div>`;
};

const start = () => {
  const push = listen(take);
  shown.send = (id) => push.send({ type: "shown", id });
  render(html`<${Head} />`, document.getElementById("state"));
  const live = document.getElementById("live");
  if (live && !document.getElementById("desk")) render(html`<${LiveBar} />`, live);
  watchRinging();
};

watchDials();
watchSearch();
mountPlayers();
bind("?", t("Show the keys"), openSheet);
document.getElementById("keys-open")?.addEventListener("click", openSheet);
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
if (boot.user) start();
