// Only in the demo: a telephone to play with, since there is no real one on the table.

import { useState } from "../vendor/hooks.js";
import { t } from "../say.js";
import { html } from "../ui.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { agent, calls } from "./store.js";

const tell = async (path, body) => {
  try {
    await api.post(path, body);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Demo phone"), tone: "error" });
  }
};

const Button = ({ tone, act, disabled, children }) => {
  const [busy, setBusy] = useState(false);
  const press = async () => { setBusy(true); await act(); setBusy(false); };
  return html`<button type="button" class=${`btn ${tone ?? ""}`} onClick=${press} disabled=${disabled} aria-busy=${busy}>${children}</button>`;
};

export const DemoPhone = () => {
  const phone = agent.value?.extensions?.[0];
  const states = [...calls.value.values()].map(({ call }) => call);
  const rings = states.some((call) => call.state === "ringing" || (call.state === "dialling" && !call.failure && !call.answered_at));
  const talks = states.some((call) => ["talking", "held"].includes(call.state) || (call.state === "dialling" && !call.failure));
  const press = (action) => () => tell(`/demo/phones/${encodeURIComponent(phone)}`, { action });
  return html`<section class="demo-phone" aria-label=${t("Demo phone")}><span class="small"><b>${t("Demo phone")}</b> <span class="muted">${phone ?? t("none")}</span></span>
    <${Button} tone="good" act=${press("answer")} disabled=${!phone || !rings}>${t("Answer")}<//>
    <${Button} act=${press("decline")} disabled=${!phone || !rings}>${t("Decline")}<//>
    <${Button} tone="stop" act=${press("hangup")} disabled=${!phone || !talks}>${t("Hang up")}<//>
    <span class="grow" /><${Button} act=${() => tell("/demo/calls", {})}>${t("Simulate a call")}<//></section>`;
};
