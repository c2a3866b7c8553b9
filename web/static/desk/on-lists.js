// The call lists that a customer is on: what to tell him, and about which order.

import { t, tn } from "../say.js";
import { html } from "../ui.js";

const About = ({ one }) => html`<b>${one.name}</b>${one.order_number ? html` <a class="chip" href=${`/orders/${one.order_id}`}>${one.order_number}</a>` : null}
  ${one.attempts ? html` <span class="faint small">${[tn("{n} attempt so far", "{n} attempts so far", one.attempts), one.last_outcome].filter(Boolean).join(" · ")}</span>` : null}`;

export const OnLists = ({ lists }) => (lists?.length ? html`<section class="on-lists" aria-label=${t("On a call list")}>${lists.map((one) => html`
  <div key=${one.entry_id}><p class="on-list-name"><${About} one=${one} /></p>${one.text ? html`<p class="to-say">${one.text}</p>` : null}</div>`)}</section>` : null);
