// A form of a page whose text is kept as typed, for whoever types it, and which is sent once: `data-kept` names its
// window. Without script it is a form like any other.

import { effect } from "./vendor/signals.js";
import { api, Refused } from "./api.js";
import { clock, t } from "./say.js";
import { keptText } from "./desk/keep.js";
import { newKey, untilAnswered } from "./desk/once.js";
import { windowKeeper } from "./desk/window-keep.js";

const fieldsOf = (form) => [...form.elements].filter((one) => one.name && !["hidden", "submit", "button"].includes(one.type));
const typedIn = (form) => Object.fromEntries(fieldsOf(form).map((one) => [one.name, one.value]));
/** What it is written over, where a form changes something that is there. */
const versionOf = (form) => form?.elements.version?.value;

const fill = (form, values) => {
  for (const one of fieldsOf(form)) {
    if (values[one.name] === undefined || values[one.name] === one.value) continue;
    one.value = values[one.name];
    one.dispatchEvent(new Event("input", { bubbles: true }));
  }
};

const element = (name, more) => Object.assign(document.createElement(name), more);

/** What the server answered to the whole form: {url} it leads to, or {said, values} of a form that came back. */
const answerTo = async (form, fields, options) => {
  const address = form.getAttribute("action");
  const { page, url, ok, status, redirected } = await api.page(address, { ...options, method: "POST", body: new URLSearchParams(fields) });
  if (status >= 500) throw new Refused(status, null);
  if (ok && redirected) return { url };
  const again = page.querySelector("form[data-kept]");
  return { said: page.querySelector("#main .say")?.textContent ?? page.querySelector("#main")?.textContent, values: again && typedIn(again), version: versionOf(again) };
};

const keepForm = async (form) => {
  const place = form.dataset.kept;
  const kept = await windowKeeper(place, null);
  const line = form.querySelector(".go").appendChild(element("p", { className: "saved muted small" }));
  line.setAttribute("role", "status");
  let waits = false;
  const shown = versionOf(form);
  const behind = () => shown !== undefined && kept.value.value && versionOf(form) !== shown;
  const tell = () => {
    const anew = kept.value.value && !waits ? element("button", { type: "button", className: "linkish", textContent: t("Begin anew") }) : "";
    if (anew) anew.addEventListener("click", async () => { await kept.freeze(); await api.drop(`/windows/${place}`); kept.take(null, 0); location.reload(); });
    line.replaceChildren(waits ? t("The server does not answer. It will be sent by itself, and once.") : behind() ? t("Changed elsewhere since you began.") : kept.value.value ? keptText(kept, clock) : "", " ", anew);
  };
  const over = (version) => { if (version !== undefined && versionOf(form) !== undefined) form.elements.version.value = version; };
  if (kept.value.peek()) fill(form, kept.value.peek());
  over(kept.value.peek()?.over);
  effect(tell);
  form.addEventListener("input", () => kept.set({ ...typedIn(form), key: kept.value.peek()?.key ?? newKey(), over: versionOf(form) }));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.inert) return;
    form.inert = true;
    await kept.freeze();
    const fields = [...new FormData(form), ["key", kept.value.peek()?.key ?? newKey()], ["draft", place]];
    const { url, said, values, version } = await untilAnswered((options) => answerTo(form, fields, options), () => { waits = true; tell(); });
    if (url) {
      kept.take(null, 0);  // the server used it up
      return void location.assign(url);
    }
    waits = form.inert = false;
    kept.thaw();
    tell();
    document.querySelector("#main .say")?.remove();
    form.before(Object.assign(element("p", { className: "say bad", textContent: said }), { role: "alert" }));
    if (values) fill(form, values);
    over(version);  // whoever sends it once more has been told what was changed
    if (kept.value.peek()) kept.set({ ...kept.value.peek(), over: versionOf(form) });
  });
};

for (const form of document.querySelectorAll("form[data-kept]")) {
  keepForm(form).catch((error) => { if (!(error instanceof Refused)) throw error; });  // then it is a form like any other
}
