"""The flight recorder on captures of a real switchboard: what is kept of a call, and what leaves the house."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterisk.events import Heard, LinkLost, LinkUp
from asterisk.wire import parse, wanted
from callcenter.call import Call, Rules, report
from callcenter.flight import ear as ears
from callcenter.flight.ear import Ear
from callcenter.flight.export import export, learnt
from callcenter.flight.recorder import Flight, FlightRecorder
from callcenter.flight.tape import Said, pack, unpack
from callcenter.replay import messages, replay
from callcenter.tracker import Tracker

TRACES = Path(__file__).parent.parent / "traces"
SCENARIOS = sorted(folder.name for folder in TRACES.iterdir() if (folder / "truth.json").exists())
LINES = [f"7495123000{n}" for n in range(1, 10)]
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def recorded(scenario: str) -> Iterator[tuple[Call, Flight | None]]:
    """Yield each call of a capture as the live program ends up knowing it, with what was kept of it."""
    folder = TRACES / scenario
    calls: dict[Any, Call] = {}
    flights: dict[Any, Flight] = {}
    tracker, clock = Tracker(), [AT]
    box = FlightRecorder(
        live=lambda: tracker.calls.values(),
        keep=lambda flight: flights.__setitem__(flight.call_id, flight),
        now=lambda: clock[0],
    )
    ear = box.ear("lab")
    for message in messages(sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl"))):
        clock[0] = message.at
        box.hand_over(message.at - timedelta(seconds=12))
        if not message.block and isinstance(message.event, LinkLost | LinkUp):
            ear.link_changed(isinstance(message.event, LinkUp), message.at, "as in the capture")
        if message.block and wanted(message.block):
            block = message.block.lstrip(b"\r\n")
            ear.heard(parse(block), block, message.at)
        for change in tracker.apply(Heard("lab", message.event)) if message.event else ():
            calls[change.after.id] = change.after
            if change.after.ended_at is not None and change.after.merged_into is None:
                box.call_ended(change.after)
    box.close()
    for call in calls.values():
        if call.merged_into is None:
            yield call, flights.get(call.id)


def replayed(capture: bytes, folder: Path) -> list[dict[str, Any]]:
    file = folder / "exported.ami"
    file.write_bytes(capture)
    return list(replay([file]))


def with_pseudonyms(facts: dict[str, Any], said: Iterable[Said]) -> dict[str, Any]:
    names = learnt([each.headers for each in said], LINES, Rules())
    for field in ("remote_number", "line"):
        facts[field] = None if facts[field] is None else names.number(facts[field])
    facts["remote_name"] = None if facts["remote_name"] is None else names.name(facts["remote_name"])
    facts["transfers"] = [
        transfer | {"to": transfer["to"] and names.number(transfer["to"])} for transfer in facts["transfers"]
    ]
    facts["recordings"] = len(facts["recordings"])
    return facts


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_export_of_a_call_replays_as_the_same_call_under_other_names(scenario: str, tmp_path) -> None:
    seen = 0
    for call, flight in recorded(scenario):
        assert flight is not None, call.linkedid
        said = unpack(flight.row["packed"])
        exported = replayed(export([said], lines=LINES, rules=Rules()), tmp_path)
        (facts,) = exported
        facts["recordings"] = len(facts["recordings"])
        assert facts == with_pseudonyms(report(call), said)
        seen += 1
    assert seen


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_number_and_no_name_of_a_customer_leaves_the_house(scenario: str) -> None:
    calls = list(recorded(scenario))
    for call, flight in calls:
        assert flight is not None
        out = export([unpack(flight.row["packed"])], lines=LINES, rules=Rules()).decode()
        digits = re.sub(r"\D", "", call.remote_number or "")
        if len(digits) >= 7:
            assert digits[-7:] not in re.sub(r"[^\w\n]", "", re.sub(r"-[0-9a-f]{8}(?=[;\r])", "", out))
        if call.remote_name not in (None, "Anonymous", "anonymous") and not call.remote_name.isdecimal():
            assert f"Name: {call.remote_name}\r\n" not in out


def test_what_was_said_about_a_call_is_small_and_comes_back_as_it_was() -> None:
    sizes = []
    for _, flight in recorded("a-queue-answer-customer-hangup"):
        assert flight is not None and flight.whole
        said = unpack(flight.row["packed"])
        assert said == flight.collected.in_order() and len(said) == flight.row["messages"]
        assert [each.at for each in said] == sorted(each.at for each in said)
        sizes.append(len(flight.row["packed"]))
    assert max(sizes) < 4_000
    with pytest.raises(ValueError, match="not a tape"):
        unpack(b"rubbish")


def test_a_call_that_lived_through_a_lost_link_says_so() -> None:
    calls = {call.remote_number: flight for call, flight in recorded("u-ami-lost-and-back")}
    flight = calls["+79160002001"]
    assert flight is not None
    about = [each.headers["Link"] for each in flight.collected.in_order() if each.block.startswith(b"Link:")]
    assert about == ["lost", "up"]


# --- one switchboard's memory ---------------------------------------------------------------------------


def event(kind: str, linkedid: str, **more: str) -> bytes:
    headers = {"Event": kind, "Uniqueid": linkedid, "Linkedid": linkedid, **more}
    return "\r\n".join(f"{name}: {value}" for name, value in headers.items()).encode()


def call_of(linkedid: str, at: datetime = AT) -> Call:
    return Call(pbx="lab", linkedids=(linkedid,), root=linkedid, started_at=at)


def listen(ear: Ear, block: bytes, at: datetime = AT) -> None:
    ear.heard(parse(block), block, at)


def test_memory_is_bounded_and_what_was_lost_is_counted(monkeypatch) -> None:
    ear = Ear(lambda channel: None, most=1_000)
    for n in range(5_000):
        listen(ear, event("Newstate", "endless"))
        if n % 100 == 0:
            listen(ear, event("Newchannel", f"short-{n}"))
    assert sum(len(tape) for tape in ear._tapes.values()) <= 1_000
    endless, short = ear.collect(call_of("endless"), ear.count), ear.collect(call_of("short-0"), ear.count)
    assert endless is not None and short is not None
    assert endless.dropped + len(endless.in_order()) == 5_000
    assert short.dropped == 0 and len(short.in_order()) == 1


def test_what_belongs_to_no_call_is_forgotten_and_what_lives_is_kept() -> None:
    ear = Ear(lambda channel: None)
    listen(ear, event("Newchannel", "spy"))
    listen(ear, event("Newchannel", "live"))
    ear.forget_idle([call_of("live")], AT + ears.IDLE * 2)
    assert ear.collect(call_of("spy"), ear.count) is None
    assert ear.collect(call_of("live"), ear.count) is not None


def test_what_we_asked_for_stands_with_the_call_and_holds_no_secret() -> None:
    ear = Ear(lambda channel: "1795.1" if channel == "PJSIP/1001-00000001" else None)
    listen(ear, event("Newchannel", "1795.1"))
    ear.asked(
        "Redirect", {"Channel": "PJSIP/1001-00000001", "Exten": "1002", "Secret": "hidden"}, AT, "Success"
    )
    ear.asked("Login", {"Username": "crm", "Secret": "hidden"}, AT, "Success")
    ear.asked("Hangup", {"Channel": "PJSIP/1009-00000009"}, AT, "No such channel")
    kept = ear.collect(call_of("1795.1"), ear.count)
    assert kept is not None
    asked = [said.text for said in kept.in_order() if said.block.startswith(b"Action:")]
    assert asked == ["Action: Redirect\nChannel: PJSIP/1001-00000001\nExten: 1002\nAnswer: Success"]


def test_a_failed_click_to_call_is_kept_with_the_call_it_was_for() -> None:
    calls = list(recorded("j-click-to-call-agent-absent"))
    kinds = [
        {each.headers.get("Event") for each in flight.collected.in_order()} for _, flight in calls if flight
    ]
    assert kinds and all("OriginateResponse" in kind for kind in kinds)


# --- nobody's data --------------------------------------------------------------------------------------

TAILS = (
    st.integers(1_000_000, 9_999_999).map(str).filter(lambda t: len(set(t)) > 3 and not t.startswith("555"))
)
SPELLINGS = st.sampled_from(
    [
        "+7916{}",
        "8916{}",
        "7916{}",
        "+7 (916) {0[0]}{0[1]}{0[2]}-{0[3]}{0[4]}-{0[5]}{0[6]}",
        "00380{}",
        "+48 60 {}",
    ]
)
PEOPLE = st.text(
    st.characters(categories=("Lu", "Ll", "Lo", "Zs"), max_codepoint=0x4FF), min_size=4, max_size=30
).filter(lambda name: len(name.strip()) > 3 and not name.isascii())
HEADERS = ("CallerIDNum", "ConnectedLineNum", "Exten", "DestCallerIDNum", "DestExten")
ELSEWHERE = ("AccountCode", "Context", "DestChannel", "DialString", "X-New", "Queue", "Reason", "Cause-txt")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), tail=TAILS, name=PEOPLE)
def test_whatever_the_switchboard_says_no_personal_data_is_left(data, tail: str, name: str) -> None:
    spelt = data.draw(SPELLINGS).format(tail)
    said = [
        Said(
            AT,
            f"Event: Newchannel\r\nUniqueid: 1795.1\r\nLinkedid: 1795.1\r\nChannel: PJSIP/trunk-00000001\r\n"
            f"CallerIDNum: {spelt}\r\nCallerIDName: {name}".encode(),
        )
    ]
    for header in data.draw(
        st.lists(st.sampled_from((*HEADERS, *ELSEWHERE)), min_size=1, max_size=6, unique=True)
    ):
        value = data.draw(
            st.sampled_from([spelt, f"x-{spelt}-y", f"sip:{spelt}@10.1.2.3", name, f"call of {name}!"])
        )
        said.append(Said(AT, f"Event: Newstate\r\nUniqueid: 1795.1\r\n{header}: {value}".encode()))
    said.append(
        Said(
            AT,
            f"Event: VarSet\r\nUniqueid: 1795.1\r\nVariable: MIXMONITOR_FILENAME\r\n"
            f"Value: /m/in-{spelt}-{name}.wav".encode(),
        )
    )
    out = export([said], lines=["74951230001"], rules=Rules()).decode()
    assert tail not in re.sub(r"[^\w\n]", "", out)
    assert name not in out and "10.1.2.3" not in out
    assert "Event: Newchannel" in out and "recording-1.wav" in out


@given(tail=TAILS)
def test_one_number_in_three_spellings_stays_one_number(tail: str) -> None:
    blocks = [
        f"Event: Newstate\r\nCallerIDNum: {prefix}{tail}".encode() for prefix in ("+7916", "8916", "7916")
    ]
    out = export([[Said(AT, block) for block in blocks]], lines=[], rules=Rules()).decode()
    shown = re.findall(r"CallerIDNum: (\S+)", out)
    assert shown == ["+79165550001", "89165550001", "79165550001"]


def test_our_own_lines_and_phones_are_kept() -> None:
    said = Said(
        AT,
        b"Event: DialBegin\r\nUniqueid: 1795.1\r\nChannel: PJSIP/trunk-00000001\r\nExten: 74951230001\r\n"
        b"CallerIDNum: 4321\r\nDestUniqueid: 1795.2\r\nDestChannel: PJSIP/1001-00000012\r\nDestCallerIDNum: 1001",
    )
    out = export([[said]], lines=["+74951230001"], rules=Rules()).decode()
    assert "Exten: 74951230001" in out and "DestChannel: PJSIP/1001-00000012" in out
    assert "DestCallerIDNum: 1001" in out and "CallerIDNum: 9999" in out  # short, but from outside


def test_a_tape_survives_any_bytes() -> None:
    said = [Said(AT, b"Event: Newchannel\r\nCallerIDName: \xff\xfe\x00"), Said(AT, b"Heard: 1\r\nX: y")]
    assert unpack(pack(said)) == said
