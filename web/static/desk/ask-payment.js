// The customer of the call is asked to pay what is owed of an order: his page is made, the message opens on this device.

import { useState } from "../vendor/hooks.js";
import { cents, t } from "../say.js";
import { html } from "../ui.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";

const opens = { sms: (to, text) => `sms:${to}?body=${text}`, email: (to, text) => `mailto:${to}?body=${text}` };

const links = new Map(); // of a call and an order: the address is told once, and the card may give way to another call

export const AskPayment = ({ entry, order }) => {
  const place = `${entry.call.id} ${order.id}`;
  const [made, setMade] = useState(links.get(place));
  const [busy, setBusy] = useState(false);
  if (!order.open || cents(order.total) <= cents(order.paid)) return null;
  const ask = async (way) => {
    setBusy(true);
    try {
      links.set(place, await api.post(`/orders/${order.id}/payment-links`, { way, call_id: entry.call.id }));
      setMade(links.get(place));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      toast(error.message, { title: t("No payment link"), tone: "error" });
    } finally {
      setBusy(false);
    }
  };
  if (!made) {
    return html`<p class="ask-pay">${t("Payment link")}
      <button type="button" class="btn tight" disabled=${busy} onClick=${() => ask("sms")}>${t("by SMS")}</button>
      <button type="button" class="btn tight" disabled=${busy} onClick=${() => ask("email")}>${t("by e-mail")}</button></p>`;
  }
  return html`<p class="ask-pay"><a class="btn main tight" href=${opens[made.way](made.address, encodeURIComponent(made.message))}>${t("Open the message")}</a>
    <span class="faint small">${made.address} · ${t("noted as sent")}</span></p>`;
};
