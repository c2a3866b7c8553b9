"""All operators' shifts: what the switchboards say and what people ask for, applied one event at a time.

In:      events of the floor, calls as they change, wishes of operators (callcenter.duty)
Out:     AGENT objects to desks, the log of states to the book, orders to whoever asks the switchboard
Source:  rows T15, T16 of the feature table. Every instant is that of the event; only a wrap-up's end is the clock's.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from asterisk import events as e
from callcenter.agent import (
    AgentState,
    Kind,
    News,
    Order,
    Place,
    Shift,
    apply,
    extension_of,
    extension_of_device,
    orders,
    parts,
    restated,
)
from callcenter.agent.news import Asked, CallMoved, Listens, Unanswered, Unlisted, WrapUpEnded
from callcenter.agent.steps import device_said, nobody, phones_given
from callcenter.agent_view import Setup, describe
from callcenter.call import Call, Direction, Rules
from callcenter.colleagues import Colleagues
from callcenter.directory import EMPTY, Directory
from callcenter.errand import Errand

Message = dict[str, Any]
MemberSaid = e.MemberAdded | e.MemberPaused | e.MemberListed
NO_SETUP = Setup(reasons={}, wrap_up=lambda queue, user_id: 0)


class Book(Protocol):
    """Keeps what must not be lost; returns at once."""

    def log(self, user_id: int, shift: Shift) -> None: ...
    def save(self, user_id: int, shift: Shift, at: datetime) -> None: ...


@dataclass
class Board:
    """What one switchboard has said of queues and phones, whoever they belong to."""

    ahead: timedelta = timedelta()  # how far its clock is ahead of ours
    up: bool = False  # its lists are complete and nothing has been missed since
    heard: bool = False  # it was up at least once
    listing: bool = False
    members: dict[Place, tuple[str | None, MemberSaid]] = field(
        default_factory=dict
    )  # extension, latest word
    devices: dict[str, e.DeviceState] = field(default_factory=dict)  # by extension
    queues: frozenset[str] = frozenset()
    unseen: set[Place] = field(default_factory=set)
    named: set[str] = field(default_factory=set)


class Agents:
    """Everything here runs in the event loop and waits for nothing."""

    def __init__(self, *, rules: Mapping[str, Rules], book: Book, now: Callable[[], datetime]) -> None:
        self.directory: Directory = EMPTY
        self.setup = NO_SETUP
        self.ask: Callable[[int, Order], None] = lambda user_id, order: None
        self.announced: Callable[[Message], None] = lambda agent: None
        self._rules = rules
        self._book = book
        self._now = now
        self._boards = {pbx: Board() for pbx in rules}
        self._shifts: dict[int, Shift] = {}
        self._calls: dict[UUID, dict[int, AgentState]] = {}
        self._moved: list[tuple[UUID, dict[int, AgentState], str | None]] = []
        self._settled: set[UUID] = set()  # live calls whose outcome was given before their end
        self._logged: set[int] = set()
        self._told: dict[int, Message] = {}
        self._tell: Callable[[int, Message], None] = lambda user_id, message: None
        self._colleagues = Colleagues(lambda message: None)
        self._waiting: list[tuple[int, Callable[[Shift], bool], asyncio.Future[None]]] = []
        self._timer = asyncio.Event()

    def listen(self, tell: Callable[[int, Message], None], tell_all: Callable[[Message], None]) -> None:
        """Have changes told to one desk, and what colleagues may see to all."""
        self._tell, self._colleagues = tell, Colleagues(tell_all)

    # --- from the floor ---------------------------------------------------------------------------------

    def call_changed(self, call: Call, errand: Errand | None) -> None:
        """A call took a step; counted when the event that moved it is `heard`."""
        queue = call.queue if call.direction is Direction.INBOUND else None
        self._moved.append((call.id, parts(call, self.directory, errand), queue))

    def call_forgotten(self, call_id: UUID) -> None:
        """This call turned out to be part of another one."""
        self._moved.append((call_id, {}, None))

    def heard(self, pbx: str, event: e.Event) -> None:
        """One event of a switchboard, after the calls have taken it."""
        self._board(pbx).ahead = event.at - self._now()
        self._move_calls(event.at)
        match event:
            case e.MemberAdded() | e.MemberPaused() | e.MemberListed():
                self._member(pbx, event)
            case e.MemberRemoved(queue=queue, interface=interface):
                self._member_gone(Place(pbx, queue, interface), event)
            case e.DeviceStateChanged():
                self._device(pbx, event)
            case e.LinkUp():
                self._link_up(pbx, event)
            case e.LinkLost():
                board = self._board(pbx)
                board.up = board.listing = False
                self._everybody(pbx, event)
            case e.QueueListed(queue=queue):
                self._board(pbx).named.add(queue)
            case e.QueueListEnded(at=at):
                self._members_listed(pbx, at)
            case e.Resynced(at=at):
                board = self._board(pbx)
                board.up, board.heard, board.listing = True, True, False
                self.settle(at)

    def _move_calls(self, at: datetime) -> None:
        moved, self._moved = self._moved, []
        for call_id, now_in, queue in moved:
            before = self._calls.get(call_id, {})
            self._calls[call_id] = now_in
            for user_id in [*now_in, *(set(before) - set(now_in))]:
                if before.get(user_id) is not now_in.get(user_id):
                    self.news(
                        user_id,
                        "",
                        CallMoved(
                            at, call_id, now_in.get(user_id), self._wrap_until(call_id, queue, user_id)
                        ),
                    )
            if not now_in:
                self._calls.pop(call_id, None)
                self._settled.discard(call_id)

    def _wrap_until(self, call_id: UUID, queue: str | None, user_id: int) -> datetime | None:
        if queue is None or call_id in self._settled:
            return None
        seconds = self.setup.wrap_up(queue, user_id)
        return self._now() + timedelta(seconds=seconds) if seconds > 0 else None

    # --- queues and phones ------------------------------------------------------------------------------

    def _board(self, pbx: str) -> Board:
        return self._boards.setdefault(pbx, Board())

    def _member(self, pbx: str, event: MemberSaid) -> None:
        board, place = self._board(pbx), Place(pbx, event.queue, event.interface)
        extension = extension_of(event.interface, event.state_interface, self._rules.get(pbx) or Rules())
        if extension is None and place in board.members:
            extension = board.members[place][0]
        board.members[place] = (extension, event)
        board.unseen.discard(place)
        owner = self.directory.operator_at(pbx, extension)
        if owner is not None:
            self.news(owner.id, pbx, event)

    def _member_gone(self, place: Place, event: e.MemberRemoved | Unlisted) -> None:
        extension, _ = self._board(place.pbx).members.pop(place, (None, None))
        owner = self.directory.operator_at(place.pbx, extension)
        if owner is not None:
            self.news(owner.id, place.pbx, event)

    def _device(self, pbx: str, event: e.DeviceStateChanged) -> None:
        extension = extension_of_device(event.device, self._rules.get(pbx) or Rules())
        if extension is None:
            return
        self._board(pbx).devices[extension] = event.state
        owner = self.directory.operator_at(pbx, extension)
        if owner is not None:
            shift = self.shift(owner.id)
            self._put(owner.id, device_said(shift, (pbx, extension), event.state), event.at)

    def _link_up(self, pbx: str, event: e.LinkUp) -> None:
        board = self._board(pbx)
        if not board.listing:
            board.listing, board.unseen, board.named = True, set(board.members), set()
        self._everybody(pbx, event)

    def _members_listed(self, pbx: str, at: datetime) -> None:
        """The list after a login is complete; a list asked for in between may be of one queue only."""
        board = self._board(pbx)
        if board.listing:
            board.queues = frozenset(board.named)
            for place in sorted(board.unseen):
                self._member_gone(place, Unlisted(at, place))
            board.unseen = set()

    def _everybody(self, pbx: str, event: e.LinkUp | e.LinkLost) -> None:
        for user_id in list(self._shifts):
            self.news(user_id, pbx, event)

    # --- people -----------------------------------------------------------------------------------------

    def shift(self, user_id: int) -> Shift:
        """The shift of one operator; of nobody in particular when he has none."""
        return self._shifts.get(user_id) or nobody(self._now())

    def moment(self, user_id: int) -> datetime:
        """This instant by the clock of his switchboard, whose instants the log is made of."""
        phones = self.shift(user_id).phones
        return self._now() + (self._board(phones[0][0]).ahead if phones else timedelta())

    def take_up(self, user_id: int, shift: Shift) -> None:
        """What an earlier process knew of him; his phones and queues are heard again after the login."""
        self._shifts[user_id] = shift
        self._logged.add(user_id)

    def use_directory(self, directory: Directory) -> None:
        """Phones were given to others: their queues go with them."""
        self.directory = directory
        for user_id, operator in directory.operators.items():
            said = dict(self._said_of(operator.phones))
            shift = self._shifts.get(user_id) or nobody(self._now())
            members = {place: known for place, known in shift.members.items() if place in said}
            devices = {phone: device for phone, device in shift.devices.items() if phone in operator.phones}
            shift = phones_given(shift, operator.phones, members, devices=devices)
            for place, word in said.items():
                if place not in members:
                    shift = apply(shift, place.pbx, _as_listed(word))
            for pbx, extension in operator.phones:
                state = self._board(pbx).devices.get(extension)
                if state is not None and (pbx, extension) not in devices:
                    shift = device_said(shift, (pbx, extension), state)
            self._put(user_id, shift, self.moment(user_id))
        for user_id in self._shifts.keys() - directory.operators.keys():
            gone = phones_given(self._shifts[user_id], (), {}, devices={}, calls={}, holds=(), marks={})
            self._put(user_id, gone, self.moment(user_id))

    def _said_of(self, phones: Sequence[tuple[str, str]]) -> Iterator[tuple[Place, MemberSaid]]:
        for board in self._boards.values():
            for place, (extension, word) in board.members.items():
                if (place.pbx, extension) in phones:
                    yield place, word

    def use_setup(self, setup: Setup) -> None:
        """Pause reasons or the rules of wrap-up were changed."""
        self.setup = setup
        for user_id in list(self._shifts):
            self._announce(user_id)

    def outcome_given(self, call_id: UUID) -> None:
        """The outcome of a call ends its wrap-up; given while it goes on, none begins."""
        if call_id in self._calls:
            self._settled.add(call_id)
        for user_id, shift in list(self._shifts.items()):
            hold = shift.hold(Kind.WRAP_UP)
            if hold is not None and hold.call == call_id:
                self.news(user_id, "", WrapUpEnded(self.moment(user_id), call_id))

    async def run(self) -> None:
        """For ever: end each wrap-up when its time is over."""
        while True:
            ends = [hold.until for s in self._shifts.values() for hold in s.holds if hold.until]
            self._timer.clear()
            try:
                async with asyncio.timeout(
                    max(0.0, (min(ends) - self._now()).total_seconds()) if ends else None
                ):
                    await self._timer.wait()
            except TimeoutError:
                self._end_wrap_ups(self._now())

    def _end_wrap_ups(self, at: datetime) -> None:
        for user_id, shift in list(self._shifts.items()):
            hold = shift.hold(Kind.WRAP_UP)
            if hold is not None and hold.until is not None and hold.until <= at:
                self.news(user_id, "", WrapUpEnded(self.moment(user_id), hold.call))

    def listening(self, user_id: int, *, on: bool) -> None:
        """He listens to a colleague's call, or (`on` False) has left it: his telephone is busy with no call of his."""
        self.news(user_id, "", Listens(self.moment(user_id), on))

    def device(self, pbx: str, extension: str) -> e.DeviceState | None:
        """What a switchboard says of a telephone; None where it says nothing."""
        return self._board(pbx).devices.get(extension)

    # --- one step ---------------------------------------------------------------------------------------

    def news(self, user_id: int, pbx: str, event: News) -> None:
        """Apply one event to one operator's shift."""
        self._put(user_id, apply(self.shift(user_id), pbx, event), event.at)
        if not isinstance(event, Unanswered):  # then it is looked up first
            self._give_orders(user_id)

    def settle(self, at: datetime) -> None:
        """A switchboard's lists are complete: say what everybody does, ask for what is not as it should be."""
        self._move_calls(at)
        for user_id in list(self._shifts):
            self._put(user_id, self._shifts[user_id], at)
            self._give_orders(user_id)

    def _put(self, user_id: int, after: Shift, at: datetime) -> None:
        before = self._shifts.get(user_id)
        if self._known(after):
            after = restated(after, at)
            self._log(user_id, before, after)
        self._shifts[user_id] = after
        self._save(user_id, before, after, at)
        self._announce(user_id)
        self._wake(user_id, after)

    def _log(self, user_id: int, before: Shift | None, after: Shift) -> None:
        known = user_id in self._logged
        if not known and not after.phones:
            return  # whoever never had a telephone has no shift
        if not known or before is None or after.standing != before.standing:
            self._logged.add(user_id)
            self._book.log(user_id, after)

    def _save(self, user_id: int, before: Shift | None, after: Shift, at: datetime) -> None:
        if before is not None and (after.holds, after.marks) != (before.holds, before.marks):
            self._book.save(user_id, after, at)
            self._timer.set()

    def _known(self, shift: Shift) -> bool:
        """Whether enough was heard to say what he does; until then he does what an earlier process knew."""
        return not shift.phones or any(self._board(pbx).heard for pbx, _ in shift.phones)

    def _give_orders(self, user_id: int) -> None:
        for order in tuple(orders(self._shifts[user_id])):
            if self._board(order.place.pbx).up:
                at = self.moment(user_id)
                self._put(user_id, apply(self._shifts[user_id], "", Asked(at, order.place, order.reason)), at)
                self.ask(user_id, order)

    def _wake(self, user_id: int, shift: Shift) -> None:
        for waiting in [w for w in self._waiting if w[0] == user_id and w[1](shift)]:
            if not waiting[2].done():
                waiting[2].set_result(None)

    async def until(self, user_id: int, true: Callable[[Shift], bool], within_s: float) -> bool:
        """Wait for something that the switchboard must say of him; False when it does not in time."""
        if true(self.shift(user_id)):
            return True
        waiting = (user_id, true, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(within_s):
                await waiting[2]
        except TimeoutError:
            return true(self.shift(user_id))
        finally:
            self._waiting.remove(waiting)
        return True

    # --- told -------------------------------------------------------------------------------------------

    def describe(self, user_id: int) -> Message:
        """The AGENT object of the push protocol."""
        operator = self.directory.operators.get(user_id)
        queues = {
            pbx: board.queues
            for pbx, board in self._boards.items()
            if operator is not None and any(pbx == each for each, _ in operator.phones)
        }
        up = frozenset(pbx for pbx, board in self._boards.items() if board.up)
        return describe(user_id, operator, self.shift(user_id), setup=self.setup, queues=queues, up=up)

    def colleagues(self) -> list[Message]:
        """Everybody with a telephone and what he does now."""
        return self._colleagues.listed(self.describe(user_id) for user_id in self.directory.operators)

    def queues(self, pbx: str) -> frozenset[str]:
        """The queues of a switchboard."""
        return self._board(pbx).queues

    def is_up(self, pbx: str) -> bool:
        """Whether a switchboard can be asked now and what we know of it is complete."""
        return self._board(pbx).up

    def close(self) -> None:
        """Tell nothing any more."""
        self._colleagues.close()

    def _announce(self, user_id: int) -> None:
        agent = self.describe(user_id)
        if agent != self._told.get(user_id):
            self._told[user_id] = agent
            self._tell(user_id, {"type": "agent", "agent": agent})
            self._colleagues.changed(agent)
            self.announced(agent)


def _as_listed(word: MemberSaid) -> e.MemberListed:
    return e.MemberListed(
        word.at,
        word.queue,
        word.interface,
        word.name,
        word.paused,
        word.reason,
        word.status,
        word.dynamic,
        word.state_interface,
    )
