// What may be sent again until somebody answers: it names itself, so the server does it once.

import { Refused } from "../api.js";

const AGAIN_MS = 2000;
export const PATIENCE_MS = 15000;

/** A random key, also where the page is not served over https. */
export const newKey = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

const passing = (error) => error.name === "TimeoutError" || (error instanceof Refused && error.passing);
const over = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The answer of `send(options)`, which is tried until there is one; `waits()` is told that there was none yet. */
export const untilAnswered = async (send, waits = () => {}) => {
  for (;;) {
    try {
      return await send({ signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch (error) {
      if (!passing(error)) throw error;
      waits();
      await over(AGAIN_MS);
    }
  }
};
