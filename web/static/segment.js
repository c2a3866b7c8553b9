// The rules of a segment: only comparisons that fit the field are offered, and how many customers fit is told as one
// writes. Without script the page works as well; then the count stands there after saving.

import { t } from "./say.js";

const PAUSE_MS = 300;
const form = document.querySelector("form[data-counted]");
const said = form.querySelector("[data-count]");
let timer = null;
let asked = 0;

const offer = (field) => {
  const fitting = (field.selectedOptions[0]?.dataset.ops ?? "").split(" ");
  const op = form.elements[field.name.replace("field", "op")];
  for (const option of op.options) option.hidden = option.disabled = Boolean(field.value) && !fitting.includes(option.value);
  if (op.selectedOptions[0]?.disabled) op.value = [...op.options].find((option) => !option.disabled)?.value ?? "";
};

const count = async () => {
  const mine = ++asked;
  const answer = await fetch("/segments/count", { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok || mine !== asked) return;
  const { customers, wrong } = await answer.json();
  said.textContent = wrong ?? t("{count} customers now", { count: customers });
};

form.addEventListener("input", ({ target }) => {
  if (target.name?.startsWith("field")) offer(target);
  clearTimeout(timer);
  timer = setTimeout(count, PAUSE_MS);
});
for (const field of form.querySelectorAll("select[name^=field]")) offer(field);
count();
