// What is typed into the forms of a page outlives a reload, a connection that is lost while it is sent, and another form
// of the page that is sent before: it lies in this tab until the form is taken. Forms with `data-kept` lie on the server.

import { boot, t } from "./say.js";

const KEY = `typed:${boot.user?.id ?? ""}:`;
const FORMS = ":is(#main, .beside) form[method=post]:not([data-kept], #bulk)";
const NOT_TYPED = new Set(["hidden", "password", "file", "submit", "button", "reset", "image"]);
const TEXTS = new Set(["text", "textarea", "search"]);

const isTick = (field) => field.type === "checkbox" || field.type === "radio";
const chosen = (field, how) => [...field.options].filter((one) => one[how]).map((one) => one.value).join("\n");
const stands = (field) => isTick(field) ? field.checked : field.options ? chosen(field, "selected") : field.value;
/** What the page came with. */
const came = (field) => isTick(field) ? field.defaultChecked
  : field.options ? chosen(field, "defaultSelected") || (field.multiple ? "" : field.options[0]?.value ?? "") : field.defaultValue;
const put = (field, value) => {
  if (isTick(field)) field.checked = value;
  else if (field.options) for (const one of field.options) one.selected = value.split("\n").includes(one.value);
  else field.value = value;
};

const isMade = (field) => field.closest("[data-made]") !== null;
const fieldsOf = (form) => [...form.elements].filter((one) => one.name && !NOT_TYPED.has(one.type) && !isMade(one));
/** Fields of one name are told apart by their place among each other. */
const nameOf = (form, field) => `${field.name}#${fieldsOf(form).filter((one) => one.name === field.name).indexOf(field)}`;
const kindOf = (form) => `${form.getAttribute("action")} ${form.elements.part?.value ?? ""}`;
const placeOf = (form) => {
  const same = [...document.querySelectorAll(FORMS)].filter((one) => kindOf(one) === kindOf(form));
  return `${KEY}${location.pathname} ${kindOf(form)} ${same.indexOf(form)}`;
};

const read = (place) => JSON.parse(sessionStorage.getItem(place) ?? "null");
const keep = (place, kept) => Object.keys(kept.fields).length || kept.made?.length ? sessionStorage.setItem(place, JSON.stringify(kept)) : sessionStorage.removeItem(place);
const places = () => Object.keys(sessionStorage).filter((place) => place.startsWith(KEY));

const makers = new WeakMap();

/** A script adds to this form, in elements with `data-made`: `make` makes them again of what was `made`. */
export const makes = (form, make) => makers.set(form, make);
/** What a script has added to a form by now, as JSON can say it. */
export const made = (form, things) => {
  if (!form.matches(FORMS)) return;
  const place = placeOf(form);
  keep(place, { fields: {}, of: fieldsOf(form).length, ...read(place), made: things });
};

const typed = ({ target: field }) => {
  const form = field.form;
  if (!form?.matches(FORMS) || !field.name || NOT_TYPED.has(field.type) || isMade(field) || form.querySelector("[type=password]")) return;
  const place = placeOf(form);
  const { fields, made } = read(place) ?? { fields: {} };
  for (const name of Object.keys(fields)) if (field.type === "radio" && name.startsWith(`${field.name}#`)) delete fields[name];
  const name = nameOf(form, field);
  if (stands(field) === came(field)) delete fields[name];
  else fields[name] = { typed: stands(field), over: came(field) };
  keep(place, { fields, of: fieldsOf(form).length, made });
};

/** A form that goes its way as a form is known to be taken once another page comes; a script that sends it sees to it. */
const sent = (event) => {
  if (event.target.getAttribute("action") === "/logout") return void places().forEach((place) => sessionStorage.removeItem(place));
  if (!event.target.matches(FORMS)) return;
  const place = placeOf(event.target);
  const kept = read(place);
  if (kept) event.defaultPrevented ? sessionStorage.removeItem(place) : keep(place, { ...kept, sent: true });
};

const unfold = (element) => {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
};

const tell = (form, place, back, lost) => {
  const line = Object.assign(document.createElement("p"), { className: "say" });
  line.setAttribute("role", "status");
  const anew = Object.assign(document.createElement("button"), { type: "button", className: "linkish", textContent: t("Begin anew") });
  anew.addEventListener("click", () => { sessionStorage.removeItem(place); location.reload(); });
  if (back) line.append(t("What you typed is back. It is not saved yet."), " ", anew);
  if (lost.length) line.append(back ? document.createElement("br") : "", t("What you typed is not put back, because the page is another now: {what}", { what: lost.join(" · ") }));
  form.before(line);
  unfold(form);
};

const giveBack = (form) => {
  const place = placeOf(form);
  const kept = read(place);
  if (!kept) return;
  const fields = new Map(fieldsOf(form).map((field) => [nameOf(form, field), field]));
  const same = fields.size === kept.of, lost = [], make = makers.get(form);
  let back = Boolean(make && kept.made?.length);
  if (back) make(kept.made);
  for (const [name, { typed: value, over }] of Object.entries(kept.fields)) {
    const field = fields.get(name);
    if (field && came(field) === value) delete kept.fields[name];  // it was taken
    else if (field && same && came(field) === over) {
      put(field, value);
      unfold(field);
      field.dispatchEvent(new Event("input", { bubbles: true }));
      back = true;
    } else {
      if (typeof value === "string" && (!field || TEXTS.has(field.type))) lost.push(value);
      delete kept.fields[name];
    }
  }
  keep(place, { fields: kept.fields, of: kept.of, made: kept.made });
  if (back || lost.length) tell(form, place, back, lost);
};

/** What was typed into the forms of a part of the page that came just now. */
export const giveBackIn = (root) => root.querySelectorAll(FORMS).forEach(giveBack);

const begin = () => {
  // What was sent was answered when a page of ours led here, or this one says for the first time that it is done; not
  // when somebody goes back to it or loads it again.
  const led = performance.getEntriesByType("navigation")[0]?.type === "navigate" && document.referrer;
  const answered = led || (new URLSearchParams(location.search).has("done") && !history.state?.seen);
  history.replaceState({ ...history.state, seen: true }, "");
  for (const place of places()) if (answered && read(place).sent) sessionStorage.removeItem(place);
  giveBackIn(document);
  addEventListener("input", typed);
  addEventListener("change", typed);
  addEventListener("submit", sent);
};

addEventListener("DOMContentLoaded", begin);  // once every script of the page has made of its forms what it makes of them
