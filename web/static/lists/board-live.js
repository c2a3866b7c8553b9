// The board of deals as it is now: columns whose cards changed are put in their place, unless one of them is held.

import { mark, written } from "./rows.js";

const busy = (column) => column.querySelector(".dragged, details[open]") !== null;
const said = (part) => {
  const copy = part.cloneNode(true);
  for (const volatile of copy.querySelectorAll("time")) volatile.remove();
  copy.classList.remove("fresh", "over");
  return written(copy);
};
const cards = (root) => new Map([...root.querySelectorAll(".deal-card")].map((card) => [card.dataset.deal, card]));

export const bringBoard = (page) => {
  const board = document.querySelector("[data-board]");
  if (!board || board.querySelector(".dragged")) return;
  const before = new Map([...cards(board)].map(([id, card]) => [id, `${card.closest(".column").dataset.stage} ${said(card)}`]));
  const focus = document.activeElement?.closest?.(".deal-card")?.dataset.deal;
  for (const old of board.querySelectorAll(".column")) {
    const fresh = page.querySelector(`.column[data-stage="${CSS.escape(old.dataset.stage)}"]`);
    if (!fresh || busy(old) || said(old) === said(fresh)) continue;
    old.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
  for (const [id, card] of cards(board)) {
    if (before.get(id) !== `${card.closest(".column").dataset.stage} ${said(card)}`) mark(card);
  }
  const sums = page.querySelector(".page > .sums");
  if (sums) document.querySelector(".page > .sums")?.replaceWith(sums);
  if (focus && !document.activeElement?.closest?.(".deal-card")) cards(board).get(focus)?.querySelector(".title")?.focus({ preventScroll: true });
};
