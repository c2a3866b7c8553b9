// Bringing a page up to date piece by piece: what somebody types in stays as it is, and so does what plays.

import { t } from "../say.js";
import { mark, written } from "./rows.js";
import { fit } from "./fit.js";
import { typedIn } from "./typed.js";

const words = (piece) => {
  const copy = piece.cloneNode(true);
  for (const part of copy.querySelectorAll("time, input[type=hidden], .say, [data-player], .find-goods, tr[data-add]")) part.remove();
  copy.classList.remove("fresh");
  for (const part of copy.querySelectorAll("details")) part.open = false;
  return written(copy);
};

const plays = (piece) => piece.querySelector("[data-player], audio") !== null;
const nameOf = (piece) => piece.id || piece.querySelector("h1, h2")?.firstChild?.textContent.trim() || piece.className;

/** The focus stays on the field or the button that is called the same. */
const keepFocus = (old, fresh) => {
  const focus = document.activeElement;
  if (!old.contains(focus)) return () => {};
  const all = (piece) => [...piece.querySelectorAll("a, button, input, select, textarea, summary")];
  const place = all(old).indexOf(focus);
  return () => all(fresh)[place]?.focus({ preventScroll: true });
};

const unfolded = (piece) => [...piece.querySelectorAll("details")].map((part) => part.open);

const swap = (old, fresh) => {
  const changed = words(old) !== words(fresh);
  const open = unfolded(old);
  [...fresh.querySelectorAll("details")].forEach((part, place) => { part.open = open[place] ?? part.open; });
  const focus = keepFocus(old, fresh);
  old.replaceWith(fresh);
  fit(fresh);
  focus();
  if (changed) mark(fresh);
};

const note = (root) => {
  if (root.querySelector(".meanwhile")) return;
  const line = Object.assign(document.createElement("p"), { className: "say care meanwhile", textContent: t("A colleague changed this meanwhile. What you type is kept, and is put together with it when you save.") });
  line.setAttribute("role", "status");
  root.querySelector(".page-head")?.after(line);
};

const PIECES = ".page-head, .panel";

/** Lets the pieces of `root` be those of `page`, which is the same page as it is now. */
export const bring = (root, page) => {
  if (!root || !page) return;
  const fresh = new Map();
  for (const piece of page.querySelectorAll(PIECES)) if (!fresh.has(nameOf(piece))) fresh.set(nameOf(piece), piece);
  for (const old of root.querySelectorAll(PIECES)) {
    const now = fresh.get(nameOf(old)) ?? (old.matches(".page-head") ? page.querySelector(".page-head") : null);
    if (!now || old.isEqualNode(now)) continue;
    if (typedIn(old) || old.querySelector(".find-goods:focus-within")) {
      if (words(old) !== words(now)) note(root);
    } else if (!plays(old)) swap(old, document.importNode(now, true));
  }
};
