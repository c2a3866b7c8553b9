// The half-made order of a call (and the half-typed person of an unknown one): kept as typed, per call and operator.

import { boot } from "../say.js";
import { api } from "../api.js";
import { keeper } from "./keep.js";

export const EMPTY = { items: [] };

/** What is typed into the draft besides an order: by whatever form, it outlives the order that is placed or left. */
const BESIDES = ["customer", "wrap_up", "promise"];
export const besides = (draft) => Object.fromEntries(BESIDES.filter((name) => draft[name]).map((name) => [name, draft[name]]));

/** What was typed, out of the draft as the card carries it. */
const bodyOf = (draft) => {
  if (!draft) return EMPTY;
  const { body, version, user_id, ...rest } = draft;  // the server sets the last two beside what we wrote
  return { ...EMPTY, ...(body ?? rest) };
};

export const putDraft = (callId, body, version, options) => api.put(`/calls/${callId}/draft`, { body, version }, options);

/** What stands on the server now: {body, version}. */
export const readDraft = async (callId) => {
  const { body, version } = await api.get(`/calls/${callId}/draft`);
  return { body: { ...EMPTY, ...body }, version: version ?? 0 };
};

/** The keeper of this call's draft; of an order without a call the one that its window brings. */
export const draftOf = ({ call, card, kept: own }) => {
  if (own) return own;
  const kept = keeper(`draft/${call.id}`, (body, version, options) => putDraft(call.id, body, version, options),
    bodyOf(card?.draft), card?.draft?.user_id === boot.user?.id ? card.draft.version : 0);
  // A colleague's draft (the call was transferred) is where ours begins, and nothing more.
  if (card?.draft && card.draft.user_id === boot.user?.id) kept.offer(bodyOf(card.draft), card.draft.version);
  return kept;
};
