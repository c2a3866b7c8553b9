// On the page of panels: each one as it would stand beside a card, with a caller who does not exist.

import { t } from "./say.js";
import { filled, foreign, frame } from "./panel-address.js";

const EXAMPLE = {
  phone: "+48601220114", name: "Marta Zielińska & Co", did: "+48223071120", call_id: "00000000-0000-4000-8000-000000000000",
  queue: "Sales", customer_id: "1", order_id: "2",
};

const show = ({ dataset }) => {
  const place = document.querySelector(`[data-panel-preview="${dataset.tryPanel}"]`);
  const address = filled(dataset.address, EXAMPLE);
  const link = Object.assign(document.createElement("a"), { href: address, textContent: address, target: "_blank", rel: "noopener noreferrer" });
  const line = document.createElement("p");
  line.className = "panel-address muted";
  line.append(link);
  place.replaceChildren(line);
  if (dataset.place === "beside" && foreign(address)) {
    const box = document.createElement("iframe");
    for (const [name, value] of Object.entries(frame(address, dataset.name, Boolean(dataset.ownOrigin)))) box.setAttribute(name, value);
    const why = document.createElement("p");
    why.className = "muted small";
    why.textContent = t("Empty or grey? It does not answer, or does not let itself be shown in a frame: choose a window of its own.");
    place.append(box, why);
  }
  place.hidden = false;
};

for (const button of document.querySelectorAll("[data-try-panel]")) {
  button.hidden = false;
  button.addEventListener("click", () => show(button));
}
