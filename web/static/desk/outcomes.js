// The outcomes a call may have, as trees: one of the house, and those of single lines and funnels. Read once.

import { signal } from "../vendor/signals.js";
import { api, items, Refused } from "../api.js";

/** [{id, name, line_ids, funnel_ids, outcomes}]; null before they are read. */
export const trees = signal(null);
let asked = null;

/** Reads the trees unless that was done. */
export const readOutcomes = async () => {
  asked ??= api.get("/outcome-trees");
  try {
    trees.value = items(await asked);
  } catch (error) {
    asked = null;
    if (!(error instanceof Refused)) throw error;
  }
};

const every = () => (trees.value ?? []).flatMap((tree) => tree.outcomes);

export const outcomeName = (code) => every().find((one) => one.code === code)?.label ?? code?.replaceAll("_", " ");

/** The tree for this call: of the funnel of its deal, else of its line, else of the house. null before they are read. */
export const treeOf = ({ call, card }) => {
  if (!trees.value) return null;
  const about = new Set((card?.links ?? []).filter((one) => one.kind === "deal").map((one) => one.object_id));
  const funnels = (card?.deals ?? []).filter((deal) => about.has(deal.id)).map((deal) => deal.funnel_id);
  return trees.value.find((tree) => tree.funnel_ids.some((id) => funnels.includes(id)))
    ?? trees.value.find((tree) => tree.line_ids.includes(call.line?.id)) ?? trees.value[0];
};

/** What can be chosen at once below a group (null: the top), in order; a group has `below` > 0. */
export const level = (tree, group) => {
  const offered = (tree?.outcomes ?? []).filter((one) => one.active);
  const below = (code) => offered.filter((one) => one.parent === code);
  return below(group).map((one) => ({ ...one, below: below(one.code).length }));
};

/** The outcome of this code in any tree. */
export const outcome = (code) => every().find((one) => one.code === code) ?? null;
