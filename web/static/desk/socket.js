// The push client: a snapshot, then numbered changes. What arrives is state, so a lost message can not leave a ghost:
// a gap in the numbers asks for a new snapshot, a lost connection comes back by itself and gets one.

import { signal } from "../vendor/signals.js";
import { boot, t } from "../say.js";
import { setSkew } from "../ui.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
const ALIVE_EVERY_MS = 20000;
const SIGNED_OUT = new Set([4401, 4403, 1008]);

/** {state: "connecting" | "on" | "off" | "refused", since}: an instant in ms of this machine's clock. */
export const link = signal({ state: "connecting", since: Date.now() });

const address = () => {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const host = boot.push_port ? `${location.hostname}:${boot.push_port}` : location.host;
  return `${scheme}//${host}${boot.push_path ?? "/push"}`;
};

/** Starts listening. `onMessage` gets every message in order, a snapshot first. Returns {send, close}. */
export const listen = (onMessage) => {
  let socket = null;
  let seq = null;
  let wait = FIRST_WAIT_MS;
  let timer = null;

  const mark = (state) => {
    if (link.value.state !== state) link.value = { state, since: Date.now() };
  };
  const send = (message) => {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  };
  const resync = () => {
    if (seq === null) return;
    seq = null;
    send({ type: "resync" });
  };
  const take = (message) => {
    if (message.type === "snapshot") {
      setSkew(message.server_time);
      wait = FIRST_WAIT_MS;
      mark("on");
    } else if (message.seq !== undefined) {
      if (seq === null) return;  // a new snapshot is on its way and holds this change
      if (message.seq !== seq + 1) return resync();
    }
    if (message.seq !== undefined) seq = message.seq;
    onMessage(message);
  };
  const again = (event) => {
    seq = null;
    if (SIGNED_OUT.has(event?.code)) return mark("refused");
    mark("off");
    timer = setTimeout(connect, wait * (0.5 + Math.random()));  // spread out: all desks lose a server at once
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  };
  const connect = () => {
    clearTimeout(timer);
    const mine = new WebSocket(address());
    socket = mine;
    mine.addEventListener("message", (event) => { if (socket === mine) take(JSON.parse(event.data)); });
    mine.addEventListener("close", (event) => { if (socket === mine) again(event); });
  };
  const hurry = () => {
    if (link.value.state === "on" || link.value.state === "refused") return;
    wait = FIRST_WAIT_MS;
    if (socket?.readyState !== WebSocket.CONNECTING) connect();
  };
  // The system says the network went: what is shown is old from this moment, whatever TCP still believes.
  const drop = () => {
    const lost = socket;
    socket = null;
    lost?.close();
    again(null);
  };

  const alive = setInterval(() => send({ type: "alive" }), ALIVE_EVERY_MS);
  addEventListener("online", hurry);
  addEventListener("reached", hurry);  // api.js: the server answers again
  addEventListener("offline", drop);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) hurry(); });
  connect();
  return { send, close: () => { clearInterval(alive); clearTimeout(timer); socket?.close(); socket = null; } };
};

/** How old something is, in words: "12 s", "4 min". */
export const age = (ms) => {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return seconds < 90 ? t("{n} s", { n: seconds }) : t("{n} min", { n: Math.round(seconds / 60) });
};

/** One sentence on the connection for the banner, or null when all is well. `now` in ms of this machine's clock. */
export const linkText = (now) => {
  const { state, since } = link.value;
  if (state === "on" || (state === "connecting" && now - since < 3000)) return null;
  if (state === "refused") return t("You are signed out. Sign in again to go on; what you typed is kept here.");
  if (state === "connecting") return t("Connecting to the call centre…");
  return t("No connection. What you see is {age} old; what you type is kept and will be sent.", { age: age(now - since) });
};
