// What is wrong now, above everything: the newest that nobody looks after first, what somebody looks after calmly below.

import { lasted, t } from "../say.js";
import { Chip, html, Icon } from "../ui.js";
import { api } from "../api.js";
import { useKey } from "../keys.js";
import { doing } from "./doing.js";
import { lastedFrom, opened, parts, wall } from "./state.js";

const MOST = 6;

const shown = () => [...parts.alerts.value.values()].sort((a, b) => Boolean(a.acked_by) - Boolean(b.acked_by) || (a.since < b.since ? 1 : -1));
const take = (one) => doing(t("Not taken"), () => api.post(`/alerts/${one.id}/acknowledge`));

/** Goes to what the alert is about. */
const go = (one) => {
  if (one.about === "operator") opened.value = one.of;
  else document.querySelector(`[data-queue="${CSS.escape(String(one.of))}"]`)?.scrollIntoView({ block: "center" });
};

const Alert = ({ one }) => html`<li class=${one.acked_by ? "alert calm" : "alert"}><${Icon} name="warn" small />
  ${wall || !["operator", "queue"].includes(one.about) ? html`<b class="grow">${one.text}</b>` : html`<button type="button" class="as-link grow" onClick=${() => go(one)}>${one.text}</button>`}
  <span class="timer" title=${t("For so long")}>${lasted(lastedFrom(one.since))}</span>
  ${one.acked_by ? html`<${Chip}>${one.acked_by}<//>` : wall ? null : html`<button type="button" class="btn" aria-label=${t("I look after it: {text}", { text: one.text })} onClick=${() => take(one)}>${t("I look after it")}</button>`}</li>`;

export const Alerts = () => {
  const all = shown();
  const [first] = all.filter((one) => !one.acked_by);
  useKey("a", t("I look after the first alert"), () => first && take(first), Boolean(first) && !wall);
  if (!all.length) return null;
  return html`<ul class="alerts" aria-label=${t("Alerts")}>${all.slice(0, MOST).map((one) => html`<${Alert} key=${one.id} one=${one} />`)}
    ${all.length > MOST ? html`<li class="alert calm"><a href="/floor/alerts?unfinished=true">${t("{n} more", { n: all.length - MOST })}</a></li>` : null}</ul>`;
};
