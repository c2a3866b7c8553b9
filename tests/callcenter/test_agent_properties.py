"""Whatever happens in whatever order, a shift says the truth: checked against a switchboard that obeys."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk.events import (
    DeviceState,
    LinkLost,
    LinkUp,
    MemberAdded,
    MemberListed,
    MemberPaused,
    MemberRemoved,
)
from callcenter.agent import (
    WRAP_UP,
    AgentState,
    Kind,
    Order,
    Place,
    Shift,
    apply,
    from_json,
    orders,
    restated,
    to_json,
)
from callcenter.agent.news import Asked, CallMoved, PauseChosen, PauseLifted, Unlisted, WrapUpEnded
from callcenter.agent.steps import nobody

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALL = UUID(int=1)
PLACES = tuple(Place("main", queue, "PJSIP/1001") for queue in ("sales", "orders"))


@dataclass
class World:
    """One operator, a switchboard that obeys, and a supervisor who interferes."""

    shift: Shift = field(default_factory=lambda: replace(nobody(NOON), phones=(("main", "1001"),)))
    pbx: dict[Place, str | None] = field(default_factory=dict)  # paused with this text; None: not paused
    wire: list[Order] = field(default_factory=list)  # asked for, not done yet
    events: list[MemberPaused] = field(default_factory=list)  # done, not heard yet
    foreign: dict[Place, str] = field(default_factory=dict)  # set by the supervisor and not lifted by her
    up: bool = True
    at: datetime = NOON
    intervals: list[tuple[datetime, AgentState]] = field(default_factory=list)

    def tick(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def take(self, event: object) -> None:
        before = self.shift
        self.shift = restated(apply(self.shift, "main", event), self.at)  # type: ignore[arg-type]
        if self.shift.standing != before.standing:
            self.intervals.append((self.shift.since, self.shift.standing.state))
        if self.up:
            for order in tuple(orders(self.shift)):
                self.shift = apply(self.shift, "main", Asked(self.at, order.place, order.reason))
                self.wire.append(order)

    def say(self, place: Place) -> None:
        reason = self.pbx[place]
        self.events.append(
            MemberPaused(
                self.tick(),
                place.queue,
                place.interface,
                "Anna",
                reason is not None,
                reason,
                DeviceState.IDLE,
            )
        )

    # --- what can happen

    def add(self, place: Place) -> None:
        if place not in self.pbx and self.up:
            self.drain()
            self.pbx[place] = None
            said = (place.queue, place.interface, "Anna", False, None, DeviceState.IDLE, True)
            self.take(MemberAdded(self.tick(), *said))

    def remove(self, place: Place) -> None:
        if place in self.pbx and self.up:
            self.drain()
            del self.pbx[place]
            self.foreign.pop(place, None)
            self.take(MemberRemoved(self.tick(), place.queue, place.interface, "Anna"))

    def supervise(self, place: Place) -> None:
        """The supervisor pauses with a text of her own; it is heard at once."""
        if place in self.pbx and self.up:
            self.drain()
            self.pbx[place] = self.foreign[place] = "see me"
            self.say(place)
            self.drain()

    def relent(self, place: Place) -> None:
        if place in self.pbx and self.up:
            self.drain()
            self.foreign.pop(place, None)
            self.pbx[place] = None
            self.say(place)
            self.drain()

    def step(self) -> None:
        """The switchboard does one thing that it was asked, or is heard to have done one."""
        if self.events:
            self.take(self.events.pop(0))
        elif self.wire:
            order = self.wire.pop(0)
            if order.place in self.pbx:
                self.pbx[order.place] = order.reason
                self.say(order.place)

    def drain(self) -> None:
        for _ in range(50):
            if not self.events and not self.wire:
                return
            self.step()
        raise AssertionError(f"never at rest: {self.shift}")

    def lose(self) -> None:
        if self.up:
            self.up = False
            self.events.clear()
            self.wire.clear()
            self.take(LinkLost(self.tick(), "cut"))

    def find(self) -> None:
        """The link comes back; lists are heard."""
        if self.up:
            return
        self.take(LinkUp(self.tick(), 86_400))
        for place in tuple(self.shift.members):
            if place not in self.pbx:
                self.take(Unlisted(self.at, place))
        for place, reason in self.pbx.items():
            said = (place.queue, place.interface, "Anna", reason is not None, reason, DeviceState.IDLE, True)
            self.take(MemberListed(self.tick(), *said))
        self.up = True
        self.take(LinkUp(self.at, 86_400))


ACTS = st.one_of(
    *(st.tuples(st.just(name), st.sampled_from(PLACES)) for name in ("add", "remove", "supervise", "relent")),
    *(
        st.tuples(st.just(name), st.none())
        for name in ("pause", "ready", "talk", "hang_up", "finish", "step", "step", "lose", "find", "restart")
    ),
)


def act(world: World, name: str, place: Place | None) -> None:
    match name:
        case "pause":
            world.take(PauseChosen(world.tick(), "lunch"))
        case "ready":
            world.take(PauseLifted(world.tick()))
        case "talk":
            world.take(CallMoved(world.tick(), CALL, AgentState.TALKING))
        case "hang_up":
            world.take(CallMoved(world.tick(), CALL, None, world.at + timedelta(seconds=30)))
        case "finish":
            world.take(WrapUpEnded(world.tick()))
        case "restart":
            kept = to_json(world.shift)
            assert to_json(from_json(world.shift, kept)) == kept
        case "step" | "lose" | "find":
            getattr(world, name)()
        case _:
            getattr(world, name)(place)


@settings(max_examples=400, deadline=None)
@given(st.lists(ACTS, max_size=40))
def test_paused_is_only_said_of_whom_no_queue_can_ring_and_nobody_elses_pause_is_lifted(acts) -> None:
    world = World()
    for name, place in acts:
        act(world, name, place)
        heard = world.shift.members
        if world.shift.standing.state is AgentState.PAUSED:
            assert all(member.paused for member in heard.values())
        for theirs in world.foreign:
            if world.up:
                assert world.pbx[theirs] == "see me", "somebody else's pause was touched"
    if not world.up:
        world.find()
    world.drain()
    assert not any(world.shift.asked.values())
    assert list(orders(world.shift)) == []
    held = bool(world.shift.holds)
    for place, reason in world.pbx.items():
        if place in world.foreign:
            continue
        mark = world.shift.marks.get(place)
        if held and not (mark and mark.released):
            expected = WRAP_UP if world.shift.hold(Kind.WRAP_UP) else "lunch"
            assert reason == expected
        elif not held:
            assert reason is None, "a pause that nobody holds any more"


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTS, max_size=40))
def test_states_follow_each_other_in_time(acts) -> None:
    world = World()
    for name, place in acts:
        act(world, name, place)
    instants = [at for at, _ in world.intervals]
    assert instants == sorted(instants)
