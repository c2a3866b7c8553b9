// The page of a call script: as one writes, the preview beside it says how it will stand in the card of a real call, and
// can be gone through with the same keys; a field is put where the cursor stands.

import { render } from "./vendor/preact.js";
import { signal } from "./vendor/signals.js";
import { html } from "./ui.js";
import { Steps } from "./desk/steps.js";

const PAUSE_MS = 250;
const form = document.getElementById("script-form");
const source = document.getElementById("source");
const found = signal({ steps: null, wrong: null });
const path = signal([]);
let timer = null;
let asked = 0;

const Preview = () => {
  const { steps, wrong } = found.value;
  return html`${wrong ? html`<p class="wrong" role="alert">${wrong}</p>` : null}
    ${steps ? html`<${Steps} steps=${steps} path=${path.value} change=${(next) => { path.value = next; }} />` : null}`;
};

const look = async () => {
  const mine = ++asked;
  const body = new URLSearchParams({ source: source.value, call: form.elements.call.value });
  const answer = await fetch("/scripts/preview", { method: "POST", body }).catch(() => null);
  if (!answer?.ok || mine !== asked) return;
  const { steps, wrong } = await answer.json();
  if (steps) path.value = [];
  found.value = { steps: steps ?? found.value.steps, wrong: wrong ?? null };
};

source.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, PAUSE_MS); });
form.elements.call.addEventListener("change", look);
document.querySelector("[data-fields]").addEventListener("click", ({ target }) => {
  if (!target.dataset.field) return;
  source.setRangeText(`{${target.dataset.field}}`, source.selectionStart, source.selectionEnd, "end");
  source.focus();
  look();
});
render(html`<${Preview} />`, document.getElementById("preview"));
look();
