// The supervisor's board: what needs a hand stands first. Everything comes by the push; times are counted here.

import { render } from "../vendor/preact.js";
import { t, tn } from "../say.js";
import { html, Icon, Loading } from "../ui.js";
import { bind } from "../keys.js";
import { Alerts } from "./alerts.js";
import { Lines, Queues, Waiting } from "./queues.js";
import { Operator } from "./operator.js";
import { operators } from "./order.js";
import { byName, here, opened, parts, queue, root, wall, watchFloor, words } from "./state.js";
import "./listen.js";
import { Totals } from "./totals.js";
import { Wall } from "./wall.js";

const turnOrder = () => {
  byName.value = !byName.value;
  localStorage.setItem("floor-order", byName.value ? "name" : "need");
};

const Bar = () => html`<div class="toolbar floor-bar"><h1>${t("Floor")}</h1>
  <label class="unseen" for="floor-find">${t("Find an operator, caller or order")}</label>
  <input id="floor-find" type="search" placeholder=${t("Find an operator, caller, order")} value=${words.value} onInput=${(event) => { words.value = event.target.value; }} />
  ${queue.value ? html`<button type="button" class="btn" onClick=${() => { queue.value = ""; }}>${t("Queue {name}", { name: queue.value })}<${Icon} name="close" small /></button>` : null}
  <button type="button" class="btn" aria-pressed=${byName.value} onClick=${turnOrder}>${t("By name")}</button>
  <a class="btn" href="/floor/alerts">${t("Alerts")}</a><a class="btn" href="/floor/wall">${t("Wallboard")}</a></div>`;

const Operators = () => {
  const list = operators.value;
  const at = list.filter((row) => row.state !== "offline");
  const away = list.filter((row) => row.state === "offline");
  return html`<section class="panel flush" aria-labelledby="operators-head"><h2 id="operators-head">${t("Operators")} <span class="faint">${at.length}</span></h2>
    ${list.length ? html`<ul class="operators">${at.map((row) => html`<${Operator} key=${row.id} row=${row} />`)}</ul>` : html`<p class="empty">${parts.operators.value.size ? t("Nobody fits.") : t("Nobody has a telephone yet.")}</p>`}
    ${away.length ? html`<details class="away"><summary>${tn("{n} away", "{n} away", away.length)}</summary><ul class="operators">${away.map((row) => html`<${Operator} key=${row.id} row=${row} />`)}</ul></details>` : null}</section>`;
};

const Floor = () => (here.value ? html`<${Bar} /><${Alerts} /><${Totals} />
  <div class="floor-cols"><div class="floor-side"><${Waiting} /><${Queues} /><${Lines} /></div><${Operators} /></div>` : html`<${Bar} /><${Loading} lines=${6} />`);

const step = (by) => () => {
  const list = operators.value.filter((row) => row.state !== "offline");
  const now = list.findIndex((row) => row.id === opened.value);
  opened.value = list.at(Math.max(0, Math.min(list.length - 1, now < 0 && by < 0 ? list.length - 1 : now + by)))?.id ?? null;
};

if (!wall) {
  bind("j", t("Next operator"), step(1));
  bind("k", t("Operator before"), step(-1));
  bind("Escape", t("Close the row"), () => { opened.value = null; });
  bind("f", t("Find an operator, caller, order"), () => document.getElementById("floor-find").focus());
  bind("n", t("By name, or by who needs a hand"), turnOrder);
}
bind("w", wall ? t("Back to the board") : t("Wallboard"), () => location.assign(wall ? "/floor" : "/floor/wall"));
watchFloor();
render(html`<${wall ? Wall : Floor} />`, root);
