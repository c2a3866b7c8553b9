// What can be done from the row of an operator. One list: whoever has something to offer puts it here.
//
//   offer({ name: "listen", key: "l", label: (row) => t("Listen"), on: (row) => row.state === "talking" && may("calls.listen"),
//           act: async (row) => { await api.post(`/calls/${row.call.id}/…`); } });
//
// `on` says whether it can be done now, `act` does it; a refusal of the server is said in its words. The key acts while the
// row is open. `tone`: main, good, stop. `panel`: instead of `act`, a component ({row, close}) that opens below the buttons.

import { t } from "../say.js";
import { api } from "../api.js";
import { may } from "./state.js";
import { Pauses } from "./pauses.js";
import { WhatIf } from "./what-if.js";

const list = [];

/** One more thing to do with an operator or with his call; the order is that of the offers. */
export const offer = (action) => { list.push(action); };

/** What can be done with this operator now. */
export const actionsOf = (row) => list.filter((one) => one.on(row));

const sets = (row) => may("agents.set") && row.state !== "offline";
offer({
  name: "ready", key: "g", tone: "good", label: () => t("Make ready"),
  on: (row) => sets(row) && row.state === "paused", act: (row) => api.post(`/agents/${row.id}/ready`, { auto_pause: true }),
});
offer({
  name: "finish", key: "g", tone: "good", label: () => t("End the wrap-up"),
  on: (row) => sets(row) && row.state === "wrap_up", act: (row) => api.post(`/agents/${row.id}/wrap-up/finish`),
});
offer({ name: "pause", key: "p", label: () => t("Pause…"), on: (row) => sets(row) && row.state !== "paused", panel: Pauses });
offer({ name: "what-if", key: "i", label: (row) => (["paused", "offline"].includes(row.state) ? t("What if he came…") : t("What if he left…")), on: (row) => may("figures.view") && row.queues.length > 0, panel: WhatIf });
