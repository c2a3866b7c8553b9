// One call on the desk: its bar, the person, why they call, what they have with us, what was said, the note.

import { useCallback, useState } from "../vendor/hooks.js";
import { t } from "../say.js";
import { html, Loading } from "../ui.js";
import { Baton, Watched } from "./baton.js";
import { CallBar } from "./call-bar.js";
import { Control } from "./control.js";
import { Candidates } from "./candidates.js";
import { Guide } from "./guide.js";
import { Owns, Said } from "./history.js";
import { Links } from "./links.js";
import { Note } from "./note.js";
import { Panels } from "./panels.js";
import { Person, Stranger } from "./person.js";
import { NewPerson } from "./stranger.js";
import { Promises } from "./promises.js";
import { useShown } from "./shown.js";
import { Why } from "./why.js";
import { tone, whoCalls } from "./words.js";
import { WrapUp } from "./wrapup.js";

const Known = ({ entry }) => html`<${Person} entry=${entry} /><${Promises} entry=${entry} /><${Why} card=${entry.card} /><${Guide} entry=${entry} /><${Candidates} entry=${entry} /><${Links} entry=${entry} />
  <div class="cols"><${Owns} entry=${entry} /><${Said} entry=${entry} /></div>`;

const Unknown = ({ entry }) => {
  const [none, setNone] = useState(false);
  const other = useCallback(() => setNone(true), []);
  return html`<${Stranger} entry=${entry} /><${Why} card=${entry.card} /><${Guide} entry=${entry} /><${Candidates} entry=${entry} none=${none} other=${other} />
  ${entry.card.candidates?.length > 1 && !none ? null : html`<${NewPerson} entry=${entry} />`}
  ${["calls", "tasks", "visits"].some((part) => entry.card[part]?.length) || entry.card.cart ? html`<div class="cols one"><${Said} entry=${entry} /></div>` : null}`;
};

const Who = ({ entry }) => {
  if (!entry.card) return html`<div class="who"><${Loading} lines=${4} /></div>`;
  return entry.card.customer ? html`<${Known} entry=${entry} />` : html`<${Unknown} entry=${entry} />`;
};

export const CallCard = ({ entry }) => (entry.call.state === "watching" ? html`<${Watched} entry=${entry} />` : html`<${OwnCall} entry=${entry} />`);

const OwnCall = ({ entry }) => {
  const { call, card } = entry;
  useShown(call.id, call.state === "ringing" ? "ringing" : "seen");
  const over = call.state === "wrap_up" || (call.state === "ended" && call.failure);
  return html`<article class=${`call ${tone(call)}`} aria-label=${t("Call: {who}", { who: whoCalls(call, card) })}>
      <${CallBar} call=${call} card=${card} /><${Control} call=${call} />${card ? html`<${Baton} card=${card} />` : null}${over && card ? html`<${WrapUp} entry=${entry} />` : null}<${Who} entry=${entry} /></article>
    ${card ? html`<${Note} entry=${entry} /><${Panels} entry=${entry} />` : null}`;
};
