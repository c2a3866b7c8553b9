// The half-made order of a call (and the half-typed person of an unknown one): kept as typed, per call and operator.

import { api } from "../api.js";
import { keeper } from "./keep.js";

const EMPTY = { items: [] };

/** The draft as the card carries it: its body, whether it stands alone or beside the version. */
const bodyOf = (draft) => {
  if (!draft) return EMPTY;
  const { body, version, call_id, updated_at, saved_at, ...rest } = draft;
  return { ...EMPTY, ...(body ?? rest) };
};

export const putDraft = (callId, body, version, options) => api.put(`/calls/${callId}/draft`, { body }, options);

/** The keeper of this call's draft. */
export const draftOf = ({ call, card }) => {
  const kept = keeper(`draft/${call.id}`, (body, version, options) => putDraft(call.id, body, version, options),
    bodyOf(card?.draft), card?.draft?.version);
  if (card?.draft) kept.offer(bodyOf(card.draft), card.draft.version);
  return kept;
};
