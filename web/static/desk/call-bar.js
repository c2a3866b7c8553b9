// The loudest thing on the desk: what the call is doing, for how long, and what can be done about it.

import { useCallback } from "../vendor/hooks.js";
import { exact, lasted, t } from "../say.js";
import { Chip, html, Icon, Key, second } from "../ui.js";
import { dial } from "../dial.js";
import { useKey } from "../keys.js";
import { useHands } from "./hands.js";
import { live, since, stateName, tone } from "./words.js";
import { closeEverywhere, hush } from "./ring.js";

const seconds = (from) => (second.value - new Date(from).getTime()) / 1000;

const Timer = ({ from }) => (from ? html`<span class="time timer" role="timer" title=${t("Since {when}", { when: exact(from) })}>${lasted(seconds(from))}</span>` : null);

/** Where the call came in and how long the caller waited: "Poland shop · Sales, waited 0:12". */
const Where = ({ call }) => {
  const waiting = call.state === "ringing" && (call.queued_at ?? call.started_at);
  const wait = waiting ? t("waiting {time}", { time: lasted(seconds(waiting)) })
    : call.wait_s ? t("waited {time}", { time: lasted(call.wait_s) }) : null;
  const queue = [call.queue, call.direction === "inbound" ? wait : null].filter(Boolean).join(", ");
  const said = [call.line?.shop && call.line.shop !== call.line.name ? call.line.shop : null, call.line?.name, queue].filter(Boolean).join(" · ");
  return html`<span class="where clip" title=${[call.line?.number, said].filter(Boolean).join(" · ")}>${said}</span>`;
};

const End = ({ call }) => {
  const [busy, run] = useHands(call.id);
  const end = () => run("hangup");
  useKey("e", t("End the call"), end);
  return html`<button class="btn stop" type="button" onClick=${end} aria-busy=${Boolean(busy)}><span>${t("End")}</span><${Key}>E<//></button>`;
};

const Hush = ({ call }) => {
  const quiet = useCallback(() => hush(call.id), [call.id]);
  useKey("m", t("Stop the ringing sound"), quiet);
  return html`<button class="btn" type="button" onClick=${quiet} title=${t("Only the sound stops; the telephone rings on")}><${Icon} name="mute" small /><span>${t("Silence")}</span><${Key}>M<//></button>`;
};

const Close = ({ call }) => {
  const close = useCallback(() => closeEverywhere(call.id), [call.id]);
  useKey("x", t("Close the card"), close);
  return html`<button class="btn" type="button" onClick=${close}><span>${t("Close")}</span><${Key}>X<//></button>`;
};

const Again = ({ call, card }) => {
  const again = useCallback((event) => dial({
    to: call.remote.number ?? call.remote.raw,
    ...(card?.customer ? { customer_id: card.customer.id } : {}), ...(call.line?.shop_id ? { line: call.line.number } : {}),
  }, event.currentTarget).then((id) => { if (id) closeEverywhere(call.id); }), [call.id]);
  return html`<button class="btn" type="button" onClick=${again}><${Icon} name="desk" small /><span>${t("Call again")}</span></button>`;
};

// A caller whose call rings here is never hung up from here: it may ring at colleagues too.
// Who asks a colleague, or has parked the customer, would leave him alone: the ways out stand below the bar.
const endable = ({ control }) => !control?.parked && (!control?.consult || control.consult.stage === "hold");
const rings = (call) => call.state === "ringing" && call.direction !== "outbound";

const stage = (call) => {
  if (call.failure) return call.failure.text;
  if (call.state === "dialling") return call.stage ?? t("Your phone rings first. Pick it up.");
  if (rings(call)) return t("Answer on your phone");
  return call.stage;
};

export const CallBar = ({ call, card }) => {
  const said = stage(call);
  return html`<div class=${`bar ${tone(call)}`}>
    <${Chip} tone=${tone(call)} dot>${stateName(call)}<//>
    <${Timer} from=${since(call)} />
    <span class="about"><span class="said" role="status" aria-label=${t("What the call is doing")}>${said}</span><${Where} call=${call} /></span>
    <span class="end">
      ${rings(call) ? html`<${Hush} call=${call} />` : null}
      ${call.failure && call.remote?.raw ? html`<${Again} call=${call} card=${card} />` : null}
      ${live(call) && !rings(call) && endable(call) ? html`<${End} call=${call} />` : null}
      ${call.state === "ended" ? html`<${Close} call=${call} />` : null}
    </span></div>`;
};
