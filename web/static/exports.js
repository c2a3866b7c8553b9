// How far an export is: the download goes its own way, this asks the server under a key that went with it, and goes on
// asking on the next page of the same tab. Without script the links are plain downloads.

import { api } from "./api.js";
import { count, t } from "./say.js";
import { newKey } from "./desk/once.js";
import { toast } from "./toast.js";

const KEPT = "exports";
const ASK_MS = 1000;
const BEGUN_WITHIN_MS = 20000;
const MB = 2 ** 20;

const kept = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
const keep = (list) => (list.length ? sessionStorage.setItem(KEPT, JSON.stringify(list)) : sessionStorage.removeItem(KEPT));
const forget = (key) => keep(kept().filter((one) => one.key !== key));

const element = (name, more) => Object.assign(document.createElement(name), more);

/** The corner's box with a bar. It says nothing aloud by itself, as it changes every second; its end is a message. */
const draw = (name, close) => {
  const box = element("div", { className: "toast far" });
  box.setAttribute("aria-live", "off");
  const words = element("span");
  const bar = element("progress", { max: 1 });
  bar.setAttribute("aria-label", t("Export of {name}", { name }));
  const said = element("p");
  said.append(element("b", { textContent: t("Export of {name}", { name }) }), words, bar);
  const button = element("button", { type: "button", className: "btn quiet icon-only", textContent: "×" });
  button.setAttribute("aria-label", t("Close; the download goes on"));
  button.addEventListener("click", close);
  box.append(said, button);
  document.getElementById("toasts").append(box);
  return { box, words, bar };
};

const inWords = ({ state, written, total, sent, size }) => {
  const n = count(written);
  if (state === "waiting") return t("It waits until others are made");
  if (state === "sending") return t("All {n} rows are written; fetched: {sent} of {size} MB", { n, sent: count(Math.floor(sent / MB)), size: count(Math.ceil(size / MB)) });
  if (total === null) return t("{n} rows written", { n });
  return t("{n} of {total} rows written", { n, total: count(total) });
};

const share = ({ state, written, total, sent, size }) => {
  if (state === "sending") return sent / size;
  return state === "writing" && total ? written / total : null;
};

const show = ({ words, bar }, far) => {
  const text = inWords(far);
  words.textContent = text;
  bar.setAttribute("aria-valuetext", text);
  const value = share(far);
  if (value === null) bar.removeAttribute("value");
  else bar.value = value;
};

const tellEnd = (name, { state, written, total }) => {
  const n = count(written);
  if (state === "done") toast(t("All {n} rows are in the file.", { n }), { title: t("Export of {name}", { name }), tone: "good" });
  else if (state === "left") toast(t("The download was cancelled after {n} rows.", { n }), { title: t("Export of {name}", { name }), tone: "info" });
  else toast(total === null ? t("It broke off after {n} rows: the file is not whole. Export it again.", { n }) : t("It broke off after {n} of {total} rows: the file is not whole. Export it again.", { n, total: count(total) }), { title: t("Export of {name}", { name }), tone: "error" });
};

const watch = ({ key, name, since }) => {
  let timer;
  const end = () => {
    clearTimeout(timer);
    forget(key);
    drawn.box.remove();
  };
  const drawn = draw(name, end);
  drawn.words.textContent = t("It begins");
  const lost = (refused) => {
    if (refused.passing) drawn.words.textContent = t("The server can’t be asked how far it is");
    else if (refused.status !== 404 || Date.now() - since > BEGUN_WITHIN_MS) return false;
    return true;
  };
  const ask = async () => {
    try {
      const far = await api.get(`/exports/${key}/progress`);
      if (!drawn.box.isConnected) return;
      if (["done", "left", "failed"].includes(far.state)) {
        end();
        tellEnd(name, far);
        return;
      }
      show(drawn, far);
    } catch (refused) {
      if (!lost(refused)) {
        end();
        toast(t("The server knows nothing of it any more: look among your downloads whether the file is whole."), { title: t("Export of {name}", { name }), tone: "warning" });
        return;
      }
    }
    timer = setTimeout(ask, ASK_MS);
  };
  timer = setTimeout(ask, 400);  // the download is asked for after this click
};

/** Follow what is exported from here, and what was begun on an earlier page. */
export const watchExports = () => {
  kept().forEach(watch);
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[data-export]");
    if (!link) return;
    const one = { key: newKey(), name: link.dataset.export, since: Date.now() };
    const address = new URL(link.href);
    address.searchParams.set("follow", one.key);
    link.href = address.href;
    keep([...kept(), one]);
    watch(one);
  });
};
