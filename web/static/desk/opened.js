// Which order or deal of the card is open: one of each operator in each call, told to the server, the same in every tab
// and after a reload. What was open in the talk is linked to the call when it ends.

import { signal } from "../vendor/signals.js";
import { boot, t } from "../say.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { calls, touch } from "./store.js";

const RETRY_MS = 1500;
/** Call id → {kind, object_id} or null: what was wished here and is not yet confirmed by the server. */
const wished = signal(new Map());

const kept = (card) => (card?.focus ?? []).find((one) => one.user_id === boot.user?.id) ?? null;

/** What is open in the card of this call: {kind, object_id} or null. */
export const opened = ({ call, card }) => (wished.value.has(call.id) ? wished.value.get(call.id) : kept(card));

export const isOpen = (entry, kind, id) => {
  const now = opened(entry);
  return now?.kind === kind && now.object_id === id;
};

const wish = (callId, what) => { wished.value = new Map(wished.value).set(callId, what); };
const settle = (callId, what) => {
  if (wished.value.get(callId) !== what) return;  // something else was opened meanwhile
  const focus = (calls.value.get(callId)?.card?.focus ?? []).filter((one) => one.user_id !== boot.user?.id);
  touch(callId, { focus: what ? [...focus, { ...what, user_id: boot.user?.id }] : focus });
  const left = new Map(wished.value);
  left.delete(callId);
  wished.value = left;
};

const tails = new Map();  // call id → what is being told: looks must arrive in the order in which they were made

const tell = async (callId, what) => {
  await tails.get(callId);
  while (wished.value.get(callId) === what) {
    try {
      await api.put(`/calls/${callId}/focus`, what ? { [`${what.kind}_id`]: what.object_id } : {});
      return settle(callId, what);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (!error.passing) {
        toast(error.message, { title: t("What is open was not kept"), tone: "error" });
        return settle(callId, what);
      }
      await new Promise((over) => setTimeout(over, RETRY_MS));
    }
  }
};

/** Opens an order or a deal in the card; closes it when it is open already. */
export const toggle = (entry, kind, id) => {
  const what = isOpen(entry, kind, id) ? null : { kind, object_id: id };
  wish(entry.call.id, what);
  tails.set(entry.call.id, tell(entry.call.id, what));
};

export const close = (entry) => {
  const now = opened(entry);
  if (now) toggle(entry, now.kind, now.object_id);
};

const listed = (card) => [
  ...(card.orders ?? []).map((one) => ["order", one.id]), ...(card.deals ?? []).map((one) => ["deal", one.id]),
];

/** Opens the next of the card's orders and deals; the first time the one the call is about, else the first. */
export const openNext = (entry) => {
  const list = listed(entry.card);
  if (!list.length) return;
  const now = opened(entry);
  const link = (entry.card.links ?? [])[0];
  const at = (what) => list.findIndex(([kind, id]) => kind === what?.kind && id === what?.object_id);
  const next = now ? (at(now) + 1) % list.length : Math.max(0, at(link));
  if (!isOpen(entry, ...list[next])) toggle(entry, ...list[next]);
};
