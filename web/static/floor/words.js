// How the board says it: states in a word with their colour and shape, shares, numbers that are not there.

import { lasted, money, t } from "../say.js";

const STATE = {
  offline: () => t("Away"), available: () => t("Free"), idle: () => t("In no queue"), ringing: () => t("Ringing"), dialling: () => t("Calling"),
  talking: () => t("Talking"), held: () => t("On hold"), wrap_up: () => t("Wrap-up"), paused: () => t("Paused"),
};
const TONE = { available: "green", ringing: "ring", dialling: "ring", talking: "teal", held: "amber diamond", wrap_up: "wrap", paused: "", idle: "", offline: "circle" };

/** What he does, as far as the floor is concerned: who is free and in no queue gets no calls. */
export const kind = (row) => (row.state === "available" && !row.queues.length ? "idle" : row.state);
export const stateName = (row) => (row.state === "paused" && row.reason ? row.reason : STATE[kind(row)]?.() ?? row.state);
export const stateTone = (state) => TONE[state] ?? "";
export const nameOf = (state) => STATE[state]();

/** The instant from which the time beside the state counts. */
export const sinceOf = (row) => (row.state === "held" && row.call?.held_at) || row.since;

export const NOTHING = "–";
export const share = (value) => (value === null || value === undefined ? NOTHING : `${Math.round(value * 100)} %`);
export const seconds = (value) => (value === null || value === undefined ? NOTHING : lasted(value + 0.5));
export const sums = (found) => Object.entries(found ?? {}).map(([currency, sum]) => money(sum, currency)).join(" · ");
export const whoCalls = (call) => call.name || call.number || t("Number withheld");
