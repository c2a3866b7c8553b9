// The note to a call, kept as typed.

import { useCallback, useEffect, useRef, useState } from "../vendor/hooks.js";
import { clock, t } from "../say.js";
import { html, Key } from "../ui.js";
import { api, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { keeper, keptText } from "./keep.js";

export const putNote = (callId, text, version, options) => api.put(`/calls/${callId}/note`, { text, version }, options);

export const noteOf = ({ call, card }) => {
  const kept = keeper(`note/${call.id}`, (text, version, options) => putNote(call.id, text, version, options),
    card?.note?.text ?? "", card?.note?.version);
  kept.offer(card?.note?.text ?? "", card?.note?.version);
  return kept;
};

/** What stands on the server now, for whoever must choose. */
const useTheirs = (callId, clash) => {
  const [note, setNote] = useState(null);
  useEffect(() => {
    if (!clash) return;
    api.get(`/calls/${callId}`).then((call) => setNote({ text: call.note, version: call.note_version }),
      (error) => { if (!(error instanceof Refused)) throw error; });
  }, [callId, clash]);
  return note;
};

const Clash = ({ kept, note }) => html`<div class="clash"><p>${t("Somebody else wrote meanwhile:")} <q>${note.text}</q></p>
  <button type="button" class="btn" onClick=${() => kept.mine(note.version)}>${t("Keep mine")}</button>
  <button type="button" class="btn" onClick=${() => { kept.set(`${note.text}\n${kept.value.value}`); kept.mine(note.version); }}>${t("Keep both")}</button>
  <button type="button" class="btn" onClick=${() => kept.take(note.text, note.version)}>${t("Take theirs")}</button></div>`;

export const Note = ({ entry }) => {
  const kept = noteOf(entry);
  const area = useRef(null);
  useKey("n", t("Write a note"), useCallback(() => area.current?.focus(), []));
  const state = kept.state.value;
  const theirs = useTheirs(entry.call.id, state === "clash");
  return html`<section class="note panel">
    <label class="label" for="note">${t("Note to this call")} <${Key}>N<//></label>
    <textarea id="note" ref=${area} rows="3" value=${kept.value.value} onInput=${(event) => kept.set(event.target.value)} aria-describedby="note-kept" />
    ${state === "clash" && theirs ? html`<${Clash} kept=${kept} note=${theirs} />` : null}
    <p id="note-kept" class=${`saved ${["waiting", "refused", "clash"].includes(state) ? "care" : ""}`}>${keptText(kept, clock)}</p></section>`;
};
