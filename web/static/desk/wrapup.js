// After the hang-up, in one strip: what came of it, what it was about if that is not known, what happens next, and done.
// Digits choose an outcome or open a group, Backspace goes back up, A takes the first suggestion, Enter finishes. What is
// typed is kept with the draft of the call, as everything else.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { lasted, t } from "../say.js";
import { html, Icon, Key, Loading } from "../ui.js";
import { wall } from "../zoned.js";
import { api, items, Refused } from "../api.js";
import { useKey, useTold } from "../keys.js";
import { toast } from "../toast.js";
import { dismiss } from "./store.js";
import { Player } from "../player.js";
import { attach } from "./candidates.js";
import { draftOf } from "./draft.js";
import { link } from "./links.js";
import { begin, NextStep, stepBody, stepKinds, stepMissing } from "./next-step.js";
import { noteOf } from "./note.js";
import { untilAnswered } from "./once.js";
import { proposed } from "./proposed.js";
import { level, outcome, readOutcomes, trees, treeOf } from "./outcomes.js";
import { resultName } from "./words.js";

const DIGITS = "1234567890-=";
const FRESH_MS = 90e3;  // a recording is taken within this time after the hang-up

const Outcome = ({ one, index, on, choose }) => {
  useKey(DIGITS[index] ?? "", one.label, choose, index < DIGITS.length);
  return html`<button type="button" class="btn outcome" aria-pressed=${on} aria-haspopup=${one.below ? "true" : undefined} onClick=${choose}>${index < DIGITS.length ? html`<${Key}>${DIGITS[index]}<//>` : null}<span>${one.label}</span>${one.below ? html`<${Icon} name="down" small />` : null}</button>`;
};

/** The groups an outcome lies in, the outermost first. */
const way = (code) => {
  const found = [];
  for (let one = outcome(code); one?.parent; one = outcome(one.parent)) found.unshift(one.parent);
  return found;
};

const Outcomes = ({ entry, code, choose }) => {
  const [path, setPath] = useState(() => way(code));
  const tree = treeOf(entry);
  const group = path.at(-1) ?? null;
  const up = () => setPath(path.slice(0, -1));
  useKey("Backspace", t("Back to the groups"), up, path.length > 0);
  useEffect(() => { if (trees.value && code) setPath(way(code)); }, [trees.value, code]);
  if (!tree) return html`<${Loading} lines=${1} />`;
  const offered = level(tree, group);
  return html`${path.length ? html`<button type="button" class="btn quiet" onClick=${up}><${Key}>⌫<//><span>${outcome(group)?.label}</span></button>` : null}
    ${offered.map((one, index) => html`<${Outcome} key=${one.code} one=${one} index=${index} on=${one.code === code || way(code).includes(one.code)}
      choose=${() => (one.below ? setPath([...path, one.code]) : choose(one.code))} />`)}`;
};

/** What it may have been about; asked only where the rules left doubt. null before the answer. */
const useSuggestions = (callId, wanted, links) => {
  const [found, setFound] = useState(null);
  useEffect(() => {
    if (!wanted) return;
    api.get(`/calls/${callId}/suggestions`).then((answer) => setFound(items(answer)), (error) => {
      if (!(error instanceof Refused)) throw error;
      setFound([]);
    });
  }, [callId, wanted, links]);
  return found;
};

const About = ({ entry, typed, change, found }) => {
  const { call } = entry;
  const take = (one) => (one.kind === "customer" ? attach(call.id, one.id) : link(call.id, one.kind, one.id));
  const other = useRef(null);
  useKey("a", t("Take the first suggestion"), () => found?.length && take(found[0]), Boolean(found?.length));
  useKey("y", t("Say why it is about nothing of ours"), () => other.current?.focus());
  return html`<fieldset class="about-what"><legend class="label">${entry.card?.customer ? t("What was it about?") : t("Who was it?")}</legend>
    <div class="choices">${found === null ? html`<${Loading} lines=${1} />` : found.map((one, index) => html`<button type="button" key=${one.kind + one.id} class="btn" title=${one.why} onClick=${() => take(one)}>
      ${index === 0 ? html`<${Key}>A<//>` : null}<span><b>${one.label}</b> <span class="faint">${[one.detail, one.why].filter(Boolean).join(" · ")}</span></span></button>`)}
      <label class="other"><${Key}>Y<//><input ref=${other} value=${typed.explanation ?? ""} maxlength="200" placeholder=${t("Other: why")} aria-label=${t("Why it is about no order and no deal")} onInput=${(event) => change({ explanation: event.target.value })} /></label></div></fieldset>`;
};

const finish = async (entry, code, typed, waits) => {
  const step = stepBody(typed.step, entry.card?.deals ?? []);
  const body = { code, ...(typed.explanation?.trim() ? { explanation: typed.explanation.trim() } : {}), ...(step ? { next_step: step } : {}) };
  await untilAnswered(async (options) => {
    await noteOf(entry).flush();
    await draftOf(entry).flush();
    return api.post(`/calls/${entry.call.id}/wrap-up`, body, options);
  }, waits);
};

/** What the outcome still lacks, as far as this page can tell: [field, sentence], or null. */
const lacks = (one, entry, typed) => {
  if (!one) return ["code", t("Choose an outcome first.")];
  if (one.needs_note && !noteOf(entry).value.peek().trim()) return ["note", t("This outcome needs a note.")];
  const step = stepMissing(typed.step);
  return step ? ["step", step] : null;
};

/** Refusals of the server that name a part of the strip. */
const FIELD = { note: "note", next_step: "step", code: "code", explanation: "about", due_at: "step" };

export const WrapUp = ({ entry }) => {
  const { call, card } = entry;
  const draft = draftOf(entry);
  // The draft as it is at the press of a key, whether the page has drawn it yet or not.
  const typed = draft.value.value.wrap_up ?? {};
  const latest = () => draft.value.peek().wrap_up ?? {};
  const change = (what) => draft.set({ ...draft.value.peek(), wrap_up: { ...latest(), ...what } });
  const proposal = proposed(entry);
  const code = typed.code ?? card?.disposition ?? proposal?.code ?? null;
  const guessed = proposal?.code === code && !typed.code && !card?.disposition;
  const [wrong, setWrong] = useState(null);
  const [busy, setBusy] = useState(false);
  const [heard, setHeard] = useState(false);
  const done = useRef(null);
  const why = useRef(null);
  useEffect(() => { readOutcomes(); }, []);
  // One key keeps what is proposed; whoever types or stands in a field stays there.
  useEffect(() => { if (guessed && document.activeElement === document.body) done.current?.focus({ preventScroll: true }); }, [guessed]);
  const one = outcome(code);
  const asks = one ? (one.needs_link && !card?.links?.length) || (one.needs_customer && !card?.customer) : false;
  const found = useSuggestions(call.id, asks, (card?.links ?? []).length + Boolean(card?.customer));
  const choose = (chosen) => { change({ code: chosen }); setWrong(null); done.current?.focus(); };
  const step = (next) => { change({ step: next }); setWrong(null); };
  for (const [kind, key, label, possible] of stepKinds(entry)) {
    useKey(key, label, () => { step(begin(kind, latest().step, entry)); requestAnimationFrame(() => why.current?.focus()); }, possible);
  }
  useKey("Escape", t("From a field back to the wrap-up"), () => done.current?.focus());
  useTold("⏎", t("Finish the wrap-up"));
  const submit = async (event) => {
    event.preventDefault();
    const now = latest();
    const chosen = now.code ?? card?.disposition ?? proposal?.code;
    const lack = lacks(outcome(chosen), entry, now);
    setWrong(lack);
    if (lack) {
      if (lack[0] === "note") document.getElementById("note")?.focus();
      if (lack[0] === "step") why.current?.focus();
      return;
    }
    if (busy) return;
    setBusy("busy");
    try {
      await finish(entry, chosen, now, () => setBusy("waits"));
      dismiss(call.id);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const allowed = error.problem.choices?.[0];  // they sleep at that time: the next moment stands there now
      if (allowed && now.step) change({ step: { ...now.step, choice: null, due: wall(new Date(allowed.value)) } });
      const field = FIELD[error.problem.errors?.[0]?.field];
      if (field) setWrong([field, error.message]);
      else toast(error.message, { title: t("Not finished yet"), tone: "error" });
      setBusy(false);
    }
  };
  return html`<form class="wrap-up" onSubmit=${submit} aria-label=${t("Wrap-up")}>
    <div class="wrap-head"><h2>${t("What came of it?")}</h2><span class="faint small">${[resultName(call), call.talk_s ? lasted(call.talk_s) : null].filter(Boolean).join(" · ")}</span>
      ${call.result === "answered" ? html`<button type="button" class="linkish" aria-expanded=${heard} onClick=${() => setHeard(!heard)}><${Icon} name="play" small />${t("Recording and text")}</button>` : null}</div>
    ${heard ? html`<${Player} callId=${call.id} until=${new Date(call.ended_at).getTime() + FRESH_MS} />` : null}
    <div class="choices" role="group" aria-label=${t("Outcome")}><${Outcomes} entry=${entry} code=${code} choose=${choose} /></div>
    ${guessed ? html`<p class="proposed small" role="status">${proposal.why}. <span class="muted">${t("Proposed, not saved yet: Finish keeps it, another key changes it.")}</span></p>` : null}
    ${wrong && wrong[0] !== "step" ? html`<p class="wrong" role="alert">${wrong[1]}</p>` : null}
    ${asks ? html`<${About} entry=${entry} typed=${typed} change=${change} found=${found} />` : null}
    <${NextStep} entry=${entry} step=${typed.step} change=${step} missing=${wrong?.[0] === "step" ? wrong[1] : null} why=${why} />
    <div class="go"><button class="btn main" ref=${done} disabled=${Boolean(busy)} aria-busy=${Boolean(busy)}><span>${t("Finish")}</span><${Key}>⏎<//></button>
      ${busy === "waits" ? html`<span class="care small" role="status">${t("The server does not answer. It will be finished by itself, and once.")}</span>` : null}
      ${asks && !typed.explanation?.trim() ? html`<span class="faint small">${t("Unanswered it waits on the list of calls to link.")}</span>` : null}</div></form>`;
};
