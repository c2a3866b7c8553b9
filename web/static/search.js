// The field in the head of every page: a person, an order, a number, a product. Without script it is a plain form.

import { render } from "./vendor/preact.js";
import { useRef, useState } from "./vendor/hooks.js";
import { html } from "./ui.js";
import { t } from "./say.js";
import { api, items, Refused } from "./api.js";
import { bind } from "./keys.js";

const PAUSE_MS = 140;
const KINDS = [
  ["customers", () => t("People"), (row) => ({ href: `/customers/${row.id}`, title: row.name, detail: peopleDetail(row) })],
  ["orders", () => t("Orders"), (row) => ({ href: `/orders/${row.id}`, title: row.number, detail: orderDetail(row) })],
  ["deals", () => t("Deals"), (row) => ({ href: `/deals/${row.id}`, title: row.title, detail: row.stage_label ?? row.stage })],
  ["products", () => t("Products"), (row) => ({ href: `/products/${row.id}`, title: text(row.name, row.variant), detail: text(row.sku, row.price) })],
  ["tasks", () => t("Tasks"), (row) => ({ href: `/tasks/${row.id}`, title: row.title, detail: row.performer })],
  ["calls", () => t("Calls"), (row) => ({ href: `/calls/${row.id}`, title: row.display ?? row.number ?? row.name, detail: row.note })],
];

const text = (...parts) => parts.filter(Boolean).join(" · ");
const peopleDetail = (row) => text(row.display ?? row.number ?? row.numbers?.[0]?.display, row.city);
const orderDetail = (row) => text(row.customer_name ?? row.customer?.name, row.status_label ?? row.status);

/** A later question makes an earlier answer void. `ask(values, options)` → promise; returns a function of the same. */
export const latest = (ask) => {
  let flight = null;
  return async (...values) => {
    flight?.abort();
    flight = new AbortController();
    return ask(...values, { signal: flight.signal });
  };
};

const found = latest((query, options) => api.get("/search", { query }, options));

/** The answer of /search as flat choices: {kind, group, href, title, detail, row}. */
export const choices = (answer) => {
  if (Array.isArray(answer?.items)) return answer.items.map(fromItem);
  return KINDS.flatMap(([kind, group, draw]) =>
    items(answer?.[kind]).map((row) => ({ kind, group: group(), row, ...draw(row) })));
};

const PLURAL = { customer: "customers", order: "orders", deal: "deals", call: "calls", product: "products", task: "tasks" };
const fromItem = (row) => {
  const [kind, group, draw] = KINDS.find(([name]) => name === (PLURAL[row.kind] ?? row.kind)) ?? KINDS[0];
  const drawn = draw(row);
  return { kind, group: group(), row, href: row.url ?? drawn.href, title: row.title ?? drawn.title, detail: row.detail ?? drawn.detail };
};

const Choice = ({ choice, on, index, pick }) => html`
  <a role="option" id=${`found-${index}`} href=${choice.href} aria-selected=${on} tabindex="-1" onMouseDown=${pick}>
    <span class="clip"><b>${choice.title}</b> <span class="muted">${choice.detail}</span></span>
    <span class="faint small">${choice.group}</span></a>`;

const Find = ({ input }) => {
  const [state, setState] = useState({ open: false, list: [], on: 0, failed: null });
  const now = useRef(state);
  now.current = state;
  const set = (change) => setState({ ...now.current, ...change });
  const wired = useRef(false);
  if (!wired.current) {
    wired.current = true;
    wire(input, () => now.current, set);
  }
  input.setAttribute("aria-expanded", state.open);
  if (state.open && state.list.length) input.setAttribute("aria-activedescendant", `found-${state.on}`);
  else input.removeAttribute("aria-activedescendant");
  return html`<div class="drop" id="found" role="listbox" aria-label=${t("Found")} hidden=${!state.open}>
    ${state.list.map((choice, index) => html`<${Choice} key=${choice.href} choice=${choice} on=${index === state.on} index=${index} />`)}
    ${state.list.length ? null : html`<p class="none" role="option" aria-disabled="true" aria-selected="false">${state.failed ?? t("Nothing found.")}</p>`}</div>`;
};

const wire = (input, now, set) => {
  let timer;
  const look = async () => {
    const query = input.value.trim();
    if (query.length < 2) return set({ open: false, list: [] });
    try {
      set({ open: true, list: choices(await found(query)), on: 0, failed: null });
    } catch (error) {
      if (error instanceof Refused) set({ open: true, list: [], failed: error.message });
      else if (error.name !== "AbortError") throw error;
    }
  };
  const move = (step) => set({ on: (now().on + step + now().list.length) % Math.max(1, now().list.length) });
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, PAUSE_MS); });
  input.addEventListener("focus", () => { if (now().list.length) set({ open: true }); });
  input.addEventListener("blur", () => setTimeout(() => set({ open: false }), 150));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { set({ open: false }); input.blur(); }
    if (!now().open || !now().list.length) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      location.assign(now().list[now().on].href);
    }
  });
};

/** Makes the head's field answer while one types, and `/` jump to it. */
export const watchSearch = () => {
  const input = document.getElementById("find");
  if (!input) return;
  Object.entries({ role: "combobox", "aria-controls": "found", "aria-autocomplete": "list" })
    .forEach(([name, value]) => input.setAttribute(name, value));
  const place = document.createElement("div");
  input.closest(".find").append(place);
  render(html`<${Find} input=${input} />`, place);
  bind("/", t("Search"), () => { input.focus(); input.select(); });
};
