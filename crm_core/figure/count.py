"""Rows of what happened -> tallies. Pure; what counts where stands in `period`.

By operator a call counts for whoever talked last in it, a ring for whose telephone rang, a wrap-up for whoever did it,
a transfer for whoever passed the call on, a stay in a queue for whoever talked last if it was answered and else for
nobody, a vote for whoever talked last, a review for whose work it judges. What operators did is of no queue and of no
line.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crm_core.figure.period import By, Key, Period, clock_key, quarters
from crm_core.figure.rows import Call, Heard, Made, Moved, Order, Promise, Ring, Rows, Span, Visit
from crm_core.figure.rules import Rules
from crm_core.figure.tally import NOTHING, SECOND, Tally
from crm_core.order_status import Group, group_of, is_released

Counted = Iterator[tuple[Key, Tally]]


@dataclass(frozen=True)
class Whose:
    """To what of a call a tally belongs: the call, whoever answers for this part of it, and the queue it stood in."""

    call: Call
    who: int | None
    queue: str | None = None

    def key(self, by: By, period: Period) -> Key:
        """Under which key it counts."""
        match by:
            case By.OPERATOR:
                return self.who
            case By.QUEUE:
                return self.queue or self.call.queue
            case By.LINE:
                return self.call.line
            case By.SOURCE:
                return self.call.source
            case By.SCRIPT:
                return self.call.script
        return clock_key(by, self.call.started_at, period.zone)


LET_GO = ("timeout", "leave_empty", "key_exit", "let_go", "withdrawn")
REFUSED = ("full", "join_empty")
LOW = 2  # stars
UNANSWERED = ("no_answer", "declined", "busy")
STATES = ("available", "ringing", "dialling", "talking", "held", "wrap_up", "paused")
_MICROSECOND = timedelta(microseconds=1)


def count(rows: Rows, period: Period, by: By, rules: Rules) -> dict[Key, Tally]:
    """The tally of every key of which there is something."""
    return gather(_Ledger(rows, period, by, rules).all())


def count_calls(rows: Rows, period: Period, rules: Rules) -> Iterator[tuple[Whose, Tally]]:
    """What its calls, rings and stays in queues count, each once: whoever wants it by several keys asks `Whose`."""
    return _Ledger(rows, period, By.ALL, rules).calls()


def gather(counted: Iterable[tuple[Key, Tally]]) -> dict[Key, Tally]:
    """What was counted, by key."""
    found: dict[Key, Tally] = defaultdict(lambda: NOTHING)
    for key, tally in counted:
        found[key] += tally
    return dict(found)


def micros(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND)


class _Ledger:
    def __init__(self, rows: Rows, period: Period, by: By, rules: Rules) -> None:
        self._rows, self._period, self._by, self._rules = rows, period, by, rules
        self._calls = {call.id: call for call in rows.calls}
        self._here = {it.id for it in rows.calls if _external(it) and period.holds(it.started_at)}
        self._known = _Known(rows.calls)

    def all(self) -> Counted:
        """Each row that counts, with the key under which it does."""
        yield from ((whose.key(self._by, self._period), tally) for whose, tally in self.calls())
        for span in self._rows.spans:
            yield from self._wrap_up(span)
            yield from self._span(span)
        for promise in self._rows.promises:
            yield from self._promise(promise)
        yield from self._opinions()
        yield from self._sales()

    def calls(self) -> Iterator[tuple[Whose, Tally]]:
        """What calls, rings and stays in queues count."""
        for call in self._rows.calls:
            if call.id in self._here:
                yield Whose(call, call.operator), self._call(call)
                yield from ((Whose(call, giver), Tally(transfers=1)) for giver in call.givers)
        for visit in self._rows.visits:
            if call_ := self._of(visit.call):
                who = call_.operator if visit.outcome == "answered" else None
                yield Whose(call_, who, visit.queue), self._visit(visit)
        for ring in self._rows.rings:
            if call_ := self._of(ring.call):
                yield Whose(call_, ring.user, ring.queue), _ring(ring)

    def _of(self, call_id: int | None) -> Call | None:
        return self._calls[call_id] if call_id in self._here and call_id is not None else None

    def _key(self, call: Call, who: int | None) -> Key:
        return Whose(call, who).key(self._by, self._period)

    def _call(self, call: Call) -> Tally:
        inbound, answered = call.direction == "inbound", call.result == "answered"
        timed = answered and call.talk_s is not None
        again, settled, judged = self._again(call) if inbound else (0, 0, 0)
        to_recover = int(call.missed_place not in (None, "blocked") and call.number is not None)
        return Tally(
            inbound=inbound,
            outbound=not inbound,
            answered_in=inbound and answered,
            answered_out=not inbound and answered,
            missed=call.missed_place not in (None, "blocked", "after_hours"),
            missed_closed=call.missed_place == "after_hours",
            waited_us=micros(call.wait_s or 0) if inbound and answered else 0,
            timed=timed,
            talk_us=micros(call.talk_s or 0) if timed else 0,
            hold_us=micros(call.hold_s or 0) if timed else 0,
            known_in=inbound and _is_known(call),
            repeats=again,
            settled=settled,
            judged=judged,
            to_recover=to_recover,
            recovered=to_recover and self._reached(call),
            **(_heard(call.heard) if answered and call.heard else {}),
        )

    def _again(self, call: Call) -> tuple[int, int, int]:
        """Called before; needed no other call; the days after it are over."""
        days, at = self._rules.again_within, call.started_at
        before = _is_known(call) and self._known.called(call, at - days, at - _MICROSECOND)
        judged = _is_known(call) and call.result == "answered" and at + days <= self._rules.now
        after = self._known.called(call, at + _MICROSECOND, at + days)
        return int(before), int(judged and not after), int(judged)

    def _reached(self, call: Call) -> int:
        at = call.started_at
        return int(self._known.talked(call, at + _MICROSECOND, at + self._rules.reach_within))

    def _visit(self, visit: Visit) -> Tally:
        target = self._rules.target(visit.queue)
        wait, answered, gone = micros(visit.wait_s), visit.outcome == "answered", visit.outcome == "abandoned"
        in_time = answered and wait <= target.target_s * SECOND
        return Tally(
            queue_answered=answered,
            queue_wait_us=wait if answered else 0,
            in_target=in_time,
            in_target_wait_us=wait if in_time else 0,
            abandoned=gone,
            abandoned_wait_us=wait if gone else 0,
            short=gone and wait <= target.short_s * SECOND,
            let_go=visit.outcome in LET_GO,
            refused=visit.outcome in REFUSED,
        )

    def _wrap_up(self, span: Span) -> Counted:
        call = self._of(span.call)
        if span.state != "wrap_up" or call is None:
            return
        latest = call.started_at + self._rules.wrap_within
        if span.since <= call.started_at - self._rules.wrap_within:
            return
        lasted = (min(span.until, latest) - max(span.since, call.started_at)) // _MICROSECOND
        if lasted > 0:
            yield self._key(call, span.user), Tally(wrap_us=lasted)

    def _span(self, span: Span) -> Counted:
        if span.state not in STATES:
            return
        for since, until in quarters(*self._period.cut(span.since, span.until)):
            lasted = (until - since) // _MICROSECOND
            pauses = {span.reason or "": lasted} if span.state == "paused" else {}
            key = span.user if self._by is By.OPERATOR else clock_key(self._by, since, self._period.zone)
            facts: dict[str, Any] = {f"{span.state}_us": lasted, "pauses": pauses}
            yield key, Tally(**facts)

    def _promise(self, promise: Promise) -> Counted:
        due = promise.due_at
        if promise.state == "cancelled" or not self._period.holds(due) or due > self._rules.now:
            return
        call = self._calls.get(promise.call) if promise.call is not None else None
        keys: dict[By, Key] = {
            By.OPERATOR: promise.user,
            By.QUEUE: call.queue if call else None,
            By.LINE: call.line if call else None,
            By.SOURCE: call.source if call else None,
            By.SCRIPT: call.script if call else None,
        }
        key = keys.get(self._by, clock_key(self._by, due, self._period.zone))
        done = promise.state == "done" and promise.done_at is not None and promise.done_at <= due
        yield key, Tally(due=1, kept=int(done))

    def _opinions(self) -> Counted:
        for vote in self._rows.votes:
            if (call := self._of(vote.call)) and call.result == "answered":
                yield (
                    self._key(call, call.operator),
                    Tally(votes=1, stars=vote.stars, low_votes=vote.stars <= LOW),
                )
        for it in self._rows.judgements:
            if call := self._of(it.call):
                yield self._key(call, it.user), Tally(reviews=1, points=it.points, zeroed=it.zeroed)

    def _sales(self) -> Counted:
        orders = {order.id: order for order in self._rows.orders if not is_released(order.status)}
        selling: set[int] = set()
        for order_id, call_id in sold_in(self._rows.made, self._rows.moved).items():
            call = self._of(call_id)
            if order_id in orders and call is not None and call.result == "answered":
                key = self._key(call, call.operator)
                yield key, _order(orders[order_id])
                if call_id not in selling:
                    selling.add(call_id)
                    yield key, Tally(sold=1)


def sold_in(made: Iterable[Made], moved: Iterable[Moved]) -> Mapping[int, int]:
    """In which call each order was sold: the one in which it was made; else the first that took it out of "new"."""
    backwards = sorted(moved, key=lambda it: -it.id)
    first = {it.order: it.call for it in backwards if it.call is not None and confirms(it)}
    return first | {it.order: it.call for it in sorted(made, key=lambda it: -it.id) if it.live}


def confirms(change: Moved) -> bool:
    """Nobody had begun, and now it goes on."""
    return group_of(change.before) is Group.NEW and group_of(change.after) not in (Group.NEW, Group.LOST)


def _order(order: Order) -> Tally:
    paid = 0 < order.total <= order.paid
    earned = order.total - order.delivery - order.cost if paid and order.cost is not None else None
    return Tally(
        orders=1,
        paid_orders=paid,
        revenue={order.currency: order.paid},
        priced=earned is not None,
        margin={} if earned is None else {order.currency: earned},
    )


def _heard(it: Heard) -> dict[str, Any]:
    return {
        "heard": 1,
        "spoke_us": it.operator_ms * 1000,
        "listened_us": it.customer_ms * 1000,
        "silent_us": it.silence_ms * 1000,
        "sound_us": it.length_ms * 1000,
        "broke_in": it.broke_in,
        "longest_us": it.longest_ms * 1000,
    }


def _ring(ring: Ring) -> Tally:
    return Tally(
        rings=1,
        accepted=ring.result == "answered",
        unanswered=ring.result in UNANSWERED,
        ring_us=micros(ring.rang_s or 0),
    )


def _external(call: Call) -> bool:
    return call.direction != "internal" and call.result is not None


def _is_known(call: Call) -> bool:
    return call.customer is not None or call.number is not None


class _Known:
    """When each customer and each number called or was talked with."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._called: dict[object, list[datetime]] = defaultdict(list)
        self._talked: dict[object, list[datetime]] = defaultdict(list)
        for call in sorted(calls, key=lambda it: it.started_at):
            for party in _parties(call) if _external(call) else ():
                if call.direction == "inbound":
                    self._called[party].append(call.started_at)
                if call.result == "answered":
                    self._talked[party].append(call.started_at)

    def called(self, call: Call, since: datetime, until: datetime) -> bool:
        """Whether whoever called here also called between these instants, both in."""
        return any(_within(self._called[party], since, until) for party in _parties(call))

    def talked(self, call: Call, since: datetime, until: datetime) -> bool:
        """Whether he was talked with in a call that began between these instants, both in."""
        return any(_within(self._talked[party], since, until) for party in _parties(call))


def _parties(call: Call) -> list[object]:
    parties = (("customer", call.customer), ("number", call.number))
    return [party for party in parties if party[1] is not None]


def _within(instants: list[datetime], since: datetime, until: datetime) -> bool:
    return bisect_left(instants, since) < bisect_right(instants, until)


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    found = NOTHING
    for tally in tallies:
        found += tally
    return found
