// What becomes of the service level when this operator leaves: played by the server from the live floor.

import { useEffect, useState } from "../vendor/hooks.js";
import { clock, lasted, t } from "../say.js";
import { html, Loading } from "../ui.js";
import { api, Refused } from "../api.js";
import { share } from "./words.js";

const SPANS = [15, 30, 60];

export const WhatIf = ({ row }) => {
  const [minutes, setMinutes] = useState(30);
  const [found, setFound] = useState(null);
  useEffect(() => {
    let asked = true;
    setFound(null);
    api.get(`/floor/operators/${row.id}/what-if`, { minutes }).then((answer) => asked && setFound(answer), (error) => {
      if (!(error instanceof Refused)) throw error;
      if (asked) setFound({ refused: error.message });
    });
    return () => { asked = false; };
  }, [row.id, minutes]);
  return html`<div class="what-if" role="group" aria-label=${t("What if")}>
    <div class="choices">${SPANS.map((span) => html`<button key=${span} type="button" class="btn" aria-pressed=${span === minutes} onClick=${() => setMinutes(span)}>${t("{n} min", { n: span })}</button>`)}</div>
    ${found === null ? html`<${Loading} lines=${1} />` : found.refused ? html`<p class="muted" role="status">${found.refused}</p>` : html`<${Told} found=${found} />`}</div>`;
};

const Told = ({ found }) => {
  const [from, to] = found.present ? [found.with_him, found.without_him] : [found.without_him, found.with_him];
  return html`<p class="levels" role="status"><span>${t("In time, next {n} min:", { n: found.minutes })}</span><b>${share(from)}</b> → <b class=${to < from - 0.02 ? "late" : "good"}>${share(to)}</b></p>
    ${found.best ? html`<p>${t("Best time for it:")} <b>${clock(found.best.at)}</b> (${share(found.best.level)})</p>` : null}
    <p class="faint small">${t("Played from {n} callers an hour, {time} a call, in {queues}", { n: found.callers_an_hour, time: lasted(found.handle_s), queues: found.queues.join(", ") })}</p>`;
};
