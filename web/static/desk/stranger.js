// An unknown caller becomes a customer here: a form that already holds number, line and source, or a search for
// somebody who is known under another number. What is typed is kept with the draft of the call.

import { useCallback, useEffect, useRef, useState } from "../vendor/hooks.js";
import { t } from "../say.js";
import { html, Key } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { toast } from "../toast.js";
import { latest } from "../search.js";
import { useKey } from "../keys.js";
import { attach } from "./candidates.js";
import { draftOf } from "./draft.js";
import { untilAnswered } from "./once.js";

const PAUSE_MS = 160;
const FIELDS = ["name", "email", "city", "address"];
const LABEL = { name: () => t("Name"), email: () => t("E-mail"), city: () => t("City"), address: () => t("Address") };
const WRONG = { name: () => t("Write at least one letter."), email: () => t("This is no e-mail address.") };
const KIND = { email: "email" };

const sourceOf = (call) => (call.line?.name ? t("Call to {line}", { line: call.line.name }) : t("Call"));

const create = (call, typed, waits) => {
  const body = Object.fromEntries(FIELDS.filter((field) => typed[field]?.trim()).map((field) => [field, typed[field].trim()]));
  return untilAnswered((options) => api.post(`/calls/${call.id}/customer`, body, options), waits);
};

/** The sentence for a field out of a refusal, or "". */
const wrongIn = (refusal, field) => {
  const found = refusal?.problem?.errors?.find((one) => one.field === field);
  return found ? WRONG[field]?.() ?? found.message : "";
};

const Field = ({ field, typed, change, refusal, focus }) => {
  const wrong = wrongIn(refusal, field);
  return html`<label class="field"><span>${LABEL[field]()}</span>
    <input ref=${focus} type=${KIND[field] ?? "text"} value=${typed[field] ?? ""} onInput=${(event) => change(field, event.target.value)}
      autocomplete="off" required=${field === "name"} aria-invalid=${wrong ? "true" : undefined} />
    ${wrong ? html`<span class="wrong">${wrong}</span>` : null}</label>`;
};

const Create = ({ call, draft }) => {
  const typed = draft.value.value.customer ?? { name: call.remote?.name ?? "" };
  const [refusal, setRefusal] = useState(null);
  const [busy, setBusy] = useState(false);
  const name = useRef(null);
  useKey("c", t("Write down who it is"), useCallback(() => name.current?.focus(), []));
  const change = (field, text) => draft.set({ ...draft.value.peek(), customer: { ...typed, ...draft.value.peek().customer, [field]: text } });
  const save = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy("busy");
    setRefusal(null);
    try {
      await create(call, typed, () => setBusy("waits"));
      const { customer: _, ...left } = draft.value.peek();
      draft.set(left);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefusal(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<form class="new-person" onSubmit=${save}>
    <h2>${t("New customer")} <${Key}>C<//></h2>
    <div class="pair">${FIELDS.map((field) => html`<${Field} key=${field} field=${field} typed=${typed} change=${change} refusal=${refusal} focus=${field === "name" ? name : undefined} />`)}</div>
    <p class="faint small">${[call.remote?.display ?? t("Number withheld"), sourceOf(call)].join(" · ")}</p>
    ${refusal ? html`<p class="failed" role="alert">${refusal.message}</p>` : null}
    <button class="btn main" aria-busy=${Boolean(busy)} disabled=${Boolean(busy)}>${t("Save the customer")}</button>
    ${busy === "waits" ? html` <span class="care small" role="status">${t("The server does not answer. It will be saved by itself, and once.")}</span>` : null}</form>`;
};

const people = latest((query, options) => api.get("/customers", { query, limit: 6 }, options));

const Attach = ({ call }) => {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState(null);
  useEffect(() => {
    if (query.trim().length < 2) return void setFound(null);
    const timer = setTimeout(async () => {
      try {
        setFound(items(await people(query.trim())));
      } catch (error) {
        if (error instanceof Refused) toast(error.message, { tone: "error" });
        else if (error.name !== "AbortError") throw error;
      }
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query]);
  return html`<section class="attach"><h2>${t("Or somebody we know")}</h2>
    <label class="field"><span>${t("Name, number or e-mail")}</span><input type="search" value=${query} onInput=${(event) => setQuery(event.target.value)} autocomplete="off" /></label>
    ${found === null ? null : found.length ? html`<ul class="candidates">${found.map((one) => html`<li key=${one.id}>
      <button type="button" class="candidate" onClick=${() => attach(call.id, one.id)}><span /><span class="clip"><b>${one.name}</b> <span class="muted">${one.city}</span></span>
      <span class="faint small">${one.display ?? one.email}</span></button></li>`)}</ul>` : html`<p class="faint">${t("Nobody found.")}</p>`}</section>`;
};

export const NewPerson = ({ entry }) => html`<div class="cols stranger">
  <section><${Create} call=${entry.call} draft=${draftOf(entry)} /></section><section><${Attach} call=${entry.call} /></section></div>`;
