// From the row of an operator who talks: hear the call, whisper, speak with both, take the customer over. While one is on
// that call the bar on top (../listen.js) has the ways on.

import { boot, t } from "../say.js";
import { hear } from "../listen.js";
import { listening } from "../desk/store.js";
import { offer } from "./actions.js";
import { may } from "./state.js";

const can = (row) => may("calls.listen") && row.call && ["talking", "held"].includes(row.state)
  && row.id !== boot.user?.id && listening.value?.call_id !== row.call.id;
const WAYS = [
  ["listen", "l", () => t("Listen")], ["whisper", "h", () => t("Whisper")], ["barge", "b", () => t("Speak with both")], ["take_over", "t", () => t("Take over")],
];
for (const [mode, key, label] of WAYS) offer({ name: mode, key, label, on: can, act: (row) => hear(row.call.id, mode) });
