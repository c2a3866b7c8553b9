"""Things that may happen in a call centre around the night on which the hour comes twice, drawn at random."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from crm_core.figure.period import Period
from crm_core.figure.rows import (
    Call,
    Heard,
    Judgement,
    Made,
    Moved,
    Order,
    Promise,
    Ring,
    Rows,
    Span,
    Visit,
    Vote,
)
from crm_core.figure.rules import Rules, Target

ZONES = ("Europe/Warsaw", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "America/St_Johns")
NIGHT = datetime(2026, 10, 24, 20, tzinfo=UTC)  # in Warsaw summer time ends five hours later
NOW = NIGHT + timedelta(days=9)
USERS, LINES, CUSTOMERS, QUEUES = (1, 2, 3), (1, 2), (1, 2), ("sales", "orders")
SOURCES = {2: "Ads"}  # of customers
SCRIPTS = (1, 2)
NUMBERS = ("+48601220114", "+48601220115", "+48601220116")
RULES = Rules(now=NOW, targets={None: Target(20, 5), "sales": Target(10, 2)})
STATES = ("offline", "available", "ringing", "dialling", "talking", "held", "wrap_up", "paused")
_MOVES = (
    ("new", "confirmed"),
    ("new", "new.waits"),
    ("new.waits", "packed"),
    ("packed", "done"),
    ("new", "cancelled"),
)


def period(random: Random) -> Period:
    """A few hours or days, which need not begin at any full hour."""
    since = NIGHT + timedelta(seconds=random.randint(-9000, 9000))
    return Period(
        since, since + timedelta(seconds=random.randint(1, 100_000)), ZoneInfo(random.choice(ZONES))
    )


def happenings(random: Random, calls: int = 12) -> Rows:
    """Rows that a database takes: of one operator no two spans overlap."""
    here = [_call(random, id_) for id_ in range(1, calls + 1)]
    ids = [it.id for it in here]
    some = [ids[0], *(id_ for id_ in ids if random.random() < 0.5)]
    return Rows(
        calls=here,
        visits=[_visit(random, id_) for id_ in some for _ in range(random.randint(0, 2))],
        rings=[_ring(random, id_) for id_ in ids for _ in range(random.randint(0, 2))],
        spans=[span for user in USERS for span in _shift(random, user, here)],
        promises=[_promise(random, ids) for _ in range(4)],
        made=[  # a call is linked with an order once
            Made(id_, random.randint(1, 4), call, random.random() < 0.7)
            for id_, call in enumerate(random.sample(ids, 3), 1)
        ],
        moved=[
            Moved(id_, random.randint(1, 6), random.choice([None, *ids]), *random.choice(_MOVES))
            for id_ in range(1, 6)
        ],
        orders=[_order(random, id_) for id_ in range(1, 7)],
        votes=[Vote(id_, random.randint(1, 5)) for id_ in sorted(set(some))],
        judgements=[
            Judgement(id_, user, random.randint(0, 1000), random.random() < 0.3)
            for id_ in sorted(set(some))
            for user in random.sample(USERS, random.randint(0, 2))
        ],
    )


def instant(random: Random) -> datetime:
    away = random.choice((timedelta(hours=20), timedelta(hours=20), timedelta(days=9)))
    return NIGHT + timedelta(
        microseconds=random.randint(-1, 1) * random.randint(0, away // timedelta(microseconds=1))
    )


def _seconds(random: Random) -> float:
    return random.choice((0.0, 2.0, 5.0, 10.0, 20.0, round(random.uniform(0, 400), 3)))


def _call(random: Random, id_: int) -> Call:
    direction = random.choice(("inbound", "inbound", "inbound", "outbound", "internal"))
    result = random.choice(("answered", "answered", "answered", "abandoned", "no_answer", None))
    missed = direction == "inbound" and result in ("abandoned", "no_answer")
    timed = random.random() < 0.9
    customer = random.choice((None, None, *CUSTOMERS))
    return Call(
        id=id_,
        started_at=instant(random),
        direction=direction,
        result=result,
        missed_place=random.choice(("queue", "ringing", "after_hours", "blocked")) if missed else None,
        operator=random.choice((None, *USERS)) if result == "answered" else None,
        queue=random.choice((None, *QUEUES)),
        line=random.choice((None, *LINES)),
        customer=customer,
        source=SOURCES.get(customer),
        script=random.choice((None, *SCRIPTS)),
        number=random.choice((None, *NUMBERS)),
        wait_s=_seconds(random),
        talk_s=_seconds(random) if timed else None,
        hold_s=_seconds(random) if timed else None,
        givers=tuple(random.choice((None, *USERS)) for _ in range(random.choice((0, 0, 0, 1, 2)))),
        heard=_heard(random) if random.random() < 0.5 else None,
    )


def _heard(random: Random) -> Heard:
    operator, customer, silence, longest = (random.randint(0, 9999) for _ in range(4))
    return Heard(operator, customer, silence, operator + customer + silence, random.randint(0, 3), longest)


def _visit(random: Random, call: int) -> Visit:
    outcomes = ("answered", "answered", "abandoned", "abandoned", "timeout", "full", "withdrawn", None)
    return Visit(call, random.choice(QUEUES), _seconds(random), random.choice(outcomes))


def _ring(random: Random, call: int) -> Ring:
    result = random.choice(("answered", "no_answer", "declined", "cancelled", None))
    rang_s = random.choice((None, _seconds(random)))
    return Ring(call, random.choice((None, *USERS)), random.choice((None, *QUEUES)), result, rang_s)


def _shift(random: Random, user: int, calls: list[Call]) -> list[Span]:
    """What one operator did, without gap; the last goes on."""
    edges = sorted({instant(random) for _ in range(random.randint(2, 12))})
    edges = [edge for edge in edges if edge < NOW]
    spans = []
    for since, until in zip(edges, [*edges[1:], NOW], strict=True):
        state = random.choice(STATES)
        call = random.choice([None, *(it.id for it in calls)]) if state == "wrap_up" else None
        reason = random.choice((None, "lunch", "break")) if state == "paused" else None
        spans.append(Span(user, state, reason, call, since, until))
    return spans


def _promise(random: Random, calls: list[int]) -> Promise:
    due, state = instant(random), random.choice(("open", "done", "done", "cancelled"))
    done = due + timedelta(minutes=random.choice((-30, -1, 0, 1))) if state != "open" else None
    return Promise(random.choice((None, *USERS)), random.choice((None, *calls)), due, state, done)


def _order(random: Random, id_: int) -> Order:
    total = Decimal(random.choice((0, 1999, 5000, 12345))) / 100
    paid = random.choice((total, total, Decimal(0), total / 2)).quantize(Decimal("0.01"))
    delivery = min(total, Decimal("4.90"))
    cost = random.choice((None, Decimal("3.30"), Decimal("20.00")))
    status = random.choice(("new", "confirmed", "done", "done.kept", "cancelled"))
    return Order(id_, status, random.choice(("EUR", "PLN")), total, paid, delivery, cost)
