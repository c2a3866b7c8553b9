"""What happens to a shift that no switchboard says: what people ask for, what calls become. Past tense, frozen."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from asterisk.events import (
    DeviceStateChanged,
    LinkLost,
    LinkUp,
    MemberAdded,
    MemberListed,
    MemberPaused,
    MemberRemoved,
)
from callcenter.agent.model import AgentState, Place


@dataclass(frozen=True, slots=True)
class CallMoved:
    """His part in a call changed; None: he is out of it. `wrap_until`: an answered call earns him a wrap-up.

    That instant is of our clock, which ends the wrap-up; the switchboard's may be minutes off.
    """

    at: datetime
    call: UUID
    part: AgentState | None
    wrap_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PauseChosen:
    at: datetime
    reason: str
    by: int | None = None


@dataclass(frozen=True, slots=True)
class PauseLifted:
    """He is ready again. `auto_pause`: also where the switchboard paused him for letting it ring."""

    at: datetime
    auto_pause: bool = False


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """The outcome was given, "finish" was pressed or the time is over. `call` None: whichever it is."""

    at: datetime
    call: UUID | None = None


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Listens:
    """He listens to a colleague's call, or does so no more."""

    at: datetime
    on: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """An order is on its way to the switchboard. `reason` None: to lift the pause."""

    at: datetime
    place: Place
    reason: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The switchboard said no. `gone`: it does not know the membership at all."""

    at: datetime
    place: Place
    text: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows whether it was done; the next list of members says."""

    at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A complete list of members does not name this membership."""

    at: datetime
    place: Place


News: TypeAlias = (
    CallMoved
    | PauseChosen
    | PauseLifted
    | WrapUpEnded
    | WrapUpExtended
    | Listens
    | Asked
    | Refused
    | Unanswered
    | Unlisted
    | MemberAdded
    | MemberListed
    | MemberPaused
    | MemberRemoved
    | DeviceStateChanged
    | LinkUp
    | LinkLost
)
