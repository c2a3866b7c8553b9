"""Who hands a call on to whom, and who watches what becomes of it. Pure.

In:      a `Call` before and after a step, the `Directory`
Out:     what must be done about it: offered, kept after all, taken
Source:  design.md section 5; row N6 of the feature table
Who talked comes from bridges, so a transfer from the card, by keys of the telephone, a pick-up, a fetch from a
parking slot and a second time in a queue all look the same: somebody else talks now.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from callcenter.call import Call, Direction, Kind
from callcenter.consult import Stage, consult_of
from callcenter.directory import Directory


@dataclass(frozen=True)
class Offered:
    """He sends the call on; nobody has it yet."""

    giver: int


@dataclass(frozen=True)
class Withdrawn:
    """He asked somebody and keeps the call."""

    giver: int


@dataclass(frozen=True)
class Taken:
    """Somebody else talks now. `giver` None: nobody talked before him, other telephones rang too."""

    giver: int | None
    taker: int


Step = Offered | Withdrawn | Taken


def steps(before: Call | None, after: Call, directory: Directory) -> Iterator[Step]:
    """Yield what this step of a call means for who has it."""
    if after.direction is Direction.INTERNAL or after.ended_at is not None:
        return
    now = passed(after, directory)
    asks, asked = asking(after, directory), asking(before, directory) if before else None
    if asks is not None and asks != asked:
        yield Offered(asks)
    sender = (
        _sender(after, directory) if len(after.transfers) > len(before.transfers if before else ()) else None
    )
    if sender is not None and (now is None or now[0] != sender):
        yield Offered(sender)
    if asked is not None and asks is None and asked in talking(after, directory):
        yield Withdrawn(asked)
    if now is not None and (before is None or passed(before, directory) != now):
        yield Taken(*now)


def passed(call: Call, directory: Directory) -> tuple[int | None, int] | None:
    """Return who had the call and who has it now; None while nobody followed anybody."""
    people, here = talkers(call, directory), talking(call, directory)
    if not people or people[-1] not in here:
        return None
    if len(people) > 1:
        return None if people[-2] in here else (people[-2], people[-1])
    rang = {directory.operator_at(call.pbx, leg.extension) for leg in call.legs}
    return (None, people[0]) if any(one is not None and one.id != people[0] for one in rang) else None


def talkers(call: Call, directory: Directory) -> tuple[int, ...]:
    """Return the operators who talked, in turn, neighbours never equal."""
    known = [directory.operator_at(call.pbx, extension) for extension in call.operators]
    people = [operator.id for operator in known if operator is not None]
    return tuple(one for i, one in enumerate(people) if i == 0 or people[i - 1] != one)


def talking(call: Call, directory: Directory) -> frozenset[int]:
    """Return the operators who have the customer now."""
    known = (directory.operator_at(call.pbx, extension) for extension in call.talking)
    return frozenset(operator.id for operator in known if operator is not None)


def asking(call: Call, directory: Directory) -> int | None:
    """Return the operator who asks somebody about this call."""
    consult = consult_of(call)
    if consult is None or consult.stage is Stage.HOLD:
        return None
    return next(iter(talking(call, directory)), None)


def handed_on(call: Call) -> bool:
    """Whether whoever talked last has sent the customer on, who still waits for somebody."""
    last = call.transfers[-1] if call.transfers else None
    if last is None or last.kind == "park" or last.sender != call.operator or call.talking:
        return False
    return any(c.kind is Kind.TRUNK and not c.wants_out for c in call.live_channels)


def watchers(call: Call, directory: Directory) -> frozenset[int]:
    """Return who had this call before and may see what becomes of it while it lives."""
    if call.ended_at is not None or not (call.talking or handed_on(call)):
        return frozenset()
    return frozenset(talkers(call, directory)) - talking(call, directory)


def _sender(call: Call, directory: Directory) -> int | None:
    last = call.transfers[-1]
    operator = directory.operator_at(call.pbx, last.sender)
    return operator.id if operator is not None and last.kind != "park" else None
