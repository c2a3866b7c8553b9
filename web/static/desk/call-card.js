// One call on the desk: its bar, the person, why they call, what they have with us, what was said, the note.

import { t } from "../say.js";
import { html, Loading } from "../ui.js";
import { CallBar } from "./call-bar.js";
import { Candidates } from "./candidates.js";
import { Owns, Said } from "./history.js";
import { Links } from "./links.js";
import { Note } from "./note.js";
import { Person, Stranger, Why } from "./person.js";
import { NewPerson } from "./stranger.js";
import { useShown } from "./shown.js";
import { tone, whoCalls } from "./words.js";
import { WrapUp } from "./wrapup.js";

const Known = ({ entry }) => html`<${Person} entry=${entry} /><${Why} card=${entry.card} /><${Candidates} entry=${entry} /><${Links} entry=${entry} />
  <div class="cols"><${Owns} entry=${entry} /><${Said} entry=${entry} /></div>`;

const Unknown = ({ entry }) => html`<${Stranger} entry=${entry} /><${Candidates} entry=${entry} />
  ${entry.card.candidates?.length > 1 ? null : html`<${NewPerson} entry=${entry} />`}
  ${entry.card.calls?.length || entry.card.tasks?.length ? html`<div class="cols"><${Said} entry=${entry} /></div>` : null}`;

const Who = ({ entry }) => {
  if (!entry.card) return html`<div class="who"><${Loading} lines=${4} /></div>`;
  return entry.card.customer ? html`<${Known} entry=${entry} />` : html`<${Unknown} entry=${entry} />`;
};

export const CallCard = ({ entry }) => {
  const { call, card } = entry;
  useShown(call.id, call.state === "ringing" ? "ringing" : "seen");
  const over = ["wrap_up", "ended"].includes(call.state);
  return html`<article class=${`call ${tone(call)}`} aria-label=${t("Call: {who}", { who: whoCalls(call, card) })}>
      <${CallBar} call=${call} card=${card} /><${Who} entry=${entry} /></article>
    ${over && card ? html`<${WrapUp} entry=${entry} />` : null}
    ${card ? html`<${Note} entry=${entry} />` : null}`;
};
