// The HTTP API as a script sees it: JSON in, JSON out, a refusal as an error with the server's own sentence.

import { t } from "./say.js";

const ROOT = "/api/v1";

/** A refusal: `status`, the problem document as `problem`, a sentence as `message`; status 0 = not reached. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail || problem?.title || t("The server could not be reached."));
    this.status = status;
    this.problem = problem ?? {};
  }

  /** True when sending the same again later can work: no answer, signed out, or the server's own trouble. */
  get passing() {
    return this.status === 0 || this.status === 401 || this.status === 429 || this.status >= 500;
  }
}

const parse = (text) => {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return { title: text.slice(0, 200) };
  }
};

let lost = false;

/** The answer and its text. The first one after the server was away is told of: what waits for it need not wait. */
const reach = async (address, request) => {
  try {
    const answer = await fetch(address, request);
    const text = await answer.text();  // may break off as well
    if (lost) dispatchEvent(new Event("reached"));
    lost = false;
    return { answer, text };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    lost = true;
    throw new Refused(0, null);
  }
};

const send = async (method, path, body, options = {}) => {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), ...options };
  const { answer, text } = await reach(path.startsWith("/") ? ROOT + path : path, request);
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  if (!answer.ok) throw new Refused(answer.status, parse(text));
  return parse(text);
};

const query = (values) => {
  const set = Object.entries(values ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return set.length ? `?${new URLSearchParams(set)}` : "";
};

/** The items of a list answer, whether it is a page ({items}) or a bare list. */
export const items = (answer) => (Array.isArray(answer) ? answer : answer?.items ?? []);

export const api = {
  get: (path, values, options) => send("GET", path + query(values), undefined, options),
  post: (path, body, options) => send("POST", path, body, options),
  put: (path, body, options) => send("PUT", path, body, options),
  patch: (path, body, options) => send("PATCH", path, body, options),
  drop: (path) => send("DELETE", path),
  /** Sends a file as it is. */
  file: (path, file) => send("POST", path, undefined, { body: file, headers: { "Content-Type": "application/octet-stream" } }),
  /** What a form of a page asks for, with the answer as JSON. */
  form: async (address, fields) => {
    const { answer, text } = await reach(address, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Refused(answer.status, parse(text));
    return parse(text);
  },
  /** A page of ours as a document, whose scripts do not run: {page, url, ok, status, redirected}. */
  page: async (address, options) => {
    const { answer, text } = await reach(address, options);
    if (new URL(answer.url).pathname === "/login") location.reload();
    return { page: new DOMParser().parseFromString(text, "text/html"), url: new URL(answer.url), ok: answer.ok, status: answer.status, redirected: answer.redirected };
  },
};
