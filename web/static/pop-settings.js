// On the page of one's own settings: what only the browser can do. Notifications are asked for by a press, never unasked.

import { listenTo } from "./desk/ring.js";
import { allowed, askToNotify } from "./desk/notify.js";

const box = document.querySelector("[data-allow]");
const said = box?.querySelector("[data-allow-said]");
const asking = box?.querySelector("[data-allow-ask]");

const show = () => {
  const state = allowed();
  said.textContent = said.dataset[state];
  asking.hidden = state !== "default";
  box.hidden = false;
};

if (box) {
  show();
  asking.addEventListener("click", async () => {
    if (await askToNotify()) document.querySelector("input[name=desktop]").checked = true;
    show();
  });
}

const listen = document.querySelector("[data-try-ring]");
if (listen) {
  listen.hidden = false;
  listen.addEventListener("click", () => listenTo(Number(document.querySelector("input[name=volume]").value)));
}
