// Sums, days and times as one says them on the telephone: "fifty-seven euros eighty", "Thursday 27 November".

import { boot, t } from "./say.js";

const spoken = boot.locale ?? (document.documentElement.lang || "en");
const locale = spoken === "en" ? "en-GB" : spoken;
const SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(" ");
const TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const BIG = [[1_000_000, "million"], [1000, "thousand"], [100, "hundred"]];

/** A whole number in English words. */
const english = (n) => {
  if (n < 20) return SMALL[n];
  if (n < 100) return TENS[Math.floor(n / 10)] + (n % 10 ? `-${SMALL[n % 10]}` : "");
  const [size, name] = BIG.find(([least]) => n >= least);
  const left = n % size;
  return `${english(Math.floor(n / size))} ${name}${left ? `${left < 100 ? " and" : ""} ${english(left)}` : ""}`;
};

/** In other languages a number is said by whoever reads it. */
const number = (n) => (spoken === "en" && n < 1_000_000_000 ? english(n) : String(n));

const currencyName = (n, currency) => {
  try {
    const parts = new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "name", minimumFractionDigits: 0 }).formatToParts(n);
    return parts.find((part) => part.type === "currency").value;
  } catch {
    return currency;
  }
};

/** "57.80", EUR → "fifty-seven euros eighty". */
export const sumSaid = (amount, currency) => {
  const [whole, part = ""] = String(amount).split(".");
  const cents = Number(`${part}00`.slice(0, 2));
  return [number(Number(whole)), currency ? currencyName(Number(whole), currency) : "", cents ? number(cents) : ""].filter(Boolean).join(" ");
};

export const countSaid = (n) => number(n);

/** "2026-11-27" → "Friday 27 November". */
export const daySaid = (day) => new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));

/** "between 08:00 and 10:00", or what is known of it. */
export const windowSaid = (from, until) => {
  if (from && until) return t("between {from} and {until}", { from, until });
  return from ? t("after {from}", { from }) : until ? t("before {until}", { until }) : "";
};
