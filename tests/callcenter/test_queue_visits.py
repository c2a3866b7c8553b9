"""What each queue did with a caller, and where a missed call died: tables of what a switchboard says."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from asterisk.events import Heard
from callcenter.call import Call, Place, QueueOutcome, attempts, died_in, from_json, to_json
from callcenter.replay import events
from callcenter.tracker import Tracker
from tests.callcenter.test_tracker_stories import Switchboard

TRACES = Path(__file__).parent.parent / "traces"

CALLS = """
    0.0  Newchannel trunk-1 state=4 num=+79161234567 exten=74951230001
    0.1  Newstate trunk-1 state=6
"""
WAITS = (
    CALLS
    + """
    1.0  Newexten trunk-1 Application=Queue AppData=sales,t,,,60
    1.0  QueueCallerJoin trunk-1 Queue=sales Position=2 Count=2
"""
)
RINGS = """
    2.0  Newchannel 1001-2 of=trunk-1 state=0
    2.0  AgentCalled trunk-1 > 1001-2 Queue=sales Interface=PJSIP/1001
    2.0  DialBegin trunk-1 > 1001-2 DialString=1001
    2.1  Newstate 1001-2 state=5
"""
RANG_OUT = """
    7.1  AgentRingNoAnswer trunk-1 > 1001-2 Queue=sales Interface=PJSIP/1001 RingTime=5000
    7.1  DialEnd trunk-1 > 1001-2 DialStatus=NOANSWER
    7.1  Hangup 1001-2 Cause=0
"""
PUT_OUT = """
    9.0  QueueCallerAbandon trunk-1 Queue=sales Position=1 OriginalPosition=2 HoldTime=8
    9.0  QueueCallerLeave trunk-1 Queue=sales Position=1 Count=0
"""
GIVES_UP = """
    9.0  HangupRequest trunk-1 Cause=16
    9.0  QueueCallerAbandon trunk-1 Queue=sales Position=1 OriginalPosition=2 HoldTime=8
    9.0  QueueCallerLeave trunk-1 Queue=sales Position=1 Count=0
    9.01 Hangup trunk-1 Cause=16
"""
SORRY = """
    12.0 SoftHangupRequest trunk-1 Cause=16
    12.0 Hangup trunk-1 Cause=16
"""


def heard(*parts: str) -> Call:
    return Switchboard().says("".join(parts)).call


def visits(call: Call) -> list[tuple[str, QueueOutcome | None]]:
    assert from_json(json.loads(json.dumps(to_json(call)))) == call
    return [(visit.queue, visit.outcome) for visit in call.visits]


def lite(text: str) -> str:
    """The same as an account without class dialplan hears it."""
    return "\n".join(
        line for line in text.splitlines() if " Newexten " not in line and " VarSet " not in line
    )


def test_an_answered_visit_knows_places_and_wait() -> None:
    call = heard(
        WAITS,
        RINGS,
        """
        6.0  Newstate 1001-2 state=6
        6.0  DialEnd trunk-1 > 1001-2 DialStatus=ANSWER
        6.0  QueueCallerLeave trunk-1 Queue=sales Position=1 Count=0
        6.0  AgentConnect trunk-1 > 1001-2 Queue=sales HoldTime=5
        6.1  BridgeEnter trunk-1 BridgeUniqueid=A
        6.1  BridgeEnter 1001-2 BridgeUniqueid=A
        """,
        SORRY,
        "12.0 Hangup 1001-2 Cause=16",
    )
    (visit,) = call.visits
    assert visit.outcome is QueueOutcome.ANSWERED
    assert (visit.position, visit.left_position, visit.wait_s) == (2, 1, 5.0)
    assert [(a.extension, a.queue, a.rang_s, a.result) for a in attempts(call)] == [
        ("1001", "sales", pytest.approx(3.9), "answered")
    ]
    assert died_in(call) is None


def test_who_hangs_up_in_a_queue_abandons_it_with_and_without_dialplan_events() -> None:
    story = WAITS + RINGS + GIVES_UP + "9.1 Hangup 1001-2 Cause=0"
    for said in (story, lite(story)):
        call = heard(said)
        assert visits(call) == [("sales", QueueOutcome.ABANDONED)]
        assert call.result == "abandoned" and died_in(call) is Place.QUEUE
        assert call.visits[0].wait_s == 8.0


def test_a_request_to_hang_up_may_be_heard_just_after_the_abandon_it_caused() -> None:
    call = heard(
        WAITS,
        """
        9.0  QueueCallerAbandon trunk-1 Queue=sales Position=1
        9.0  QueueCallerLeave trunk-1 Queue=sales Position=1
        9.01 HangupRequest trunk-1 Cause=16
        9.02 Hangup trunk-1 Cause=16
        """,
    )
    assert (call.result, visits(call)) == ("abandoned", [("sales", QueueOutcome.ABANDONED)])


@pytest.mark.parametrize(
    ("status", "outcome", "place"),
    [
        ("TIMEOUT", QueueOutcome.TIMEOUT, Place.QUEUE),
        ("LEAVEEMPTY", QueueOutcome.LEAVE_EMPTY, Place.ALL_BUSY),
        ("LEAVEUNAVAIL", QueueOutcome.LEAVE_EMPTY, Place.ALL_BUSY),
        ("WITHDRAW", QueueOutcome.WITHDRAWN, Place.QUEUE),
    ],
)
def test_the_queue_says_why_it_put_the_caller_out(status: str, outcome: QueueOutcome, place: Place) -> None:
    said = f"9.0 VarSet trunk-1 Variable=QUEUESTATUS Value={status}"
    call = heard(WAITS, RINGS, RANG_OUT, PUT_OUT, said, SORRY)
    assert visits(call) == [("sales", outcome)]
    assert (call.result, died_in(call)) == ("overflow", place)


def test_without_dialplan_events_a_caller_who_is_put_out_has_not_abandoned() -> None:
    call = heard(lite(WAITS), RINGS, RANG_OUT, PUT_OUT, SORRY)
    assert visits(call) == [("sales", QueueOutcome.LET_GO)]
    assert (call.result, died_in(call)) == ("overflow", Place.QUEUE)


def test_who_hears_the_apology_and_then_hangs_up_was_still_put_out() -> None:
    late = "11.0 HangupRequest trunk-1 Cause=16\n11.0 Hangup trunk-1 Cause=16"
    for waits in (WAITS, lite(WAITS)):
        assert heard(waits, PUT_OUT, late).result == "overflow"
        assert visits(heard(waits, PUT_OUT, late)) != [("sales", QueueOutcome.ABANDONED)]


@pytest.mark.parametrize(
    ("status", "outcome"), [("JOINEMPTY", QueueOutcome.JOIN_EMPTY), ("FULL", QueueOutcome.FULL)]
)
def test_a_refusal_at_the_door_is_a_visit_without_a_wait(status: str, outcome: QueueOutcome) -> None:
    call = heard(
        CALLS,
        f"""
        1.0  Newexten trunk-1 Application=Queue AppData=sales,t,,,60
        1.0  VarSet trunk-1 Variable=QUEUESTATUS Value={status}
        """,
        SORRY,
    )
    (visit,) = call.visits
    assert (visit.outcome, visit.entered_at, visit.wait_s) == (outcome, None, 0.0)
    assert died_in(call) is Place.ALL_BUSY


def test_overflow_to_a_second_queue_is_two_visits_and_the_call_dies_in_the_last() -> None:
    call = heard(
        WAITS,
        PUT_OUT,
        """
        9.0  VarSet trunk-1 Variable=QUEUESTATUS Value=TIMEOUT
        9.1  Newexten trunk-1 Application=Queue AppData=support,t,,,60
        9.1  QueueCallerJoin trunk-1 Queue=support Position=1 Count=1
        15.0 HangupRequest trunk-1 Cause=16
        15.0 QueueCallerAbandon trunk-1 Queue=support Position=1 HoldTime=6
        15.0 QueueCallerLeave trunk-1 Queue=support Position=1
        15.0 Hangup trunk-1 Cause=16
        """,
    )
    assert visits(call) == [("sales", QueueOutcome.TIMEOUT), ("support", QueueOutcome.ABANDONED)]
    assert [visit.wait_s for visit in call.visits] == [8.0, pytest.approx(5.9)]


def test_who_presses_a_key_has_neither_abandoned_nor_been_put_out() -> None:
    left = "9.0 QueueCallerLeave trunk-1 Queue=sales Position=1 Count=0\n"
    menu = "9.1 Newexten trunk-1 Application=BackGround AppData=choose\n"
    voicemail = "9.1 Newexten trunk-1 Application=VoiceMail AppData=100\n"
    assert visits(heard(WAITS, left, SORRY)) == [("sales", QueueOutcome.KEY_EXIT)]
    hangs_up = "11.0 HangupRequest trunk-1 Cause=16\n11.0 Hangup trunk-1 Cause=16"
    assert heard(WAITS, left, menu, hangs_up).result == "no_answer"
    assert died_in(heard(WAITS, left, menu, SORRY)) is Place.MENU
    assert died_in(heard(WAITS, left, voicemail, SORRY)) is Place.VOICEMAIL


def test_who_is_redirected_out_of_the_queue_was_withdrawn() -> None:
    redirected = """
        9.1  Newchannel 1002-3 of=trunk-1 state=0
        9.1  DialBegin trunk-1 > 1002-3 DialString=1002
        9.1  Newstate 1002-3 state=5
        10   Newstate 1002-3 state=6
        10   DialEnd trunk-1 > 1002-3 DialStatus=ANSWER
        10   BridgeEnter trunk-1 BridgeUniqueid=A
        10   BridgeEnter 1002-3 BridgeUniqueid=A
        11   Hangup 1002-3 Cause=16
        """
    call = heard(WAITS, PUT_OUT, redirected, SORRY)
    assert visits(call) == [("sales", QueueOutcome.WITHDRAWN)]
    assert [(a.extension, a.queue) for a in attempts(call)] == [("1002", None)]


def test_who_is_cut_off_by_the_switchboard_has_not_abandoned() -> None:
    call = heard(WAITS, "9.0 SoftHangupRequest trunk-1 Cause=16", PUT_OUT, SORRY)
    assert visits(call) == [("sales", QueueOutcome.WITHDRAWN)]


def test_a_member_who_rings_through_a_local_channel_rings_for_the_queue() -> None:
    call = heard(
        WAITS,
        """
        2.0  Newchannel Local/1001@q-1;1 of=trunk-1 state=0
        2.0  Newchannel Local/1001@q-1;2 of=trunk-1 state=4
        2.0  AgentCalled trunk-1 > Local/1001@q-1;1 Queue=sales Interface=Local/1001@q/n
        2.0  DialBegin trunk-1 > Local/1001@q-1;1 DialString=1001@q/n
        2.1  Newchannel 1001-2 of=trunk-1 state=0
        2.1  DialBegin Local/1001@q-1;2 > 1001-2 DialString=1001
        2.1  Newstate 1001-2 state=5
        """,
        GIVES_UP,
        """
        9.1  Hangup 1001-2 Cause=0
        9.1  Hangup Local/1001@q-1;2 Cause=0
        9.1  Hangup Local/1001@q-1;1 Cause=0
        """,
    )
    assert [(a.extension, a.queue, a.result) for a in attempts(call)] == [("1001", "sales", "cancelled")]


# --- where a missed call died ---------------------------------------------------------------------------


def direct(status: str, cause: int) -> str:
    return f"""
        1.0  Newchannel 1001-2 of=trunk-1 state=0
        1.0  DialBegin trunk-1 > 1001-2 DialString=1001
        1.1  Newstate 1001-2 state=5
        5.0  DialEnd trunk-1 > 1001-2 DialStatus={status}
        5.0  Hangup 1001-2 Cause={cause}
    """


@pytest.mark.parametrize(
    ("story", "place"),
    [
        (direct("NOANSWER", 19), Place.RINGING),
        (direct("BUSY", 17), Place.ALL_BUSY),
        ("1.0 VarSet trunk-1 Variable=DIALSTATUS Value=CHANUNAVAIL", Place.ALL_BUSY),
        (direct("NOANSWER", 19) + "6 Newexten trunk-1 Application=VoiceMail AppData=1001", Place.VOICEMAIL),
        ("1.0 Newexten trunk-1 Application=WaitExten AppData=4", Place.MENU),
        ("", Place.MENU),
    ],
)
def test_a_call_to_no_queue_dies_where_its_caller_came_to_last(story: str, place: Place) -> None:
    call = heard(CALLS, story + "\n", SORRY)
    assert died_in(call) is place
    after = Place.VOICEMAIL if place is Place.VOICEMAIL else Place.AFTER_HOURS
    assert died_in(call, in_hours=False) is after


def test_a_number_that_nobody_was_given_is_blocked() -> None:
    call = heard(
        """
        0.0  Newchannel trunk-1 state=4 num=+79161234567 exten=74951239999
        0.1  SoftHangupRequest trunk-1 Cause=1
        0.1  Hangup trunk-1 Cause=1
        """
    )
    assert died_in(call) is Place.BLOCKED


# --- captures, against what Asterisk wrote itself -------------------------------------------------------

CAPTURED = sorted(folder.name for folder in TRACES.iterdir() if (folder / "queue_log").exists())
LEFT_BY = {
    "ABANDON": QueueOutcome.ABANDONED,
    "EXITWITHTIMEOUT": QueueOutcome.TIMEOUT,
    "EXITEMPTY": QueueOutcome.LEAVE_EMPTY,
    "EXITWITHKEY": QueueOutcome.KEY_EXIT,
    "CONNECT": QueueOutcome.ANSWERED,
}


def log_of(folder: Path) -> list[tuple[str, str, str, list[str]]]:
    """(uniqueid of the caller, queue, event, its data) of each line of queue_log."""
    rows = csv.reader((folder / "queue_log").read_text().splitlines(), delimiter="|", quoting=csv.QUOTE_NONE)
    return [(row[1], row[2], row[4], row[5:]) for row in rows if len(row) > 4]


def stays(log: list[tuple[str, str, str, list[str]]]) -> list[dict[str, Any]]:
    """The visits that queue_log tells of, in the order in which callers came."""
    found: list[dict[str, Any]] = []
    for uniqueid, queue, event, more in log:
        if event == "ENTERQUEUE":
            found.append({"caller": uniqueid, "queue": queue, "position": int(more[2]), "outcome": None})
        elif event in LEFT_BY:
            stay = next(s for s in reversed(found) if (s["caller"], s["queue"]) == (uniqueid, queue))
            stay["outcome"] = LEFT_BY[event]
    return found


def calls_of(folder: Path) -> list[Call]:
    tracker, calls = Tracker(), {}
    for event in events(sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl"))):
        for change in tracker.apply(Heard("lab", event)):
            calls[change.after.id] = change.after
    return [call for call in calls.values() if call.merged_into is None]


@pytest.mark.parametrize("scenario", CAPTURED)
def test_visits_are_those_of_the_queue_log(scenario: str) -> None:
    folder = TRACES / scenario
    seen = sorted(
        (visit for call in calls_of(folder) for visit in call.visits if visit.entered_at),
        key=lambda visit: visit.began_at,
    )
    log = stays(log_of(folder))
    told = [(v.uniqueid, v.queue, v.position) for v in seen]
    assert sorted(told) == sorted((s["caller"], s["queue"], s["position"]) for s in log)
    for visit in seen:
        (outcome,) = [s["outcome"] for s in log if (s["caller"], s["queue"]) == (visit.uniqueid, visit.queue)]
        unheard = scenario.startswith("u-") and visit.outcome is None  # it ended while the link was lost
        assert visit.outcome == outcome or unheard


@pytest.mark.parametrize("scenario", [each for each in CAPTURED if not each.startswith("u-")])
def test_who_rang_for_a_queue_is_what_the_queue_log_says(scenario: str) -> None:
    """In "u" the link was lost while phones rang. Asterisk writes ring times of CONNECT in seconds, else in ms."""
    folder = TRACES / scenario
    calls = {call.linkedid: call for call in calls_of(folder)}
    for uniqueid, queue, event, more in log_of(folder):
        if event not in ("CONNECT", "RINGNOANSWER", "RINGCANCELED"):
            continue
        rang_s = float(more[2]) if event == "CONNECT" else int(more[0]) / 1000
        ours = [a for a in attempts(calls[uniqueid]) if a.queue == queue]
        answered = [a for a in ours if (a.result == "answered") == (event == "CONNECT")]
        assert min(abs(a.rang_s - rang_s) for a in answered) < 1.2, (uniqueid, event, ours)
