// Whom a deal is with, or whose an order is: somebody who is known, found as one types, or somebody new, written down with the deal.

import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { t } from "../say.js";
import { html } from "../ui.js";
import { api, items, Refused } from "../api.js";
import { latest } from "../search.js";
import { newKey, untilAnswered } from "../desk/once.js";

const PAUSE_MS = 160;
const FEWEST_DIGITS = 7;  // fewer are the beginning of a number
const people = latest((query, options) => api.get("/customers", { query, limit: 6 }, options));

const useFound = (query) => {
  const [found, setFound] = useState(null);
  useEffect(() => {
    if (query.length < 2) return void setFound(null);
    const timer = setTimeout(async () => {
      try {
        setFound(items(await people(query)));
      } catch (error) {
        if (!(error instanceof Refused) && error.name !== "AbortError") throw error;
      }
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query]);
  return found;
};

const Known = ({ one, other }) => html`<p class="deal-person"><b>${one.name}</b> <span class="muted">${one.display ?? ""}</span>
  ${other ? html`<button type="button" class="linkish" onClick=${other}>${t("somebody else")}</button>` : null}</p>`;

/** What is still missing to know whom it is with; "" when nothing is. */
export const nobody = (draft) => (draft.customer || draft.person?.name?.trim() ? "" : t("Say whose deal it is."));

export const Person = ({ draft, set, person, fixed, wrong }) => {
  const typed = draft.person ?? {};
  const query = (typed.name ?? "").trim();
  const found = useFound(draft.customer ? "" : query);
  const owners = useFound(draft.customer || person.number || (typed.phone ?? "").replace(/\D/g, "").length < FEWEST_DIGITS ? "" : typed.phone);
  const [on, setOn] = useState(-1);
  const field = useRef(null);
  useEffect(() => setOn(-1), [found]);
  if (draft.customer) return html`<${Known} one=${draft.customer} other=${fixed ? null : () => { set({ customer: undefined }); requestAnimationFrame(() => field.current?.focus()); }} />`;
  const change = (name) => (event) => set({ person: { ...typed, [name]: event.target.value } });
  const choose = async (one) => {
    if (person.choose && !(await person.choose(one))) return;
    set({ customer: { id: one.id, name: one.name, display: one.display }, person: undefined });
  };
  const press = (event) => {
    if (!found?.length) return;
    if (event.key === "Enter" && on >= 0) { event.preventDefault(); return void choose(found[on]); }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    setOn((on + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length);
  };
  const known = owners?.length ? html`<p class="care small" role="status">${t("This number is known:")} ${owners.map((one) => html`<button type="button" class="linkish" key=${one.id} onClick=${() => choose(one)}>${one.name}</button> `)}</p>` : null;
  const more = query ? html`<div class="pair"><label class="field"><span>${t("Telephone")}</span><input value=${person.number ?? typed.phone ?? ""} readonly=${Boolean(person.number)} inputmode="tel" autocomplete="off" onInput=${change("phone")} aria-invalid=${Boolean(wrong.numbers)} /></label>
    <label class="field"><span>${t("E-mail")}</span><input type="email" value=${typed.email ?? ""} autocomplete="off" onInput=${change("email")} aria-invalid=${Boolean(wrong.email)} /></label></div>${known}
    <p class="faint small">${t("Not in the list? “{name}” is written down as a new customer.", { name: query })}</p>` : null;
  return html`<div class="who-of-deal"><label class="field"><span>${t("Customer: name, number or e-mail")}</span>
      <input ref=${field} class="person-name" value=${typed.name ?? ""} role="combobox" aria-expanded=${Boolean(found?.length)} aria-controls="people" aria-activedescendant=${on >= 0 ? `person-${on}` : undefined} autocomplete="off" onInput=${change("name")} onKeyDown=${press} /></label>
    <div class="drop" id="people" role="listbox" aria-label=${t("Customers")} hidden=${!found?.length}>${(found ?? []).map((one, index) => html`<div role="option" key=${one.id} id=${`person-${index}`} aria-selected=${index === on} onMouseDown=${(event) => { event.preventDefault(); choose(one); }}>
      <span class="clip"><b>${one.name}</b> <span class="muted">${one.city ?? ""}</span></span><span class="faint">${one.display ?? one.email ?? ""}</span></div>`)}</div>${more}</div>`;
};

const body = ({ name, email }) => ({ name: name.trim(), ...(email?.trim() ? { email: email.trim() } : {}) });
const withNumber = (typed, country) => ({ ...body(typed), ...(country ? { country } : {}), ...(typed.phone?.trim() ? { numbers: [typed.phone.trim()] } : {}) });

/** The id of the customer; somebody new is written down first, once, with a number as it is written where the shop is. */
export const personOf = async (draft, set, person, country, waits) => {
  if (draft.customer) return draft.customer.id;
  const key = draft.person.key ?? newKey();
  set({ person: { ...draft.person, key } });
  const made = await untilAnswered((options) => (person.create ? person.create(body(draft.person), options) : api.post("/customers", { ...withNumber(draft.person, country), key }, options)), waits);
  const one = made.customer ?? made;
  set({ customer: { id: one.id, name: one.name ?? draft.person.name }, person: undefined });
  return one.id;
};
