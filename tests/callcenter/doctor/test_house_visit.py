"""The doctor looks at real folders: readable, closed on the way, not there, fed or not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import soundfile

from callcenter.doctor.finding import Verdict
from callcenter.doctor.house_facts import DatabaseFacts, HouseFacts, SpeechFacts
from callcenter.doctor.house_visit import look_at_house, look_at_sound
from callcenter.doctor.sound_checks import folder as judge
from crm_core.read.habits import SoundHabits
from tests.callcenter.doctor.test_house_checks import NOW, PREMISES

NOBODY = 65534


@contextmanager
def nobody() -> Iterator[None]:
    """With the rights of an account that owns nothing; for root only by lending them."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def said(folder: Path) -> tuple[Verdict, str, str]:
    facts = HouseFacts(
        premises=PREMISES,
        now=datetime.now(UTC),
        database=DatabaseFacts(),
        sound=look_at_sound(folder, "/var/spool/asterisk"),
        habits=SoundHabits(),
        speech=SpeechFacts(model="m", language=None),
    )
    finding = judge(facts)
    return finding.verdict, finding.says, finding.fix.text if finding.fix else ""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Path]:
    """A spool folder that anybody can come to, whatever pytest made of the ones above."""
    above = [part for part in tmp_path.parents if part.is_relative_to("/tmp") and part != Path("/tmp")]
    before = {part: part.stat().st_mode & 0o777 for part in (tmp_path, *above)}
    for part in before:
        part.chmod(before[part] | 0o011)
    monitor = tmp_path / "asterisk" / "monitor"
    monitor.mkdir(parents=True)
    yield tmp_path / "asterisk"
    (tmp_path / "asterisk").chmod(0o755)
    for part, mode in before.items():
        part.chmod(mode)


def test_a_folder_closed_on_the_way_is_named_with_its_mode_and_owner(spool: Path) -> None:
    spool.chmod(0o000 if os.geteuid() else 0o750)
    with nobody():
        verdict, says, fix = said(spool / "monitor")
    assert verdict is Verdict.BAD
    assert f"may not enter {spool} (mode " in says
    assert "usermod -a -G" in fix or "setfacl" in fix


def test_a_folder_that_is_open_is_right(spool: Path) -> None:
    with nobody():
        assert said(spool / "monitor")[0] is Verdict.GOOD


def test_a_folder_that_is_not_there_is_told_from_one_that_is_closed(spool: Path) -> None:
    verdict, says, fix = said(spool / "monitr")
    assert verdict is Verdict.BAD and f"{spool} is the last folder that does" in says
    assert "/var/spool/asterisk/monitor" in fix


def test_the_newest_file_is_found_by_its_day_and_seen_to_have_two_sides(spool: Path) -> None:
    day = spool / "monitor/2026/11/21"
    day.mkdir(parents=True)
    (spool / "monitor/2026/11/20").mkdir()
    for name in ("in-1", "in-1-caller", "in-1-agent"):
        soundfile.write(day / f"{name}.wav", [0.0] * 80, 8000, subtype="PCM_16")
    os.utime(day / "in-1.wav", (2e9, 2e9))
    facts = look_at_sound(spool / "monitor", None)
    assert (facts.newest, facts.newest_sided) == ("in-1.wav", True)
    assert facts.newest_at == datetime.fromtimestamp(2e9, UTC)
    for side in ("caller", "agent"):
        (day / f"in-1-{side}.wav").unlink()
    assert look_at_sound(spool / "monitor", None).newest_sided is False


async def test_calls_that_the_database_did_not_accept_are_counted(tmp_path: Path) -> None:
    premises = replace(PREMISES, data_dir=tmp_path, public_url=None)

    async def refused() -> int:
        seen = await look_at_house(premises, None, spools={}, now=NOW, deep=False, why_no_db="away")
        return seen.refused_calls

    assert await refused() == 0
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool/refused-calls.jsonl").write_text('{"call": 1}\n{"call": 2}\n')
    assert await refused() == 2
