"""The figures: each with its formula in words, its numerator and its denominator, worked out from a tally. Pure.

In:      a `Tally`
Out:     a `Value`; `value` None when there is nothing to divide by
Units:   SHARE is 0..1, SECONDS are seconds, COUNT is a number, TIMES how often on average, MONEY is of one currency, a
         minute of talk or as it is, POINTS are a mean on a scale that the name says
Source:  the definitions that contact centres agree on; where they do not, there are several figures and each says which
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from crm_core.figure.tally import SECOND, Sums, Tally


class Unit(StrEnum):
    """What a value is."""

    COUNT = "count"
    TIMES = "times"
    SECONDS = "seconds"
    SHARE = "share"
    POINTS = "points"
    MONEY = "money"
    MONEY_A_MINUTE = "money_a_minute"


class Group(StrEnum):
    """The subjects under which figures stand."""

    CALLS = "calls"
    QUEUES = "queues"
    TIME = "time"
    CARE = "care"
    SPEECH = "speech"
    QUALITY = "quality"
    SALES = "sales"


Number = int | Decimal
Counting = Callable[[Any], Number]


class Value(NamedTuple):
    """What a figure came to. `currency`: of sums alone."""

    value: Decimal | None
    numerator: Number
    denominator: Number | None = None
    currency: str | None = None


class Side(NamedTuple):
    """Above or below the line. `says` in words; `amount` what is counted, `unit` what that is; `calls`: fields of the
    tally whose calls are listed when somebody asks which these are (none: there are no calls behind it)."""

    says: str
    amount: Counting
    calls: tuple[str, ...] = ()
    unit: Unit = Unit.COUNT


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`by_line`: it can be told of a queue or a line; else of people and times alone. `of_people`: it can be told of
    one operator; a caller who gave up is nobody's. `purchases`: tells what goods cost us. `money`: sums in the place of
    what stands above, by currency; `money_bottom` in the place of what stands below."""

    code: str
    name: str
    group: Group
    unit: Unit
    formula: str
    top: Side
    bottom: Side | None = None
    by_line: bool = True
    of_people: bool = True
    purchases: bool = False
    money: Callable[[Any], Sums] | None = None
    money_bottom: Callable[[Any], Sums] | None = None

    def of(self, tally: Any) -> list[Value]:
        """The value; of money one for each currency."""
        if self.money is not None and self.money_bottom is not None:
            pairs = [
                (name, amount, self.money_bottom(tally).get(name, 0))
                for name, amount in self.money(tally).items()
            ]
            return [
                Value(_over(amount, of, self.unit), amount, of, name) for name, amount, of in sorted(pairs)
            ]
        below = self.bottom.amount(tally) if self.bottom else None
        if self.money is not None:
            sums = sorted(self.money(tally).items())
            return [Value(_over(amount, below, self.unit), amount, below, name) for name, amount in sums]
        above = self.top.amount(tally)
        return [Value(_over(above, below, self.unit), above, below)]


def _over(above: Number, below: Number | None, unit: Unit) -> Decimal | None:
    if below is None:
        return Decimal(above) / SECOND if unit is Unit.SECONDS else Decimal(above)
    if not below:
        return None
    scale = {Unit.SECONDS: 1 / Decimal(SECOND), Unit.MONEY_A_MINUTE: Decimal(60 * SECOND)}
    return Decimal(above) * scale.get(unit, Decimal(1)) / Decimal(below)


def _answered(tally: Tally) -> int:
    return tally.answered


def _in_time(tally: Tally) -> int:
    return tally.in_target


_ANSWERED = Side("answered calls", _answered, ("answered_in", "answered_out"))
_TIMED = Side("answered calls whose times are known", lambda t: t.timed, ("timed",))
_IN_TARGET = Side("answered within the seconds of their queue", _in_time, ("in_target",))
_STAYS = ("queue_answered", "abandoned")
_OFFERED = Side("answered + gave up", lambda t: t.queue_answered + t.abandoned, _STAYS)
_TALK = Side("seconds of talk", lambda t: t.talk_us, ("timed",), Unit.SECONDS)


_VOTES = Side("votes of customers", lambda t: t.votes, ("votes",))
_REVIEWS = Side("reviews", lambda t: t.reviews, ("reviews",))
_HEARD = Side("answered calls with a text of both sides", lambda t: t.heard, ("heard",))


def _time(code: str, name: str, formula: str, count: Counting) -> Figure:
    return Figure(
        code=code, name=name, group=Group.TIME, unit=Unit.SECONDS, formula=formula, by_line=False,
        top=Side(formula[0].lower() + formula[1:].rstrip("."), count, (), Unit.SECONDS),
    )  # fmt: skip


FIGURES: tuple[Figure, ...] = (
    Figure(
        code="inbound", name="Calls in", group=Group.CALLS, unit=Unit.COUNT,
        formula="Calls from outside that are over.",
        top=Side("calls from outside", lambda t: t.inbound, ("inbound",)),
    ),
    Figure(
        code="outbound", name="Calls out", group=Group.CALLS, unit=Unit.COUNT,
        formula="Calls to the outside that are over, answered or not.",
        top=Side("calls to the outside", lambda t: t.outbound, ("outbound",)),
    ),
    Figure(
        code="answered", name="Answered", group=Group.CALLS, unit=Unit.COUNT,
        formula="Calls with the outside in which a customer and an operator talked.", top=_ANSWERED,
    ),
    Figure(
        code="missed", of_people=False, name="Missed", group=Group.CALLS, unit=Unit.COUNT,
        formula="Calls from outside in which nobody talked, while the line was open.",
        top=Side("missed calls", lambda t: t.missed, ("missed",)),
    ),
    Figure(
        code="answer_rate", of_people=False, name="Answered of calls in", group=Group.CALLS, unit=Unit.SHARE,
        formula="Answered calls from outside / (answered + missed). Calls while the line was closed are in neither.",
        top=Side("answered calls from outside", lambda t: t.answered_in, ("answered_in",)),
        bottom=Side("answered + missed", lambda t: t.answered_in + t.missed, ("answered_in", "missed")),
    ),
    Figure(
        code="wait", name="Wait", group=Group.CALLS, unit=Unit.SECONDS,
        formula="Seconds that answered callers waited, from joining the queue (else from the start of the call) to the"
        " first word / answered calls from outside.",
        top=Side("seconds waited", lambda t: t.waited_us, ("answered_in",), Unit.SECONDS),
        bottom=Side("answered calls from outside", lambda t: t.answered_in, ("answered_in",)),
    ),
    Figure(
        code="talk", name="Talk a call", group=Group.CALLS, unit=Unit.SECONDS,
        formula="Seconds of talk, without hold / answered calls.", top=_TALK, bottom=_TIMED,
    ),
    Figure(
        code="hold", name="Hold a call", group=Group.CALLS, unit=Unit.SECONDS,
        formula="Seconds on hold / answered calls.",
        top=Side("seconds on hold", lambda t: t.hold_us, ("timed",), Unit.SECONDS), bottom=_TIMED,
    ),
    Figure(
        code="wrap_up", name="Wrap-up a call", group=Group.CALLS, unit=Unit.SECONDS,
        formula="Seconds of wrap-up after calls / answered calls.",
        top=Side("seconds of wrap-up", lambda t: t.wrap_us, ("wrap_us",), Unit.SECONDS), bottom=_TIMED,
    ),
    Figure(
        code="aht", name="Handling (AHT)", group=Group.CALLS, unit=Unit.SECONDS,
        formula="(talk + hold + wrap-up) / answered calls. Divided by answered calls, not by offered ones.",
        top=Side("seconds of talk, hold and wrap-up", lambda t: t.talk_us + t.hold_us + t.wrap_us, ("timed",),
                 Unit.SECONDS),
        bottom=_TIMED,
    ),
    Figure(
        code="transfers", name="Passed on", group=Group.CALLS, unit=Unit.SHARE,
        formula="Transfers that a colleague took / (answered calls + such transfers): of the times that somebody had a"
        " customer on the line, how often he passed him on. By operator it counts for whoever passed the call on.",
        top=Side("transfers taken", lambda t: t.transfers, ("transfers",)),
        bottom=Side("answered calls + transfers", lambda t: t.answered + t.transfers,
                    ("answered_in", "answered_out", "transfers")),
    ),
    Figure(
        code="accepted", name="Rings answered", group=Group.CALLS, unit=Unit.SHARE,
        formula="Rings answered / (answered + rung out + declined + busy). Rings that the caller or a colleague ended"
        " are in neither.",
        top=Side("rings answered", lambda t: t.accepted, ("accepted",)),
        bottom=Side("rings answered or let go by", lambda t: t.accepted + t.unanswered, ("accepted", "unanswered")),
    ),
    Figure(
        code="ring", name="Ring", group=Group.CALLS, unit=Unit.SECONDS,
        formula="Seconds that telephones rang / times that one rang.",
        top=Side("seconds of ringing", lambda t: t.ring_us, ("rings",), Unit.SECONDS),
        bottom=Side("rings", lambda t: t.rings, ("rings",)),
    ),
    Figure(
        code="service_level", of_people=False, name="Service level", group=Group.QUEUES, unit=Unit.SHARE,
        formula="Answered within the target / (answered + gave up − gave up within the short moment). Those whom the"
        " queue let go are in neither; they stand under “Let go”.",
        top=_IN_TARGET,
        bottom=Side("answered + gave up − short", lambda t: t.queue_answered + t.abandoned - t.short,
                    ("queue_answered", "abandoned_long")),
    ),
    Figure(
        code="service_level_answered", name="Service level of answered", group=Group.QUEUES, unit=Unit.SHARE,
        formula="Answered within the target / answered. Says nothing of those who gave up.",
        top=_IN_TARGET,
        bottom=Side("answered in queues", lambda t: t.queue_answered, ("queue_answered",)),
    ),
    Figure(
        code="service_level_strict", of_people=False, name="Service level, strict", group=Group.QUEUES, unit=Unit.SHARE,
        formula="Answered within the target / everybody who came to the queue: answered, gave up after whatever time,"
        " let go, refused at its door.",
        top=_IN_TARGET,
        bottom=Side("everybody who came", lambda t: t.queue_answered + t.abandoned + t.let_go + t.refused,
                    (*_STAYS, "let_go", "refused")),
    ),
    Figure(
        code="asa", name="Speed of answer (ASA)", group=Group.QUEUES, unit=Unit.SECONDS,
        formula="Seconds that answered callers waited in queues / answered in queues.",
        top=Side("seconds waited", lambda t: t.queue_wait_us, ("queue_answered",), Unit.SECONDS),
        bottom=Side("answered in queues", lambda t: t.queue_answered, ("queue_answered",)),
    ),
    Figure(
        code="abandonment", of_people=False, name="Gave up", group=Group.QUEUES, unit=Unit.SHARE,
        formula="Gave up waiting / (answered + gave up).",
        top=Side("gave up", lambda t: t.abandoned, ("abandoned",)), bottom=_OFFERED,
    ),
    Figure(
        code="abandonment_long", of_people=False, name="Gave up, short ones left out", group=Group.QUEUES,
        unit=Unit.SHARE,
        formula="Gave up after more than the short moment of the queue / (answered + gave up − short).",
        top=Side("gave up after the short moment", lambda t: t.abandoned - t.short, ("abandoned_long",)),
        bottom=Side("answered + gave up − short", lambda t: t.queue_answered + t.abandoned - t.short,
                    ("queue_answered", "abandoned_long")),
    ),
    Figure(
        code="patience", of_people=False, name="Patience", group=Group.QUEUES, unit=Unit.SECONDS,
        formula="Seconds that those who gave up had waited / gave up.",
        top=Side("seconds waited", lambda t: t.abandoned_wait_us, ("abandoned",), Unit.SECONDS),
        bottom=Side("gave up", lambda t: t.abandoned, ("abandoned",)),
    ),
    Figure(
        code="let_go", of_people=False, name="Let go", group=Group.QUEUES, unit=Unit.COUNT,
        formula="Stays that the queue ended: time was up, nobody was left there, a key was pressed, sent elsewhere.",
        top=Side("let go", lambda t: t.let_go, ("let_go",)),
    ),
    Figure(
        code="refused", of_people=False, name="Refused", group=Group.QUEUES, unit=Unit.COUNT,
        formula="Callers who were not let in: the queue was full, or nobody was signed in.",
        top=Side("refused", lambda t: t.refused, ("refused",)),
    ),
    Figure(
        code="occupancy", name="Occupancy", group=Group.TIME, unit=Unit.SHARE, by_line=False,
        formula="(talking + hold + wrap-up + ringing + dialling) / (that + available). Pauses are in neither.",
        top=Side("with a call", lambda t: t.busy_us, (), Unit.SECONDS),
        bottom=Side("with a call + available", lambda t: t.busy_us + t.available_us, (), Unit.SECONDS),
    ),
    Figure(
        code="utilisation", name="Utilisation", group=Group.TIME, unit=Unit.SHARE, by_line=False,
        formula="(talking + hold + wrap-up + ringing + dialling) / (that + available + pauses): of all time that is"
        " paid.",
        top=Side("with a call", lambda t: t.busy_us, (), Unit.SECONDS),
        bottom=Side("with a call + available + pauses", lambda t: t.busy_us + t.available_us + t.paused_us, (),
                    Unit.SECONDS),
    ),
    _time("talking", "Talking", "Time in talks.", lambda t: t.talking_us),
    _time("held", "On hold", "Time with a customer on hold.", lambda t: t.held_us),
    _time("wrapping", "Wrap-up", "Time of wrap-up.", lambda t: t.wrap_up_us),
    _time("ringing", "Ringing", "Time until one answered or dialled through.", lambda t: t.ringing_us + t.dialling_us),
    _time("available", "Available", "Time ready for a call.", lambda t: t.available_us),
    _time("paused", "Paused", "Time in pauses.", lambda t: t.paused_us),
    Figure(
        code="repeats", name="Called again", group=Group.CARE, unit=Unit.SHARE,
        formula="Calls from outside of somebody (customer, else number) who had called within 7 days before / calls"
        " from outside of which is known from whom.",
        top=Side("called before", lambda t: t.repeats, ("repeats",)),
        bottom=Side("calls in, known from whom", lambda t: t.known_in, ("known_in",)),
    ),
    Figure(
        code="fcr", name="Settled in one call (FCR)", group=Group.CARE, unit=Unit.SHARE,
        formula="Answered calls from outside after which the same customer (or number) did not call within 7 days /"
        " answered calls from outside whose 7 days are over. Calls of the last 7 days are in neither.",
        top=Side("did not call again", lambda t: t.settled, ("settled",)),
        bottom=Side("answered, 7 days over", lambda t: t.judged, ("judged",)),
    ),
    Figure(
        code="recovery", of_people=False, name="Missed and reached", group=Group.CARE, unit=Unit.SHARE,
        formula="Missed calls whose customer was talked with within 24 hours, whoever called / missed calls with a"
        " number, also those while the line was closed.",
        top=Side("talked with within 24 hours", lambda t: t.recovered, ("recovered",)),
        bottom=Side("missed calls with a number", lambda t: t.to_recover, ("to_recover",)),
    ),
    Figure(
        code="callbacks", name="Callbacks kept", group=Group.CARE, unit=Unit.SHARE,
        formula="Callbacks done by the time for which they last stood / callbacks due by now. Those that were called"
        " off are in neither.",
        top=Side("done when due", lambda t: t.kept),
        bottom=Side("due", lambda t: t.due),
    ),
    Figure(
        code="talk_share", name="Operator's share of talk", group=Group.SPEECH, unit=Unit.SHARE,
        formula="What operators said / what operators and customers said, in seconds, by the texts of the calls. Half"
        " of it is a conversation; much more leaves nobody time to ask.",
        top=Side("seconds that operators spoke", lambda t: t.spoke_us, ("heard",), Unit.SECONDS),
        bottom=Side("seconds that anybody spoke", lambda t: t.spoke_us + t.listened_us, ("heard",), Unit.SECONDS),
    ),
    Figure(
        code="silence", name="Silence", group=Group.SPEECH, unit=Unit.SHARE,
        formula="Seconds in which nobody spoke / length of the recordings, of calls with a text of both sides.",
        top=Side("seconds of silence", lambda t: t.silent_us, ("heard",), Unit.SECONDS),
        bottom=Side("seconds of sound", lambda t: t.sound_us, ("heard",), Unit.SECONDS),
    ),
    Figure(
        code="interruptions", name="Interruptions a call", group=Group.SPEECH, unit=Unit.TIMES,
        formula="Times that an operator broke in on his customer / answered calls with a text of both sides.",
        top=Side("interruptions by operators", lambda t: t.broke_in, ("heard",)), bottom=_HEARD,
    ),
    Figure(
        code="monologue", name="Longest without a stop", group=Group.SPEECH, unit=Unit.SECONDS,
        formula="The longest that the operator went on in each call / answered calls with a text of both sides.",
        top=Side("seconds of the longest turns", lambda t: t.longest_us, ("heard",), Unit.SECONDS), bottom=_HEARD,
    ),
    Figure(
        code="vote", name="Vote of customers, of 5", group=Group.QUALITY, unit=Unit.POINTS,
        formula="Stars that customers gave / votes. A customer votes once on a call, by telephone or on his page.",
        top=Side("stars", lambda t: t.stars, ("votes",)), bottom=_VOTES,
    ),
    Figure(
        code="voted", name="Voted", group=Group.QUALITY, unit=Unit.SHARE,
        formula="Votes of customers / answered calls. Of few votes the mean says little: those who vote are not all.",
        top=_VOTES, bottom=_ANSWERED,
    ),
    Figure(
        code="low_votes", name="Low votes", group=Group.QUALITY, unit=Unit.SHARE,
        formula="Votes of 1 and 2 / votes.",
        top=Side("votes of 1 and 2", lambda t: t.low_votes, ("low_votes",)), bottom=_VOTES,
    ),
    Figure(
        code="review", name="Review, of 100", group=Group.QUALITY, unit=Unit.POINTS,
        formula="Points of reviews / reviews. It counts for whose work was judged, as it stands after an appeal; those"
        " of a calibration do not count.",
        top=Side("points", lambda t: Decimal(t.points) / 10, ("reviews",), Unit.POINTS), bottom=_REVIEWS,
    ),
    Figure(
        code="reviews", name="Reviews", group=Group.QUALITY, unit=Unit.COUNT,
        formula="Reviews of calls by scorecards, without those of a calibration.", top=_REVIEWS,
    ),
    Figure(
        code="zeroed", name="Reviews that came to nought", group=Group.QUALITY, unit=Unit.SHARE,
        formula="Reviews in which something critical was not fulfilled / reviews.",
        top=Side("came to nought", lambda t: t.zeroed, ("zeroed",)), bottom=_REVIEWS,
    ),
    Figure(
        code="conversion", name="Conversion", group=Group.SALES, unit=Unit.SHARE,
        formula="Answered calls in which an order was made, or a new order was confirmed / answered calls. Each order"
        " belongs to one call: the one in which it was made, else the first that confirmed it; orders that were called"
        " off or sent back do not count.",
        top=Side("calls with an order", lambda t: t.sold, ("sold",)), bottom=_ANSWERED,
    ),
    Figure(
        code="orders", name="Orders", group=Group.SALES, unit=Unit.COUNT,
        formula="Orders of the calls, not called off and not sent back.",
        top=Side("orders", lambda t: t.orders, ("orders",)),
    ),
    Figure(
        code="paid", name="Paid orders", group=Group.SALES, unit=Unit.SHARE,
        formula="Orders of the calls that are paid in full by now / orders of the calls.",
        top=Side("paid in full", lambda t: t.paid_orders, ("paid_orders",)),
        bottom=Side("orders", lambda t: t.orders, ("orders",)),
    ),
    Figure(
        code="revenue", name="Revenue", group=Group.SALES, unit=Unit.MONEY,
        formula="What is paid by now of the orders of the calls.",
        top=Side("paid", lambda t: t.orders, ("orders",)), money=lambda t: t.revenue,
    ),
    Figure(
        code="revenue_minute", name="Revenue a minute", group=Group.SALES, unit=Unit.MONEY_A_MINUTE,
        formula="What is paid by now of the orders of the calls / minutes of talk of all answered calls.",
        top=Side("paid", lambda t: t.orders, ("orders",)), bottom=_TALK, money=lambda t: t.revenue,
    ),
    Figure(
        code="margin", name="Margin", group=Group.SALES, unit=Unit.MONEY, purchases=True,
        formula="What the goods of paid orders brought (without delivery) − what they cost us. Orders of which a"
        " purchase price is not known do not count.",
        top=Side("margin", lambda t: t.priced, ("priced",)), money=lambda t: t.margin,
    ),
    Figure(
        code="margin_minute", name="Margin a minute", group=Group.SALES, unit=Unit.MONEY_A_MINUTE, purchases=True,
        formula="Margin of the orders of the calls / minutes of talk of all answered calls.",
        top=Side("margin", lambda t: t.priced, ("priced",)), bottom=_TALK, money=lambda t: t.margin,
    ),
)  # fmt: skip


def fields_of(figures: Iterable[Figure]) -> frozenset[str]:
    """The fields of the tally out of which these figures are worked out; the reasons of pauses go with the pauses."""
    touched: set[str] = set()

    class Touched(Tally):
        def __getattribute__(self, name: str) -> Any:
            touched.add(name)
            return super().__getattribute__(name)

    for figure in figures:
        figure.of(Touched())
    if "paused_us" in touched:
        touched.add("pauses")
    return frozenset(touched)


BY_CODE: Mapping[str, Figure] = {figure.code: figure for figure in FIGURES}
