// The desk: next at the left, the call in the middle, the order at the right; on a narrow screen behind tabs.

import { render } from "../vendor/preact.js";
import { useEffect } from "../vendor/hooks.js";
import { effect, signal } from "../vendor/signals.js";
import { boot, t } from "../say.js";
import { Chip, html, Loading, serverNow } from "../ui.js";
import { CallCard } from "./call-card.js";
import { Parked } from "./control.js";
import { DemoPhone } from "./demo-phone.js";
import { putDraft } from "./draft.js";
import { watchOldCards } from "./autohide.js";
import { putScript } from "./guide.js";
import { Idle } from "./idle.js";
import { sendLeftOvers } from "./keep.js";
import { due, Next, waiting } from "./next.js";
import { putNote } from "./note.js";
import { readOutcomes } from "./outcomes.js";
import { watchPanels } from "./panels.js";
import { OrderPanel } from "./order.js";
import { putWindow } from "./window-keep.js";
import { Rail } from "./rail.js";
import { blocked, sound } from "./ring.js";
import { age, link, linkText } from "./socket.js";
import { current, part, pbx, ready, ringing, selected } from "./store.js";

// The banner counts from this machine's clock: how old what is shown is, not what the server believes.
const tick = signal(Date.now());
setInterval(() => { tick.value = Date.now(); }, 1000);

/** Without the switchboard calls stand still, and how old what is shown of them is; everything else works. */
const pbxText = () => {
  const lost = pbx.value.filter((one) => one.state !== "connected");
  if (!lost.length || link.value.state !== "on") return null;
  const oldest = Math.min(...lost.map((one) => new Date(one.since).getTime()));
  return t("No switchboard. What you see of calls is {age} old; orders and notes are kept as ever.", { age: age(serverNow() - oldest) });
};

const Banner = () => {
  const said = linkText(tick.value) ?? pbxText();
  if (!said && !blocked.value) return null;
  const bad = link.value.state === "refused";
  return html`${said ? html`<div class=${`banner ${bad ? "bad" : ""}`} role="alert"><${Chip} tone=${bad ? "miss" : "ring"} dot>${bad ? t("Signed out") : link.value.state === "on" ? t("No switchboard") : t("Offline")}<//><span class="grow">${said}</span>
      ${bad ? html`<a class="btn" href="/login?next=/">${t("Sign in")}</a>` : null}</div>` : null}
    ${blocked.value && sound.value && ringing.value.length ? html`<div class="banner"><span>${t("The browser keeps this page silent until you click somewhere in it.")}</span></div>` : null}`;
};

const Parts = ({ entry }) => {
  const count = waiting.value.list ? due().length : 0;
  const one = (name, label) => html`<button type="button" class=${`part-${name}`} aria-pressed=${part.value === name} onClick=${() => { part.value = name; }}>${label}</button>`;
  return html`<div class="parts tabs" role="group" aria-label=${t("Parts of the desk")}>${one("call", t("Call"))}${ordering(entry) ? one("order", t("Order")) : null}${one("next", count ? t("Next · {n}", { n: count }) : t("Next"))}</div>`;
};

const Stage = ({ entry }) => html`<div class="stage">
  <${Banner} /><${Parked} without=${entry?.call.id} />${boot.demo ? html`<${DemoPhone} />` : null}<${Rail} />
  ${!ready.value ? html`<div class="idle"><${Loading} lines=${6} /></div>` : entry ? html`<${CallCard} key=${entry.call.id} entry=${entry} />` : html`<${Idle} />`}</div>`;

/** Whoever only watches a call takes no order in it. */
const ordering = (entry) => Boolean(entry?.card) && entry.call.state !== "watching";

const Desk = () => {
  const entry = current.value;
  useEffect(() => { part.value = "call"; }, [entry?.call.id]);
  return html`<div class="desk-in" data-part=${part.value} data-busy=${ordering(entry) ? "yes" : "no"}>
    <${Parts} entry=${entry} /><${Next} /><${Stage} entry=${entry} />${ordering(entry) ? html`<${OrderPanel} key=${entry.call.id} entry=${entry} />` : null}</div>`;
};

const wanted = new URLSearchParams(location.search).get("call");
if (wanted) selected.value = wanted;
readOutcomes();
watchOldCards();
watchPanels();
let swept = false;
effect(() => {
  if (swept || !ready.value) return;
  swept = true;
  sendLeftOvers({ note: putNote, draft: putDraft, script: putScript, window: putWindow });
});
render(html`<${Desk} />`, document.getElementById("desk"));
