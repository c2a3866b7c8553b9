"""What can happen to a channel from outside, as the run that steers it hears of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from asterisk.fake.channels import Channel


class Kind(StrEnum):
    """What happened."""

    RINGING = "ringing"
    ANSWERED = "answered"
    REJECTED = "rejected"
    HUNG_UP = "hung up"  # by the person on that channel
    DROPPED = "dropped"  # by us: AMI action Hangup
    HELD = "held"
    RESUMED = "resumed"
    REDIRECTED = "redirected"
    CONSULTS = "consults"  # AMI action Atxfer on this channel
    CANCELS = "cancels"  # AMI action CancelAtxfer
    PARKED = "parked"  # AMI action Park; `transferer` is who is told the slot, `cause` the seconds
    FETCHED = "fetched"  # somebody has dialled the slot: the channel that takes the parked one
    TAKEN = "taken"  # AMI action Bridge: `transferer` talks with this channel from now on
    SWAPPED = "swapped"  # a Local channel is optimised away: this half is not needed any more


class Signal(NamedTuple):
    """Something happened to `channel`."""

    kind: Kind
    channel: Channel
    cause: int = 0
    place: tuple[str, str] = ("", "")  # context and extension to go to
    transferer: Channel | None = None


class OwnerGone(Exception):
    """The channel that runs the dialplan is hung up."""


class Replaced(Exception):
    """Another run steers this channel from now on, or nobody needs it: nothing is said about its end here."""


class Redirected(Exception):
    """The channel that runs the dialplan has to go on elsewhere."""

    def __init__(self, place: tuple[str, str], transferer: Channel | None = None) -> None:
        super().__init__(*place)
        self.place = place
        self.transferer = transferer
