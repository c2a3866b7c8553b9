// One pop across tabs: every tab shows the call, one tab rings and says so at each burst. The tab somebody looks at claims
// first; if it is closed, or is not heard any more, another takes over. Silencing in one silences all.

import { computed, effect, signal } from "../vendor/signals.js";
import { t } from "../say.js";
import { api, Refused } from "../api.js";
import { toast } from "../toast.js";
import { notify } from "./notify.js";
import { calls, dismiss, pop, ringing } from "./store.js";
import { whoCalls } from "./words.js";

const me = Math.random().toString(36).slice(2);
const channel = "BroadcastChannel" in window ? new BroadcastChannel("callcenter-ring") : null;
const owners = new Map();  // call id → {by: the tab that rings, at: when it last said so}
const claims = new Map();  // call id → the fittest tab so far: {rank, by}, the smaller the better
const hushed = new Set();
const SETTLE_MS = 80;  // longer than a message between tabs takes
const title = document.title;
const BURST_S = 0.42;
const RING = [[0, 660], [BURST_S / 2, 550]];
const LOUDEST = 0.34;
const PAUSE_MS = 2600;
const SILENT_MS = 3 * PAUSE_MS;  // a tab that was killed says no goodbye

/** Whether this person wants it to ring, and whether it would but must be clicked first. */
export const sound = computed(() => pop.value.sound);
export const blocked = signal(false);
let audio = null;
let timer = null;

export const switchSound = async () => {
  try {
    pop.value = await api.put("/pop-settings", { ...pop.value, sound: !pop.value.sound });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Not kept"), tone: "error" });
  }
};

/** Stop ringing for this call, in every tab. */
export const hush = (id) => {
  hushed.add(id);
  channel?.postMessage({ hush: id });
  update();
};

/** Takes the card of a call that is over off the desk, in every tab. */
export const closeEverywhere = (id) => {
  channel?.postMessage({ close: id });
  dismiss(id);
};

const burst = () => {
  // Browsers stay silent until somebody has clicked in the page; then the next burst sounds.
  blocked.value = !awake();
  if (blocked.value) return;
  audible().filter(({ call }) => owner(call.id) === me).forEach(({ call }) => rings(call.id));
  play(RING, pop.value.volume);
};

const play = (notes, volume) => {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  for (const [offset, pitch] of notes) tone(audio.currentTime + offset, pitch, Math.max(0.001, LOUDEST * (volume / 100) ** 2));
};

/** How a ring of this `volume` (per cent) sounds; only at a press. */
export const listenTo = (volume) => play(RING, volume);

const tone = (at, pitch, loud) => {
  const voice = audio.createOscillator();
  const volume = audio.createGain();
  voice.frequency.value = pitch;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(loud, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + BURST_S / 2);
  voice.connect(volume).connect(audio.destination);
  voice.start(at);
  voice.stop(at + BURST_S / 2);
};

/** Two short notes: somebody told this person something. Silent until somebody has clicked in the page. */
export const chime = () => {
  if (awake()) play([[0, 880], [BURST_S / 3, 1175]], pop.value.volume);
};

const audible = () => ringing.value.filter(({ call }) => call.direction !== "outbound" && !hushed.has(call.id));

const owner = (id) => owners.get(id)?.by;

const rings = (id) => {
  owners.set(id, { by: me, at: Date.now() });
  channel?.postMessage({ ring: id, by: me });
};

const update = () => {
  const here = audible().filter(({ call }) => owner(call.id) === me);
  notify(here);
  const mine = sound.value && here.length > 0;
  if (mine && !timer) {
    burst();
    timer = setInterval(burst, PAUSE_MS);
  } else if (!mine) {
    clearInterval(timer);
    timer = null;
  }
};

/** Looks after calls that another tab rings for. */
const watch = () => {
  for (const { by, at } of [...owners.values()]) if (by !== me && Date.now() - at > SILENT_MS) released(by);
};

const awake = () => navigator.userActivation?.hasBeenActive ?? true;
const rank = () => (awake() ? 0 : 10) + (document.hidden ? 2 : document.hasFocus() ? 0 : 1);
const better = (one, other) => one.rank - other.rank || (one.by < other.by ? -1 : 1);

const consider = (id, claim) => {
  const best = claims.get(id);
  if (!best || better(claim, best) < 0) claims.set(id, claim);
};

/** All tabs say how fit they are, wait for each other, and come to the same answer. */
const claim = (id) => {
  const mine = { rank: rank(), by: me };
  consider(id, mine);
  channel?.postMessage({ claim: id, ...mine });
  setTimeout(() => {
    if (owners.has(id) || claims.get(id)?.by !== me) return;
    rings(id);
    update();
  }, channel ? SETTLE_MS : 0);
};

const released = (tab) => {
  for (const [id, { by }] of owners) if (by === tab) owners.delete(id);
  claims.clear();
  audible().forEach(({ call }) => { if (!owners.has(call.id)) claim(call.id); });
};

const heard = ({ data }) => {
  if (data.hush) hushed.add(data.hush);
  if (data.close) dismiss(data.close);
  if (data.claim) {
    consider(data.claim, data);
    if (owner(data.claim) === me) rings(data.claim);
  }
  if (data.ring && !(owner(data.ring) === me && me < data.by)) owners.set(data.ring, { by: data.by, at: Date.now() });
  if (data.left) released(data.left);
  update();
};

/** The tab says who rings, else how many calls are not finished. */
const headline = () => {
  const [first] = ringing.value;
  const open = calls.value.size;
  const said = first ? t("Ringing: {who}", { who: whoCalls(first.call, first.card) }) : open ? `(${open}) ${title}` : title;
  document.title = pop.value.badge ? said : title;
};

/** Starts listening for ringing calls and for the other tabs. */
export const watchRinging = () => {
  channel?.addEventListener("message", heard);
  addEventListener("pagehide", () => channel?.postMessage({ left: me }));
  setInterval(watch, PAUSE_MS);
  effect(() => {
    const live = new Set(ringing.value.map(({ call }) => call.id));
    for (const id of [...owners.keys(), ...claims.keys()]) if (!live.has(id)) { owners.delete(id); claims.delete(id); }
    audible().forEach(({ call }) => { if (!owners.has(call.id) && claims.get(call.id)?.by !== me) claim(call.id); });
    headline();
    update();
  });
};
