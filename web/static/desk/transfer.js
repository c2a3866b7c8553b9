// To whom the call goes: one field, the keyboard alone. Enter gives it away, Shift+Enter asks first, Esc leaves.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";
import { t, tn } from "../say.js";
import { Chip, html, Key } from "../ui.js";
import { api, Refused } from "../api.js";
import { useReturn, useTold } from "../keys.js";
import { act } from "./hands.js";
import { useHeld } from "./held.js";
import { agent, colleagues } from "./store.js";

const STATES = {
  available: ["talk", () => t("Free")], ringing: ["ring", () => t("Ringing")], dialling: ["ring", () => t("Calling")],
  talking: ["ring", () => t("Talking")], held: ["ring", () => t("Talking")], wrap_up: ["wrap", () => t("Wrap-up")],
  paused: ["wrap", () => t("Paused")], offline: ["miss", () => t("Offline")],
};
const NUMBER = /^\+?[(]?[0-9]([ ()./-]{0,3}[0-9]){1,14}$/;

const others = signal({ queues: [], recent: [] });
const readOthers = async (id) => {
  try {
    others.value = await api.get(`/calls/${id}/targets`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;  // colleagues and numbers work without
  }
};

const folded = (text) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
const FREE_FIRST = ["available", "wrap_up", "paused", "ringing", "dialling", "held", "talking", "offline"];
const rank = (one) => (FREE_FIRST.indexOf(one.state) + 1 || FREE_FIRST.length) ;

const people = (query) => [...colleagues.value.values()]
  .filter((one) => one.id !== agent.value?.id && one.phones?.length)
  .filter((one) => !query || folded(one.name).split(/\s+/).some((word) => word.startsWith(query)) || one.phones.some((phone) => phone.extension.startsWith(query)))
  .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
  .map((one) => ({
    key: `u${one.id}`, group: t("Colleagues"), name: one.name, detail: one.phones.map((phone) => phone.extension).join(", "),
    chip: STATES[one.state] ?? ["", () => one.state], note: one.reason, to: { user_id: one.id }, ask: true,
  }));

const queues = (query) => others.value.queues.filter((one) => !query || folded(one.name).startsWith(query)).map((one) => ({
  key: `q${one.name}`, group: t("Queues"), name: one.name,
  detail: one.waiting ? tn("{n} waits", "{n} wait", one.waiting) : t("nobody waits"),
  chip: one.free ? ["talk", () => tn("{n} free", "{n} free", one.free)] : ["miss", () => t("Nobody free")], to: { queue: one.name }, ask: false,
}));

const typed = (text) => (NUMBER.test(text.trim())
  ? [{ key: "typed", group: t("Number"), name: text.trim(), detail: t("dial this number"), to: { to: text.trim() }, ask: true }] : []);

const recent = (query, shown) => others.value.recent
  .filter((one) => NUMBER.test(one) && !shown.has(one) && (!query || one.includes(query)))
  .map((one) => ({ key: `r${one}`, group: t("Lately"), name: one, detail: "", to: { to: one }, ask: true }));

const options = (text) => {
  const query = folded(text.trim());
  const found = people(query);
  const shown = new Set(found.flatMap((one) => one.detail.split(", ")));
  return [...found, ...typed(text), ...queues(query), ...recent(query, shown)].slice(0, 40);
};

const Option = ({ one, index, on, point, give }) => html`<div role="option" id=${`to-${index}`} aria-selected=${on} onClick=${point} onDblClick=${give}>
  <span class="clip"><b>${one.name}</b> <span class="muted num">${one.detail}</span>${one.note ? html` <span class="faint">${one.note}</span>` : null}</span>
  ${one.chip ? html`<${Chip} tone=${one.chip[0]} dot>${one.chip[1]()}<//>` : null}</div>`;

export const TransferPanel = ({ call, close }) => {
  useReturn();
  const [text, setText] = useHeld(`to/${call.id}`, "");
  const [at, setAt] = useState(0);
  const [said, setSaid] = useHeld(`said/${call.id}`, "");
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  const list = useRef(null);
  useLayoutEffect(() => { readOthers(call.id); field.current?.focus(); }, [call.id]); // before the next key, which is the number's first
  useTold("⏎", t("In the transfer: give the call away"));
  useTold("⇧ ⏎", t("In the transfer: ask first"));
  useTold("↑ ↓", t("In the transfer: choose to whom"));
  const found = useMemo(() => options(text), [text, colleagues.value, others.value]);
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => { list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); }, [chosen]);
  const choose = async (one, how) => {
    if (busy || !one) return;
    setBusy(true);
    const done = await act(call.id, how, said.trim() ? { ...one.to, said: said.trim() } : one.to);
    setBusy(false);
    if (!done) return;
    setText("");
    setSaid("");
    close();
  };
  const press = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((chosen + step + found.length) % Math.max(found.length, 1));
    else if (event.key === "Enter") {
      const one = options(field.current.value)[chosen];  // what is written, also when it is not drawn yet
      choose(one, event.shiftKey && one?.ask ? "consult" : "transfer");
    }
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  };
  const groups = [...new Set(found.map((one) => one.group))];
  return html`<section class="transfer" aria-label=${t("Transfer the call")} aria-busy=${busy}>
    <label class="field"><span>${t("To whom?")}</span><input ref=${field} type="text" autocomplete="off" spellcheck=${false} role="combobox" aria-expanded="true" aria-controls="to-list"
      aria-activedescendant=${found.length ? `to-${chosen}` : undefined} placeholder=${t("Name, extension or number")} value=${text} onInput=${(event) => { setText(event.target.value); setAt(0); }} onKeyDown=${press} /></label>
    <div id="to-list" class="to-list" role="listbox" aria-label=${t("To whom?")} ref=${list}>
      ${groups.map((group) => html`<div role="group" aria-label=${group} key=${group}><p class="group" aria-hidden="true">${group}</p>
        ${found.map((one, index) => (one.group === group ? html`<${Option} key=${one.key} one=${one} index=${index} on=${index === chosen} point=${() => setAt(index)} give=${() => choose(one, "transfer")} />` : null))}</div>`)}
    </div>
    <label class="field"><span>${t("A line for whoever gets it")}</span><input type="text" autocomplete="off" maxlength="200" placeholder=${t("Optional, for instance: wants the blue one")} value=${said} onInput=${(event) => setSaid(event.target.value)} onKeyDown=${press} /></label>
    ${found.length ? null : html`<p class="muted small" role="status">${t("Nobody is called that. Type a number of two digits or more to dial it.")}</p>`}
    <div class="ways"><button type="button" class="btn main" disabled=${!found.length} aria-busy=${busy} onClick=${() => choose(found[chosen], "transfer")}><span>${t("Transfer")}</span><${Key}>⏎<//></button>
      <button type="button" class="btn" disabled=${!found[chosen]?.ask} aria-busy=${busy} onClick=${() => choose(found[chosen], "consult")}><span>${t("Ask first")}</span><${Key}>⇧ ⏎<//></button>
      <span class="grow" /><button type="button" class="btn quiet" onClick=${close}><span>${t("Leave")}</span><${Key}>Esc<//></button></div></section>`;
};
