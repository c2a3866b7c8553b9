// The window of a deal as a page: a new one, one that is there, and the order that is taken for it.

import { render } from "../vendor/preact.js";
import { signal } from "../vendor/signals.js";
import { html, Loading, Failed } from "../ui.js";
import { t } from "../say.js";
import { api, items, Refused } from "../api.js";
import { windowKeeper } from "../desk/window-keep.js";
import { OrderPanel } from "../desk/order.js";
import { asTyped, DealWindow, FIRST, orderDraft } from "./window.js";

const place = document.getElementById("deal-window");
const { customer, call, deal: dealId, order } = place.dataset;
const shown = signal(null);
const page = (id) => `/deals/${id}`;

const windowOf = (kept, more) => {
  const saved = (deal, toOrder) => {
    kept.take(FIRST, 0);  // the server used it up
    location.assign(page(deal.id) + (toOrder ? "/order" : ""));
  };
  const again = async () => {
    await api.drop(`/windows/${kept.place}`);
    kept.take(FIRST, 0);
    location.reload();
  };
  return html`<${DealWindow} entry=${more} kept=${kept} person=${{}} saved=${saved} again=${again} />`;
};

const begin = async () => {
  const card = customer ? { customer: await personFor(customer) } : {};
  const kept = await windowKeeper(["deal-new", call || customer].filter(Boolean).join("-"), FIRST);
  shown.value = windowOf(kept, { call: { id: call || undefined }, card });
};

const personFor = async (id) => {
  const { id: known, name, city, address, numbers } = await api.get(`/customers/${id}`);
  return { id: known, name, city, address, numbers };
};

const change = async () => {
  const deal = await api.get(`/deals/${dealId}`);
  const base = asTyped(deal);
  const kept = await windowKeeper(`deal-${deal.id}`, { ...base, edits: { id: deal.id, version: deal.version, base, owned: deal.owned, orders: deal.orders, currency: deal.currency } });
  shown.value = windowOf(kept, { call: {}, card: {} });
};

const lastOrder = async (id) => {
  const [newest] = items(await api.get("/orders", { customer_id: id, limit: 1 }));
  return newest ? [await api.get(`/orders/${newest.id}`)] : [];
};

const takeOrder = async () => {
  const deal = await api.get(`/deals/${dealId}`);
  const [who, orders] = await Promise.all([personFor(deal.customer_id), lastOrder(deal.customer_id)]);
  const kept = await windowKeeper(`deal-${deal.id}-order`, { ...orderDraft(deal), ...(order ? { shop_id: Number(order) } : {}) });
  const entry = { call: {}, card: { customer: who, orders }, kept, placed: () => location.assign(page(deal.id)) };
  shown.value = html`<${OrderPanel} entry=${entry} />`;
};

const start = { new: begin, edit: change, order: takeOrder }[place.dataset.what];
const Page = () => shown.value ?? html`<${Loading} lines=${6} />`;
render(html`<${Page} />`, place);
start().catch((error) => {
  if (!(error instanceof Refused)) throw error;
  shown.value = html`<${Failed} text=${error.message} again=${() => location.reload()} />`;
});
