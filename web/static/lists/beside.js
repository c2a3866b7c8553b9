// The thing a row is about, in a panel beside the list: its own page, with its forms. The address keeps which one is
// open, so that reload and back work. Where there is no room beside, the panel is the whole screen.

import { bind } from "../keys.js";
import { t } from "../say.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { fit } from "./fit.js";
import { typedIn } from "./typed.js";
import { aim, current, link, refresh, rowOf, rows } from "./rows.js";

const OPEN = "open";
const PART = "[data-opened]";  // a page that shows the list as well says which part of it is the thing
const WAIT_MS = 120;
let panel = null;
let shown = null;  // {id, address} of what is open
let flight = 0;
let unbind = [];

const say = (error) => {
  if (!(error instanceof Refused)) throw error;
  toast(error.message, { tone: "error" });
};

const mayLeave = () => !panel || !typedIn(panel) || confirm(t("What you typed beside the list is not kept yet. Leave it?"));

/** What of a page belongs into the panel. */
const thing = (page) => page.querySelector(PART) ?? page.querySelector("#main .page");

const mount = (page, hash = "") => {
  const source = document.importNode(thing(page), true);
  source.querySelector(".back")?.closest("p").remove();
  const body = panel.querySelector(".beside-body");
  const top = body.scrollTop;
  const said = source.matches(PART) ? page.querySelector("#main .page > .say") : null;
  body.replaceChildren(...(said ? [document.importNode(said, true)] : []), ...source.childNodes);
  const title = body.querySelector("h1, h2");
  panel.setAttribute("aria-label", title?.textContent.trim() ?? t("Beside the list"));
  fit(body);
  const there = hash && body.querySelector(`#${CSS.escape(hash.slice(1))}`);
  if (there) there.scrollIntoView();
  else body.scrollTop = top;
};

const build = () => {
  panel = Object.assign(document.createElement("aside"), { className: "beside", tabIndex: -1 });
  const head = Object.assign(document.createElement("div"), { className: "beside-head" });
  const whole = Object.assign(document.createElement("a"), { className: "btn quiet", textContent: t("Open as a page") });
  const shut = Object.assign(document.createElement("button"), { type: "button", className: "btn quiet", textContent: t("Close") });
  shut.append(" ", Object.assign(document.createElement("kbd"), { textContent: "Esc", ariaHidden: "true" }));
  shut.addEventListener("click", () => close());
  head.append(whole, shut);
  panel.append(head, Object.assign(document.createElement("div"), { className: "beside-body page" }));
  panel.addEventListener("submit", submit);
  panel.addEventListener("click", follow);
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.target.matches("input[type=search], select")) return;
    event.preventDefault();
    close();
  });
  document.body.append(panel);
  document.body.classList.add("besides");
  unbind = [bind("Escape", t("Close the panel"), () => close())];
};

/** Reads the thing again; `quiet`: nothing is said when it can not be. */
export const reload = async ({ quiet = false } = {}) => {
  if (!shown) return false;
  const mine = ++flight;
  try {
    const { page, ok } = await api.page(shown.address);
    if (mine !== flight || !panel || (!ok && quiet) || !thing(page)) return false;
    mount(page);
    return true;
  } catch (error) {
    if (!quiet) say(error);
    return false;
  }
};

const load = async (address, options) => {
  const mine = ++flight;
  panel.setAttribute("aria-busy", "true");
  panel.querySelector(".beside-body").inert = Boolean(options);  // what is typed while it is kept would be lost
  try {
    const { page, url } = await api.page(address, options);
    if (mine !== flight || !panel) return null;
    return { page, url };
  } catch (error) {
    say(error);
    return null;
  } finally {
    panel?.removeAttribute("aria-busy");
    if (panel) panel.querySelector(".beside-body").inert = false;
  }
};

const path = (address) => new URL(address, location.href).pathname;

const opened = async (row, { focus = true } = {}) => {
  const address = row.dataset.open;
  if (!panel) build();
  for (const other of rows()) other.classList.toggle("opened", other === row);
  aim(row);
  const before = shown;
  shown = { id: row.dataset.row, address };
  panel.querySelector(".beside-head a").href = address;
  panel.querySelector(".beside-head a").hidden = path(address) === location.pathname;
  const found = await load(address);
  if (!found || shown.address !== address) return;
  if (!thing(found.page)) return location.assign(address);
  if (before?.address !== address) panel.querySelector(".beside-body").scrollTop = 0;
  mount(found.page);
  if (focus) panel.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
};

export const besides = () => shown;
export const panelNow = () => panel;

const remember = (id) => {
  const url = new URL(location.href);
  url.searchParams.delete("done");
  url.searchParams.set(OPEN, id);
  if (url.searchParams.get(OPEN) === new URL(location.href).searchParams.get(OPEN)) return;
  if (history.state?.beside) history.replaceState({ beside: true }, "", url);
  else history.pushState({ beside: true }, "", url);
};

export const open = (row, options) => {
  if (!row?.dataset.open || !mayLeave()) return;
  remember(row.dataset.row);
  return opened(row, options);
};

const gone = () => {
  flight += 1;
  for (const off of unbind) off();
  panel?.remove();
  panel = null;
  document.body.classList.remove("besides");
  for (const row of rows()) row.classList.remove("opened");
  const row = shown && rowOf(shown.id);
  shown = null;
  if (row) link(row)?.focus({ preventScroll: true });
};

export const close = () => {
  if (!panel || !mayLeave()) return;
  if (history.state?.beside) return history.back();
  const url = new URL(location.href);
  url.searchParams.delete(OPEN);
  history.replaceState(null, "", url);
  gone();
};

/** The row of an id; one that is on another page of the list is made, for what it opens. */
const rowFor = (id) => {
  const [first] = rows();
  if (rowOf(id) || !first || !/^\d+$/.test(id)) return rowOf(id);
  const row = document.createElement("tr");
  const place = first.dataset.open.lastIndexOf(first.dataset.row);
  Object.assign(row.dataset, { row: id, open: first.dataset.open.slice(0, place) + id });
  return row;
};

/** What the address says is what is shown. */
const settle = () => {
  const id = new URL(location.href).searchParams.get(OPEN);
  const row = id && rowFor(id);
  if (row && shown?.id !== id) opened(row);
  else if (!id && panel) gone();
};

// --- what is done inside --------------------------------------------------------------------------------------------

const submit = async (event) => {
  const form = event.target;
  if (form.method === "dialog" || form.enctype === "multipart/form-data") return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  const address = form.getAttribute("action") ?? shown.address;
  if (form.method === "get") return look(`${address.split("#")[0]}?${fields}`);
  const found = await load(address, { method: "POST", body: fields });
  if (found) await done(found);
  // It was not taken, so what was typed is kept on as if it were typed just now.
  else for (const field of form.elements) if (field.name) field.dispatchEvent(new Event("input", { bubbles: true }));
};

/** After a form: the thing again, with what is said of it; or the page that the form leads to. */
const done = async ({ page, url }) => {
  const list = url.pathname === location.pathname;
  if (list && !page.querySelector(PART)) {
    if (path(shown.address) === location.pathname) return location.assign(url);
    const said = page.querySelector(".say");
    if (said) toast(said.textContent, { tone: said.classList.contains("bad") ? "error" : "good" });
    await reload();
  } else if (list || url.pathname === path(shown.address) || url.pathname.startsWith(`${path(shown.address)}/`) || page.querySelector(".say.bad")) {
    mount(page, url.hash);
  } else return location.assign(url);
  panel.querySelector(".say")?.scrollIntoView({ block: "nearest" });
  if (!panel.contains(document.activeElement)) panel.focus({ preventScroll: true });
  await refresh();
};

const look = async (address) => {
  const url = new URL(address, location.href);
  if (url.pathname !== path(shown.address) || url.pathname === location.pathname) return location.assign(url);
  const found = await load(url);
  if (found) mount(found.page, url.hash);
};

/** A link to another part of the same thing stays in the panel; every other one goes where it leads. */
const follow = (event) => {
  const to = event.target.closest("a[href]");
  if (!to || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || to.target || to.closest(".beside-head")) return;
  const url = new URL(to.href);
  if (url.pathname !== path(shown.address) || url.pathname === location.pathname) return;
  event.preventDefault();
  look(url);
};

// --- opening --------------------------------------------------------------------------------------------------------

const OWN = "a, button, input, select, textarea, label, summary, form";

const clicked = (event) => {
  const row = event.target.closest("tr[data-open]");
  if (!row || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const own = event.target.closest(OWN);
  if (event.target.closest(".tick") || String(getSelection())) return;
  if (own && !(own.matches("a") && leadsTo(own, row))) return;
  event.preventDefault();
  open(row);
};

const leadsTo = (anchor, row) => {
  const [to, thingAt] = [new URL(anchor.href), new URL(row.dataset.open, location.href)];
  if (to.pathname !== thingAt.pathname) return false;
  return to.searchParams.get(OPEN) === thingAt.searchParams.get(OPEN);
};

/** What the server put beside the list comes into the panel as it is, with what was typed before this script ran. */
const adopt = (here) => {
  const id = new URL(location.href).searchParams.get(OPEN);
  const row = id && rowFor(id);
  if (!row) return;
  const focus = here.contains(document.activeElement) ? document.activeElement : null;
  const split = here.parentElement;
  build();
  shown = { id, address: row.dataset.open };
  panel.querySelector(".beside-head a").hidden = true;
  panel.setAttribute("aria-label", here.querySelector("h1, h2")?.textContent.trim() ?? t("Beside the list"));
  panel.querySelector(".beside-body").replaceChildren(...here.childNodes);
  here.remove();
  split.classList.remove("split", "opened-first");
  row.classList.add("opened");
  focus?.focus();
};

let timer;
/** While the panel is open it goes with the row that keys mean. */
export const goWith = (row) => {
  clearTimeout(timer);
  if (panel && row.dataset.open) timer = setTimeout(() => open(row, { focus: false }), WAIT_MS);
};

export const watchPanel = () => {
  const here = document.querySelector(PART);
  if (here) adopt(here);
  document.addEventListener("click", clicked);
  bind("o", t("Open the row beside the list"), () => open(current() ?? rows()[0]));
  addEventListener("popstate", settle);
  settle();
};
