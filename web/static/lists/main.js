// A page with a list: keys, ticks, the panel beside it, and what colleagues change meanwhile.

import { watchTicks } from "./bulk.js";
import { goWith, watchPanel } from "./beside.js";
import { watchOthers } from "./live.js";
import { walk } from "./rows.js";

if (document.getElementById("bulk") || document.querySelector("tr[data-row]")) {
  watchTicks();
  walk(goWith);
  watchPanel();
}
watchOthers();
