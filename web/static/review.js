// A review beside its recording: a press marks the place that is heard now, another one plays from a place that was marked.

import { lasted } from "./say.js";
import { begin } from "./player.js";

const audio = () => document.querySelector("[data-player]")?.media?.current;

document.addEventListener("click", (event) => {
  const now = event.target.closest("[data-mark-now]");
  if (now) {
    const field = now.form.elements[now.dataset.markNow];
    field.value = lasted(audio()?.currentTime ?? 0);
    field.focus();
    return;
  }
  const place = event.target.closest("[data-play-at]");
  const sound = audio();
  if (!place || !sound) return;  // without a player the link leads to the same place
  event.preventDefault();
  begin(sound, Number(place.dataset.playAt));
  sound.play().catch(() => {});  // the player says what is wrong
});
