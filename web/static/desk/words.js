// How a call is named: its state in a word, its colour, since when, and who it is.

import { t } from "../say.js";

const STATE = {
  ringing: () => t("Ringing"), dialling: () => t("Calling"), talking: () => t("Talking"), held: () => t("On hold"),
  wrap_up: () => t("Wrap-up"), ended: () => t("Ended"), watching: () => t("Watching"),
};
const TONE = { ringing: "ring", dialling: "ring", talking: "talk", held: "ring", wrap_up: "wrap", ended: "" };

const handled = ({ state, control }) => {
  if (state === "held" && control?.parked) return t("Parked");
  return state === "held" && control?.consult && control.consult.stage !== "hold" ? t("Asking") : null;
};

export const stateName = (call) => (call.failure ? t("Did not get through") : handled(call) ?? STATE[call.state]?.() ?? call.state);
export const tone = (call) => (call.failure ? "miss" : TONE[call.state] ?? "");

/** The instant the shown timer runs from; null when none runs. */
export const since = (call) => {
  switch (call.state) {
    case "ringing": return call.rang_at ?? call.started_at;
    case "dialling": return call.failure ? null : call.started_at;
    case "watching":
    case "talking": return call.answered_at;
    case "held": return call.held_at ?? call.answered_at;
    case "wrap_up": return call.failure ? null : call.ended_at;
    default: return null;
  }
};

export const live = (call) => ["ringing", "dialling", "talking", "held"].includes(call.state);

/** A name for the call: the person's, else what the caller's phone says, else the number. */
export const whoCalls = (call, card) =>
  card?.customer?.name ?? call.remote?.name ?? call.remote?.display ?? (call.remote?.anonymous ? t("Number withheld") : call.remote?.raw ?? t("Unknown caller"));

const RESULT = {
  answered: () => t("Answered"), abandoned: () => t("Gave up waiting"), no_answer: () => t("No answer"), busy: () => t("Busy"),
  failed: () => t("Failed"), cancelled: () => t("Cancelled"), overflow: () => t("Left the queue"), blocked: () => t("Blocked"), after_hours: () => t("After hours"),
};
/** How a past call ended, said for its direction. */
export const resultName = ({ direction, result }) => {
  if (result === "answered") return direction === "outbound" ? t("Called out") : t("Called in");
  if (direction === "inbound" && ["abandoned", "no_answer"].includes(result)) return t("Missed");
  return RESULT[result]?.() ?? result ?? t("In progress");
};
export const missed = ({ direction, result }) => direction === "inbound" && result && result !== "answered";

/** How the status of an order looks: its colour and shape. */
export const orderLook = (order) => `${order.status_tone ?? ""} ${order.status_shape ?? ""}`;

/** Where an order may go: code → name, on the way of an order. */
export const statusNames = (statuses, kept) =>
  Object.fromEntries(statuses.filter((one) => one.active || one.code === kept).map((one) => [one.code, one.name]));

const RULE = {
  started_from: () => t("the call was started from it"), chosen: () => t("chosen by hand"), opened_in_card: () => t("it was open in the card"),
  created_in_call: () => t("made during the call"), edited_in_call: () => t("changed during the call"), deal_of_order: () => t("the deal of the order"), only_open: () => t("the only open order"), latest_open: () => t("the latest open one"),
};
export const ruleName = (rule) => RULE[rule]?.() ?? String(rule ?? "").replaceAll("_", " ");
