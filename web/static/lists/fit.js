// What scripts make of a page they make of its parts that come later, too: into the panel, or when a colleague changed them.

import { mountPlayers } from "../player.js";
import { giveBackIn } from "../typed.js";

export const fit = async (root) => {
  mountPlayers(root);
  if (root.querySelector("form[data-goods]")) (await import("../goods.js")).fitGoods(root);
  if (root.querySelector("form[data-interest]")) (await import("../interest.js")).fitInterest(root);
  giveBackIn(root);
};
