"""What a call keeps of its way through the dialplan before somebody talks: visits to queues, menus, voicemail."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class QueueOutcome(StrEnum):
    """How a caller came out of a queue. LET_GO: the queue put him out and could not be heard to say why."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller hung up
    TIMEOUT = "timeout"  # patience of the queue was over
    LEAVE_EMPTY = "leave_empty"  # the last operator went away
    JOIN_EMPTY = "join_empty"  # nobody was signed in: never let in
    FULL = "full"  # too many waited: never let in
    KEY_EXIT = "key_exit"  # the caller pressed a key to leave
    WITHDRAWN = "withdrawn"  # redirected by somebody, or cut off by the switchboard
    LET_GO = "let_go"


class Visit(NamedTuple):
    """One stay of one caller in one queue. `outcome` None: still there, or nobody heard how it went on."""

    queue: str
    uniqueid: str  # the channel that waits
    began_at: datetime  # sent there; the same as `entered_at` when only that was heard
    sent: bool = False  # the dialplan was heard sending him, so why he leaves is heard too
    entered_at: datetime | None = None  # None: refused at the door
    position: int | None = None  # when he came
    left_at: datetime | None = None
    left_position: int | None = None
    outcome: QueueOutcome | None = None

    @property
    def wait_s(self) -> float:
        """How long he waited, in seconds; nothing while he still waits."""
        if self.entered_at is None or self.left_at is None:
            return 0.0
        return max(0.0, (self.left_at - self.entered_at).total_seconds())


class Stage(StrEnum):
    """Places of the dialplan that are neither a queue nor a phone."""

    MENU = "menu"
    VOICEMAIL = "voicemail"
    NOBODY = "nobody"  # it dialled, and every phone was busy or not connected


class Mark(NamedTuple):
    """The last such place that the caller came to."""

    stage: Stage
    at: datetime
