// The rows of a list: which one is meant by keys, and how they are brought up to date without losing one's place.
// A row that changed is put in its place with a quiet mark; one that came is not, but told of (live.js).

import { bind } from "../keys.js";
import { t } from "../say.js";
import { api } from "../api.js";

const ROW = "tr[data-row]";
const VOLATILE = "time, .tick";  // what is another text a minute later, or says what is ticked

export const rows = () => [...document.querySelectorAll(ROW)];
export const rowOf = (id) => document.querySelector(`${ROW}[data-row="${CSS.escape(id)}"]`);
export const link = (row) => row.querySelector("td:not(.tick) a, td:not(.tick) button") ?? row.querySelector("input");

/** The row that keys mean: the one with the focus, else the one they meant last. */
export const current = () => document.activeElement?.closest?.(ROW) ?? document.querySelector(`${ROW}.current`);

export const aim = (row) => {
  for (const other of document.querySelectorAll(`${ROW}.current`)) other.classList.remove("current");
  row?.classList.add("current");
};

const step = (by, moved) => {
  const all = rows();
  const place = all.indexOf(current());
  const next = all[place < 0 ? 0 : Math.min(all.length - 1, Math.max(0, place + by))];
  if (!next) return;
  aim(next);
  link(next)?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  moved(next);
};

/** J, K and, with the focus in the list, the arrows go from row to row; `moved` is told where. */
export const walk = (moved) => {
  bind("j", t("Next row"), () => step(1, moved));
  bind("k", t("Row before"), () => step(-1, moved));
  document.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!event.target.closest?.(ROW) || event.target.matches("select, textarea")) return;
    event.preventDefault();
    step(by, moved);
  });
  document.addEventListener("focusin", ({ target }) => { if (target.closest?.(ROW)) aim(target.closest(ROW)); });
};

/** What an element holds, to be compared. */
export const written = (element) => new XMLSerializer().serializeToString(element).replace(/\s+/g, " ");

/** What a row says, without what changes by itself. */
const said = (row) => {
  const copy = row.cloneNode(true);
  for (const part of copy.querySelectorAll(VOLATILE)) part.remove();
  copy.removeAttribute("class");
  return written(copy);
};

const seenIn = (row) => row.querySelector("input[name=row]")?.value;

const put = (old, fresh) => {
  const changed = said(old) !== said(fresh);
  if (!changed && seenIn(old) === seenIn(fresh)) return false;
  const focus = old.contains(document.activeElement) ? [...old.querySelectorAll("a, button, input")].indexOf(document.activeElement) : -1;
  const tick = fresh.querySelector("input[name=row]");
  if (tick) tick.checked = old.querySelector("input[name=row]")?.checked ?? false;
  fresh.className = old.className;
  fresh.classList.remove("left");
  if (changed) mark(fresh);
  old.replaceWith(fresh);
  if (focus >= 0) (fresh.querySelectorAll("a, button, input")[focus] ?? link(fresh))?.focus({ preventScroll: true });
  return changed;
};

/** A quiet mark that goes by itself. */
export const mark = (element) => {
  element.classList.remove("fresh");
  element.addEventListener("animationend", () => element.classList.remove("fresh"), { once: true });
  requestAnimationFrame(() => element.classList.add("fresh"));
};

/** The figures around the list follow it too. */
const AROUND = [".tabs", ".page > .sums", "#lately"];
const around = (page) => {
  for (const part of AROUND) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (old && fresh && !old.contains(document.activeElement) && said(old) !== said(fresh)) old.replaceWith(fresh);
    else if (!old && fresh) document.querySelector("#bulk-place")?.append(fresh);
  }
};

/** Makes the list that of `page`: {changed: ids, came: ids}. What is shown keeps its place. */
export const renew = (page) => {
  const fresh = new Map([...page.querySelectorAll(ROW)].map((row) => [row.dataset.row, row]));
  const shown = rows();
  const known = new Set(shown.map((row) => row.dataset.row));
  const last = shown.findLastIndex((row) => fresh.has(row.dataset.row));
  const more = page.querySelector(".pager [rel=next]") !== null;
  const changed = [];
  shown.forEach((row, place) => {
    const now = fresh.get(row.dataset.row);
    if (now && put(row, document.importNode(now, true))) changed.push(row.dataset.row);
    // One at the end may only have been pushed over to the next page by what came.
    else if (!now && (place < last || !more)) row.classList.add("left");
  });
  around(page);
  const ids = [...fresh.keys()];
  const until = last < 0 ? ids.length : ids.indexOf(shown[last].dataset.row);  // below it others only moved up
  return { changed, came: ids.slice(0, until).filter((id) => !known.has(id)) };
};

/** The same list as it is now. */
export const refresh = async () => {
  const { page, ok } = await api.page(location.href);
  return ok ? renew(page) : { changed: [], came: [] };
};

/** Shows the list as it is now, with what came; the ids of those. */
export const takeAll = async () => {
  const { page, ok } = await api.page(location.href);
  const [old, fresh] = [document.querySelector(".sheet"), page.querySelector(".sheet")];
  if (!ok || !old || !fresh) return [];
  const ticked = new Set([...old.querySelectorAll("input[name=row]:checked")].map((tick) => tick.closest(ROW).dataset.row));
  const known = new Set(rows().map((row) => row.dataset.row));
  old.replaceChildren(...document.importNode(fresh, true).childNodes);
  for (const row of rows()) if (ticked.has(row.dataset.row)) row.querySelector("input[name=row]").checked = true;
  around(page);
  return rows().map((row) => row.dataset.row).filter((id) => !known.has(id));
};
