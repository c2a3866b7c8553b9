// Click-to-call: every `.dial` button of a page, drawn by the server or by a script. It says "calling" when the
// server took the order, and "did not get through" only when the switchboard said so.

import { t } from "./say.js";
import { api, Refused } from "./api.js";
import { toast } from "./toast.js";
import { askAnyway, askLine, forget, remember, remembered } from "./line-menu.js";

const WHOLE = ["customer_id", "order_id", "deal_id", "callback_id"];
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** What POST /calls wants, from the button's data- attributes. */
const wish = ({ dataset }) => {
  const body = { to: dataset.number };
  for (const name of WHOLE) if (dataset[camel(name)]) body[name] = Number(dataset[camel(name)]);
  if (dataset.line) body.line = dataset.line;
  return body;
};

/** Somebody is not to be called now: the button says why; whoever may call anyway is asked. */
const refused = async (body, anchor, error) => {
  anchor?.classList.add("refused");
  anchor?.setAttribute("title", error.message);
  anchor?.setAttribute("aria-description", error.message);
  if (!error.problem.choices?.length) throw error;
  return (await askAnyway(error.message, error.problem.choices, anchor)) ? order({ ...body, anyway: true }, anchor) : null;
};

/** Sends the order; where the server asks which line to show, somebody is asked here. null: not to be called. */
const order = async (body, anchor) => {
  const known = body.line ?? remembered(body);
  try {
    return await api.post("/calls", known ? { ...body, line: known } : { ...body, ask_line: true });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (known && !body.line && error.problem.errors?.some((one) => one.field === "line")) {
      forget(body);  // it is no line of ours any more, or not of this shop
      return order(body, anchor);
    }
    if (error.problem.errors?.some((one) => one.field === "anyway")) return refused(body, anchor, error);
    if (!error.problem.choices?.length) throw error;
    const line = await askLine(error.problem.choices, anchor);
    if (!line) return null;
    const answer = await order({ ...body, line }, anchor);
    if (answer) remember(body, line);
    return answer;
  }
};

/** Asks for the call; resolves to its id, or to null after saying why not. `anchor`: where to ask for the line. */
export const dial = async (body, anchor) => {
  try {
    const answer = await order(body, anchor);
    if (!answer) return null;
    toast(t("Your phone rings first. Pick it up."), { title: t("Calling {number}", { number: body.to }), tone: "good" });
    return answer.id;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { title: t("Not called: {number}", { number: body.to }), tone: "error" });
    return null;
  }
};

const press = async (event) => {
  const button = event.target.closest?.(".dial");
  if (!button || button.disabled || button.getAttribute("aria-busy") === "true") return;
  event.preventDefault();
  button.setAttribute("aria-busy", "true");  // a second click must not ring twice
  try {
    await dial(wish(button), button);
  } finally {
    button.removeAttribute("aria-busy");
  }
};

/** Makes every telephone of this page ring. */
export const watchDials = () => document.addEventListener("click", press);
