// The board of deals: cards go to another stage by mouse or by keys. What is sent is the form of the card itself,
// so the server decides in the same place as without a script.

const board = document.querySelector("[data-board]");
const why = document.querySelector("#why");
const FOCUS = "board-focus";

const columns = () => [...board.querySelectorAll(".column")];
const cards = (column) => [...column.querySelectorAll(".deal-card")];
const link = (card) => card.querySelector(".title");

/** The reason, chosen in the dialog; null when it was closed. */
const askWhy = () =>
  new Promise((answer) => {
    why.returnValue = "";
    why.addEventListener("close", () => answer(why.returnValue ? why.querySelector("select").value : null), { once: true });
    why.showModal();
  });

const move = async (card, column) => {
  const { stage, kind } = column.dataset;
  if (card.closest(".column") === column) return;
  const reason = kind === "lost" ? await askWhy() : "";
  if (reason === null) return link(card).focus();
  const form = card.querySelector("form");
  const wanted = reason ? `${stage}:${reason}` : stage;
  form.elements.stage.value = wanted;
  if (form.elements.stage.value !== wanted) return;
  sessionStorage.setItem(FOCUS, card.dataset.deal);
  form.submit();
};

let dragged = null;

if (board && why) {
  board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".deal-card");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.deal);
    dragged.classList.add("dragged");
  });
  board.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
    for (const column of columns()) column.classList.remove("over");
  });
  board.addEventListener("dragover", (event) => {
    const column = event.target.closest(".column");
    if (!dragged || !column) return;
    event.preventDefault();
    for (const one of columns()) one.classList.toggle("over", one === column);
  });
  board.addEventListener("drop", (event) => {
    const column = event.target.closest(".column");
    if (!dragged || !column) return;
    event.preventDefault();
    move(dragged, column);
  });
}

/** The nearest column in this direction that has cards. */
const beside = (column, step) => {
  const all = columns();
  for (let place = all.indexOf(column) + step; all[place]; place += step) if (cards(all[place]).length) return all[place];
  return null;
};

const SIDEWAYS = { ArrowLeft: -1, ArrowRight: 1 };
const ALONG = { ArrowUp: -1, ArrowDown: 1 };

board?.addEventListener("keydown", (event) => {
  if (!event.target.matches(".deal-card .title") || event.ctrlKey || event.altKey || event.metaKey) return;
  const card = event.target.closest(".deal-card");
  const column = card.closest(".column");
  const place = cards(column).indexOf(card);
  const side = SIDEWAYS[event.key];
  if (side && event.shiftKey) {
    const next = columns()[columns().indexOf(column) + side];
    if (next && why) move(card, next);
  } else if (side) {
    const there = beside(column, side);
    if (there) link(cards(there)[Math.min(place, cards(there).length - 1)]).focus();
  } else if (ALONG[event.key]) {
    const there = cards(column)[place + ALONG[event.key]];
    if (there) link(there).focus();
  } else return;
  event.preventDefault();
});

const moved = sessionStorage.getItem(FOCUS);
sessionStorage.removeItem(FOCUS);
if (moved) board?.querySelector(`[data-deal="${CSS.escape(moved)}"] .title`)?.focus();
