"""Queues and their members: who is in, paused, busy; the figures a queue keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from asterisk.fake.channels import Channel
from asterisk.fake.config import QueueConfig, Strategy


@dataclass(eq=False, slots=True, kw_only=True)
class QueueMember:
    """One member of one queue. Times are unix times as Asterisk prints them, 0 for never."""

    interface: str
    name: str
    login_at: float
    dynamic: bool = False
    penalty: int = 0
    paused: bool = False
    pause_reason: str = ""
    paused_at: float = 0
    calls_taken: int = 0
    last_call_at: float = 0
    in_call: bool = False
    free_at: float = 0  # until then the member is in wrap-up

    @classmethod
    def static(cls, extension: str, name: str, at: float) -> QueueMember:
        """Return a member as queues.conf makes it."""
        return cls(interface=f"PJSIP/{extension}", name=name, login_at=at)

    @property
    def extension(self) -> str:
        """`1001` of `PJSIP/1001`."""
        return self.interface.partition("/")[2]

    def state_headers(self, status: int) -> str:
        """Return the lines that QueueMember and QueueMemberStatus have in common."""
        return (
            f"StateInterface: {self.interface}\r\nMembership: {'dynamic' if self.dynamic else 'static'}\r\n"
            f"Penalty: {self.penalty}\r\nCallsTaken: {self.calls_taken}\r\n"
            f"LastCall: {int(self.last_call_at)}\r\nLastPause: {int(self.paused_at)}\r\n"
            f"LoginTime: {int(self.login_at)}\r\nInCall: {int(self.in_call)}\r\n"
            f"Status: {status}\r\nPaused: {int(self.paused)}\r\nPausedReason: {self.pause_reason}\r\n"
        )


@dataclass(eq=False, slots=True)
class Waiting:
    """A caller in a queue."""

    channel: Channel
    joined_at: float
    original_position: int
    ringing: bool = False  # some member's phone rings for this caller now


@dataclass(eq=False, slots=True)
class Queue:
    """A queue with its members and callers. Figures are in whole seconds, as Asterisk keeps them."""

    config: QueueConfig
    members: list[QueueMember]
    waiting: list[Waiting] = field(default_factory=list)
    hold_s: int = 0
    talk_s: int = 0
    completed: int = 0
    abandoned: int = 0
    next_member: int = 0  # where rrmemory goes on

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.config.name

    def find(self, interface: str) -> QueueMember | None:
        """Return the member with this interface."""
        return next((each for each in self.members if each.interface == interface), None)

    def position(self, channel: Channel) -> int:
        """Return a caller's place in the queue, from 1; 0 when not in it."""
        return next((n for n, each in enumerate(self.waiting, 1) if each.channel is channel), 0)

    def in_turn(self, free: list[QueueMember], linear_from: int) -> list[QueueMember]:
        """Return whom to ring in this round: everybody, or the first free one in the queue's order.

        `linear_from`: how many a caller in a linear queue has tried already.
        """
        if not free or self.config.strategy is Strategy.RINGALL:
            return free[::-1]  # Asterisk rings the members of ringall in reverse
        start = self.next_member if self.config.strategy is Strategy.RRMEMORY else linear_from
        count = len(self.members)
        order = [self.members[(start + n) % count] for n in range(count)]
        return [next(each for each in order if each in free)]

    def rang(self, member: QueueMember) -> None:
        """Remember who was rung last."""
        self.next_member = (self.members.index(member) + 1) % len(self.members)

    def count(self, talk_s: int) -> None:
        """Count a call that was served."""
        self.completed += 1
        self.talk_s = talk_s if not self.talk_s else (3 * self.talk_s + talk_s) // 4

    def average_in(self, hold_s: int) -> None:
        """Let the queue's hold time drift towards `hold_s`, as app_queue does."""
        self.hold_s = hold_s if not self.hold_s else (3 * self.hold_s + hold_s) // 4
