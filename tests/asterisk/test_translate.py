"""Foreign words stop at the border: what AMI messages become, and which are not even read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from asterisk import events as e
from asterisk.translate import parse, recording_paths, translate, wanted
from asterisk.wire import END, Cutter

TRACES = Path(__file__).parent.parent / "traces"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHANNEL = {
    "Channel": "PJSIP/1001-00000001",
    "ChannelState": "5",
    "CallerIDNum": "<unknown>",
    "CallerIDName": "Анна",
    "Context": "from-internal",
    "Exten": "s",
    "Uniqueid": "1795286622.1",
    "Linkedid": "1795286622.0",
}


def said(event: str, **headers: str) -> e.Event | None:
    return translate({"Event": event, **CHANNEL, **headers}, NOW)


def test_a_channel_is_shown_in_our_words() -> None:
    event = said("Newstate")
    assert event == e.ChannelStateChanged(
        NOW,
        e.ChannelView(
            "1795286622.1",
            "1795286622.0",
            "PJSIP/1001-00000001",
            e.ChannelState.RINGING,
            None,
            "Анна",
            "from-internal",
            "s",
        ),
    )
    assert e.views(event) == (event.channel,)


def test_the_clock_of_the_switchboard_goes_before_the_arrival() -> None:
    event = said("Newstate", Timestamp="1795286622.568")
    assert event is not None
    assert event.at == datetime(2026, 11, 21, 18, 43, 42, 568000, tzinfo=UTC)


@pytest.mark.parametrize("stamp", ["", "soon", "1e400", "nan"])
def test_a_nonsense_clock_makes_no_event_and_no_crash(stamp: str) -> None:
    assert said("Newstate", Timestamp=stamp) is None


def test_a_message_without_its_own_headers_is_none_of_ours() -> None:
    assert translate({"Event": "Hangup", "Channel": "PJSIP/1001-1"}, NOW) is None
    assert translate({"Event": "SomethingNew", "Uniqueid": "1.1"}, NOW) is None
    assert translate({"Response": "Success"}, NOW) is None
    assert translate({}, NOW) is None


def test_the_banner_does_not_spoil_the_first_message() -> None:
    block = b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nActionID: 1\r\nMessage: Authentication accepted"
    assert parse(block) == {"Response": "Success", "ActionID": "1", "Message": "Authentication accepted"}
    assert not wanted(block)


def test_values_keep_their_colons_and_may_be_empty() -> None:
    assert parse(b"Key: a: b:c\r\nAccountCode: \r\nExten:") == {
        "Key": "a: b:c",
        "AccountCode": "",
        "Exten": "",
    }


def test_half_names_of_a_masquerade_rename_nothing() -> None:
    assert said("Rename", Newname="PJSIP/1001-1<ZOMBIE>") is None
    assert said("Rename", Newname="PJSIP/1002-2") == e.ChannelRenamed(NOW, "1795286622.1", "PJSIP/1002-2")


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ("/m/a.wav,bSr(/m/a-caller.wav)t(/m/a-agent.wav)", ("/m/a.wav", "/m/a-caller.wav", "/m/a-agent.wav")),
        ("a.wav", ("a.wav",)),
        ("/m/a.wav,b,/usr/bin/convert r(x)", ("/m/a.wav",)),
        (",b", ()),
        ("", ()),
    ],
)
def test_a_recording_names_its_mix_and_its_sides(data: str, paths: tuple[str, ...]) -> None:
    assert recording_paths(data) == paths


def test_an_interface_is_called_location_in_the_answer_to_queuestatus() -> None:
    member = {
        "Queue": "sales",
        "Location": "PJSIP/1001",
        "Name": "Anna",
        "Paused": "1",
        "PausedReason": "lunch",
    }
    event = translate({"Event": "QueueMember", "Status": "6", **member}, NOW)
    assert event == e.MemberListed(NOW, "sales", "PJSIP/1001", "Anna", True, "lunch", e.DeviceState.RINGING)


def test_an_originate_that_failed_names_no_channel() -> None:
    event = said(
        "OriginateResponse", Response="Failure", Reason="3", Uniqueid="<unknown>", Exten="7926", ActionID="x"
    )
    assert event == e.OriginateEnded(NOW, "x", None, 3, False, "PJSIP/1001-00000001", "7926")


def test_only_the_variables_that_are_news_are_read() -> None:
    noise = b"Event: VarSet\r\nChannel: PJSIP/1-1\r\nVariable: RTPAUDIOQOS\r\nValue: ssrc=1"
    assert not wanted(noise)
    news = (
        b"Event: VarSet\r\nChannel: PJSIP/1-1\r\nUniqueid: 1.1\r\nVariable: __CALLCENTER_CALL\r\nValue: abc"
    )
    assert wanted(news)
    event = translate(parse(news), NOW)
    assert isinstance(event, e.ChannelTagged) and event.tag == "abc"


@pytest.mark.parametrize("file", sorted(TRACES.glob("*/*.ami")), ids=lambda file: file.parent.name)
def test_what_is_not_read_would_not_have_been_an_event(file: Path) -> None:
    for block in Cutter().feed(file.read_bytes()):
        event = translate(parse(block), NOW)
        unread = isinstance(event, e.DialProgressed) and not event.ringing  # tells nothing that we use
        assert wanted(block) or event is None or unread


def test_a_capture_ends_with_an_unfinished_block() -> None:
    cutter = Cutter()
    assert cutter.feed(b"Event: A\r\n\r") == []
    assert cutter.feed(b"\nEvent: B") == [b"Event: A"]
    assert cutter.rest == b"Event: B"
    assert END == b"\r\n\r\n"
