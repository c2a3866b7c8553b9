// The calendar of callbacks: a card goes to another hour, day or colleague by mouse or by Shift and an arrow. What is
// sent is the form of the card itself, so the server decides in the same place as without a script.

const calendar = document.querySelector("[data-calendar]");
const FOCUS = "calendar-focus";
const link = (card) => card.querySelector(".title");
const cell = (card) => card.closest("td");

const move = (card, to) => {
  const form = card.querySelector("form");
  if (!form || !to || to === cell(card)) return;
  const { due_at: due, whom } = form.elements;
  due.value = `${to.dataset.day}T${to.dataset.hour}:${due.value.slice(-2)}`;
  if (to.dataset.whom !== undefined) whom.value = to.dataset.whom;
  sessionStorage.setItem(FOCUS, card.dataset.callback);
  form.submit();
};

let dragged = null;
const clear = () => { for (const one of calendar.querySelectorAll(".over")) one.classList.remove("over"); };

calendar?.addEventListener("dragstart", (event) => {
  dragged = event.target.closest(".cal-card");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.callback);
  dragged.classList.add("dragged");
});
calendar?.addEventListener("dragend", () => { dragged?.classList.remove("dragged"); dragged = null; clear(); });
calendar?.addEventListener("dragover", (event) => {
  const over = event.target.closest("td[data-hour]");
  if (!dragged || !over) return;
  event.preventDefault();
  clear();
  over.classList.add("over");
});
calendar?.addEventListener("drop", (event) => {
  const over = event.target.closest("td[data-hour]");
  if (!dragged || !over) return;
  event.preventDefault();
  move(dragged, over);
});

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const beside = (from, [down, across]) => calendar.querySelector("tbody").rows[from.parentElement.sectionRowIndex + down]?.cells[from.cellIndex + across];
/** The next card in this direction: within the cell, else in the nearest cell that has one. */
const next = (card, step) => {
  const sibling = step[0] > 0 ? card.nextElementSibling : step[0] < 0 ? card.previousElementSibling : null;
  if (sibling) return sibling;
  for (let there = beside(cell(card), step); there?.matches("td"); there = beside(there, step)) {
    const cards = there.querySelectorAll(".cal-card");
    if (cards.length) return step[0] < 0 ? cards[cards.length - 1] : cards[0];
  }
  return null;
};

calendar?.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || !event.target.matches(".cal-card .title") || event.ctrlKey || event.altKey || event.metaKey) return;
  const card = event.target.closest(".cal-card");
  event.preventDefault();
  if (event.shiftKey) {
    const there = beside(cell(card), step);
    if (there?.matches("td[data-hour]")) move(card, there);
  } else {
    const other = next(card, step);
    if (other) link(other).focus();
  }
});

calendar?.querySelector("th.today")?.scrollIntoView({ inline: "center", block: "nearest" });
const moved = sessionStorage.getItem(FOCUS);
sessionStorage.removeItem(FOCUS);
if (moved) calendar?.querySelector(`[data-callback="${CSS.escape(moved)}"] .title`)?.focus();
