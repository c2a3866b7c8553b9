// What is asked at the telephone that was clicked: which of our numbers the customer shall see, when nothing else says it,
// and whether somebody who is not to be called now is called all the same.
// The line that was chosen is remembered for this customer until the browser tab is closed.

import { t } from "./say.js";

const PREFIX = "line:";
const LAST = "line-last";

const keyOf = (body) => PREFIX + (body.customer_id ?? body.to);

/** The line that was chosen for this customer before, or null. */
export const remembered = (body) => sessionStorage.getItem(keyOf(body));

export const remember = (body, line) => {
  sessionStorage.setItem(keyOf(body), line);
  sessionStorage.setItem(LAST, line);
};

export const forget = (body) => sessionStorage.removeItem(keyOf(body));

const option = (choice, index, sub) => {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "menuitem");
  button.dataset.value = choice.value;
  if (index < 9) {
    const key = Object.assign(document.createElement("kbd"), { textContent: String(index + 1) });
    key.setAttribute("aria-hidden", "true");
    button.append(key);
  } else button.append(document.createElement("span"));
  const said = document.createElement("span");
  said.append(Object.assign(document.createElement("b"), { textContent: choice.label }));
  if (sub) said.append(Object.assign(document.createElement("span"), { className: "sub", textContent: sub }));
  button.append(said);
  return button;
};

const place = (menu, anchor) => {
  const at = anchor?.isConnected ? anchor.getBoundingClientRect() : { left: innerWidth / 2 - 130, bottom: innerHeight / 3, top: innerHeight / 3 };
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + height + 8 < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
};

/** Shows `choices` ({value, label}) at `anchor`, each over its line of `subs`; resolves to the chosen value, or null. */
const ask = (question, choices, anchor, subs = []) => new Promise((resolve) => {
  const before = document.activeElement;
  const menu = document.createElement("dialog");
  menu.className = "line-menu";
  const title = Object.assign(document.createElement("p"), { id: "line-menu-title", textContent: question });
  menu.setAttribute("aria-labelledby", title.id);
  const list = document.createElement("div");
  list.setAttribute("role", "menu");
  list.setAttribute("aria-labelledby", title.id);
  list.append(...choices.map((choice, index) => option(choice, index, subs[index])));
  menu.append(title, list);
  const buttons = [...list.children];
  let chosen = null;
  const take = (button) => { chosen = button.dataset.value; menu.close(); };
  const step = (by) => buttons[(buttons.indexOf(document.activeElement) + by + buttons.length) % buttons.length].focus();
  menu.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) take(button);
    else if (event.target === menu) menu.close();  // beside it
  });
  menu.addEventListener("keydown", (event) => {
    const digit = buttons[Number(event.key) - 1];
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (/^[1-9]$/.test(event.key) && digit) take(digit);
    else return;
    event.preventDefault();
  });
  menu.addEventListener("close", () => {
    menu.remove();
    before?.focus?.();
    resolve(chosen);
  });
  document.body.append(menu);
  menu.showModal();
  place(menu, anchor);
  const last = sessionStorage.getItem(LAST);
  (buttons.find((button) => button.dataset.value === last) ?? buttons[0])?.focus();
});

/** Which line of `choices` ({value, label, detail}) the customer shall see; its number, or null. */
export const askLine = (choices, anchor) => ask(t("Which number shall the customer see?"), choices, anchor,
  choices.map(({ value, label, detail }) => (detail && detail !== label ? `${detail} · ${value}` : value)));

/** Whether somebody is called all the same, who is not to be called now because of `reason`. */
export const askAnyway = async (reason, choices, anchor) => Boolean(await ask(reason, choices, anchor));
