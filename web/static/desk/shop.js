// The shop in which an order is taken or a deal is begun: chosen, or told by what is known.

import { signal } from "../vendor/signals.js";
import { t } from "../say.js";
import { html } from "../ui.js";
import { api, items } from "../api.js";

export const shops = signal(null);
export const readShops = async () => { shops.value ??= items(await api.get("/shops")); };

export const Shops = ({ shop, set, fixed }) => ((shops.value?.length ?? 0) < 2 ? null : html`<select class="shop" aria-label=${t("Shop")} value=${shop?.id ?? ""} disabled=${fixed} onChange=${(event) => set({ shop_id: Number(event.target.value) || undefined })}>
  ${shop ? null : html`<option value="">${t("Choose a shop")}</option>`}${shops.value.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select>`);

/** The shop chosen, else the one that was called, else the one the person bought from last, else the only one. */
export const shopOf = ({ call, card }, draft) => {
  const list = shops.value ?? [];
  const wanted = draft.shop_id ?? call.line?.shop_id ?? card?.orders?.[0]?.shop_id;
  return list.find((one) => one.id === wanted) ?? (list.length === 1 ? list[0] : null);
};
