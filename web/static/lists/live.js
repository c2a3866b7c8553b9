// What colleagues change while one looks. The push server says only which rows; what they are now is read like the page
// itself, at most once in a while, and not while nobody looks. What changed marks itself; what came is told of.

import { t, tn } from "../say.js";
import { besides, panelNow } from "./beside.js";
import { bring } from "./pieces.js";
import { mark, renew, rowOf, takeAll } from "./rows.js";
import { bringBoard } from "./board-live.js";
import { api, Refused } from "../api.js";
import { calling } from "../desk/store.js";

const KNOWN_MS = 300;    // a row that is shown
const OTHERS_MS = 2500;  // so often at most for another one: it may belong here now, or be new
const SPREAD_MS = 1000;  // not everybody at once
const FRESH_MS = 8000;   // so long a page is as it was read
const ANSWER_MS = 20000; // so long an answer is waited for
const AGAIN_MS = 2000;   // what could not be read is asked for again, later each time
const LAST_MS = 60000;
const PLACE = /^\/(orders|customers|deals|tasks|callbacks|leads|products)(?:\/(\d+|board))?$/;
const [, noun, part] = location.pathname.match(PLACE) ?? [];
const NEW = {
  orders: (n) => tn("{n} new order", "{n} new orders", n),
  customers: (n) => tn("{n} new customer", "{n} new customers", n),
  deals: (n) => tn("{n} new deal", "{n} new deals", n),
  tasks: (n) => tn("{n} new task", "{n} new tasks", n),
  callbacks: (n) => tn("{n} new callback", "{n} new callbacks", n),
  leads: (n) => tn("{n} new lead", "{n} new leads", n),
  products: (n) => tn("{n} new product", "{n} new products", n),
};
const DRAWN = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;  // ms, as performance.now()
let timer = null;
let due = Infinity;
let read = -Infinity;  // when the list was looked at last
let missed = false;
let looking = false;
let busy = "";  // callbacks whose customer is being called
let opened = false;  // whether what stands beside the list changed as well
let failed = 0;  // how often in a row the list could not be read

const later = (ms) => {
  const at = Date.now() + ms;
  if (timer && due <= at) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(look, ms);
};

/** A line above the list, which is pressed to see them. */
const tell = (came) => {
  let line = document.getElementById("came");
  if (!came.length) return line?.remove();
  if (!line) {
    line = Object.assign(document.createElement("button"), { id: "came", type: "button", className: "came" });
    line.setAttribute("role", "status");
    line.addEventListener("click", async () => {
      const ids = await takeAll();
      line.remove();
      for (const id of ids) if (rowOf(id)) mark(rowOf(id));
      if (besides()) rowOf(besides().id)?.classList.add("opened");
    });
    document.querySelector(".sheet").before(line);
  }
  line.textContent = `${NEW[noun](came.length)} · ${t("show")}`;
};

/** A page as it is now; one that comes as an error is refused like an answer of the API. */
const now = async (address) => {
  const answer = await api.page(address, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (!answer.ok) throw new Refused(answer.status, null);
  return answer.page;
};

const again = async () => {
  const page = await now(location.href);
  if (part === "board") return bringBoard(page);
  if (part) return bring(document.querySelector("#main .page"), page.querySelector("#main .page"));
  tell(renew(page).came);
  const beside = panelNow()?.querySelector(".beside-body");
  if (!opened || !beside) return;
  const own = await now(besides().address);
  opened = false;
  if (panelNow()) bring(beside, own.querySelector("[data-opened]") ?? own.querySelector("#main .page"));
};

const look = async () => {
  timer = null;
  due = Infinity;
  if (document.hidden) {
    missed = true;
    return;
  }
  if (looking) return later(KNOWN_MS);
  looking = true;
  read = performance.now();
  try {
    await again();
    failed = 0;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.passing) later(Math.min(LAST_MS, AGAIN_MS * 2 ** failed++) * (0.5 + Math.random()));
  } finally {
    looking = false;
  }
};

const concerns = (ids) => {
  if (ids === null) return KNOWN_MS;
  if (part && part !== "board") return ids.includes(Number(part)) ? KNOWN_MS : null;
  if (besides() && ids.includes(Number(besides().id))) opened = true;
  const shown = (id) => rowOf(String(id)) || document.querySelector(`[data-deal="${id}"]`);
  if (opened || ids.some(shown)) return KNOWN_MS;
  return Math.max(KNOWN_MS, read + OTHERS_MS - performance.now()) + SPREAD_MS * Math.random();
};

/** Somebody began to call whom a callback is for, or is through. */
const callingSaid = (now) => {
  const ids = String([...now.keys()].sort());
  if (ids !== busy) later(KNOWN_MS);
  busy = ids;
};

const heard = ({ detail: message }) => {
  if (message.type === "snapshot") {
    follow();
    if (performance.now() > FRESH_MS) later(KNOWN_MS);  // connected anew: what was told between is not known
  }
  if (message.type !== "rows" || message.noun !== noun) return;
  const wait = concerns(message.ids);
  if (wait !== null) later(wait);
};

/** What changed since the page was read is told as well: this may be heard long after that. */
const follow = () => {
  const age = (performance.now() - Math.max(DRAWN, read)) / 1000;
  dispatchEvent(new CustomEvent("push", { detail: { type: "follow", nouns: [noun], age } }));
};

export const watchOthers = () => {
  if (!noun) return;
  addEventListener("pushed", heard);
  if (noun === "callbacks") calling.subscribe(callingSaid);
  document.addEventListener("visibilitychange", () => { 
    if (!document.hidden && missed) later(KNOWN_MS);
    missed &&= document.hidden;
  });
  follow();
};
