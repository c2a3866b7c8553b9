"""What the doctor says of one call that was made to try things."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from callcenter.doctor.finding import Finding, Verdict
from callcenter.doctor.tried import Delivered, Tried, review
from crm_core.read.one_call import CallPage, LegRow
from crm_core.read.sound import Said, Sound, Text, Track

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANSWERED = NOON + timedelta(seconds=6)
RANG = NOON + timedelta(seconds=1)
OVER = NOON + timedelta(seconds=30)
LEG = LegRow(
    extension="1001",
    user="Anna",
    rang_at=RANG,
    answered_at=ANSWERED,
    ended_at=OVER,
    result="answered",
    queue="sales",
    rang_s=5.0,
)
USUAL: dict[str, Any] = {
    name: None for name in CallPage.__dataclass_fields__ if name not in ("legs", "link_rows")
} | {
    "id": UUID(int=1),
    "pbx": "warsaw",
    "direction": "inbound",
    "state": "ended",
    "result": "answered",
    "remote_raw": "0048512345678",
    "remote_e164": "+48512345678",
    "line": "48223071120",
    "line_name": "Poland shop",
    "queue": "sales",
    "operator": "Anna",
    "click_to_call": False,
    "started_at": NOON,
    "answered_at": ANSWERED,
    "ended_at": OVER,
    "wait_s": 6.0,
    "talk_s": 24.0,
}
CALL = CallPage(**USUAL, legs=[LEG])
SOUND = Sound(
    tracks=[
        Track(id=1, pbx="warsaw", path="in-1.wav", side="mix", state="ready", seconds=24.0, error=None),
        Track(
            id=2, pbx="warsaw", path="in-1-agent.wav", side="agent", state="ready", seconds=24.0, error=None
        ),
    ],
    text=Text(
        state="ready",
        language="en",
        phrases=[Said(side="customer", start_s=0, end_s=1, text="where is my parcel", confidence=1)],
    ),
)
SHOWN = Delivered(name="Anna", rang_at=RANG, sent_at=RANG, shown_at=RANG + timedelta(milliseconds=40))
WELL = Tried(call=CALL, sound=SOUND, pops=[SHOWN], now=OVER + timedelta(minutes=5))


def said(tried: Tried) -> dict[str, Finding]:
    return {finding.check: finding for finding in review(tried)}


def with_call(**changes: Any) -> Tried:
    return replace(WELL, call=replace(CALL, **changes))


def test_of_a_call_that_went_well_everything_was_recognised() -> None:
    found = said(WELL)
    assert {finding.verdict for finding in found.values()} == {Verdict.GOOD}
    assert found["card"].says == "Anna's browser showed the card 40 ms after the ring."
    assert "where is my parcel" in found["text"].says


@pytest.mark.parametrize(
    ("tried", "check", "verdict", "words"),
    [
        (with_call(direction="internal"), "direction", "care", "both ends are phones of ours"),
        (with_call(remote_e164=None), "number", "care", "not understood"),
        (with_call(remote_e164=None, remote_raw=None), "number", "care", "withheld"),
        (with_call(line_name=None), "line", "care", "not in our table"),
        (with_call(line=None, line_name=None), "line", "care", "not known"),
        (with_call(queue=None), "queue", "unseen", "No queue"),
        (with_call(legs=[]), "phones", "bad", "No phone of ours"),
        (with_call(legs=[LEG, replace(LEG, extension="1009", user=None)]), "strangers", "care", "1009"),
        (replace(WELL, pops=[]), "card", "bad", "No card went"),
        (replace(WELL, pops=[replace(SHOWN, shown_at=None)]), "card", "care", "not shown"),
        (replace(WELL, pops=[replace(SHOWN, shown_at=RANG + timedelta(seconds=4))]), "card", "care", "4.0 s"),
        (replace(WELL, sound=Sound()), "recording", "bad", "No recording is found"),
        (replace(WELL, sound=Sound(), now=OVER), "recording", "unseen", "awaited"),
        (replace(WELL, sound=replace(SOUND, tracks=SOUND.tracks[:1])), "recording", "care", "both sides in one"),
        (replace(WELL, sound=replace(SOUND, text=Text(state="running"))), "text", "unseen", "awaited"),
        (replace(WELL, sound=replace(SOUND, text=Text(state="failed", error="no"))), "text", "bad", "no"),
        (with_call(answered_at=None, result="no_answer"), "talk", "unseen", "no answer"),
    ],
)  # fmt: skip
def test_what_was_not_recognised_is_named(tried: Tried, check: str, verdict: str, words: str) -> None:
    finding = said(tried)[check]
    assert finding.verdict == verdict
    assert words in finding.says


def test_nothing_is_called_missing_while_the_phone_still_rings() -> None:
    ringing = with_call(answered_at=None, ended_at=None, result=None, talk_s=0.0)
    found = said(replace(ringing, pops=[], sound=Sound(), now=RANG))
    assert Verdict.BAD not in {finding.verdict for finding in found.values()}
