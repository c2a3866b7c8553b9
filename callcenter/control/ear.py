"""One stay of somebody who listens to a colleague's call: which channel hears which, and in what mode. Pure.

The extension of our dialplan that his channel is in is the mode, and also the key of his telephone that changes it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from callcenter.call import Call, CallState, Channel, Direction, Kind
from callcenter.call.rules import LISTENER
from callcenter.directory import Directory, Operator
from crm_core.errors import Conflict, Forbidden, NotFound
from crm_core.listening import Mode, Span

CONTEXT = "callcenter-listen"
KEYS = {Mode.LISTEN: "4", Mode.WHISPER: "5", Mode.BARGE: "6"}
MODES = {key: mode for mode, key in KEYS.items()}

OVER = "This call is over."
NOBODY_TALKS = "Nobody of ours talks with the customer now."
AMONG_US = "Calls among colleagues are not listened to."
ONESELF = "You are in this call yourself."
NOT_YOURS = "This colleague is not in your team."
WAITING = "The customer is on hold, or somebody else is being asked. Try again when they talk."


@dataclass
class Ear:
    """`spied`: uniqueid of the operator's channel. `mode` None: the listener's telephone rings."""

    visit: UUID
    pbx: str
    call: UUID
    listener: int
    operator: int | None
    extension: str
    spied: str
    told: bool
    since: datetime
    mode: Mode | None = None
    channel: str | None = None  # the listener's own, by name
    takes_over: bool = False  # as soon as he hears
    unsure: bool = False  # the link broke while his telephone was asked for

    @property
    def uniqueid(self) -> str:
        return f"{LISTENER}{self.visit.hex}"

    def span(self, mode: Mode, at: datetime) -> Span:
        """What is written down from `at` on."""
        return Span(
            visit=self.visit,
            call_id=self.call,
            listener_id=self.listener,
            operator_id=self.operator,
            extension=self.extension,
            mode=mode,
            told=self.told,
            began_at=at,
        )


def visit_of(uniqueid: str) -> UUID | None:
    """The stay that this channel belongs to."""
    try:
        return UUID(uniqueid.removeprefix(LISTENER)) if uniqueid.startswith(LISTENER) else None
    except ValueError:
        return None


def heard_channel(
    call: Call | None, directory: Directory, listener: int, whose: frozenset[int] | None
) -> tuple[Channel, Operator | None]:
    """The operator's channel that is to be heard. `whose`: the operators he may listen to, None is all.

    Raises `NotFound` for a call that is over, `Conflict` while nobody talks or he is in it himself, `Forbidden`.
    """
    if call is None or call.ended_at is not None:
        raise NotFound(OVER)
    if call.direction is Direction.INTERNAL:
        raise Conflict(AMONG_US)
    talking = [c for c in call.live_channels if c.extension in call.talking and c.bridge is not None]
    people = [(c, directory.operator_at(call.pbx, c.extension)) for c in talking if c.extension is not None]
    if call.state not in (CallState.TALKING, CallState.HELD) or not people:
        raise Conflict(NOBODY_TALKS)
    if any(operator is not None and operator.id == listener for _, operator in people):
        raise Conflict(ONESELF)
    within = [(c, who) for c, who in people if whose is None or (who is not None and who.id in whose)]
    if not within:
        raise Forbidden(NOT_YOURS)
    return within[-1]


def customer_with(call: Call | None, spied: str) -> Channel:
    """The customer's channel while he talks with the one who is heard. Raises `NotFound`, `Conflict`."""
    if call is None or call.ended_at is not None:
        raise NotFound(OVER)
    own = call.channels.get(spied)
    room = own.bridge if own is not None else None
    found = [c for c in call.live_channels if c.kind is Kind.TRUNK and c.bridge is not None and not c.holding]
    customer = next((c for c in found if c.bridge == room), None)
    if customer is None:
        customer = found[0] if len(found) == 1 and call.state is CallState.TALKING else None
    if own is None or customer is None:
        raise Conflict(WAITING)
    return customer


def told_listener(ear: Ear, directory: Directory) -> dict[str, Any]:
    """What the listener's own pages show."""
    operator = directory.operators.get(ear.operator or 0)
    return {
        "call_id": str(ear.call),
        "operator": {"id": operator.id, "name": operator.name} if operator else None,
        "extension": ear.extension,
        "mode": ear.mode,
        "told": ear.told,
        "takes_over": ear.takes_over,
        "since": ear.since.isoformat(),
    }
