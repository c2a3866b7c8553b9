"""The application Queue: callers wait, members ring by the queue's strategy, somebody connects or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk.fake import cdr
from asterisk.fake.channels import DOWN, RINGING, SIP_CODES, UP, Channel, header
from asterisk.fake.members import Queue, QueueMember, Waiting
from asterisk.fake.queue_actions import pause
from asterisk.fake.serve import queue_variables, serve
from asterisk.fake.signals import Kind, OwnerGone, Redirected

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run

SORRY_S = 4  # seconds the apology takes


async def enter_queue(
    run: Run, queue: Queue, timeout_s: float, options: str, *, member_records: bool
) -> str | None:
    """Let the owner wait in a queue. Returns None when a talk is over, QUEUESTATUS when the queue let him go."""
    sub = ",,sub-record-member" if member_records else ""
    run.pbx.step(
        run.owner, "Queue", f"{queue.name},{options},,,{timeout_s:.0f}{sub}", priority=run.owner.priority + 1
    )
    run.pbx.noise(run.owner, ANSWEREDTIME="", DIALEDTIME="", QUEUEWAIT="")
    hunt = Hunt(run, queue, timeout_s, member_records=member_records, music="r" not in options)
    status = await hunt.play()
    if status is not None:
        run.pbx.set_variable(run.owner, "QUEUESTATUS", status)
    return status


async def apologise(run: Run, status: str) -> None:
    """Context queue-exit: the caller hears an apology, then the PBX hangs up."""
    pbx, owner = run.pbx, run.owner
    pbx.step(owner, "Goto", "queue-exit,s,1", priority=owner.priority + 1)
    pbx.step(owner, "NoOp", f"left the queue: {status}", context="queue-exit", exten="s", priority=1)
    pbx.step(owner, "ExecIf", "1?Playback(custom/sorry)", priority=2)
    owner.application, owner.application_data = "Playback", "custom/sorry"
    if owner.state != UP:
        pbx.new_state(owner, UP)  # Playback picks up
    record = cdr.open_record(run, None)
    record.disposition = "ANSWERED"
    until = pbx.clock.time() + SORRY_S
    while await run.next(until - pbx.clock.time()) is not None:
        pass
    pbx.step(owner, "Hangup", priority=3)
    record.application, record.data = "Hangup", ""
    run.cause = 16


class Hunt:
    """One caller's stay in one queue."""

    def __init__(
        self, run: Run, queue: Queue, timeout_s: float, *, member_records: bool, music: bool
    ) -> None:
        self.run, self.queue, self.pbx, self.owner = run, queue, run.pbx, run.owner
        self.member_records, self.music = member_records, music
        self.until = self.pbx.clock.time() + timeout_s
        self.tried = 0  # members rung so far, for the linear strategy
        self.legs: dict[Channel, QueueMember] = {}
        self.rang_at = 0.0

    async def play(self) -> str | None:
        """Join, hunt, leave. Returns QUEUESTATUS when the queue let the caller go."""
        if not self.queue.config.join_empty and not self._anybody():
            return "JOINEMPTY"
        self._join()
        try:
            member = await self._hunt()
        except (OwnerGone, Redirected):
            self._abandon()
            raise
        if member is None:
            empty = self.queue.config.leave_when_empty and not self._anybody()
            self._leave_unanswered()
            return "LEAVEEMPTY" if empty else "TIMEOUT"
        await serve(self, *member)
        return None

    # ---- joining and leaving

    def _anybody(self) -> bool:
        return any(
            not each.paused and self.pbx.member_status(each) not in (4, 5) for each in self.queue.members
        )

    def _join(self) -> None:
        place = len(self.queue.waiting) + 1
        self.entry = Waiting(self.owner, self.pbx.clock.time(), place)
        self.queue.waiting.append(self.entry)
        self.pbx.refresh_waiting(self.queue)
        self.pbx.say(
            "QueueCallerJoin",
            self.owner.headers(),
            f"Queue: {self.queue.name}\r\nPosition: {place}\r\nCount: {len(self.queue.waiting)}\r\n",
        )
        if self.music:
            self.pbx.say("MusicOnHoldStart", self.owner.headers(), header("Class", "default"))
        else:
            self.pbx.refresh_device(self.owner.device)  # the caller hears ringing

    def waited(self) -> int:
        """Return for how many whole seconds the caller has waited."""
        return int(self.pbx.clock.time() - self.entry.joined_at)

    def leave(self) -> None:
        """Leave the queue and say so."""
        position = self.queue.position(self.owner)
        self.queue.waiting.remove(self.entry)
        self.pbx.refresh_waiting(self.queue)
        self.pbx.say(
            "QueueCallerLeave",
            self.owner.headers(),
            f"Queue: {self.queue.name}\r\nPosition: {position}\r\nCount: {len(self.queue.waiting)}\r\n",
        )
        self.pbx.noise(self.owner, QUEUEPOSITION=position, QUEUEWAIT=self.waited())

    def _abandon(self) -> None:
        """The caller has hung up while waiting."""
        self.music_stops()
        for _ in range(2):  # Asterisk says it twice, see pbx-lab notes on DialEnd
            for leg in self.legs:
                self._dial_end(leg, "CANCEL")
        self._say_abandon()
        self.leave()
        self.drop_legs(0)

    def _say_abandon(self) -> None:
        queue_variables(self.pbx, self.queue, self.owner)
        self.queue.abandoned += 1
        self.pbx.say(
            "QueueCallerAbandon",
            self.owner.headers(),
            f"Queue: {self.queue.name}\r\n"
            f"Position: {self.queue.position(self.owner)}\r\n"
            f"OriginalPosition: {self.entry.original_position}\r\nHoldTime: {self.waited()}\r\n",
        )

    def _leave_unanswered(self) -> None:
        """The queue puts the caller out; Asterisk 22 calls that an abandon too."""
        self._say_abandon()
        self.music_stops()
        self.leave()

    def music_stops(self) -> None:
        """The caller hears no more music."""
        if self.music:
            self.pbx.say("MusicOnHoldStop", self.owner.headers())

    # ---- hunting

    async def _hunt(self) -> tuple[Channel, QueueMember] | None:
        while (left := self.until - self.pbx.clock.time()) > 0:
            if self.queue.config.leave_when_empty and not self._anybody():
                return None
            chosen = self._choose()
            if not chosen:
                await self.run.next(min(self.queue.config.retry_s, left))
                continue
            self._ring(chosen)
            timed_out, answered = await self._wait_for_answer(min(self.queue.config.ring_s, left))
            if answered is not None:
                return answered, self.legs[answered]
            self.entry.ringing = False
            if timed_out:
                await self.run.next(self.queue.config.retry_s)
        return None

    def _choose(self) -> list[QueueMember]:
        free = [each for each in self.queue.members if self.pbx.is_free(each)]
        ahead = 0
        for entry in self.queue.waiting:
            if entry is self.entry:
                break
            ahead += not entry.ringing
        if len(free) <= ahead:  # autofill: those who came earlier first
            return []
        return self.queue.in_turn(free, self.tried)

    def _ring(self, chosen: list[QueueMember]) -> None:
        self.entry.ringing = True
        self.legs = {}
        self.rang_at = self.pbx.clock.time()
        for member in chosen:
            self.tried += 1
            self.queue.rang(member)
            leg = self._dial(member)
            if len(chosen) == 1 and self.owner.connected_number != leg.caller_number:
                self.pbx.connected_line(self.owner, leg.caller_number, leg.caller_name)
        for leg, member in self.legs.items():
            self.pbx.phones[member.extension].ring(leg)

    def _dial(self, member: QueueMember) -> Channel:
        owner, pbx = self.owner, self.pbx
        leg = pbx.new_channel(
            self.run,
            member.extension,
            "from-internal",
            "s",
            DOWN,
            parent=owner,
            number=member.extension,
            name=pbx.phones[member.extension].name,
        )
        pbx.noise(leg, DIALEDPEERNUMBER=member.extension)
        self.legs[leg] = member
        cdr.open_record(self.run, leg)
        before = leg.headers("Dest")
        leg.exten, leg.connected_number, leg.connected_name = (
            owner.exten,
            owner.caller_number,
            owner.caller_name,
        )
        pbx.say("AgentCalled", owner.headers(), leg.headers("Dest"), self.who(member))
        pbx.say("DialBegin", owner.headers(), before, header("DialString", member.interface))
        return leg

    def who(self, member: QueueMember) -> str:
        """Return the headers that name a member."""
        return f"Queue: {self.queue.name}\r\nInterface: {member.interface}\r\nMemberName: {member.name}\r\n"

    async def _wait_for_answer(self, seconds: float) -> tuple[bool, Channel | None]:
        """Return whether the ringing timed out, and the leg that was answered."""
        until = self.pbx.clock.time() + seconds
        while self.legs:
            signal = await self.run.next(until - self.pbx.clock.time())
            if signal is None:
                self._rang_out()
                return True, None
            leg = signal.channel
            if leg not in self.legs:
                continue
            match signal.kind:
                case Kind.RINGING:
                    self._rings(leg)
                case Kind.ANSWERED:
                    self._answered(leg)
                    return False, leg
                case Kind.REJECTED | Kind.HUNG_UP | Kind.DROPPED:
                    self._declined(leg, signal.cause)
        return False, None

    def _rings(self, leg: Channel) -> None:
        self.pbx.new_state(leg, RINGING)
        self.pbx.step(leg, "AppQueue", "(Outgoing Line)")
        if leg.connected_number or leg.connected_name:
            self.pbx.connected_line(leg, leg.connected_number, leg.connected_name)
        self.pbx.say("DialState", self.owner.headers(), leg.headers("Dest"), header("DialStatus", "RINGING"))

    def _no_answer(self, leg: Channel) -> None:
        member = self.legs[leg]
        ring_ms = int(self.pbx.clock.time() - self.rang_at) * 1000  # whole seconds, printed in ms
        self.pbx.say(
            "AgentRingNoAnswer",
            self.owner.headers(),
            leg.headers("Dest"),
            self.who(member),
            header("RingTime", ring_ms),
        )

    def _rang_out(self) -> None:
        for leg, member in tuple(self.legs.items()):
            self._no_answer(leg)
            if self.queue.config.autopause:
                self._auto_pause(member)
            self._dial_end(leg, "NOANSWER")
            self._dial_end(leg, "CANCEL")
        self.drop_legs(0)

    def _auto_pause(self, member: QueueMember) -> None:
        """Pause a member who did not answer (autopause)."""
        pause(self.pbx, self.queue, member, True, "Auto-Pause")

    def _declined(self, leg: Channel, cause: int) -> None:
        self.pbx.request_hangup(leg, cause, SIP_CODES.get(cause, 0))
        self._dial_end(leg, "NOANSWER")
        self._no_answer(leg)
        cdr.close_record(self.run, leg, "NO ANSWER")
        del self.legs[leg]
        self.pbx.hang_up(leg, cause)

    def _dial_end(self, leg: Channel, status: str) -> None:
        self.pbx.say("DialEnd", self.owner.headers(), leg.headers("Dest"), header("DialStatus", status))

    def drop_legs(self, cause: int, keep: Channel | None = None) -> None:
        """Hang up the members' phones, except `keep`."""
        for leg in tuple(self.legs):
            if leg is not keep:
                cdr.close_record(self.run, leg, "NO ANSWER")
                del self.legs[leg]
                self.pbx.hang_up(leg, cause)

    def _answered(self, leg: Channel) -> None:
        self.pbx.new_state(leg, UP)
        self._dial_end(leg, "ANSWER")
        cdr.answer_record(self.run, leg)
        others = [each for each in self.legs if each is not leg]
        for each in others:
            self._dial_end(each, "CANCEL")
        if self.owner.connected_number != leg.caller_number:
            self.pbx.connected_line(self.owner, leg.caller_number, leg.caller_name)
        for each in others:
            self._dial_end(each, "CANCEL")
