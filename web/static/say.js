// Words, times, sums: everything a person reads that a script made.
// t() takes the English text as its key, as gettext does; a catalogue for another language stands in the page.

const island = (id) => {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
};

/** What the page knows when it loads: {user, push_port, push_path, demo}. */
export const boot = island("boot") ?? {};
const catalogue = island("catalogue") ?? {};
const spoken = boot.locale ?? (document.documentElement.lang || "en");
const locale = spoken === "en" ? "en-GB" : spoken;  // 24 hours, day before month: as the server writes them
const plural = new Intl.PluralRules(locale);
const FORMS = ["zero", "one", "two", "few", "many", "other"];

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

/** The text in the reader's language; {name} is replaced by values.name. */
export const t = (text, values = {}) => fill(catalogue[text] ?? text, values);

/** A sentence of the server's, whose words stand in its own texts. */
export const sentence = (words, values) => t(words, values);

/** One or many: tn("{n} order", "{n} orders", n). A catalogue gives a list in the order of the language's forms. */
export const tn = (one, many, n, values = {}) => {
  const forms = catalogue[many];
  const said = forms ? forms[formIndex(n, forms.length)] : n === 1 ? one : many;
  return fill(said, { n, ...values });
};

const formIndex = (n, count) => {
  const used = FORMS.filter((form) => plural.resolvedOptions().pluralCategories.includes(form));
  return Math.min(Math.max(0, used.indexOf(plural.select(n))), count - 1);
};

const zoned = (options, zone) => {
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: zone || undefined });
  } catch {
    return new Intl.DateTimeFormat(locale, options);  // a zone this browser does not know
  }
};
const kept = new Map();
const formatter = (name, options, zone = boot.user?.timezone) => {
  const key = `${name} ${zone}`;
  if (!kept.has(key)) kept.set(key, zoned(options, zone));
  return kept.get(key);
};
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** "10:02", in the reader's zone or in `zone`. */
export const clock = (at, zone) => formatter("clock", CLOCK, zone).format(new Date(at));

/** The instant in full, for the hover: "Thu 27 Nov 2026, 10:02:31 CET". */
export const exact = (at) => formatter("exact", {
  weekday: "short", day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short",
}).format(new Date(at));

const day = (at) => formatter("day", { year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date(at));
const shortDate = (at) => formatter("date", { day: "numeric", month: "short" }).format(new Date(at));
const longDate = (at) => formatter("long", { day: "numeric", month: "short", year: "numeric" }).format(new Date(at));
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });

/** As people say it: "now", "2 min ago", "in 3 hr", "10:02", "yesterday 10:02", "12 Oct". Milliseconds in. */
export const ago = (at, now) => {
  const then = new Date(at).getTime();
  const seconds = Math.round((then - now) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 45) return t("now");
  if (distance < 3600) return relative.format(Math.sign(seconds) * Math.max(1, Math.round(distance / 60)), "minute");
  if (distance < 4 * 3600) return relative.format(Math.sign(seconds) * Math.round(distance / 3600), "hour");
  return point(at, now);
};

/** A moment without counting from now: "10:02", "tomorrow 10:02", "12 Oct", "12 Oct 2024". */
export const point = (at, now) => {
  const then = new Date(at).getTime();
  if (day(then) === day(now)) return clock(then);
  if (day(then) === day(now - 86400e3)) return t("yesterday {clock}", { clock: clock(then) });
  if (day(then) === day(now + 86400e3)) return t("tomorrow {clock}", { clock: clock(then) });
  return Math.abs(then - now) < 300 * 86400e3 ? shortDate(then) : longDate(then);
};

/** The name of a country or region for its two letters; other text stays. */
export const country = (code) => {
  if (!/^[A-Z]{2}$/.test(code ?? "")) return code ?? "";
  try {
    return new Intl.DisplayNames(locale, { type: "region" }).of(code);
  } catch {
    return code;
  }
};

/** Seconds as a telephone shows them: 161 → "2:41". */
export const lasted = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds ?? 0));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
};

/** How many, with its thousands apart. */
export const count = (n) => new Intl.NumberFormat(locale).format(n);

/** A sum with its currency; an unknown sum is an empty text. */
export const money = (amount, currency) => {
  if (amount === null || amount === undefined || amount === "") return "";
  const options = currency ? { style: "currency", currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  try {
    return new Intl.NumberFormat(locale, options).format(Number(amount));
  } catch {
    return `${amount} ${currency}`;  // not a currency this browser knows
  }
};

/** A sum in hundredths from what the server wrote ("148.00"), without floats: 14800. */
export const cents = (text) => {
  const [whole, part = ""] = String(text ?? "0").replace(",", ".").trim().split(".");
  const value = Math.abs(parseInt(whole || "0", 10)) * 100 + parseInt(`${part}00`.slice(0, 2), 10);
  return String(whole).startsWith("-") ? -value : value;
};

/** Hundredths back to what the server reads: 14800 → "148.00". */
export const decimal = (value) => {
  const two = String(Math.abs(value) % 100).padStart(2, "0");
  return `${value < 0 ? "-" : ""}${Math.floor(Math.abs(value) / 100)}.${two}`;
};
