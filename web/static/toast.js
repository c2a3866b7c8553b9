// Short messages in the corner. They go by themselves, except a refusal: that one waits to be read.

import { t } from "./say.js";

const STAY_MS = 6000;
const CHANGE_OF_MIND_MS = 30000;

/** Show `text` (with an optional bold `title`); tone: good, info, warning, error. With the `address` of the page it is
    about it stays until it is read; with `action` {label, act} it has a button and stays long enough to think.
    Returns a function that closes it. */
export const toast = (text, { title, tone = "info", address, action } = {}) => {
  const area = document.getElementById("toasts");
  if (!area) return () => {};
  const box = document.createElement("div");
  box.className = `toast ${tone}`;
  const said = document.createElement("p");
  if (title) said.append(Object.assign(document.createElement("b"), { textContent: title }));
  said.append(address?.startsWith("/") ? Object.assign(document.createElement("a"), { href: address, textContent: text }) : text);
  box.append(said);
  if (action) box.append(doer(box, action));
  box.append(closer(box));
  area.append(box);
  if (tone !== "error" && !address) setTimeout(() => box.remove(), action ? CHANGE_OF_MIND_MS : STAY_MS);
  return () => box.remove();
};

const doer = (box, { label, act }) => {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: label });
  button.addEventListener("click", () => { box.remove(); act(); });
  return button;
};

const closer = (box) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn quiet icon-only";
  button.setAttribute("aria-label", t("Close"));
  button.textContent = "×";
  button.addEventListener("click", () => box.remove());
  return button;
};
