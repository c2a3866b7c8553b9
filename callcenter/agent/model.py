"""What is known of one operator's shift at one moment. Frozen: every step makes a new `Shift`.

Why he is paused is counted by reasons. Ours are holds (a pause he chose, a wrap-up); what we set for them on the
switchboard is remembered as marks; a paused membership without a mark was paused by somebody else, and only
somebody else lifts it.

Units:   instants are aware UTC datetimes
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID

from asterisk.events import DeviceState

WRAP_UP = "WRAPUP"  # the reason as it stands on the switchboard and in its queue_log
LISTENING = "LISTENING"  # the reason while he listens to a colleague's call
AUTO_PAUSE = "Auto-Pause"  # what Asterisk itself writes when somebody let it ring


class AgentState(StrEnum):
    """What an operator is doing."""

    OFFLINE = "offline"  # no phone, or none that can be reached
    AVAILABLE = "available"
    RINGING = "ringing"
    DIALLING = "dialling"
    TALKING = "talking"
    HELD = "held"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


Phone: TypeAlias = tuple[str, str]  # switchboard, extension


class Place(NamedTuple):
    """Where somebody is a member."""

    pbx: str
    queue: str
    interface: str  # "PJSIP/1001", "Local/1001@from-queue/n"


class Membership(NamedTuple):
    """One membership as the switchboard says it."""

    paused: bool = False
    reason: str | None = None
    dynamic: bool = False  # False: fixed in the configuration, nobody can sign out of it
    since: datetime | None = None  # paused since


class Device(NamedTuple):
    """A phone as the switchboard says it."""

    state: DeviceState
    explained: bool = False  # it was in a call that we know of when this was said


class Kind(StrEnum):
    """Why we hold somebody back."""

    PAUSE = "pause"
    WRAP_UP = "wrap_up"


class Hold(NamedTuple):
    """One reason of ours for which he gets no queue calls."""

    kind: Kind
    reason: str  # code of a pause reason, or `WRAP_UP`
    since: datetime
    until: datetime | None = None  # a wrap-up ends by itself
    call: UUID | None = None
    by: int | None = None  # who chose it, when it was not the operator


class Mark(NamedTuple):
    """What we set on one membership. `reasons`: every text asked for, the newest last."""

    reasons: tuple[str, ...]
    at: datetime
    released: bool = False  # lifted by somebody else: not set again for the same holds
    stale: bool = False  # the switchboard was started since; it may have forgotten


class Standing(NamedTuple):
    """What is told of him and kept in the log."""

    state: AgentState
    reason: str | None = None
    call: UUID | None = None
    signed_in: bool = False  # is in at least one queue


NOTHING_KNOWN = Standing(AgentState.OFFLINE)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One operator. `asked`: for each membership, what was asked for and not confirmed yet, oldest first."""

    since: datetime
    standing: Standing = NOTHING_KNOWN
    phones: tuple[Phone, ...] = ()
    devices: Mapping[Phone, Device] = field(default_factory=dict)
    calls: Mapping[UUID, AgentState] = field(default_factory=dict)
    members: Mapping[Place, Membership] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    marks: Mapping[Place, Mark] = field(default_factory=dict)
    asked: Mapping[Place, tuple[bool, ...]] = field(default_factory=dict)
    listens: bool = False  # to a colleague's call
    trouble: str | None = None  # what the switchboard refused last, in words

    def hold(self, kind: Kind) -> Hold | None:
        """The open hold of this kind; there is one of each at most."""
        return next((hold for hold in self.holds if hold.kind is kind), None)

    def paused(self, place: Place) -> bool:
        """Whether this membership is paused once all that was asked for is done."""
        asked = self.asked.get(place)
        return asked[-1] if asked else self.members[place].paused

    def is_ours(self, place: Place) -> bool:
        """Whether a pause of this membership is one that we set."""
        mark = self.marks.get(place)
        return mark is not None and not mark.released
