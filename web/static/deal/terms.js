// What is agreed in a deal besides its goods.

import { boot, decimal, t } from "../say.js";
import { html } from "../ui.js";

const field = (draft, set, wrong) => (name, label, more = {}) => html`<label class="field"><span>${label}</span>
  <input value=${draft[name] ?? ""} onInput=${(event) => set({ [name]: event.target.value })} autocomplete="off" aria-invalid=${Boolean(wrong[name])} ...${more} />
  ${wrong[name] ? html`<small class="wrong">${wrong[name]}</small>` : null}</label>`;

const Stages = ({ draft, set, funnels }) => {
  const open = funnels.filter((one) => one.active || one.id === draft.funnel_id);
  const funnel = open.find((one) => one.id === draft.funnel_id) ?? open[0];
  const stages = (funnel?.stages ?? []).filter((one) => one.kind === "open" || one.code === draft.stage);
  return html`${open.length > 1 ? html`<label class="field"><span>${t("Funnel")}</span><select value=${funnel?.id} onChange=${(event) => set({ funnel_id: Number(event.target.value), stage: undefined })}>
      ${open.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select></label>` : null}
    <label class="field"><span>${t("Stage")}</span><select value=${draft.stage ?? stages[0]?.code} onChange=${(event) => set({ stage: event.target.value, funnel_id: funnel?.id })}>
      ${stages.map((one) => html`<option key=${one.code} value=${one.code}>${one.name}</option>`)}</select></label>`;
};

const Check = ({ draft, set, name, label, disabled }) => html`<label class="check"><input type="checkbox" checked=${Boolean(draft[name])} disabled=${disabled} onChange=${(event) => set({ [name]: event.target.checked })} /> <span>${label}</span></label>`;

/** `fixed`: what an order says is not typed here. */
export const Terms = ({ draft, set, wrong, choices, suggested, sum, fixed }) => {
  const one = field(draft, set, wrong);
  const amount = draft.items.length ? { value: decimal(sum), readonly: true } : { readonly: fixed };
  const me = boot.user?.id;
  return html`${one("title", t("Title"), { placeholder: suggested, maxlength: 200 })}
    <label class="field"><span>${t("Comment")}</span><textarea class="short" rows="2" value=${draft.comment ?? ""} onInput=${(event) => set({ comment: event.target.value })} /></label>
    <div class="pair">${one("delivery_date", t("Delivery on"), { type: "date", readonly: fixed })}<div class="pair">${one("delivery_from", t("from"), { type: "time", readonly: fixed })}${one("delivery_until", t("until"), { type: "time", readonly: fixed })}</div></div>
    <div class="pair"><${Stages} draft=${draft} set=${set} funnels=${choices.funnels} />
      <label class="field"><span>${t("Responsible")}</span><select value=${draft.responsible_id ?? me ?? ""} onChange=${(event) => set({ responsible_id: Number(event.target.value) || undefined })}>
        ${choices.colleagues.map((it) => html`<option key=${it.id} value=${it.id}>${it.name}</option>`)}</select></label></div>
    <div class="pair">${one("amount", t("Amount"), { inputmode: "decimal", class: "num", ...amount })}${one("probability", t("Probability, %"), { type: "number", min: 0, max: 100, class: "num" })}</div>
    ${one("kind_of_sale", t("Kind of sale"), { list: "kinds-of-sale", maxlength: 200 })}
    <datalist id="kinds-of-sale">${choices.kinds.map((name) => html`<option key=${name} value=${name} />`)}</datalist>
    <div class="deal-checks"><${Check} draft=${draft} set=${set} name="for_all" label=${t("Available to all")} />
      <${Check} draft=${draft} set=${set} name="from_store" label=${t("Deal from the online store")} disabled=${Boolean(draft.edits?.orders)} /></div>`;
};
