// The rules of a segment: only comparisons that fit the field are offered, how many customers fit is told as one
// writes, and a rule or a group comes or goes in its place. Without script the page works as well, a page at a time.

import { t, tn } from "./say.js";

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
const offerAll = () => form.querySelectorAll("select[name^=field]").forEach(offer);

const count = async () => {
  const mine = ++asked;
  const answer = await fetch("/segments/count", { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok || mine !== asked) return;
  const { customers, wrong } = await answer.json();
  said.textContent = wrong ?? tn("{n} customer now", "{n} customers now", customers);
};

/** The server says how the rules look after a button; where that fails the form goes the long way. */
const edit = async (button) => {
  const body = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(button.formAction, { method: "POST", body }).catch(() => null);
  const fresh = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-rules]");
  if (!fresh) return HTMLFormElement.prototype.requestSubmit.call(form, button);
  form.querySelector("[data-rules]").replaceWith(document.adoptNode(fresh));
  offerAll();
  form.querySelector("[data-rules] [autofocus]")?.focus();
  return count();
};

let going = false;
form.addEventListener("submit", (event) => {
  if (event.submitter?.name !== "edit" || going) return;
  event.preventDefault();
  going = true;
  edit(event.submitter).finally(() => { going = false; });
});
form.addEventListener("input", ({ target }) => {
  if (target.name?.startsWith("field")) offer(target);
  clearTimeout(timer);
  timer = setTimeout(count, PAUSE_MS);
});
offerAll();
count();
