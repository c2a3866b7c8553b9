"""When the floor is warned: state of this second, rules -> what is raised and what is over. Pure.

In:      `Now`, the rules, what is watched already
Out:     what is watched from now on, what is raised, what is over
Nothing flaps: what is raised stays until it was calm for a while without a break, and a share must rise a little above
the bound that it fell below. What can not be seen (its switchboard is away) is neither raised nor over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from crm_core.alert import About
from crm_core.alert_rule import Kind

QUIET_S = 15.0  # so long a queue must be calm again
SLOW_QUIET_S = 60.0  # what changes by and by
BACK_S = 10.0  # so long a switchboard must have been there again
ABOVE = 3  # per cent above the bound
FEW = 5  # callers of whom no share is told
STATES: Mapping[str, str] = {Kind.PAUSE: "paused", Kind.WRAP_UP: "wrap_up", Kind.HELD: "held"}
THERE = ("available", "ringing", "dialling", "talking", "held", "wrap_up")


class Rule(Protocol):
    """`crm_core.alert_rule.AlertRule` fits."""

    id: int
    kind: str
    queue: str | None
    reason: str | None
    bound: int
    minutes: int | None


@dataclass(frozen=True, kw_only=True)
class Person:
    """An operator as far as alerts go; `reason`: code of his pause, `held_at`: since when his customer is on hold."""

    id: int
    name: str
    state: str
    since: datetime
    reason: str | None = None
    says: str | None = None
    held_at: datetime | None = None
    seen: bool = True


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue: since when somebody waits there, and its members by what they do."""

    name: str
    waits_since: datetime | None
    members: Mapping[str, int]
    seen: bool = True


@dataclass(frozen=True, kw_only=True)
class Now:
    """The floor at one instant. `links`: since when each switchboard is away (None: it is there). `level`: of a queue
    (None: of all) and of so many minutes, how many were answered in time, and of how many. `missing`: recordings not
    found in so many minutes. `open_`: some line is open by its hours."""

    at: datetime
    people: Sequence[Person] = ()
    queues: Sequence[Queue] = ()
    links: Mapping[str, datetime | None]
    level: Callable[[str | None, int], tuple[int, int]]
    missing: Callable[[int], int]
    open_: bool = False


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What one rule finds of one thing. `for_s`: it must be so for that long; `quiet_s`: and calm that long."""

    key: str
    rule_id: int
    about: About
    of: str
    text: str
    over: bool
    calm: bool
    for_s: float = 0.0
    quiet_s: float = 0.0


@dataclass(frozen=True)
class Watched:
    """Since when something is over its bound, whether it was raised, since when it is calm again."""

    over_since: datetime | None = None
    raised: bool = False
    calm_since: datetime | None = None


Known = Mapping[str, Watched]


def step(
    known: Known, facts: Iterable[Fact], now: datetime, *, whole: bool
) -> tuple[dict[str, Watched], list[Fact], list[str]]:
    """What is watched after this second, what is raised, the keys of what is over.

    `whole`: everything was seen, so what no fact tells of is over.
    """
    after: dict[str, Watched] = {}
    raised: list[Fact] = []
    cleared: list[str] = []
    for fact in facts:
        before = known.get(fact.key, Watched())
        it = _seen(before, fact, now)
        if it.raised and not before.raised:
            raised.append(fact)
        if before.raised and not it.raised:
            cleared.append(fact.key)
        if it != Watched():
            after[fact.key] = it
    for key in known.keys() - {fact.key for fact in facts}:
        if not whole:
            after[key] = known[key]
        elif known[key].raised:
            cleared.append(key)
    return after, raised, cleared


def _seen(before: Watched, fact: Fact, now: datetime) -> Watched:
    over_since = (before.over_since or now) if fact.over else None
    if not before.raised:
        long_enough = over_since is not None and now - over_since >= timedelta(seconds=fact.for_s)
        return Watched(over_since, raised=long_enough)
    calm_since = (before.calm_since or now) if fact.calm else None
    if calm_since is not None and now - calm_since >= timedelta(seconds=fact.quiet_s):
        return Watched()
    return Watched(over_since, raised=True, calm_since=calm_since)


def facts(now: Now, rules: Iterable[Rule], known: Known) -> list[Fact]:
    """What the rules find; of what is neither over nor watched there is nothing to tell."""
    found = (fact for rule in rules for fact in _found(now, rule, known))
    return [fact for fact in found if fact.over or fact.key in known]


def _found(now: Now, rule: Rule, known: Known) -> Iterator[Fact]:
    match rule.kind:
        case Kind.WAITING | Kind.NO_OPERATOR | Kind.SERVICE_LEVEL:
            for queue in now.queues:
                if queue.seen and rule.queue in (None, queue.name):
                    yield _of_queue(now, rule, queue)
        case Kind.PAUSE | Kind.WRAP_UP | Kind.HELD:
            for person in now.people:
                watched = f"{rule.id}:{About.OPERATOR}:{person.id}" in known
                if person.seen and (person.state == STATES[rule.kind] or watched):
                    yield _of_person(now, rule, person)
        case Kind.SWITCHBOARD:
            for name, away_since in now.links.items():
                away = away_since is not None
                yield _fact(
                    rule, About.SWITCHBOARD, name, f"No connection to the switchboard {name}",
                    over=away, for_s=rule.bound, quiet_s=BACK_S,
                )  # fmt: skip
        case Kind.RECORDING:
            missing = now.missing(rule.minutes or 0)
            said = f"{missing} of the recordings of the last {rule.minutes} minutes were not found"
            yield _fact(rule, About.HOUSE, "", said, over=missing >= rule.bound, quiet_s=SLOW_QUIET_S)


def _of_queue(now: Now, rule: Rule, queue: Queue) -> Fact:
    name, waits = queue.name, queue.waits_since
    if rule.kind == Kind.WAITING:
        over = waits is not None and now.at - waits > timedelta(seconds=rule.bound)
        said = f"{name}: somebody waits longer than {_lasted(rule.bound)}"
        return _fact(rule, About.QUEUE, name, said, over=over, quiet_s=QUIET_S)
    if rule.kind == Kind.NO_OPERATOR:
        nobody = not any(queue.members.get(state) for state in THERE)
        over = nobody and (waits is not None or (now.open_ and bool(queue.members)))
        return _fact(
            rule, About.QUEUE, name, f"{name}: nobody is there to take calls",
            over=over, for_s=rule.bound, quiet_s=QUIET_S,
        )  # fmt: skip
    in_time, of = now.level(name, rule.minutes or 0)
    share = 100 * in_time / of if of else 100.0
    said = (
        f"{name}: {share:.0f} % answered in time in the last {rule.minutes} minutes, less than {rule.bound} %"
    )
    fact = _fact(rule, About.QUEUE, name, said, over=of >= FEW and share < rule.bound, quiet_s=SLOW_QUIET_S)
    return replace(fact, calm=not of or share >= min(100, rule.bound + ABOVE))


def _of_person(now: Now, rule: Rule, person: Person) -> Fact:
    here, since, bound = person.state == STATES[rule.kind], person.since, rule.bound
    what = "in wrap-up"
    if rule.kind == Kind.PAUSE:
        here = here and rule.reason in (None, person.reason)
        bound, what = rule.bound * 60, f"paused ({person.says or 'no reason given'})"
    elif rule.kind == Kind.HELD:
        since, what = person.held_at or since, "has a customer on hold"
    over = here and now.at - since > timedelta(seconds=bound)
    said = f"{person.name}: {what} for more than {_lasted(bound)}"
    return _fact(rule, About.OPERATOR, str(person.id), said, over=over)


def _fact(
    rule: Rule, about: About, of: str, said: str, *, over: bool, for_s: float = 0.0, quiet_s: float = 0.0
) -> Fact:
    return Fact(
        key=f"{rule.id}:{about}:{of}", rule_id=rule.id, about=about, of=of, text=said,
        over=over, calm=not over, for_s=for_s, quiet_s=quiet_s,
    )  # fmt: skip


def _lasted(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}" if seconds < 3600 else f"{seconds // 60} min"
