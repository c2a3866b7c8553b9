// Pages of other systems beside the card, each in a closed frame or behind a button that opens a window. What is loaded
// stays as it is until somebody asks for it anew: there may be something half-typed in it.

import { useLayoutEffect, useRef, useState } from "../vendor/hooks.js";
import { effect, signal } from "../vendor/signals.js";
import { t } from "../say.js";
import { html } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { filled, foreign, frame } from "../panel-address.js";
import { guard } from "./keyboard-guard.js";
import { opened } from "./opened.js";
import { panelNews } from "./store.js";

const all = signal([]);
/** Whose pages this page lets into a frame, as it was loaded. */
const admitted = () => (document.getElementById("desk")?.dataset.frames ?? "").split(" ");

/** Reads which panels there are, and again whenever the administrator changed them. */
export const watchPanels = () => effect(() => {
  if (panelNews.value < 0) return;
  api.get("/panels").then((found) => { all.value = items(found).filter((one) => one.active); }, (error) => { if (!(error instanceof Refused)) throw error; });
});

const orderOf = (entry) => {
  const now = opened(entry) ?? (entry.card.links ?? []).find((one) => one.kind === "order");
  return now?.kind === "order" ? now.object_id : null;
};

const known = (entry) => {
  const { call, card } = entry;
  return {
    phone: call.remote?.number ?? call.remote?.raw, name: card.customer?.name ?? call.remote?.name, did: call.line?.number, call_id: call.id,
    queue: call.queue, customer_id: card.customer?.id, order_id: orderOf(entry),
  };
};

const Guarded = ({ one, shown }) => {
  const box = useRef();
  const [grabbed, setGrabbed] = useState(false);
  useLayoutEffect(() => (grabbed ? undefined : guard(box.current, () => setGrabbed(true))), [grabbed]);
  if (grabbed) return html`<p class="failed" role="alert">${t("This panel took the keyboard while you typed, and was closed. Tell your administrator.")}</p>`;
  return html`<iframe ref=${box} ...${frame(shown, one.name, one.own_origin)} />`;
};

const Frame = ({ one, address, shown, load }) => {
  if (!foreign(shown)) return html`<p class="failed">${t("This panel leads to our own pages and is not shown.")}</p>`;
  if (!admitted().includes(new URL(shown).origin)) {
    return html`<p class="failed" role="status"><span class="grow">${t("This panel is new. Load the page anew to see it; what you typed is kept.")}</span><button type="button" class="btn" onClick=${() => location.reload()}>${t("Load anew")}</button></p>`;
  }
  return html`${address === shown ? null : html`<p class="panel-stale small" role="status">${t("More is known of the call since it was loaded.")} <button type="button" class="linkish" onClick=${load}>${t("Load it with that")}</button></p>`}
    <${Guarded} key=${shown} one=${one} shown=${shown} />
    <p class="panel-stale small">${t("Empty or grey? It does not answer, or does not let itself be shown here.")} <a href=${shown} target="_blank" rel="noopener noreferrer">${t("Open it in a window")} ↗</a></p>`;
};

/** Which of them are loaded, and with which address. */
const begun = (here, addresses) => Object.fromEntries(here.filter((one) => one.automatic && one.place === "beside").map((one) => [one.id, addresses[one.id]]));

export const Panels = ({ entry }) => {
  const here = all.value.filter((one) => !one.line_ids.length || one.line_ids.includes(entry.call.line?.id));
  return here.length ? html`<${Shown} here=${here} entry=${entry} />` : null;
};

const Shown = ({ here, entry }) => {
  const values = known(entry);
  const addresses = Object.fromEntries(here.map((one) => [one.id, filled(one.address, values)]));
  const [shown, setShown] = useState(() => begun(here, addresses));
  const load = (id) => setShown({ ...shown, [id]: addresses[id] });
  const flip = (id) => (id in shown ? setShown(Object.fromEntries(Object.entries(shown).filter(([other]) => Number(other) !== id))) : load(id));
  const way = (one) => (one.place === "beside"
    ? html`<button type="button" key=${one.id} class="btn tight" aria-expanded=${one.id in shown} aria-pressed=${one.id in shown} onClick=${() => flip(one.id)}>${one.name}</button>`
    : html`<a key=${one.id} class="btn tight" href=${addresses[one.id]} target="_blank" rel="noopener noreferrer">${one.name} ↗</a>`);
  return html`<section class="panel panels" aria-label=${t("Panels")}><div class="ways">${here.map(way)}</div>
    ${here.filter((one) => one.id in shown).map((one) => html`<${Frame} key=${one.id} one=${one} address=${addresses[one.id]} shown=${shown[one.id]} load=${() => load(one.id)} />`)}</section>`;
};
