"""One run of the dialplan: the life of the channel that started a call, step by step.

A run is a single task that reads a single inbox of signals (a phone rings, is picked up, hangs up…), so
whatever happens to a call happens in one order. The steps and their numbers are those of the lab's
extensions.conf, in which the captures were made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asterisk.fake import cdr, recording, spying
from asterisk.fake.channels import RING, UP, Channel
from asterisk.fake.dial import dial, dial_result
from asterisk.fake.holding import wait_for_holder
from asterisk.fake.hunt import apologise, enter_queue
from asterisk.fake.parking import fetch
from asterisk.fake.people import Caller, Customer
from asterisk.fake.signals import Kind, OwnerGone, Redirected, Replaced, Signal

if TYPE_CHECKING:
    from asterisk.fake.config import Line
    from asterisk.fake.pbx import Pbx

CLICK_CONTEXTS = frozenset(("click2call", "callcenter-dial"))  # of the lab, and of asterisk/conf


@dataclass(eq=False)
class Run:
    """A call as its first channel lives it. `owner` is set by whoever starts the run."""

    pbx: Pbx
    caller: Caller = field(default_factory=Caller)  # the person behind `owner`, when it came over the trunk
    customer_of: Callable[[str], Customer] = lambda number: Customer()
    dialogue: str | None = None
    inbox: asyncio.Queue[Signal] = field(default_factory=asyncio.Queue)
    records: list[cdr.Record] = field(default_factory=list)
    timers: list[asyncio.Task[None]] = field(default_factory=list)
    operator: str = ""  # the extension that dialled, in runs that go out
    request_cause: int | None = None  # what a HangupRequest of the owner says in this phase
    cause: int = 0  # what the owner's Hangup will say
    answered: bool = False  # two people have talked
    owner: Channel = field(init=False)
    leg: Channel | None = None  # who talks with the owner

    # ---- signals

    def tell(
        self,
        kind: Kind,
        channel: Channel,
        cause: int = 0,
        place: tuple[str, str] = ("", ""),
        transferer: Channel | None = None,
    ) -> None:
        """Let the run know what happened to one of its channels. Late news of gone channels is dropped."""
        if not channel.gone:
            self.inbox.put_nowait(Signal(kind, channel, cause, place, transferer))

    def tell_later(self, seconds: float, kind: Kind, channel: Channel, cause: int = 0) -> None:
        """Tell it after so many simulated seconds, unless the run is over by then."""
        self.timers.append(self.pbx.spawn(self.pbx.later(seconds, lambda: self.tell(kind, channel, cause))))

    async def next(self, timeout_s: float | None) -> Signal | None:
        """Return the next signal, or None when `timeout_s` is over.

        Raises `OwnerGone` and `Redirected` when the owner is hung up or sent elsewhere.
        """
        limit = None if timeout_s is None else max(0.0, timeout_s) / self.pbx.clock.speed
        try:
            while True:
                waiting = self.inbox.qsize()
                signal = (
                    self.inbox.get_nowait() if waiting else await asyncio.wait_for(self.inbox.get(), limit)
                )
                if not signal.channel.gone:
                    break
        except TimeoutError:
            return None
        if signal.channel is self.owner:
            self._to_owner(signal)
        return signal

    def operator_leg(self) -> Channel:
        """Return the phone with which an operator takes part in a run that goes out."""
        return self.owner

    def progress(self, kind: Kind) -> None:
        """The dialled phone rings or is picked up; halves of Local channels pass it on."""

    def _to_owner(self, signal: Signal) -> None:
        match signal.kind:
            case Kind.HUNG_UP:
                self._owner_hung_up(signal.cause)
                raise OwnerGone
            case Kind.DROPPED:
                self.pbx.soft_hangup(self.owner, signal.cause)
                self.cause = signal.cause
                raise OwnerGone
            case Kind.REDIRECTED:
                raise Redirected(signal.place, signal.transferer)
            case Kind.SWAPPED:
                raise Replaced

    def _owner_hung_up(self, cause: int) -> None:
        if self.owner.state == UP:
            self.pbx.request_hangup(self.owner, self.request_cause)
            self.cause = self.cause or self.request_cause or 0
        elif self.cause:  # gives up listening to the tone
            self.pbx.request_hangup(self.owner, self.cause, sip_code=487)
        else:  # a CANCEL before anybody answered
            self.cause = 127
            self.pbx.request_hangup(self.owner, 127, sip_code=487)

    # ---- the run itself

    async def play(self, context: str, exten: str) -> None:
        """Run the dialplan from a place until the owner is gone."""
        place = (context, exten)
        while True:
            try:
                await self._go(*place)
            except Redirected as elsewhere:
                place = elsewhere.place
                self.owner.context, self.owner.exten, self.owner.priority = *place, 1
                continue
            except OwnerGone:
                pass
            except Replaced:
                if self.owner.run is not self:
                    return
            break
        self.finish()

    async def _go(self, context: str, exten: str) -> None:
        line = self.pbx.lines.get(exten)
        if context == "from-internal" and exten in self.pbx.slots:
            fetch(self, exten)
        if context == "from-trunk" and line is not None:
            await self._inbound(line)
        elif context == "from-internal" and exten in self.pbx.phones:
            await self._dial_extension(exten, 20, "tT", priority=1)
        elif context == "from-internal" and is_number(exten):
            self.pbx.step(self.owner, "Goto", f"outbound,{exten},1", context=context, exten=exten, priority=1)
            await self._outbound(exten)
        elif context == "outbound" and is_number(exten):
            await self._outbound(exten)
        elif context in CLICK_CONTEXTS and is_number(exten):
            await self._click_to_call(context, exten)
        elif context in CLICK_CONTEXTS and exten in self.pbx.phones:
            await self._dial_extension(exten, 20, "tT", priority=1)
        elif context == "callcenter-hold":
            await wait_for_holder(self)
        elif context == spying.CONTEXT and exten in spying.OPTIONS:
            await spying.spy(self, exten)
        elif context == "park-dial":
            await self._dial_extension(exten.removeprefix("PJSIP_"), 30, "", priority=1)
        elif exten in self.pbx.queues:
            status = await enter_queue(self, self.pbx.queues[exten], 60, "t", member_records=False)
            if status is not None:
                await apologise(self, status)
        else:
            self.cause = 1
            self.pbx.step(self.owner, "Hangup", "1", context=context, exten=exten, priority=1)

    def finish(self) -> None:
        """Hang up the owner and write the call's records."""
        if self.owner.gone:
            return
        for timer in self.timers:
            timer.cancel()
        self.pbx.soft_hangup(self.owner)
        cdr.say(self)
        self.pbx.hang_up(self.owner, self.cause)

    # ---- contexts

    async def _inbound(self, line: Line) -> None:
        owner, pbx = self.owner, self.pbx
        pbx.step(owner, "Set", f"__DID={line.did}", context="from-trunk", exten=line.did, priority=1)
        pbx.set_variable(owner, "__DID", line.did)
        pbx.step(owner, "Set", f"CDR(did)={line.did}", priority=2)
        priority = 2
        if line.answers:
            pbx.step(owner, "Answer", priority=3)
            pbx.new_state(owner, UP)
            priority = 3
        if line.record == "caller":
            recording.start_on_caller(self, "in", line.did, priority + 1)
            priority += 1
        owner.priority = priority
        if line.queue is not None:
            await self._queues(line, line.queue)
        elif line.extension is not None:
            await self._dial_extension(line.extension, line.timeout_s, "t", priority=priority + 1)

    async def _queues(self, line: Line, first: str) -> None:
        """Let the caller wait in the line's queue and, when it lets him go, in the next one."""
        options, member_records = "t" if line.answers else "rt", line.record == "member"
        queues = self.pbx.queues
        status = await enter_queue(
            self, queues[first], line.timeout_s, options, member_records=member_records
        )
        if status is not None and line.then is not None:
            status = await enter_queue(
                self, queues[line.then], line.then_timeout_s, options, member_records=member_records
            )
        if status is not None:
            await apologise(self, status)

    async def _dial_extension(self, extension: str, ring_s: float, options: str, *, priority: int) -> None:
        self.pbx.step(self.owner, "Dial", f"PJSIP/{extension},{ring_s:.0f},{options}", priority=priority)
        status = await dial(self, ring_s, phone=self.pbx.phones.get(extension))
        await dial_result(self, status)

    async def _outbound(self, number: str) -> None:
        owner, pbx = self.owner, self.pbx
        self.operator = owner.peer
        pbx.step(owner, "Set", f"__OPERATOR={self.operator}", context="outbound", exten=number, priority=1)
        pbx.set_variable(owner, "__OPERATOR", self.operator)
        self._show_company(2)
        recording.start_on_operator(self, number, 3)
        await self._dial_customer(number, 4)

    async def _click_to_call(self, context: str, number: str) -> None:
        owner, pbx = self.owner, self.pbx
        named = owner.variables.get("OPERATOR") or owner.variables.get("CALLCENTER_OPERATOR")
        self.operator = named or owner.peer
        pbx.step(
            owner,
            "NoOp",
            f"click-to-call {number} for {self.operator}",
            context=context,
            exten=number,
            priority=1,
        )
        recording.start_on_operator(self, number, 2)
        self._show_company(3)
        await self._dial_customer(number, 4)

    def _show_company(self, priority: int) -> None:
        name = self.pbx.config.company_name
        number = self.owner.variables.get("CALLCENTER_LINE") or self.pbx.config.company_number
        self.pbx.step(self.owner, "Set", f"CALLERID(all)={name} <{number}>", priority=priority)
        self.pbx.caller_id(self.owner, number, name)

    async def _dial_customer(self, number: str, priority: int) -> None:
        trunk, ring_s = self.pbx.config.trunk, self.pbx.config.dial_s
        self.pbx.step(self.owner, "Dial", f"PJSIP/{number}@{trunk},{ring_s:.0f},T", priority=priority)
        status = await dial(self, ring_s, number=number, customer=self.customer_of(number))
        await dial_result(self, status)


def is_number(exten: str) -> bool:
    """Say whether the dialplan sends this to the provider: seven digits and more, or + and digits."""
    digits = exten.removeprefix("+")
    return digits.isdecimal() and (len(digits) >= 7 or exten.startswith("+"))


def start_inbound(run: Run, number: str, name: str, did: str) -> Channel:
    """Create the channel of a call that comes over the trunk; the caller of this function plays the run."""
    run.owner = run.pbx.new_channel(
        run, run.pbx.config.trunk, "from-trunk", did, RING, number=number, name=name
    )
    run.pbx.noise(run.owner, SIPDOMAIN="127.0.0.1")
    run.timers.append(run.pbx.spawn(run.pbx.later(run.caller.patience_s, lambda: _gives_up(run))))
    return run.owner


def _gives_up(run: Run) -> None:
    """The caller waited long enough; who was answered has nothing to wait for."""
    if not run.answered:
        run.tell(Kind.HUNG_UP, run.owner)


def start_internal(run: Run, extension: str, number: str) -> Channel:
    """Create the channel of a phone of the house that dials."""
    phone = run.pbx.phones[extension]
    run.owner = run.pbx.new_channel(
        run, extension, "from-internal", number, RING, number=extension, name=phone.name
    )
    phone.dialled(run.owner)
    run.pbx.noise(run.owner, SIPDOMAIN="127.0.0.1")
    run.pbx.refresh_device(run.owner.device)
    return run.owner
