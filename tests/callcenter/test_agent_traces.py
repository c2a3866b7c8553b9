"""What shifts make of a capture in which operators sign in, pause and talk, against what they really did."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from asterisk.events import Heard, QueueListEnded, Resynced
from callcenter.agent import AgentState, Place, Shift
from callcenter.agent.model import Kind
from callcenter.agent_view import Setup
from callcenter.agents import Agents
from callcenter.call import Rules
from callcenter.directory import Directory, Operator
from callcenter.replay import events
from callcenter.tracker import Tracker
from tests.callcenter.test_tracker_traces import files_of, folder_of

NAMES = {1: "1001", 2: "1002"}
HOUSE = Directory(
    operators={
        n: Operator(id=n, name=f"No {n}", role="operator", phones=(("pbx", e),)) for n, e in NAMES.items()
    },
    by_phone={("pbx", extension): n for n, extension in NAMES.items()},
    lines={},
    own_numbers=frozenset(),
)


class Diary:
    """Every state of everybody, with the instant it began."""

    def __init__(self) -> None:
        self.states: dict[int, list[tuple[datetime, AgentState, str | None]]] = {n: [] for n in NAMES}

    def log(self, user_id: int, shift: Shift) -> None:
        line = (shift.since, shift.standing.state, shift.standing.reason)
        known = self.states[user_id]
        if known and known[-1][0] == shift.since:
            known.pop()
        known.append(line)

    def save(self, user_id: int, shift: Shift, at: datetime) -> None:
        pass

    def spans(self, user_id: int, state: AgentState) -> list[tuple[datetime, datetime]]:
        known = self.states[user_id]
        ends = [at for at, _, _ in known[1:]] + [datetime.max.replace(tzinfo=UTC)]
        return [(line[0], end) for line, end in zip(known, ends, strict=True) if line[1] is state]


async def test_logins_pauses_and_talks_are_those_of_the_capture() -> None:
    folder = folder_of("t")
    truth = json.loads((folder / "truth.json").read_text())
    began = datetime.fromtimestamp(truth["t0_epoch"], UTC)
    diary, tracker = Diary(), Tracker()
    agents = Agents(rules={"pbx": Rules()}, book=diary, now=lambda: began)
    agents.use_directory(HOUSE)
    paused: list[tuple[float, int, str, bool, str | None]] = []
    orders: dict[int, list[bool]] = {n: [] for n in NAMES}
    for event in events(*files_of(folder)):
        for change in tracker.apply(Heard("pbx", event)):
            agents.call_changed(change.after, None)
        agents.heard("pbx", event)
        if isinstance(event, QueueListEnded) and not agents.is_up("pbx"):
            agents.heard("pbx", Resynced(event.at))
        for n, extension in NAMES.items():
            member = agents.shift(n).members.get(Place("pbx", "orders", f"PJSIP/{extension}"))
            if not orders[n] or orders[n][-1] != (member is not None):
                orders[n].append(member is not None)
            said = (n, "orders", bool(member and member.paused), member and member.reason)
            if not paused or [p[1:] for p in paused if p[1] == n][-1:] != [said]:
                paused.append(((event.at - began).total_seconds(), *said))
    # both signed in and out of "orders" once
    assert orders == {1: [False, True, False], 2: [False, True, False]}
    annas = [reason for _, n, _, is_paused, reason in paused if n == 1 and is_paused]
    assert annas == ["lunch", "training", "after this call", "Auto-Pause"]
    for call in truth["calls"]:
        if not call["answered"]:
            continue
        n = next(n for n, extension in NAMES.items() if extension == call["answering_agent"])
        start, end = (began + timedelta(seconds=call[key]) for key in ("answer_t", "end_t"))
        near = timedelta(seconds=0.4)
        assert any(
            abs(a - start) < near and abs(b - end) < near for a, b in diary.spans(n, AgentState.TALKING)
        )
    talks = [len(diary.spans(n, AgentState.TALKING)) for n in NAMES]
    assert talks == [3, 1]
    assert len(diary.spans(1, AgentState.RINGING)) == 4  # the last one rang out
    for states in diary.states.values():
        instants = [at for at, _, _ in states]
        assert instants == sorted(set(instants))


@pytest.mark.parametrize("capture", ["n2", "w2", "w4"])
async def test_nobody_is_in_the_wrap_up_of_a_call_that_he_still_has(capture: str) -> None:
    """Real switchboards: between two rooms of an attended transfer, of a Local channel that is optimised away, of a
    parking lot, his part seems to be over for a moment, and is not."""
    kept: list[AgentState] = []
    now, tracker = datetime.now(UTC), Tracker()
    agents = Agents(rules={"pbx": Rules()}, book=Diary(), now=lambda: now)
    agents.use_setup(Setup(reasons={}, wrap_up=lambda queue, user_id: 60.0))
    agents.use_directory(HOUSE)
    for event in events(*files_of(folder_of(capture))):
        for change in tracker.apply(Heard("pbx", event)):
            agents.call_changed(change.after, None)
        agents.heard("pbx", event)
        for shift in map(agents.shift, NAMES):
            hold = shift.hold(Kind.WRAP_UP)
            assert hold is None or shift.calls.get(hold.call) not in (AgentState.TALKING, AgentState.HELD)
            kept += [AgentState.WRAP_UP] if hold is not None else []
    assert kept  # and he has one when it is over
