// Asks the server for something; what it refuses is said in its words.

import { Refused } from "../api.js";
import { toast } from "../toast.js";

/** True when it was done. */
export const doing = async (title, ask) => {
  try {
    await ask();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title, tone: "error" });
    return false;
  }
};
