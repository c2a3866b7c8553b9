// What every page has: the state of the operator and of the switchboard in the head, the call that rings meanwhile,
// search, keys and the telephones beside numbers.

import { render } from "./vendor/preact.js";
import { boot, lasted, t } from "./say.js";
import { Chip, html, second } from "./ui.js";
import { bind, openSheet } from "./keys.js";
import { watchBell } from "./bell.js";
import { watchDials } from "./dial.js";
import { watchSearch } from "./search.js";
import { linkText, listen } from "./desk/socket.js";
import { Shift } from "./desk/agent.js";
import { calls, pbx, take } from "./desk/store.js";
import { since, stateName, tone, whoCalls } from "./desk/words.js";
import { watchRinging } from "./desk/ring.js";
import { shown, useShown } from "./desk/shown.js";
import { mountPlayers } from "./player.js";
import { Ear, mountListen } from "./listen.js";
import { Reminders } from "./reminders.js";
import "./typed.js";

/** Of several switchboards the one that is away is named. */
const named = (text, one) => (pbx.value.length > 1 ? `${text}: ${one.pbx}` : text);
const PbxChips = () => pbx.value.filter((one) => one.state !== "connected" || one.delayed).map((one) => html`
  <${Chip} key=${one.pbx} tone=${one.state === "connected" ? "ring" : "miss"} dot title=${one.detail}>${named(one.state === "connected" ? t("Switchboard data delayed") : one.state === "refused" ? t("Switchboard refuses us") : t("No switchboard"), one)}<//>`);

const LinkChip = () => (linkText(second.value) ? html`<${Chip} tone="ring" dot>${t("Offline")}<//>` : null);

const Head = () => html`<${LinkChip} /><${PbxChips} /><${Shift} />`;

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
  const push = listen((message) => {
    take(message);
    dispatchEvent(new CustomEvent("pushed", { detail: message }));  // lists/live.js, where there is a list
  });
  addEventListener("push", ({ detail }) => push.send(detail));
  shown.send = (id) => push.send({ type: "shown", id });
  shown.leave = (id) => push.send({ type: "leave", id });
  render(html`<${Head} />`, document.getElementById("state"));
  render(html`<${Ear} />`, document.getElementById("ear"));
  mountListen(document);
  const live = document.getElementById("live");
  if (live && !document.getElementById("desk")) render(html`<${LiveBar} />`, live);
  render(html`<${Reminders} />`, document.getElementById("reminders"));
  watchRinging();
  watchBell();
};

watchDials();
watchSearch();
mountPlayers();
bind("?", t("Show the keys"), openSheet);
/** Enter begins a new line in a text: what is written there is sent with Ctrl, as on the desk. */
if (document.querySelector("#main form[method=post]")) {
  bind("Ctrl+Enter", t("Send what is typed"), ({ target }) => {
    const form = target.form;
    if (!form?.matches(":is(#main, .beside) form[method=post]")) return;
    target.blur();  // else the browser says `change` of it only after it was sent
    target.focus();
    form.requestSubmit(form.querySelector("button:not([type=button])"));
  });
}
for (const field of document.querySelectorAll("[data-key]")) bind(field.dataset.key, field.dataset.keyLabel, () => field.focus());
document.getElementById("keys-open")?.addEventListener("click", openSheet);
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
if (boot.user) start();
if (document.querySelector("[data-export]") || sessionStorage.getItem("exports")) import("./exports.js").then((it) => it.watchExports());
if (document.querySelector("form[data-kept]")) import("./kept-form.js");
if (document.querySelector("tr[data-row], #bulk, [data-board], [data-follows]")) import("./lists/main.js");
