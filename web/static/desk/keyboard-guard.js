// A page in a frame can give itself the focus, and is told whatever is typed then. It gets no focus while it loads, nor
// while somebody is at work in our page; who takes it from somebody at work again and again is closed. (A browser does
// not tell us of a press into a frame: after a moment without a key or a press in our page it can only have been that.)

const LOADING_MS = 3000;
const AT_WORK_MS = 1000;
const GRABS = 3;
const WITHIN_MS = 10000;

let ours = null;
let actedAt = -AT_WORK_MS;
let tabbed = false;
let back = false;
const watched = new Map();
const now = () => performance.now();

const left = () => {
  const frame = document.activeElement;
  const watch = watched.get(frame);
  if (!watch || tabbed) return;
  const atWork = now() - actedAt < AT_WORK_MS;
  if (!atWork && now() - watch.loadedAt > LOADING_MS) return;
  if (atWork) watch.grabs = [...watch.grabs.filter((at) => now() - at < WITHIN_MS), now()];
  back = true;  // what follows is done by us, not by a person
  frame.blur();
  if (ours?.isConnected) ours.focus({ preventScroll: true });
  back = false;
  if (watch.grabs.length >= GRABS) watch.closed();
};

const acted = () => { if (!back) actedAt = now(); };
/** Whoever left a field by Escape or by a press beside it has nothing to go back to. */
const leftByHand = () => { if (document.activeElement === document.body) ours = null; };

addEventListener("focusin", ({ target }) => {
  if (watched.has(target)) return;
  ours = target;
  tabbed = false;
  acted();
});
addEventListener("keydown", (event) => {
  tabbed = event.key === "Tab";
  acted();
}, true);
addEventListener("pointerdown", () => { tabbed = false; acted(); }, true);
addEventListener("pointerup", leftByHand);
addEventListener("keyup", leftByHand);
addEventListener("blur", () => setTimeout(left));

/** Keeps the keyboard from `frame`; `closed` is called when it has taken it several times. Returns the end of that. */
export const guard = (frame, closed) => {
  const watch = { loadedAt: now(), grabs: [], closed };
  const loaded = () => { watch.loadedAt = now(); };
  frame.addEventListener("load", loaded);
  watched.set(frame, watch);
  return () => { frame.removeEventListener("load", loaded); watched.delete(frame); };
};
