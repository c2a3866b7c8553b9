// A script as a person goes through it: what is said now, the answers as buttons and as the keys 1 to 9 while the panel
// has the focus. `path` holds the places of the answers that were given, the first is 0.

import { useEffect, useRef } from "../vendor/hooks.js";
import { t } from "../say.js";
import { html, Key } from "../ui.js";

/** Where one is: {step, over, trail}; `over`: the last answer ended the script; `trail`: [{step, label}]. Pure. */
export const walk = (steps, path) => {
  const trail = [];
  let step = steps[0];
  for (const place of path) {
    const answer = step.answers[place];
    if (!answer) break;
    trail.push({ step, label: answer.label });
    if (!answer.to) return { step, over: true, trail };
    step = steps.find((one) => one.name === answer.to) ?? step;
  }
  return { step, over: false, trail };
};

const Said = ({ parts }) => html`<p class="script-say">${parts.map((part) => (part.field === null ? part.text
  : part.text === null ? html`<span class="blank" title=${part.field}>[${part.field}]</span>` : html`<b>${part.text}</b>`))}</p>`;

export const Steps = ({ steps, path, change, holder }) => {
  const own = useRef(null);
  const panel = holder ?? own;
  const { step, over, trail } = walk(steps, path);
  const moved = useRef(false);
  const go = (next) => { moved.current = panel.current?.contains(document.activeElement); change(next); };
  useEffect(() => { if (moved.current) panel.current?.focus(); }, [path.length]);
  const answer = (place) => { if (!over && step.answers[place]) go([...path, place]); };
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = "123456789".indexOf(event.key);
    if (event.key === "Backspace" && path.length) go(path.slice(0, -1));
    else if (place >= 0 && step.answers[place] && !over) answer(place);
    else return;
    event.preventDefault();
  };
  return html`<div class="script-step" ref=${panel} tabindex="0" role="group" aria-label=${t("Step of the script: {name}", { name: step.name })} onKeyDown=${press}>
    ${trail.length ? html`<p class="script-trail">${trail.map((one, place) => html`<button type="button" class="linkish" key=${place} title=${t("Back to this step")} onClick=${() => go(path.slice(0, place))}>${one.step.name}: ${one.label}</button>`)}</p>` : null}
    ${over ? html`<p class="muted">${t("The script ends here.")}</p>` : html`<p class="script-name">${step.name}</p><${Said} parts=${step.say} />
      ${step.answers.length ? html`<div class="choices">${step.answers.map((one, place) => html`<button type="button" class="btn" key=${step.name + place} onClick=${() => answer(place)}><${Key}>${place + 1}<//><span>${one.label}</span></button>`)}</div>` : null}`}
    </div>`;
};
