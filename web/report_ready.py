"""The reports that every house has: kept queries like those that people keep themselves. Pure."""

from dataclasses import dataclass

from crm_core.figure.period import By
from web.report import ReportQuery, Subject, Time


@dataclass(frozen=True)
class Ready:
    """A report under a name, with what it is good for."""

    code: str
    name: str
    says: str
    query: ReportQuery


@dataclass(frozen=True)
class Page:
    """A report that has a page of its own."""

    address: str
    name: str
    says: str


@dataclass(frozen=True)
class Shelf:
    """Reports of one subject."""

    name: str
    reports: tuple[Ready, ...]
    pages: tuple[Page, ...] = ()


_QUEUE = "service_level,asa,abandonment,abandonment_long,patience,let_go,refused,aht,transfers,fcr"
_LINE = "inbound,answered,missed,answer_rate,service_level,asa,abandonment,aht,fcr,recovery"
_SALES = "conversion,answered,orders,paid,revenue,revenue_minute,margin,margin_minute"
_CARE = "missed,recovery,answer_rate,repeats,fcr,callbacks"


_ORDERS = "placed,turnover,bill,received,profit,confirmed,sent,handed,full,unfinished,lost,again"


def _orders(by: By, figures: str = _ORDERS) -> ReportQuery:
    return ReportQuery(subject=Subject.ORDERS, by=by, figures=figures, time=Time.QUARTER)


def _sales(by: By, time: Time = Time.MONTH) -> ReportQuery:
    return ReportQuery(by=by, figures=_SALES, time=time)


SHELVES = (
    Shelf(
        "People",
        (
            Ready(
                "time", "Time of operators", "Talking, hold, wrap-up, ringing, free and every kind of pause; occupancy",
                ReportQuery(figures="talking,held,wrapping,ringing,available,paused,occupancy,utilisation"),
            ),
            Ready(
                "calls", "Calls by operator", "Answered, talk, hold, wrap-up, handling, rings taken, passed on",
                ReportQuery(figures="answered,inbound,outbound,talk,hold,wrap_up,aht,accepted,ring,wait,transfers"),
            ),
            Ready(
                "conversion", "Conversion by operator", "Calls that became orders, revenue and margin a minute",
                _sales(By.OPERATOR),
            ),
            Ready(
                "quality", "Quality by operator", "Votes of customers, low ones, reviews and what came to nought",
                ReportQuery(figures="vote,voted,low_votes,review,reviews,zeroed", time=Time.QUARTER),
            ),
        ),
    ),
    Shelf(
        "Queues and lines",
        (
            Ready("queues", "Queues", "Service level, speed of answer, who gave up, handling, settled in one call",
                  ReportQuery(by=By.QUEUE, figures=_QUEUE)),
            Ready("lines", "Lines", "The same for each number that people dial",
                  ReportQuery(by=By.LINE, figures=_LINE)),
            Ready("busy", "When they call", "Calls in by hour and day of the week: where people are needed",
                  ReportQuery(by=By.HOUR, across=By.WEEKDAY, figures="inbound", time=Time.QUARTER)),
            Ready("level", "Service level by the hour", "Where in the week it breaks down",
                  ReportQuery(by=By.HOUR, across=By.WEEKDAY, figures="service_level", time=Time.QUARTER)),
            Ready("days", "Day by day", "How the floor did, day after day",
                  ReportQuery(by=By.DAY, figures=_LINE, time=Time.MONTH)),
        ),
    ),
    Shelf(
        "Missed",
        (
            Ready("missed", "Missed and reached", "Missed calls, how many were reached within a day, who called again",
                  ReportQuery(by=By.LINE, figures=_CARE, time=Time.MONTH)),
            Ready("missed_when", "When calls are missed", "Missed calls by hour and day of the week",
                  ReportQuery(by=By.HOUR, across=By.WEEKDAY, figures="missed", time=Time.QUARTER)),
        ),
        (
            Page("/reports/missed", "What became of missed calls",
                 "Called back by whom and how soon, who got through himself, who was never reached and what that cost"),
        ),
    ),
    Shelf(
        "Sales by telephone",
        (
            Ready("by_line", "Conversion by line", "What each number brings", _sales(By.LINE)),
            Ready("by_source", "Conversion by source", "What customers of each source bring", _sales(By.SOURCE)),
            Ready("by_script", "Conversion by script", "What calls bring in which a script was followed",
                  _sales(By.SCRIPT)),
            Ready("by_hour", "Conversion by hour", "When calls become orders", _sales(By.HOUR, Time.QUARTER)),
            Ready("by_month", "Month by month", "Calls, orders, revenue and margin over the year",
                  _sales(By.MONTH, Time.YEAR)),
        ),
    ),
    Shelf(
        "All orders",
        (
            Ready("sales", "Sales by month", "Turnover, average bill, margin, how far orders came, repeat purchases",
                  _orders(By.MONTH)),
            Ready("sources", "Sources and return", "What customers of each source bring, what it cost, ROI",
                  _orders(By.SOURCE, "turnover,placed,bill,profit,again,lost,cost,cost_order,roi")),
            Ready("sellers", "Sales by person", "Of whom the orders are: turnover, margin, how far they came",
                  _orders(By.OPERATOR)),
            Ready("order_hours", "When orders come", "Orders by hour and day of the week",
                  ReportQuery(subject=Subject.ORDERS, by=By.HOUR, across=By.WEEKDAY, figures="placed",
                              time=Time.QUARTER)),
        ),
        (
            Page("/reports/goods", "Goods: calls, orders, money",
                 "What each product and category brings: calls about it, conversion, orders, revenue and margin"),
            Page("/reports/steps", "Time of orders in their steps",
                 "How long orders stand in each status, with whom, in which shop; where most of the time goes"),
            Page("/reports/funnel", "Funnel and bottlenecks",
                 "Deals stage by stage: went on, lost and why, how long they stood; where they are held up"),
        ),
    ),
)  # fmt: skip
BY_CODE = {ready.code: ready for shelf in SHELVES for ready in shelf.reports}
