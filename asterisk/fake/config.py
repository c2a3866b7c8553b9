"""What a simulated switchboard has: accounts, lines, queues, extensions.

`lab()` is the call centre of the captures in tests/traces, so that both can play the same scenes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

EVERY_CLASS = frozenset(
    (
        "system",
        "call",
        "agent",
        "user",
        "config",
        "command",
        "dtmf",
        "reporting",
        "cdr",
        "dialplan",
        "originate",
    )
)  # security and message too in a real one, but nothing here belongs to them
LITE_READ = frozenset(("system", "call", "agent", "user", "cdr"))
LITE_WRITE = frozenset(("system", "call", "agent", "originate", "reporting"))


class Strategy(StrEnum):
    """In which order a queue rings its members."""

    RRMEMORY = "rrmemory"  # one at a time, starting after the one who was rung last
    LINEAR = "linear"  # one at a time, always from the top
    RINGALL = "ringall"  # everybody at once


class Record(StrEnum):
    """Whose channel runs MixMonitor, which decides the uniqueid in the name of the file."""

    CALLER = "caller"
    MEMBER = "member"
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A manager account. `read` decides which events it gets, `write` which actions it may ask for."""

    username: str
    secret: str
    read: frozenset[str] = EVERY_CLASS
    write: frozenset[str] = EVERY_CLASS


@dataclass(frozen=True, kw_only=True)
class Extension:
    """A phone of the house."""

    number: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A number people dial; it leads to a queue or straight to an extension."""

    did: str
    queue: str | None = None
    extension: str | None = None
    answers: bool = True  # the line is picked up before the queue, the caller hears music
    record: Record = Record.CALLER
    timeout_s: float = 60  # how long the queue may keep a caller, or how long the extension rings
    then: str | None = None  # the queue a caller overflows to when the first one lets him go
    then_timeout_s: float = 40


@dataclass(frozen=True, kw_only=True)
class QueueConfig:
    """A queue and the extensions that are always in it."""

    name: str
    members: tuple[str, ...] = ()
    strategy: Strategy = Strategy.RRMEMORY
    ring_s: float = 8  # one ringing of one member
    retry_s: float = 1  # silence between two rounds
    wrapup_s: float = 0
    autopause: bool = False
    join_empty: bool = True
    leave_when_empty: bool = False


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole switchboard. `recordings` is our folder for what the PBX calls `monitor`."""

    accounts: tuple[Account, ...]
    extensions: tuple[Extension, ...]
    lines: tuple[Line, ...]
    queues: tuple[QueueConfig, ...]
    trunk: str = "trunk"
    company_name: str = "Company"
    company_number: str = "74951230000"
    monitor: str = "/var/spool/asterisk/monitor"
    recordings: Path | None = None
    dial_s: float = 30  # how long a customer's phone rings
    tone_s: float = 12  # how long a busy tone is played before the PBX hangs up
    timestamps: bool = True  # timestampevents=yes
    cdr_events: bool = True  # cdr_manager.conf
    busy_at: int = 1  # device_state_busy_at: 1 shows a ringing phone as BUSY, 0 as RINGING
    noise: bool = True  # the many VarSet of a real Asterisk that nobody needs
    extra: dict[str, str] = field(default_factory=dict)  # global variables


def accounts(secret: str = "crm-secret") -> tuple[Account, ...]:
    """Return the two accounts of the captures: `crm` gets everything, `crm-lite` what is usual."""
    return (
        Account(username="crm", secret=secret),
        Account(username="crm-lite", secret=secret, read=LITE_READ, write=LITE_WRITE),
    )


def lab(recordings: Path | None = None, *, timestamps: bool = True, cdr_events: bool = True) -> Config:
    """Return the call centre in which the captures were made."""
    trio = ("1001", "1002", "1003")
    return Config(
        accounts=accounts(),
        extensions=tuple(named_extensions(LAB_NAMES.items())),
        lines=LAB_LINES,
        queues=(
            QueueConfig(name="orders", autopause=True),
            QueueConfig(name="sales-all", members=trio, strategy=Strategy.RINGALL, ring_s=15),
            QueueConfig(
                name="support",
                members=("1002", "1004", "1005"),
                strategy=Strategy.LINEAR,
                ring_s=4,
                wrapup_s=3,
                join_empty=False,
                leave_when_empty=True,
            ),
            QueueConfig(name="sales", members=trio),
        ),
        recordings=recordings,
        timestamps=timestamps,
        cdr_events=cdr_events,
    )


def named_extensions(names: Iterable[tuple[str, str]]) -> Iterable[Extension]:
    """Turn (number, name) pairs into extensions."""
    return (Extension(number=number, name=name) for number, name in names)


LAB_NAMES = {
    "1001": "Anna Petrova",
    "1002": "Boris Ivanov",
    "1003": "Clara Sidorova",
    "1004": "Dmitry Orlov",
    "1005": "Elena Volkova",
    "1006": "Fedor Supervisor",
}
LAB_LINES = (
    Line(did="74951230001", queue="sales"),
    Line(did="74951230002", queue="support", answers=False, record=Record.MEMBER, timeout_s=40),
    Line(did="74951230003", extension="1001", answers=False, timeout_s=20),
    Line(did="74951230007", queue="sales-all"),
    Line(did="74951230008", queue="orders"),
    Line(did="74951230009", queue="sales", timeout_s=6),
    Line(did="74951230010", queue="sales", timeout_s=6, then="support"),
)
