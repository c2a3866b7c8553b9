// A call's recording with its waveform, and what was said: a click on a phrase plays from there. Stands wherever the
// page has <div data-player data-call-id="…">, or where a script draws <Player>. Read only when it comes into view.

import { render } from "./vendor/preact.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { lasted, t } from "./say.js";
import { html, Icon, Loading } from "./ui.js";
import { api, items, Refused } from "./api.js";

const SPEEDS = [1, 1.25, 1.5, 2];
const AGAIN_MS = 3000;
const SIDE = {
  mix: () => t("Both"), stereo: () => t("Both"), mono: () => t("Both"),
  caller: () => t("Customer"), customer: () => t("Customer"), agent: () => t("Operator"), operator: () => t("Operator"), unknown: () => t("Voice"),
};
const RANK = ["mix", "stereo", "mono", "caller", "agent"];
const UNSURE = 0.6;  // below this confidence a phrase is marked as doubtful
const TEXT_STATE = {
  queued: () => t("The text is on its way."), running: () => t("The text is being made…"),
  none: () => "",
  failed: () => t("The text could not be made."), no_model: () => t("No speech model is installed, so there is no text."),
  empty: () => t("Nothing was said."),
};
const SOUND_STATE = {
  expected: () => t("The recording is not here yet."), empty: () => t("The recording holds no sound."),
  unreadable: () => t("The recording can not be read."), missing: () => t("The recording was never found."), expired: () => t("The recording was deleted when its time was over."),
};

const nonce = () => document.querySelector("script[nonce]")?.nonce || undefined;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** light-dark() means nothing to a canvas: let the browser turn the token into a plain colour. */
const painted = (name) => {
  const probe = document.createElement("i");
  probe.style.color = colour(name);
  document.body.append(probe);
  const plain = getComputedStyle(probe).color;
  probe.remove();
  return plain;
};

const BARS = 400;
const FLAT = [new Array(BARS).fill(0.001)];

const waveform = async (container, media, recording, peaks) => {
  const { default: WaveSurfer } = await import("./vendor/wavesurfer.js");  // 50 kB that most pages never need
  return WaveSurfer.create({
    container, media, height: 48, barWidth: 2, barGap: 1, barRadius: 1, cursorWidth: 2, normalize: true,
    waveColor: painted("--edge"), progressColor: painted("--accent"), cursorColor: painted("--ink"),
    peaks: peaks ?? FLAT, duration: recording.seconds || 1, cspNonce: nonce(),
  });
};

/** The loudest sample of each bar, from the sound itself. */
const measure = async (url) => {
  const response = await fetch(url);
  if (!response.ok) return null;
  const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await response.arrayBuffer());
  const samples = sound.getChannelData(0);
  const step = Math.max(1, Math.floor(samples.length / BARS));
  return [Array.from({ length: BARS }, (_, bar) => {
    let peak = 0;
    for (let i = bar * step; i < Math.min(samples.length, (bar + 1) * step); i += 1) peak = Math.max(peak, Math.abs(samples[i]));
    return peak;
  })];
};

const given = ({ peaks }) => (peaks?.length ? (Array.isArray(peaks[0]) ? peaks : [peaks]) : null);

/** Lets it play from there. Before anything is loaded an element remembers no position. */
export const begin = (audio, from) => {
  if (audio.readyState) audio.currentTime = from;
  else audio.addEventListener("loadedmetadata", () => { audio.currentTime = from; }, { once: true });
};

/** An audio element for the recording that fetches nothing before it is played: a listen is written down. */
const useAudio = (recording, media, from) => {
  const [state, setState] = useState({ playing: false, at: from, failed: false });
  useEffect(() => {
    const audio = new Audio();
    audio.preload = "none";
    audio.src = recording.url;
    media.current = audio;
    if (from) begin(audio, from);
    const show = () => setState({ playing: !audio.paused, at: audio.currentTime, failed: Boolean(audio.error) });
    for (const name of ["play", "pause", "timeupdate", "seeked", "error", "ended"]) audio.addEventListener(name, show);
    return () => { audio.pause(); audio.removeAttribute("src"); media.current = null; };
  }, [recording.id]);
  return state;
};

/** Draws the waveform into `box`; without peaks from the server they are measured at the first play. */
const useWave = (box, recording, media, playing) => {
  const [peaks, setPeaks] = useState(given(recording));
  useEffect(() => {
    let wave = null;
    let over = false;
    waveform(box.current, media.current, recording, peaks).then((made) => {
      wave = made;
      if (over) made.destroy();
    });
    return () => { over = true; wave?.destroy(); };
  }, [recording.id, peaks]);
  useEffect(() => {
    // A sound this browser can not decode has no waveform; whether it plays, the audio element says.
    if (playing && !peaks) measure(recording.url).then((found) => { if (found) setPeaks(found); }, () => {});
  }, [playing]);
};

const Sound = ({ recording, media, label, from }) => {
  const box = useRef(null);
  const state = useAudio(recording, media, from);
  const [speed, setSpeed] = useState(1);
  useWave(box, recording, media, state.playing);
  useEffect(() => { if (media.current) media.current.playbackRate = speed; }, [speed, state.playing]);
  const toggle = () => { const audio = media.current; if (audio.paused) audio.play().catch(() => {}); else audio.pause(); };
  const seek = (event) => { media.current.currentTime = Number(event.target.value); };
  const length = recording.seconds ?? 0;
  return html`<div class="wave" ref=${box} aria-hidden="true" />
    <div class="transport">
      <button class="btn icon-only" type="button" onClick=${toggle} aria-label=${state.playing ? t("Pause") : t("Play")}><${Icon} name=${state.playing ? "pause" : "play"} small /></button>
      <span class="clock">${lasted(state.at)}</span><span class="faint">/ ${lasted(length)}</span>
      <input type="range" min="0" max=${length} step="0.1" value=${state.at} onInput=${seek} aria-label=${t("Position in the recording: {side}", { side: label })} aria-valuetext=${lasted(state.at)} />
      <select aria-label=${t("Speed")} value=${speed} onChange=${(event) => setSpeed(Number(event.target.value))}>${SPEEDS.map((one) => html`<option value=${one}>${one}×</option>`)}</select>
    </div>
    ${state.failed ? html`<p class="failed" role="alert">${t("The sound could not be played.")}</p>` : null}`;
};

const sideOf = (side) => SIDE[side]?.() ?? side;

const Phrase = ({ phrase, now, play }) => html`<li><button type="button"
  class=${`${phrase.side} ${now ? "now" : ""}`} aria-current=${now ? "true" : undefined} onClick=${() => play(phrase.start_s)}>
  <span class="at">${lasted(phrase.start_s)}</span><span class="side">${sideOf(phrase.side)}</span>
  <span class=${`text ${phrase.confidence !== null && phrase.confidence < UNSURE ? "unsure" : ""}`}>${phrase.text}</span></button></li>`;

const Transcript = ({ transcript, media, from }) => {
  const [at, setAt] = useState(from || -1);
  const list = useRef(null);
  useEffect(() => { if (from) list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }); }, []);
  useEffect(() => {
    const timer = setInterval(() => { if (media.current && !media.current.paused) setAt(media.current.currentTime); }, 250);
    return () => clearInterval(timer);
  }, []);
  const play = (from) => {
    const audio = media.current;
    if (!audio) return;
    begin(audio, from);
    setAt(from);
    audio.play().catch(() => {});  // the error event shows it
  };
  const said = transcript.phrases ?? [];
  if (!said.length) return html`<p class="faint">${TEXT_STATE[transcript.state]?.() ?? t("There is no text.")}</p>`;
  return html`<ol class="transcript" ref=${list} aria-label=${t("What was said")}>${said.map((phrase) => html`
    <${Phrase} key=${phrase.start_s + phrase.side} phrase=${phrase} now=${at >= phrase.start_s && at < phrase.end_s} play=${play} />`)}</ol>`;
};

/** True while there is more to come; a call that ended a moment ago (before `until`, ms) may still get its sound. */
const waits = ({ recordings, transcript }, until) =>
  recordings.some((one) => one.state === "expected") || ["queued", "running"].includes(transcript?.state)
  || (Date.now() < until && (!recordings.length || transcript?.state === "none"));

const read = async (callId) => {
  const recordings = items(await api.get(`/calls/${callId}/recordings`));
  const transcript = await api.get(`/calls/${callId}/transcript`).catch((error) => {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  });
  return { recordings: [...recordings].sort((a, b) => RANK.indexOf(a.side) - RANK.indexOf(b.side)), transcript };
};

/** Reads, and reads again while the recording or its text is still being made. */
const useSound = (callId, until) => {
  const [state, setState] = useState({ loading: true });
  useEffect(() => {
    let timer;
    let over = false;
    const load = async () => {
      try {
        const got = await read(callId);
        if (over) return;
        setState((before) => (before.recordings ? { ...got, recordings: keepAddresses(before.recordings, got.recordings) } : got));
        if (waits(got, until)) timer = setTimeout(load, AGAIN_MS);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (!over) setState({ failed: error.message });
      }
    };
    load();
    return () => { over = true; clearTimeout(timer); };
  }, [callId]);
  return state;
};

// A fresh signed address for the same sound must not restart what is being heard.
const keepAddresses = (before, after) =>
  after.map((one) => before.find((old) => old.id === one.id && old.state === one.state && old.url) ?? one);

const silence = (recordings, until) => {
  const other = recordings.find((one) => one.state !== "ready");
  if (other) return SOUND_STATE[other.state]?.();
  return Date.now() < until ? t("The recording is being taken from the switchboard…") : t("This call was not recorded.");
};

/** The sound and the text of one call, from the second `from`; `hold`: a ref that gets the audio element. `until` (ms): how long nothing at all may still mean "not yet". */
export const Player = ({ callId, until = 0, from = 0, hold }) => {
  const state = useSound(callId, until);
  const [side, setSide] = useState(0);
  const own = useRef(null);
  const media = hold ?? own;
  if (state.loading) return html`<${Loading} lines=${2} />`;
  if (state.failed) return html`<p class="failed" role="alert">${state.failed}</p>`;
  const heard = state.recordings.filter((one) => one.state === "ready" && one.url);
  const chosen = heard[Math.min(side, heard.length - 1)];
  return html`<div class="player" role="group" aria-label=${t("Recording")}>
    ${heard.length > 1 ? html`<div class="tabs" role="group" aria-label=${t("Side")}>${heard.map((one, index) => html`
      <button type="button" aria-pressed=${index === side} onClick=${() => setSide(index)}>${sideOf(one.side)}</button>`)}</div>` : null}
    ${chosen ? html`<${Sound} key=${chosen.id} recording=${chosen} media=${media} label=${sideOf(chosen.side)} from=${from} />`
      : html`<p class="faint">${silence(state.recordings, until)}</p>`}
    ${state.transcript ? html`<${Transcript} transcript=${state.transcript} media=${media} from=${from} />` : null}</div>`;
};

/** Puts a player into every [data-player] of the page, once it is scrolled to (or its <details> is opened). */
export const mountPlayers = (root = document) => {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      target.replaceChildren();  // the plain controls for browsers without script
      target.media = { current: null };  // the audio element, for whoever else on the page plays from a place
      render(html`<${Player} callId=${target.dataset.callId} from=${Number(target.dataset.at ?? 0)} hold=${target.media} />`, target);
    }
  });
  for (const place of root.querySelectorAll("[data-player][data-call-id]")) seen.observe(place);
};
