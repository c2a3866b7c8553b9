# ruff: noqa: E501  (a row of a table is a line)
"""What the doctor says of our own side."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcenter.doctor.finding import Finding, Verdict
from callcenter.doctor.house_checks import HOUSE
from callcenter.doctor.house_facts import (
    DatabaseFacts,
    FolderStep,
    HouseFacts,
    Premises,
    SoundFacts,
    SpeechFacts,
    WebFacts,
)
from callcenter.doctor.sound_checks import SOUND
from crm_core.read.habits import SoundHabits
from recordings.roots import Roots
from recordings.store import Root

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FOLDER = Path("/var/spool/asterisk/monitor")
PREMISES = Premises(
    data_dir=Path("/srv/callcenter"),
    database_url_given=True,
    http_port=8080,
    push_port=8081,
    http_host="0.0.0.0",
    public_url="https://crm.example.com",
    recordings=Roots(Root(FOLDER)),
    vosk_model=Path("/srv/vosk-model-small-pl-0.22"),
    country="PL",
    secret_key_given=True,
)
WELL = HouseFacts(
    premises=PREMISES,
    now=NOW,
    database=DatabaseFacts(version=160004, latency_s=0.001, skew_s=0.01, size=5_000_000, admins=1),
    sound=SoundFacts(
        folder=FOLDER,
        account="callcenter",
        newest="in-1.wav",
        newest_at=NOW - timedelta(minutes=3),
        newest_sided=True,
        free=90 << 30,
    ),
    habits=SoundHabits(answered=40, recorded=40, written=40, last_answered_at=NOW - timedelta(minutes=2)),
    speech=SpeechFacts(model="vosk-model-small-pl-0.22", language="pl", loaded_s=1.2),
    web=WebFacts(page_status=200, push_status=401),
    data_free=90 << 30,
)


def said(facts: HouseFacts) -> dict[str, Finding]:
    """The findings, by "part: check"."""
    found: dict[str, Finding] = {}
    for check in (*HOUSE, *SOUND):
        answer = check(facts)
        for one in [answer] if isinstance(answer, Finding) else list(answer or ()):
            found[f"{one.about}: {one.check}"] = one
    return found


def test_of_a_healthy_house_nothing_bad_is_said() -> None:
    assert {finding.verdict for finding in said(WELL).values()} == {Verdict.GOOD}


CLOSED = FolderStep(path=FOLDER.parent, mode=0o750, owner="asterisk", group="asterisk", passable=False)
SHUT = FolderStep(path=FOLDER, mode=0o700, owner="asterisk", group="asterisk", passable=False)
SPOOL = FolderStep(path=Path("/var/spool"), mode=0o755, owner="root", group="root", passable=True)


@pytest.mark.parametrize(
    ("facts", "check", "verdict", "words", "fix"),
    [
        (replace(WELL, database=DatabaseFacts(error="refused")), "database: database", "bad", "refused", "DATABASE_URL"),
        (replace(WELL, database=replace(WELL.database, version=150002)), "database: database", "bad", "too old", "16"),
        (replace(WELL, database=replace(WELL.database, behind=True)), "database: database", "bad", "older shape", "callcenter migrate"),
        (replace(WELL, database=replace(WELL.database, latency_s=0.2)), "database: database", "care", "200.0 ms", "near"),
        (replace(WELL, database=replace(WELL.database, skew_s=-90.0)), "database: clock", "bad", "90.0 s behind", "timedatectl"),
        (replace(WELL, database=replace(WELL.database, admins=0)), "service: administrators", "bad", "No administrator", "--role admin"),
        (replace(WELL, data_free=100 << 20), "database: room", "bad", "100 MB are free", "df -h"),
        (replace(WELL, data_free=1 << 30), "database: room", "care", "1 GB", "df -h"),
        (replace(WELL, speech=replace(WELL.speech, wrong="There is no model.")), "speech: model", "bad", "no model", "VOSK_MODEL"),
        (replace(WELL, speech=replace(WELL.speech, language="ru")), "speech: language", "care", "understands 'ru'", "VOSK_MODEL"),
        (replace(WELL, premises=replace(PREMISES, vosk_model=None)), "speech: vocabulary", "care", "500 words", "VOSK_MODEL"),
        (replace(WELL, premises=replace(PREMISES, public_url=None)), "service: address", "care", "in the clear", "PUBLIC_URL"),
        (replace(WELL, web=WebFacts(reason="no such name")), "service: address", "care", "no such name", "curl"),
        (replace(WELL, refused_calls=3), "database: refused calls", "bad", "did not accept 3 call(s)", "call not written"),
        (replace(WELL, web=WebFacts(page_status=502)), "service: address", "bad", "answers 502", "8080"),
        (replace(WELL, web=WebFacts(page_status=200, push_status=404)), "service: push", "bad", "no card will ever appear", "8081"),
        (replace(WELL, premises=replace(PREMISES, secret_key_given=False), key_mode=0o644), "service: secret key", "bad", "0644", "chmod 600"),
        (replace(WELL, sound=SoundFacts(folder=None)), "recordings: folder", "care", "No folder", "RECORDINGS_DIR"),
        (replace(WELL, sound=SoundFacts(folder=FOLDER, wrong="no", account="callcenter", path=(SPOOL, CLOSED))), "recordings: folder", "bad", "callcenter may not enter /var/spool/asterisk (mode 0750, asterisk:asterisk)", "usermod -a -G asterisk callcenter"),
        (replace(WELL, sound=SoundFacts(folder=FOLDER, wrong="no", account="callcenter", path=(SPOOL, SHUT))), "recordings: folder", "bad", "mode 0700", "setfacl -m u:callcenter:rx"),
        (replace(WELL, sound=SoundFacts(folder=FOLDER, wrong="no", spool="/data/ast", path=(SPOOL,))), "recordings: folder", "bad", "/var/spool is the last folder that does", "/data/ast/monitor"),
        (replace(WELL, sound=replace(WELL.sound, newest_at=None)), "recordings: newest file", "bad", "No sound file is there", "MixMonitor"),
        (replace(WELL, sound=replace(WELL.sound, newest_at=NOW - timedelta(days=3))), "recordings: newest file", "bad", "3 days old", "MixMonitor"),
        (replace(WELL, sound=replace(WELL.sound, newest_sided=False)), "recordings: two sides", "care", "one channel", "-agent.wav"),
        (replace(WELL, sound=replace(WELL.sound, free=10 << 20)), "recordings: room", "bad", "10 MB", "df -h"),
        (replace(WELL, habits=replace(WELL.habits, recorded=20)), "recordings: found", "care", "20 of the last 40", "MixMonitor"),
        (replace(WELL, habits=replace(WELL.habits, unreadable=2)), "recordings: unreadable", "care", "2 recordings", "page"),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_what_to_do(
    facts: HouseFacts, check: str, verdict: str, words: str, fix: str
) -> None:
    finding = said(facts)[check]
    assert finding.verdict == verdict
    assert words in finding.says
    assert finding.fix is not None and fix in finding.fix.text


def test_the_first_closed_folder_on_the_way_is_the_one_to_open() -> None:
    path = (SPOOL, CLOSED, replace(SHUT, passable=False))
    facts = replace(WELL, sound=SoundFacts(folder=FOLDER, wrong="no", account="crm", path=path))
    assert "/var/spool/asterisk " in said(facts)["recordings: folder"].says
