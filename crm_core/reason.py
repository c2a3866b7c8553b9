"""Why somebody probably calls, told from what his card shows. Pure: the same card gives the same answer.

In:      the card of `crm_core.card` and the instant
Out:     reasons, the likeliest first, each with its share of all and with the evidence in words
How:     each fact gives points to one reason (`_POINTS` and the functions below say how many). The share of a reason
         is its points divided by all points, and those of "something else", which are always there. So a further fact
         for a reason never makes it less likely, and all shares together are 1.
What an operator says afterwards (`Outcome.about`) shows how often this was right: the page of calibration.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from crm_core.order_status import TO_BRING, Group, Status, group_of

LATE, ON_THE_WAY, UNPAID, PLACED = "late_parcel", "parcel_on_the_way", "unpaid_order", "order_just_placed"
MISSED, CALLBACK, TASK, PROMISE = "missed_call", "callback_promised", "task_due", "promise"
COMPLAINT, CART, DEAL, OTHER = "complaint", "left_cart", "open_deal", "something_else"
KNOWN = {
    LATE: "Late parcel",
    ON_THE_WAY: "Parcel on the way",
    UNPAID: "Unpaid order",
    PLACED: "Order just placed",
    MISSED: "We missed their call",
    CALLBACK: "A callback was promised",
    TASK: "Something is to be done for them",
    PROMISE: "We promised something",
    COMPLAINT: "Complaint or return",
    CART: "Cart left in the shop",
    DEAL: "Deal under way",
    OTHER: "Something else",
}
POINTS = {
    LATE: 6.0,  # and 1 for each further day, up to 4
    ON_THE_WAY: 2.0,
    UNPAID: 2.0,  # and 2 when the order is less than a day old: paying has just failed, or is just being done
    PLACED: 2.5,  # within two hours; half of it within two days
    MISSED: 5.0,  # within four hours; half of it within a day
    CALLBACK: 5.0,  # due; half of it when it is still to come
    PROMISE: 6.0,  # late; a third of it when there is still time
    TASK: 2.0,  # overdue; half of it when it is still to come
    COMPLAINT: 5.0,  # a return or complaint of the last two weeks
    CART: 1.5,
    DEAL: 1.0,
    OTHER: 2.0,
}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing on the card that speaks for a reason. `words` with `values` make the sentence; `kind` and `id` name
    what it is about (an order, a deal), if anything."""

    reason: str
    points: float
    words: str
    values: Mapping[str, Any]
    kind: str | None = None
    id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A reason, its share of all (0 to 1), and why."""

    reason: str
    share: float
    facts: Sequence[Fact]


def forecast(card: Mapping[str, Any], now: datetime, *, most: int = 3) -> list[dict[str, Any]]:
    """The likeliest reasons as they stand on the card; none where nothing speaks for any."""
    found = [guess for guess in weigh(list(facts(card, now))) if guess.reason != OTHER][:most]
    return [asdict(guess) | {"share": round(guess.share, 3), "label": KNOWN[guess.reason]} for guess in found]


def weigh(known: Sequence[Fact]) -> list[Guess]:
    """Every reason that has points and "something else", the likeliest first; their shares make 1."""
    points = {OTHER: POINTS[OTHER]}
    for fact in known:
        points[fact.reason] = points.get(fact.reason, 0.0) + fact.points
    whole = sum(points.values())
    found = [
        Guess(
            reason=reason,
            share=sum_ / whole,
            facts=sorted((fact for fact in known if fact.reason == reason), key=lambda fact: -fact.points),
        )
        for reason, sum_ in points.items()
    ]
    return sorted(found, key=lambda guess: (-guess.share, guess.reason))


def facts(card: Mapping[str, Any], now: datetime) -> Iterator[Fact]:
    """Everything on the card that speaks for a reason."""
    for order in card.get("orders") or ():
        yield from _of_order(order, now)
    for task in card.get("tasks") or ():
        yield from _of_task(task, now)
    for promise in card.get("promises") or ():
        late = _at(promise["due_at"]) < now
        words = "“{what}” was promised for {ago}" if late else "“{what}” is promised"
        values = {"what": promise["text"]} | (_ago(promise["due_at"]) if late else {})
        points = POINTS[PROMISE] if late else POINTS[PROMISE] / 3
        yield Fact(reason=PROMISE, points=points, words=words, values=values)
    yield from _of_calls(card.get("calls") or (), now)
    if cart := card.get("cart"):
        values = {"total": _sum(cart["total"], cart["currency"])}
        yield Fact(
            reason=CART, points=POINTS[CART], words="a cart of {total} was left in the shop", values=values
        )
    for deal in card.get("deals") or ():
        if deal.get("open"):
            values = {"deal": deal["title"], "stage": deal["stage_label"]}
            yield Fact(
                reason=DEAL,
                points=POINTS[DEAL],
                words="{deal}: {stage}",
                values=values,
                kind="deal",
                id=deal["id"],
            )


def _of_order(order: Mapping[str, Any], now: datetime) -> Iterator[Fact]:
    about: dict[str, Any] = {"kind": "order", "id": order["id"]}
    name = {"order": order["number"]}
    age = now - _at(order["created_at"])
    group = group_of(order["status"])
    promised = _at(order["promised_at"]) if order.get("promised_at") else None
    waited_for = group in TO_BRING
    if promised is not None and promised < now and waited_for:
        days = (now - promised) // DAY
        points = POINTS[LATE] + min(days, 4)
        words = (
            "{order} is {days} days over what was promised"
            if days > 1
            else "{order} is over what was promised"
        )
        yield Fact(reason=LATE, points=points, words=words, values=name | {"days": days}, **about)
    elif group is Group.DELIVERY:
        yield Fact(
            reason=ON_THE_WAY, points=POINTS[ON_THE_WAY], words="{order} is on the way", values=name, **about
        )
    owed = Decimal(order["total"]) - Decimal(order.get("paid") or 0)
    if order.get("open") and owed > 0 and waited_for:
        points = POINTS[UNPAID] * (2 if age < DAY else 1)
        values = name | {"sum": _sum(owed, order["currency"])}
        yield Fact(
            reason=UNPAID, points=points, words="{sum} of {order} are not paid", values=values, **about
        )
    if order.get("open") and age < 2 * DAY and group in (Group.NEW, Group.WORK):
        points = POINTS[PLACED] if age < 2 * HOUR else POINTS[PLACED] / 2
        yield Fact(
            reason=PLACED,
            points=points,
            words="{order} was placed {ago}",
            values=name | _ago(order["created_at"]),
            **about,
        )
    if order["status"] == Status.RETURNED and age < 30 * DAY:
        yield Fact(
            reason=COMPLAINT, points=POINTS[COMPLAINT], words="{order} came back", values=name, **about
        )


def _of_task(task: Mapping[str, Any], now: datetime) -> Iterator[Fact]:
    late = bool(task.get("overdue"))
    reason = CALLBACK if task.get("kind") == "callback" else TASK
    points = POINTS[reason] if late else POINTS[reason] / 2
    if reason == CALLBACK and task.get("reason") == "Missed call":
        return  # the missed call itself is told among the calls
    words = "{what} was due {ago}" if late else "{what}"
    ago = _ago(task["due_at"]) if late else {}
    yield Fact(reason=reason, points=points, words=words, values={"what": task.get("reason") or ""} | ago)


def _of_calls(calls: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[Fact]:
    """A call that we missed and that nobody answered since; a complaint that was recorded lately."""
    inbound = [call for call in calls if call.get("direction") == "inbound"]
    talked = [_at(call["started_at"]) for call in calls if call.get("result") == "answered"]
    missed = [
        call
        for call in inbound
        if call.get("result") in ("abandoned", "no_answer", "overflow", "after_hours")
    ]
    for call in missed[:1]:
        at = _at(call["started_at"])
        if now - at < DAY and not any(talk > at for talk in talked):
            points = POINTS[MISSED] if now - at < 4 * HOUR else POINTS[MISSED] / 2
            yield Fact(
                reason=MISSED,
                points=points,
                words="we missed their call {ago}",
                values=_ago(call["started_at"]),
            )
    for call in calls:
        at = _at(call["started_at"])
        if COMPLAINT in (call.get("about") or ()) and now - at < 14 * DAY:
            words = "they complained {ago}"
            yield Fact(
                reason=COMPLAINT, points=POINTS[COMPLAINT], words=words, values=_ago(call["started_at"])
            )
            return


def _ago(at: str | datetime) -> dict[str, Any]:
    """An instant, for the page to say how long ago it was."""
    return {"ago": at if isinstance(at, str) else at.isoformat()}


def _sum(amount: object, currency: str | None) -> dict[str, Any]:
    return {"amount": str(amount), "currency": currency}


def _at(instant: str | datetime) -> datetime:
    return instant if isinstance(instant, datetime) else datetime.fromisoformat(instant)
