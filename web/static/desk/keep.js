// What an operator types is kept as typed: in this browser at once, on the server a moment later. A reload, a crash or
// a lost connection loses nothing; what could not be sent is sent when the page comes back.

import { effect, signal } from "../vendor/signals.js";
import { boot, t } from "../say.js";
import { Refused } from "../api.js";
import { link } from "./socket.js";

const PAUSE_MS = 450;
const RETRY_MS = 5000;
const OLDEST_MS = 7 * 86400e3;  // an unsent text of last week is nobody's any more
const PREFIX = `keep:${boot.user?.id ?? 0}:`;

const channel = "BroadcastChannel" in window ? new BroadcastChannel("callcenter-keep") : null;

const read = (key) => {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key));
  } catch {
    return null;
  }
};
const write = (key, value) => {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch { /* storage full or forbidden: the server still gets it */ }
};

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * One field (or form) that is kept. `put(value, version)` sends it and returns {version, saved_at}.
 * Signals: `value`; `state`: idle | typing | saving | saved | waiting | refused | clash; `savedAt`.
 */
export class Keeper {
  constructor(key, put, first, version) {
    const left = read(key);
    this.key = key;
    this.put = put;
    this.version = left?.version ?? version ?? 0;
    this.value = signal(left ? left.value : first);
    this.sent = signal(first);
    this.state = signal(left && !same(left.value, first) ? "waiting" : "idle");
    this.savedAt = signal(null);
    this.reason = signal(null);
    this.timer = null;
    this.flying = null;
    this.frozen = false;
    if (this.state.value === "waiting") this.later(0);
    this.unwatch = effect(() => { if (link.value.state === "on" && this.state.peek() === "waiting") this.later(0); });
  }

  get dirty() {
    return !["idle", "saved"].includes(this.state.peek());
  }

  /** The operator changed it. */
  set(value) {
    this.value.value = value;
    write(this.key, { value, version: this.version, at: Date.now() });
    if (this.state.peek() !== "clash" && !this.frozen) {
      this.state.value = "typing";
      this.later(PAUSE_MS);
    }
  }

  /** The server told its version: taken over when nothing of ours is unsent. */
  offer(value, version) {
    if (this.dirty || this.flying || this.frozen || version === undefined || version <= this.version) return;
    this.version = version;
    this.sent.value = value;
    this.value.value = value;
  }

  later(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), ms);
  }

  /** Sends what is unsent, after what is already on its way. */
  async flush(options) {
    clearTimeout(this.timer);
    await this.flying;
    if (!this.dirty || this.frozen || this.state.peek() === "clash") return;
    this.flying = this.deliver(options).finally(() => { this.flying = null; });
    await this.flying;
  }

  async deliver(options) {
    const value = this.value.peek();
    this.state.value = "saving";
    try {
      this.stored(value, await this.put(value, this.version, options));
    } catch (error) {
      this.failed(error);
    }
  }

  stored(value, answer) {
    this.version = answer?.version ?? this.version + 1;
    this.sent.value = value;
    this.savedAt.value = answer?.saved_at ?? new Date().toISOString();
    channel?.postMessage({ key: this.key, value, version: this.version });
    if (same(value, this.value.peek())) {
      this.state.value = "saved";
      write(this.key, null);
    } else {
      this.state.value = "typing";
      write(this.key, { value: this.value.peek(), version: this.version, at: Date.now() });
      this.later(PAUSE_MS);
    }
  }

  failed(error) {
    if (!(error instanceof Refused)) throw error;
    this.reason.value = error.message;
    if (error.status === 409) {
      this.state.value = "clash";
    } else {
      this.state.value = error.passing ? "waiting" : "refused";
      if (error.passing) this.later(RETRY_MS);
    }
  }

  /** After a clash: send ours over theirs (`version` is theirs), or take theirs. */
  mine(version) {
    this.version = version;
    this.state.value = "typing";
    this.flush();
  }

  take(value, version) {
    clearTimeout(this.timer);
    this.version = version;
    this.sent.value = value;
    this.value.value = value;
    this.state.value = "saved";
    write(this.key, null);
  }

  /** What stands here is being used up (an order is placed): nothing is sent to the server until `thaw`. */
  async freeze() {
    this.frozen = true;
    clearTimeout(this.timer);
    await this.flying;
  }

  thaw() {
    this.frozen = false;
    if (this.dirty && this.state.peek() !== "clash") this.later(0);
  }
}

const keepers = new Map();

// The same call in another tab: it sees what was typed here as soon as the server has it.
channel?.addEventListener("message", ({ data }) => keepers.get(data.key)?.offer(data.value, data.version));

/** The keeper of `key`, made at first use. */
export const keeper = (key, put, first, version) => {
  if (!keepers.has(key)) keepers.set(key, new Keeper(key, put, first, version));
  return keepers.get(key);
};

/** Sends what is unsent of one call; the next one to have it finds it. Waits no longer than `patience` ms. */
export const flushed = (callId, patience = 1500) => Promise.race([
  Promise.all([...keepers].filter(([key]) => key.endsWith(`/${callId}`)).map(([, kept]) => kept.flush())),
  new Promise((over) => setTimeout(over, patience)),
]);

/** One sentence on how safe the text is. */
export const keptText = (kept, clock) => {
  switch (kept.state.value) {
    case "typing":
    case "saving": return t("Saving…");
    case "saved": return t("Kept as you type · {time}", { time: clock(kept.savedAt.value) });
    case "waiting": return t("Not saved yet, will be sent when the connection is back. It is safe in this browser.");
    case "refused": return t("Not saved: {reason}", { reason: kept.reason.value });
    case "clash": return t("Changed elsewhere since you began.");
    default: return t("Kept as you type");
  }
};

/** Sends left-overs of calls that are no longer on the desk; `senders` maps a kind to put(callId, value, version). */
export const sendLeftOvers = async (senders) => {
  for (const full of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) {
    const key = full.slice(PREFIX.length);
    const [kind, callId] = key.split("/");
    const left = read(key);
    if (keepers.has(key) || !left || !senders[kind]) continue;
    try {
      await senders[kind](callId, left.value, left.version);
      write(key, null);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const lost = !error.passing && error.status !== 409;  // the call is gone or never was ours
      if (lost || Date.now() - left.at > OLDEST_MS) write(key, null);
    }
  }
};

// The page goes away: what is still unsent leaves with it, and stays in this browser in case it does not arrive.
addEventListener("pagehide", () => { for (const kept of keepers.values()) kept.flush({ keepalive: true }); });
