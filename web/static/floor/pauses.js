// Reasons for a pause, to send somebody into one.

import { useEffect } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { t } from "../say.js";
import { html, Loading } from "../ui.js";
import { api } from "../api.js";
import { doing } from "./doing.js";

const reasons = signal(null);

export const Pauses = ({ row, close }) => {
  useEffect(() => {
    if (!reasons.value) doing(t("The reasons for a pause are not known"), async () => { reasons.value = (await api.get("/pause-reasons")).filter((one) => one.active); });
  }, []);
  if (!reasons.value) return html`<${Loading} lines=${1} />`;
  const choose = (one) => doing(t("{name} is not paused", { name: row.name }), async () => {
    await api.post(`/agents/${row.id}/pause`, { reason: one.code });
    close();
  });
  return html`<div class="choices" role="group" aria-label=${t("Why")}>${reasons.value.map((one) => html`<button key=${one.code} type="button" class="btn" onClick=${() => choose(one)}>${one.label}</button>`)}</div>`;
};
