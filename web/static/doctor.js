// The doctor's pages: copies pieces of configuration, and looks every two seconds what became of the test calls.

import { t } from "./say.js";
import { toast } from "./toast.js";

const EVERY_MS = 2000;

const copy = async (button) => {
  const text = button.parentElement.querySelector("pre").textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast(t("Copied."), { tone: "good" });
  } catch {
    getSelection().selectAllChildren(button.parentElement.querySelector("pre"));  // plain http has no clipboard
    toast(t("Selected. Press Ctrl and C."));
  }
};

const showCopies = (place) => {
  for (const button of place.querySelectorAll("[data-copy]")) button.hidden = false;
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copy(button);
});

const refresh = async (place) => {
  if (document.hidden) return;
  try {
    const answer = await fetch(place.dataset.refresh);
    const text = answer.ok && !answer.redirected ? await answer.text() : null;
    if (text === null || text === place.shown) return;  // replaced only when it says something new
    place.shown = text;
    place.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    showCopies(place);
  } catch {
    // not reached: the head says so, the next look may succeed
  }
};

showCopies(document);
for (const place of document.querySelectorAll("[data-refresh]")) setInterval(refresh, EVERY_MS, place);
