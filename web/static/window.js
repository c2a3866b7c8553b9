// Windows as pages: a deal (a new one, one that is there), an order (of a customer, of a deal), and whose order it is.

import { render } from "./vendor/preact.js";
import { signal } from "./vendor/signals.js";
import { html, Loading, Failed } from "./ui.js";
import { t } from "./say.js";
import { api, items, Refused } from "./api.js";
import { windowKeeper } from "./desk/window-keep.js";
import { OrderPanel } from "./desk/order.js";
import { readShops } from "./desk/shop.js";
import { asTyped, DealWindow, FIRST, orderDraft } from "./deal/window.js";
import { Whose } from "./deal/whose.js";

const place = document.getElementById("window");
const { customer, call, deal: dealId, shop } = place.dataset;
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

const orderOf = async (customerId, where, first, placed) => {
  const [who, orders] = await Promise.all([personFor(customerId), lastOrder(customerId)]);
  const kept = await windowKeeper(where, { ...first, ...(shop ? { shop_id: Number(shop) } : {}) });
  shown.value = html`<${OrderPanel} entry=${{ call: {}, card: { customer: who, orders }, kept, placed }} />`;
  requestAnimationFrame(() => place.querySelector("[role=combobox]")?.focus());
};

const takeOrderOfDeal = async () => {
  const deal = await api.get(`/deals/${dealId}`);
  await orderOf(deal.customer_id, `deal-${deal.id}-order`, orderDraft(deal), () => location.assign(page(deal.id)));
};

const takeOrder = () => orderOf(customer, `order-new-${customer}`, FIRST, (order) => location.assign(`/orders/${order.id}?done=ordered`));

const askWhose = async () => {
  const [kept] = await Promise.all([windowKeeper("order-whose", {}), readShops()]);
  const known = async ({ id }, where) => {
    await kept.freeze();
    await api.drop(`/windows/${kept.place}`).catch((error) => { if (!(error instanceof Refused)) throw error; });
    kept.take({}, 0);
    location.assign(`/orders/new?customer_id=${id}${where ? `&shop_id=${where.id}` : ""}`);
  };
  shown.value = html`<${Whose} kept=${kept} known=${known} />`;
};

const start = { "deal-new": begin, deal: change, "deal-order": takeOrderOfDeal, "order-new": takeOrder, "order-whose": askWhose }[place.dataset.what];
const Page = () => shown.value ?? html`<${Loading} lines=${6} />`;
render(html`<${Page} />`, place);
start().catch((error) => {
  if (!(error instanceof Refused)) throw error;
  shown.value = html`<${Failed} text=${error.message} again=${() => location.reload()} />`;
});
