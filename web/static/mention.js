// A colleague named in a note: after @ he is looked for by name, and what he signs in with is written.

import { render } from "./vendor/preact.js";
import { html } from "./ui.js";
import { t } from "./say.js";

const MOST = 6;
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Colleagues ([login, name]) whose login or one word of whose name begins so. */
const fitting = (colleagues, begun) =>
  colleagues.filter(([login, name]) => [login, ...name.split(/\s+/)].some((word) => plain(word).startsWith(plain(begun)))).slice(0, MOST);

const naming = (field) => {
  const colleagues = JSON.parse(field.dataset.colleagues);
  const drop = document.createElement("div");
  field.closest("label").after(drop);
  drop.className = "naming";
  let found = [];
  let at = 0;

  const begun = () => /(?:^|[^\p{L}\p{N}_])@([\p{L}\p{N}._-]*)$/u.exec(field.value.slice(0, field.selectionStart))?.[1];
  const draw = () => {
    field.setAttribute("aria-activedescendant", found.length ? `naming-${at}` : "");
    render(found.length ? html`<div class="drop" role="listbox" id="naming" aria-label=${t("Colleagues")}>
      ${found.map(([login, name], place) => html`<div key=${login} id=${`naming-${place}`} role="option" aria-selected=${place === at}
        onMouseDown=${(event) => { event.preventDefault(); choose(place); }}><b>${name}</b><span class="faint">@${login}</span></div>`)}</div>` : null, drop);
  };
  const look = () => {
    const text = begun();
    found = text === undefined ? [] : fitting(colleagues, text);
    at = 0;
    draw();
  };
  const choose = (place) => {
    const end = field.selectionStart;
    field.setRangeText(`${found[place][0]} `, end - begun().length, end, "end");
    found = [];
    draw();
    field.focus();
  };
  field.addEventListener("input", look);
  field.addEventListener("blur", () => { found = []; draw(); });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!found.length || !(step || ["Enter", "Tab", "Escape"].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    if (step) at = (at + step + found.length) % found.length;
    else if (event.key === "Escape") found = [];
    else return choose(at);
    draw();
  });
};

document.querySelectorAll("textarea[data-colleagues]").forEach(naming);
