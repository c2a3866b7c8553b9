"""How times, readers and days of sending are called on pages of reports."""

from crm_core.report import Every, Shared
from web.report import Time

TIMES = {
    Time.TODAY: "today",
    Time.YESTERDAY: "yesterday",
    Time.WEEK: "last 7 days",
    Time.LAST_WEEK: "last week",
    Time.MONTH: "this month",
    Time.LAST_MONTH: "last month",
    Time.QUARTER: "last 90 days",
    Time.YEAR: "last 365 days",
}
SHARED = {Shared.ME: "only me", Shared.TEAM: "my team", Shared.ALL: "everybody"}
EVERY = {Every.DAY: "every day", Every.WEEK: "every Monday", Every.MONTH: "every first of the month"}
SHARED_WITH = [(str(code), name) for code, name in SHARED.items()]
