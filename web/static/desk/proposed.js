// What came of a call where the facts leave no doubt: shown as chosen, saved only when somebody finishes with it. Pure.
// Only one outcome may speak for the fact; where two do, nobody is nudged.

import { t } from "../say.js";
import { treeOf } from "./outcomes.js";
import { reasonName } from "./why.js";

/** Outcomes with which every house begins: they mean these facts where no outcome says that it does. */
const FIRST = { order_taken: /^order_placed(_\d+)?$/, not_reached: /^not_reached(_\d+)?$/ };
const SURE = 0.5;  // of all that the card knew, more than half spoke for one reason

const leaves = (tree) => {
  const offered = (tree?.outcomes ?? []).filter((one) => one.active);
  return offered.filter((one) => !offered.some((other) => other.parent === one.code));
};

const only = (list) => (list.length === 1 ? list[0].code : null);

const meaning = (tree, fact) => {
  const offered = leaves(tree);
  const said = offered.filter((one) => one.about?.includes(fact));
  return only(said.length || !FIRST[fact] ? said : offered.filter((one) => FIRST[fact].test(one.code)));
};

/** What happened, and in words: an order was taken; nobody picked up; they called for what the card expected. */
const fact = ({ call, card }) => {
  const made = (card?.links ?? []).find((one) => one.kind === "order" && one.role === "created");
  if (made) return ["order_taken", t("{order} was taken in this call", { order: made.label })];
  if (call.direction === "outbound" && call.result && call.result !== "answered") return ["not_reached", t("Nobody was reached")];
  const [first] = card?.forecast ?? [];
  const about = (one) => one.kind && (card.links ?? []).find((each) => each.kind === one.kind && each.object_id === one.id);
  const link = first && first.share > SURE ? first.facts.map(about).find(Boolean) : null;
  return link ? [first.reason, t("{reason}: expected, and the call is about {what}", { reason: reasonName(first), what: link.label })] : null;
};

/** {code, why}, or null where somebody has to say it. */
export const proposed = (entry) => {
  const found = fact(entry);
  const code = found && meaning(treeOf(entry), found[0]);
  return code ? { code, why: found[1] } : null;
};
