// Many rows at once: ticked by mouse, by range or by keys; asked once with the number; done; taken back.
// What is sent is the form of the page, so the server decides in the same place as without a script.

import { bind } from "../keys.js";
import { t, tn } from "../say.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { current, link, refresh, rows } from "./rows.js";

const form = document.getElementById("bulk");
const box = form?.closest("details");
const ticks = () => [...document.querySelectorAll("input[name=row]")];
const chosen = () => ticks().filter((tick) => tick.checked);
const ALL = "input[name=all]";
let last = null;
let lastUndo = null;
let closeOffer = () => {};

const failed = (error) => {
  if (!(error instanceof Refused)) throw error;
  toast(error.message, { tone: "error" });
};

/** The bar as the ticks want it. */
const show = () => {
  const count = chosen().length;
  const shown = ticks().length;
  const whole = document.querySelector("[data-tick-all]") ?? {};
  whole.checked = count === shown && count > 0;
  whole.indeterminate = count > 0 && count < shown;
  for (const tick of ticks()) tick.closest("tr").classList.toggle("ticked", tick.checked);
  const all = form.querySelector(ALL);
  const more = Boolean(form.dataset.more) && count === shown;
  all.closest("label").hidden = !more;
  if (!more) all.checked = false;
  form.querySelector("[data-count]").textContent = all.checked ? t("All that match the filters") : tn("{n} chosen", "{n} chosen", count);
  box.hidden = count === 0;
  box.open = count > 0;
  document.body.classList.toggle("choosing", count > 0);
};

const tickTo = (tick, on) => {
  const all = ticks();
  const from = all.findIndex((other) => other.value.split(":")[0] === last);
  const to = all.indexOf(tick);
  if (from < 0) return;
  for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = on;
};

const ticked = (tick, range) => {
  if (range) tickTo(tick, tick.checked);
  last = tick.value.split(":")[0];
  show();
};

const none = () => {
  for (const tick of ticks()) tick.checked = false;
  form.querySelector(ALL).checked = false;
  show();
};

/** Asks once; resolves to true or false. */
const sure = ({ number, said }) =>
  new Promise((answer) => {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "sure-title");
    const head = Object.assign(document.createElement("div"), { className: "dialog-head" });
    head.append(Object.assign(document.createElement("h2"), { id: "sure-title", textContent: tn("Change {n} row?", "Change {n} rows?", number) }));
    const body = Object.assign(document.createElement("div"), { className: "dialog-body form" });
    const words = Object.assign(document.createElement("p"), { textContent: said });
    const hint = Object.assign(document.createElement("p"), { className: "muted small", textContent: t("Rows that refuse are named and stay as they are. It can be taken back.") });
    const go = Object.assign(document.createElement("div"), { className: "go" });
    const yes = Object.assign(document.createElement("button"), { type: "button", className: "btn main", textContent: tn("Change {n}", "Change {n}", number) });
    const no = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: t("Leave them") });
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => { dialog.remove(); answer(dialog.returnValue === "yes"); });
    go.append(yes, no);
    body.append(words, hint, go);
    dialog.append(head, body);
    document.body.append(dialog);
    dialog.showModal();
    yes.focus();
  });

/** Says which rows stayed as they are, and why. */
const name = ({ refused, refusals }) => {
  if (!refusals) return;
  const rest = refusals - refused.length;
  const words = refused.map(({ title, why }) => `${title}: ${why}`).join(" · ") + (rest > 0 ? ` · ${t("and {n} more", { n: rest })}` : "");
  toast(words, { title: tn("{n} stays as it is", "{n} stay as they are", refusals), tone: "error" });
};

const takeBack = async (address) => {
  lastUndo = null;
  closeOffer();
  try {
    const told = await api.form(address, {});
    toast(tn("{n} taken back", "{n} taken back", told.changed), { tone: "good" });
    name(told);
    await refresh();
  } catch (error) {
    failed(error);
  }
};

const done = async (told) => {
  if (told.changed) {
    lastUndo = told.undo;
    closeOffer = toast(told.said, { title: tn("{n} changed", "{n} changed", told.changed), tone: "good", action: { label: t("Undo"), act: () => takeBack(told.undo) } });
  } else if (!told.refusals) toast(t("They are so already."));
  name(told);
  none();
  form.reset();
  await refresh();
};

const change = async (event) => {
  event.preventDefault();
  const fields = [...new FormData(form)];
  const address = form.getAttribute("action");
  form.setAttribute("aria-busy", "true");
  try {
    const asked = await api.form(address, fields);
    form.removeAttribute("aria-busy");
    if (!(await sure(asked))) return form.querySelector("button").focus();
    form.setAttribute("aria-busy", "true");
    const meant = fields.filter(([field]) => field !== "row" && field !== "all");
    await done(await api.form(address, [...meant, ["rows", asked.rows], ["sure", "yes"]]));
    const row = current() ?? rows()[0];
    if (row) link(row)?.focus({ preventScroll: true });
  } catch (error) {
    failed(error);
  } finally {
    form.removeAttribute("aria-busy");
  }
};

const byKey = (event) => {
  const tick = current()?.querySelector("input[name=row]");
  if (!tick) return;
  tick.checked = event.shiftKey ? true : !tick.checked;
  ticked(tick, event.shiftKey);
};

/** True when there was something ticked that is not any more. */
export const dropTicks = () => {
  if (!form || !chosen().length) return false;
  none();
  return true;
};

export const watchTicks = () => {
  if (!form) return;
  box.classList.add("lifted");
  form.querySelector("[data-drop]").hidden = false;
  form.querySelector("[data-drop]").addEventListener("click", none);
  form.querySelector(ALL).addEventListener("change", show);
  form.addEventListener("submit", change);
  document.addEventListener("click", (event) => {
    if (event.target.matches("input[name=row]")) ticked(event.target, event.shiftKey);
    if (event.target.matches("[data-tick-all]")) {
      for (const tick of ticks()) tick.checked = event.target.checked;
      show();
    }
  });
  bind("x", t("Choose the row; with Shift all from the last one"), byKey);
  bind("u", t("Take the last change of many back"), () => { if (lastUndo) takeBack(lastUndo); });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#lately form")) return;
    event.preventDefault();
    takeBack(event.target.getAttribute("action"));
  });
  show();  // a reload brings ticks back
};
