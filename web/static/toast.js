// Short messages in the corner. They go by themselves, except a refusal: that one waits to be read.

import { t } from "./say.js";

const STAY_MS = 6000;

/** Show `text` (with an optional bold `title`); tone: good, info, warning, error. With the `address` of the page it is
    about it stays until it is read. Returns a function that closes it. */
export const toast = (text, { title, tone = "info", address } = {}) => {
  const area = document.getElementById("toasts");
  if (!area) return () => {};
  const box = document.createElement("div");
  box.className = `toast ${tone}`;
  const said = document.createElement("p");
  if (title) said.append(Object.assign(document.createElement("b"), { textContent: title }));
  said.append(address?.startsWith("/") ? Object.assign(document.createElement("a"), { href: address, textContent: text }) : text);
  box.append(said, closer(box));
  area.append(box);
  if (tone !== "error" && !address) setTimeout(() => box.remove(), STAY_MS);
  return () => box.remove();
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
