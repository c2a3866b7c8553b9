// Calls that wait to be linked, by keys: arrows go from call to call, a digit takes a suggestion, Y says why not,
// Space ticks. What is settled leaves the list at once and comes back when the server refuses.

import { t, tn } from "./say.js";
import { api, Refused } from "./api.js";
import { bind } from "./keys.js";
import { toast } from "./toast.js";

const form = document.querySelector("form[data-unlinked]");
const left = document.querySelector("[data-left]");
const rows = () => [...(form?.querySelectorAll("li[data-call]:not([hidden])") ?? [])];
const here = () => rows().find((row) => row.contains(document.activeElement)) ?? null;

const go = (by) => {
  const list = rows();
  const at = list.indexOf(here());
  list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + by))]?.focus();
};

const count = (by) => {
  left.dataset.left = Number(left.dataset.left) + by;
  left.textContent = tn("{n} waits", "{n} wait", Number(left.dataset.left));
};

/** Does it; the row is gone meanwhile and the next one has the focus. */
const settle = async (row, ask) => {
  const list = rows();
  const next = list[list.indexOf(row) + 1] ?? list[list.indexOf(row) - 1];
  row.hidden = true;
  row.querySelector("[name=call_ids]").checked = false;
  count(-1);
  next?.focus();
  try {
    const still = await ask();
    if (still) throw new Refused(409, { detail: still });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    row.hidden = false;
    count(1);
    toast(error.message, { title: t("Still to be linked"), tone: "error" });
  }
  if (!rows().length) location.reload();
};

const take = (row, { dataset }) => settle(row, async () => {
  const id = Number(dataset.id);
  if (dataset.kind !== "customer") return void await api.post(`/calls/${row.dataset.call}/links`, { [`${dataset.kind}_id`]: id });
  await api.put(`/calls/${row.dataset.call}/customer`, { customer_id: id });
  const offered = await api.get(`/calls/${row.dataset.call}/suggestions`);
  draw(row, offered);
  return offered.length ? t("Now say what it was about.") : null;
});

const draw = (row, offered) => {
  const old = [...row.querySelectorAll(".pick")];
  offered.slice(0, 3).forEach((one, index) => {
    const button = document.createElement("button");
    Object.assign(button, { className: "btn pick", type: "button", title: one.why });
    Object.assign(button.dataset, { kind: one.kind, id: one.id });
    const key = Object.assign(document.createElement("kbd"), { textContent: String(index + 1) });
    key.setAttribute("aria-hidden", "true");
    const said = document.createElement("span");
    said.append(Object.assign(document.createElement("b"), { textContent: one.label }), ` ${one.detail}`);
    button.append(key, said);
    row.querySelector(".why-not").before(button);
  });
  old.forEach((button) => button.remove());
};

const explain = (row, reason) => settle(row, () => api.put(`/calls/${row.dataset.call}/explanation`, { reason }).then(() => null));

if (form) {
  form.querySelectorAll(".pick, .why-not").forEach((part) => { part.hidden = false; });
  form.addEventListener("click", ({ target }) => {
    const pick = target.closest(".pick");
    if (pick) take(pick.closest("li"), pick);
  });
  form.addEventListener("keydown", (event) => {
    const field = event.target.closest(".why-not input");
    if (!field || event.key !== "Enter") return;
    event.preventDefault();
    if (field.value.trim()) explain(field.closest("li"), field.value.trim());
  });
  bind("ArrowDown", t("Next call"), () => go(1));
  bind("ArrowUp", t("Previous call"), () => go(-1));
  for (const n of [1, 2, 3]) bind(String(n), t("Take suggestion {n}", { n }), () => {
    const row = here() ?? rows()[0];
    const pick = row?.querySelectorAll(".pick")[n - 1];
    if (pick) take(row, pick);
  });
  bind("y", t("Say why it is about nothing of ours"), () => (here() ?? rows()[0])?.querySelector(".why-not input").focus());
  bind(" ", t("Tick this call"), () => {
    const row = here();
    const box = row?.querySelector("[name=call_ids]");
    if (box) box.checked = !box.checked;
  });
  rows()[0]?.focus({ preventScroll: true });
}
