// The state of one desk, as the push server tells it, and what the operator looks at. Parts draw from these signals.

import { computed, signal } from "../vendor/signals.js";
import { t } from "../say.js";
import { toast } from "../toast.js";

/** Call id → {call, card}, in the order the calls came. */
export const calls = signal(new Map());
export const agent = signal(null);
export const pbx = signal([]);
/** Id → what a colleague does now: {id, name, state, since, reason, phones: [{pbx, extension, device}]}. */
export const colleagues = signal(new Map());
/** Who waits in a slot of the parking lot: [{id, slot, who, by, at}]. */
export const parked = signal([]);
/** To which call this person listens: {call_id, operator, extension, mode, told, takes_over, since}, or null. */
export const listening = signal(null);
/** Callback id → {id, name} of the colleague who calls that customer at this moment. */
export const calling = signal(new Map());
/** Callbacks that are due and were not answered on this page yet, as the server tells them. */
export const reminders = signal([]);
export const selected = signal(null);
/** How this person wants his calls: as he said on his own page, the same in all his tabs. */
export const pop = signal({ mode: "ring", sound: true, volume: 60, desktop: false, most_cards: 4, hide_min: null, badge: true });
/** Counts changes of the panels of other systems. */
export const panelNews = signal(0);
/** Products of which few are left, or which somebody holds in a call: told anew whenever that changes. */
export const scarce = signal([]);
/** On a narrow screen: which part of the desk is shown: call, order or next. */
export const part = signal("call");
/** True once the first snapshot is there. */
export const ready = signal(false);
/** Counts what was told to this person since the page was opened. */
export const told = signal(0);
/** Counts calls that left the desk, so that lists of past calls know when to read again. */
export const departures = signal(0);

const CLOSED = "closed-calls";
const MOST_CLOSED = 50;
const closed = () => {
  try {
    return JSON.parse(localStorage.getItem(CLOSED)) ?? [];
  } catch {
    return [];
  }
};

const WEIGHT = { talking: 0, held: 1, ringing: 2, dialling: 3, wrap_up: 4, ended: 5 };
const weight = (entry) => WEIGHT[entry.call.state] ?? 6;

export const current = computed(() => calls.value.get(selected.value) ?? null);
export const ringing = computed(() => [...calls.value.values()].filter(({ call }) => call.state === "ringing"));

/** Whether a card opens by itself: that of a call one began oneself always does. */
const opensItself = ({ call }) => call.direction === "outbound" || pop.value.mode === "ring" || (pop.value.mode === "answer" && call.state !== "ringing");

/** The call that deserves the eyes: somebody on the line first, then a ringing phone, then what must be finished. */
const loudest = (map) => {
  const looking = map.get(selected.value);
  const [first] = [...map.values()].filter((entry) => entry === looking || opensItself(entry)).sort((a, b) => weight(a) - weight(b));
  return looking && weight(looking) === weight(first) ? looking.call.id : first?.call.id ?? null;
};

const settle = (map) => {
  const looking = map.get(selected.value);
  // Nobody is torn from a conversation: a new ring then only shows in the tabs. What is merely owed steps back.
  if (!looking || ["wrap_up", "ended", "watching"].includes(looking.call.state)) selected.value = loudest(map);
};

/** A service that has just started tells the call first and its card a moment later: until then the one shown stays. */
const withCard = ({ call, card }) => ({ call, card: card ?? calls.value.get(call.id)?.card ?? null });

const replaceAll = (entries) => {
  const shown = (entries ?? []).filter(({ call }) => call.state !== "ended" || !closed().includes(call.id));
  const map = new Map(shown.map((entry) => [entry.call.id, withCard(entry)]));
  calls.value = map;
  settle(map);
};

const put = (entry) => {
  const { call } = entry;
  const map = new Map(calls.value);
  const before = map.get(call.id);
  map.set(call.id, withCard(entry));
  calls.value = map;
  if (!before || before.call.state !== call.state) settle(map);
};

const GONE = {
  answered_elsewhere: (by) => (by ? t("{name} answered.", { name: by }) : t("A colleague answered.")),
  abandoned: () => t("The caller gave up."),
};

const remove = ({ id, reason, by }) => {
  const gone = calls.value.get(id);
  if (!gone) return;
  const map = new Map(calls.value);
  map.delete(id);
  calls.value = map;
  settle(map);
  departures.value += 1;
  const say = GONE[reason];
  if (say) toast(say(by?.name ?? by), { title: gone.card?.customer?.name ?? gone.call.remote?.display });
};

const useCalling = (list) => {
  calling.value = new Map((list ?? []).flatMap((one) => one.callback_ids.map((id) => [id, one.by])));
};

const redraft = (message) => {
  const entry = calls.value.get(message.call_id);
  if (entry?.card) put({ call: entry.call, card: { ...entry.card, draft: message.draft ?? message } });
};

/** Takes one message of the push server. */
export const take = (message) => {
  switch (message.type) {
    case "snapshot":
      pop.value = message.pop ?? pop.value;
      replaceAll(message.calls);
      agent.value = message.agent ?? null;
      pbx.value = message.pbx ?? [];
      colleagues.value = new Map((message.colleagues ?? []).map((one) => [one.id, one]));
      parked.value = message.parked ?? [];
      useCalling(message.calling);
      listening.value = message.listening ?? null;
      ready.value = true;
      break;
    case "call": put(message); break;
    case "call_gone": remove(message); break;
    case "pop": pop.value = message.pop; settle(calls.value); break;
    case "panels": panelNews.value += 1; break;
    case "agent": agent.value = message.agent; break;
    case "reminder": reminders.value = [...reminders.value.filter((one) => one.id !== message.callback.id), message.callback]; break;
    case "calling": useCalling(message.calling); break;
    case "listening": listening.value = message.listening; break;
    case "parked": parked.value = message.parked; break;
    case "colleagues": colleagues.value = new Map([...colleagues.value, ...message.changed.map((one) => [one.id, one])]); break;
    case "pbx": pbx.value = message.pbx; break;
    case "draft": redraft(message); break;
    case "stock": scarce.value = message.product_ids; break;
    case "notice":
      toast(message.text, { tone: message.level ?? "info", address: message.address });
      told.value += 1;
      break;
  }
};

/** Changes the card of a call at once, before the server tells it back. */
export const touch = (id, change) => {
  const entry = calls.value.get(id);
  if (entry?.card) put({ call: entry.call, card: { ...entry.card, ...change } });
};

/** Takes a call off this desk at once; one that is over stays away, in every tab and after a reload. */
export const dismiss = (id) => {
  localStorage.setItem(CLOSED, JSON.stringify([...closed(), id].slice(-MOST_CLOSED)));
  remove({ id });
};
