"""What the tracker makes of captures of a real switchboard, against what really happened (truth.json).

The truth comes from the scripts of the phones, never from AMI.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asterisk.events import ChannelListEnded, Heard, LinkLost, LinkUp
from callcenter.call import Call, CallState, LegResult, Result, from_json, to_json
from callcenter.replay import events, replay
from callcenter.tracker import Change, Tracker

TRACES = Path(__file__).parent.parent / "traces"
SCENARIOS = sorted(folder.name for folder in TRACES.iterdir() if (folder / "truth.json").exists())

RUNG = {
    "answered": "answered",
    "no_answer": "no_answer",
    "answered_elsewhere": "elsewhere",
    "declined_486": "declined",
    "declined_603": "declined",
    "caller_gave_up": "cancelled",
    "pbx_restart": "cancelled",
}
LET_GO = {"timeout", "joinempty", "leaveempty"}  # how a queue rids itself of a caller
ENDED_BY = {"customer": "remote", "agent": "operator", "pbx": "system"}
HIDDEN = {"anonymous", "unknown", ""}

# The caller of this call hides, but Asterisk shows the number of P-Asserted-Identity and nothing says "hidden".
NOT_TOLD = {("1795285931.2", "remote_number")}


def folder_of(letter: str) -> Path:
    return next(TRACES.glob(f"{letter}-*"))


def files_of(folder: Path) -> tuple[list[Path], list[Path]]:
    return sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl"))


def truth_of(folder: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return truth


def heard_whole(call: dict[str, Any], truth: dict[str, Any]) -> bool:
    """Say whether the link was up from the beginning of this call to its end."""
    since = 0.0
    for fact in truth["facts"]:
        if (
            fact["what"] == "ami_lost"
            and since <= call["start_t"]
            and call["end_t"] < fact.get("at", fact["t"])
        ):
            return True
        since = fact["t"] if fact["what"] == "ami_back" else since
    return bool(since <= call["start_t"])


def wanted(call: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (field, value) that the report of a call heard from beginning to end must have."""
    yield "direction", call["direction"]
    yield "result", "overflow" if call.get("queue_exit") in LET_GO else call["disposition"]
    yield "complete", True
    if call["direction"] == "internal":
        return
    if call["direction"] == "inbound":
        number = call["caller_number"]
        yield "remote_number", None if number in HIDDEN else number
        yield "line", call["called"]
        yield "queue", call["queue"]
    else:
        yield "remote_number", call["called"]
    yield "click_to_call", bool(call.get("click_to_call"))
    yield "operators", operators(call)
    yield "ended_by", ENDED_BY[call["hangup_by"]]


def operators(call: dict[str, Any]) -> list[str]:
    if not call.get("segments"):
        return [call["answering_agent"]] if call["answered"] else []
    ours = [s["agent"] for s in call["segments"] if len(s["agent"]) == 4]
    return [o for i, o in enumerate(ours) if i == 0 or ours[i - 1] != o]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_captured_calls_are_told_as_they_happened(scenario: str) -> None:
    folder = TRACES / scenario
    truth = truth_of(folder)
    reports = list(replay(*files_of(folder)))
    for call in truth["calls"]:
        ids = set(call["linkedids_all"])
        if not ids:
            continue  # a phone that is not registered never has a channel
        (report,) = [r for r in reports if ids & set(r["linkedids"])]
        if not heard_whole(call, truth):
            assert report["ended_at"] is not None
            continue
        for field, value in wanted(call):
            if (call["linkedid"], field) not in NOT_TOLD:
                assert report[field] == value, f"{call['linkedid']} {field}"
        check_ringing(report, call)
        check_times(report, call)
    assert len(reports) == sum(bool(c["linkedids_all"]) for c in truth["calls"])


def check_ringing(report: dict[str, Any], call: dict[str, Any]) -> None:
    """Compare who rang, for how long and why he stopped; a colleague's call may ring phones of a consultation."""
    if call["direction"] == "internal":
        return
    rang = sorted((r["extension"], r["result"], r["rang_s"]) for r in report["rang"])
    really = sorted(
        (r["agent"], RUNG[r["outcome"]], r["ring_stop"] - r["ring_start"]) for r in call["ringing"]
    )
    assert [r[:2] for r in rang] == [r[:2] for r in really]
    assert [r[2] for r in rang] == pytest.approx([r[2] for r in really], abs=0.4)


def check_times(report: dict[str, Any], call: dict[str, Any]) -> None:
    if not call["answered"]:
        assert report["talk_s"] == 0
    elif not call["transfers"]:
        held = sum(hold["seconds"] for hold in call["holds"])
        assert report["wait_s"] == pytest.approx(call["wait_s"], abs=0.4)
        assert report["hold_s"] == pytest.approx(held, abs=0.4)
        assert report["talk_s"] == pytest.approx(call["talk_s"] - held, abs=0.6)


UNDONE = {"declined_486", "given_up"}  # the colleague was only asked


@pytest.mark.parametrize(
    "scenario", [s for s in SCENARIOS if any(c["transfers"] for c in truth_of(TRACES / s)["calls"])]
)
def test_transfers_name_who_sent_the_call_where(scenario: str) -> None:
    folder = TRACES / scenario
    truth, reports = truth_of(folder), list(replay(*files_of(folder)))
    for call in truth["calls"]:
        (report,) = [r for r in reports if set(call["linkedids_all"]) & set(r["linkedids"])]
        if heard_whole(call, truth):
            said = [(t["kind"], t["from"], t["to"], t["result"] == "no_answer") for t in report["transfers"]]
            done = [t for t in call["transfers"] if t.get("result") not in UNDONE]
            assert said == [(t["kind"], t["from"], t["to"], unanswered(t, call)) for t in done]


def unanswered(transfer: dict[str, Any], call: dict[str, Any]) -> bool:
    """Say whether nobody talked to the customer after this transfer."""
    later = [s for s in call["segments"] if s["from_t"] >= transfer["t"]]
    return not later


def test_names_of_recordings_are_told_with_the_mix_first() -> None:
    folder = folder_of("b")
    for report, call in zip(replay(*files_of(folder)), truth_of(folder)["calls"], strict=True):
        files = [path.removeprefix("/var/spool/asterisk/monitor/") for path in report["recordings"]]
        assert sorted(files) == sorted(call["recordings"])
        assert files[0] == min(call["recordings"], key=len)


# --- step by step ---------------------------------------------------------------------------------------


def steps(letter: str) -> list[Change]:
    tracker = Tracker()
    heard = events(*files_of(folder_of(letter)))
    return [change for event in heard for change in tracker.apply(Heard("lab", event))]


def milestones(changes: list[Change]) -> list[tuple[CallState, str, str | None]]:
    """Return (state, who rings, operator) whenever one of the three changes."""
    seen: list[tuple[CallState, str, str | None]] = []
    for change in changes:
        now = (change.after.state, " ".join(sorted(change.after.ringing)), change.after.operator)
        if not seen or seen[-1] != now:
            seen.append(now)
    return seen


def test_everybody_rings_until_one_answers() -> None:
    assert milestones(steps("c")) == [
        (CallState.WAITING, "", None),
        (CallState.RINGING, "1003", None),
        (CallState.RINGING, "1002 1003", None),
        (CallState.RINGING, "1001 1002 1003", None),
        (CallState.RINGING, "", None),  # 1002 is off the hook
        (CallState.TALKING, "", "1002"),
        (CallState.WAITING, "", "1002"),
        (CallState.ENDED, "", "1002"),
    ]


def test_the_others_stop_to_ring_with_the_answer_and_not_when_they_are_cancelled() -> None:
    answer = next(c for c in steps("c") if c.after.picked_up)
    assert answer.before is not None
    assert answer.before.ringing == {"1001", "1002", "1003"}
    assert answer.after.ringing == set()
    assert {leg.extension: leg.result for leg in answer.after.legs} == {
        "1001": LegResult.ELSEWHERE,
        "1002": LegResult.ANSWERED,
        "1003": LegResult.ELSEWHERE,
    }


def test_the_next_agent_of_a_hunt_appears_when_his_phone_rings() -> None:
    assert milestones(steps("d")) == [
        (CallState.WAITING, "", None),
        (CallState.RINGING, "1001", None),
        (CallState.WAITING, "", None),
        (CallState.RINGING, "1002", None),
        (CallState.RINGING, "", None),
        (CallState.TALKING, "", "1002"),
        (CallState.WAITING, "", "1002"),
        (CallState.ENDED, "", "1002"),
    ]


def test_result_is_open_until_somebody_talks_or_the_call_ends() -> None:
    for change in steps("d"):
        call = change.after
        assert call.result == (Result.ANSWERED if call.talks else None) or call.ended_at


def test_a_hold_is_seen_when_it_begins_and_when_it_ends() -> None:
    first = [c for c in steps("o") if c.after.remote_number == "+79167770001"]
    assert [state.value for state, _, _ in milestones(first)][-7:] == [
        "talking",
        "held",
        "talking",
        "held",
        "talking",
        "waiting",
        "ended",
    ]


def test_on_a_blind_transfer_the_colleague_rings_and_then_has_the_call() -> None:
    first = [c for c in steps("m") if c.after.remote_number == "+79165550001"]
    story = [(state.value, ringing, operator) for state, ringing, operator in milestones(first)]
    assert story[3:] == [
        ("talking", "", "1001"),
        ("waiting", "", "1001"),
        ("ringing", "1002", "1001"),
        ("ringing", "", "1001"),
        ("talking", "", "1002"),
        ("waiting", "", "1002"),
        ("ended", "", "1002"),
    ]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_call_begins_once_and_ends_once(scenario: str) -> None:
    tracker = Tracker()
    begun: dict[Any, int] = {}
    ended: dict[Any, int] = {}
    for event in events(*files_of(TRACES / scenario)):
        for change in tracker.apply(Heard("lab", event)):
            key, before = change.after.id, change.before
            begun[key] = begun.get(key, 0) + (before is None)
            ended[key] = ended.get(key, 0) + (
                change.after.ended_at is not None and (before is None or before.ended_at is None)
            )
    assert set(begun.values()) == {1}
    assert set(ended.values()) == {1}
    assert not tracker.calls


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_change_starts_where_the_last_one_stopped(scenario: str) -> None:
    tracker = Tracker()
    last: dict[Any, Call] = {}
    for event in events(*files_of(TRACES / scenario)):
        for change in tracker.apply(Heard("lab", event)):
            assert last.get(change.after.id) is change.before
            last[change.after.id] = change.after


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_call_comes_back_from_the_database_as_it_was(scenario: str) -> None:
    tracker = Tracker()
    for event in events(*files_of(TRACES / scenario)):
        for change in tracker.apply(Heard("lab", event)):
            text = json.dumps(to_json(change.after))
            assert from_json(json.loads(text)) == change.after


# --- the link is lost, the process dies -----------------------------------------------------------------


def test_calls_that_ended_unheard_are_closed_and_those_that_live_on_stay_one() -> None:
    folder = folder_of("u")
    reports = {r["remote_number"]: r for r in replay(*files_of(folder))}
    assert len(reports) == 5
    gone = [n for n, r in reports.items() if r["ended_reason"] == "ended while disconnected"]
    assert gone == ["+79160002002", "+79160002005"]
    assert reports["+79160002001"]["operators"] == ["1001"]
    assert reports["+79160002003"]["operators"] == ["1003"]  # answered while nobody heard
    born = reports["+79160002004"]
    assert (born["line"], born["queue"], born["operator"]) == ("74951230001", "sales", "1002")
    assert born["result"] == "answered" and born["ended_by"] == "remote"


def outside_a_login(heard: list[Heard], cut: int) -> int:
    """Return `cut`, or the login before it when the lists are not read yet: whoever comes back logs in anew."""
    lost = back = None
    for i, (_, event) in enumerate(heard[:cut]):
        match event:
            case LinkLost():
                lost, back = i, None
            case LinkUp() if lost is not None and back is None:
                back = i
            case ChannelListEnded():
                lost = back = None
    return cut if back is None else back


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("survivors", [0.3, 0.6, 0.9])
def test_after_a_crash_the_same_calls_go_on_without_a_phantom(scenario: str, survivors: float) -> None:
    """Kill the tracker in the middle of the stream, give its calls to another one by way of JSON."""
    heard = [Heard("lab", event) for event in events(*files_of(TRACES / scenario))]
    cut = outside_a_login(heard, int(len(heard) * survivors))
    whole, first, second = Tracker(), Tracker(), Tracker()
    told = {c.after.id: c.after for h in heard for c in whole.apply(h)}
    calls = {c.after.id: c.after for h in heard[:cut] for c in first.apply(h)}
    second.restore(from_json(to_json(call)) for call in first.calls.values())
    calls |= {c.after.id: c.after for h in heard[cut:] for c in second.apply(h)}
    assert {i: (c.result, c.operators) for i, c in calls.items()} == {
        i: (c.result, c.operators) for i, c in told.items()
    }
