// What guides whoever talks, in the card: the call lists the customer is on, tips, the script. Asked for once the card is
// there, and again when it turns out who it is or what it is about. Nothing is drawn where there is nothing to say.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { boot, sentence, t, tn } from "../say.js";
import { html, Icon, Key } from "../ui.js";
import { api, Refused } from "../api.js";
import { useKey } from "../keys.js";
import { keeper } from "./keep.js";
import { OnLists } from "./on-lists.js";
import { Steps } from "./steps.js";

const RETRY_MS = 4000;

/** The guide for these facts, null before it is known; asked for anew when a fact changes, or when the call was handed
 * over (`since`: the guide says so too): whoever had it before may have answered meanwhile. */
export const useGuide = (facts, since = null) => {
  const [guide, setGuide] = useState(null);
  const asked = JSON.stringify([facts, since]);
  useEffect(() => {
    let gone = false;
    let timer = null;
    const read = () => api.get("/guide", facts).then((found) => { if (!gone) setGuide({ ...found, since }); }, (error) => {
      if (!(error instanceof Refused)) throw error;
      if (!gone && error.passing) timer = setTimeout(read, RETRY_MS);
    });
    read();
    return () => { gone = true; clearTimeout(timer); };
  }, [asked]);
  return guide;
};

export const putScript = (callId, answered, _version, options) => api.put(`/calls/${callId}/script`, answered, options);

const linked = (card, kind) => (card?.links ?? []).find((one) => one.kind === kind)?.object_id;

const Tip = ({ one }) => html`<li><b>${sentence(one.words, one.values)}</b>${one.why ? html` <span class="faint small">${one.why}</span>` : null}</li>`;

/** The weightiest tip in one line with why; the others behind a press. */
export const Tips = ({ tips }) => {
  const [all, setAll] = useState(false);
  if (!tips?.length) return null;
  const more = tips.length - 1;
  return html`<section class="tips" aria-label=${t("What to say")}><${Icon} name="tip" small /><ul>${(all ? tips : tips.slice(0, 1)).map((one) => html`<${Tip} key=${one.words} one=${one} />`)}</ul>
    ${more ? html`<button type="button" class="linkish" aria-expanded=${all} onClick=${() => setAll(!all)}>${all ? t("fewer") : tn("{n} more", "{n} more", more)}</button>` : null}</section>`;
};

const FOLD = "script-fold";

const Script = ({ callId, script, since, parked }) => {
  const kept = keeper(`script/${callId}`, (answered, version, options) => putScript(callId, answered, version, options),
    { version_id: script.version_id, path: script.path }, 0);
  useEffect(() => {
    if (since && !kept.dirty) kept.take({ version_id: script.version_id, path: script.path }, kept.version);
  }, [since]);
  const { version_id, path } = kept.value.value;
  const fold = useRef(null);
  const panel = useRef(null);
  useKey("f", t("The script: answer with 1 to 9, Backspace goes back"), () => {
    fold.current.open = true;
    panel.current?.focus();
  }, !parked);  // F fetches whoever is parked
  const remember = (event) => { localStorage.setItem(FOLD, event.currentTarget.open ? "open" : "shut"); };
  return html`<details class="script" ref=${fold} open=${localStorage.getItem(FOLD) !== "shut"} onToggle=${remember}>
    <summary><span>${t("Script")}</span> <b>${script.name}</b> <${Key}>F<//></summary>
    <${Steps} steps=${script.steps} path=${version_id === script.version_id ? path : script.path} holder=${panel}
      change=${(next) => kept.set({ version_id: script.version_id, path: next })} /></details>`;
};

/** Below the reason of the call. */
export const Guide = ({ entry: { call, card } }) => {
  const guide = useGuide({
    call_id: call.id, customer_id: card?.customer?.id, line_id: call.line?.id, order_id: linked(card, "order"), deal_id: linked(card, "deal"),
  }, card?.baton?.taker?.id === boot.user?.id ? card?.baton?.at : null);
  if (!guide) return null;
  return html`<${Tips} tips=${guide.tips} /><${OnLists} lists=${guide.lists} />${guide.script ? html`<${Script} key=${guide.script.version_id} callId=${call.id} script=${guide.script} since=${guide.since} parked=${Boolean(call.control?.parked)} />` : null}`;
};
