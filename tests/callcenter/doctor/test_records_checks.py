"""Are the switchboard's own records of calls there, fresh, its own, and in the zone that we think?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from asterisk.history import Kind, Records
from callcenter.doctor.finding import Finding, Verdict
from callcenter.doctor.records_checks import look_at_records, records
from crm_core.read.habits import LastCall

AT = datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC)
NOW = AT + timedelta(hours=3)
CALL = LastCall(linkedids=["1795312089.0"], started_at=AT)


def written(file: Path, linkedid: str, at: str) -> Path:
    """A call as cdr_csv writes it."""
    row = [
        "",
        "79161234567",
        "74951230001",
        "from-trunk",
        "",
        "PJSIP/trunk-1",
        "PJSIP/1001-2",
        "Queue",
        "sales",
    ]
    row += [at, at, at, "10", "8", "ANSWERED", "DOCUMENTATION", linkedid, "", "", linkedid, "1"]
    file.write_text(",".join(f'"{value}"' for value in row) + "\n", encoding="utf-8")
    return file


async def said(file: Path, call: LastCall | None = CALL, zone: str = "UTC") -> Finding:
    source = Records(kind=Kind.CDR, place=str(file), zone=ZoneInfo(zone))
    (finding,) = records("lab", await look_at_records("lab", [source], call, NOW))
    return finding


async def test_records_that_know_the_last_call_are_right(tmp_path: Path) -> None:
    file = written(tmp_path / "Master.csv", CALL.linkedids[0], "2026-11-20 12:00:05")
    assert (await said(file)).verdict is Verdict.GOOD
    assert (await said(file, None)).verdict is Verdict.UNSEEN  # no call yet: nothing to look for


async def test_records_that_stopped_or_are_anothers_are_told_with_the_call_they_lack(tmp_path: Path) -> None:
    finding = await said(written(tmp_path / "Master.csv", "1795311000.7", "2026-11-20 12:00:01"))
    assert finding.verdict is Verdict.BAD and "1795312089.0" in finding.says
    assert finding.fix is not None and "enable = yes" in finding.fix.text


async def test_records_in_another_zone_are_told_by_how_much(tmp_path: Path) -> None:
    file = written(tmp_path / "Master.csv", CALL.linkedids[0], "2026-11-20 15:00:05")
    finding = await said(file)
    assert finding.verdict is Verdict.BAD and "+3.0 h" in finding.says
    assert finding.fix is not None and "records_timezone" in finding.fix.text
    assert (await said(file, zone="Europe/Moscow")).verdict is Verdict.GOOD


async def test_records_that_can_not_be_read_or_are_not_set(tmp_path: Path) -> None:
    finding = await said(tmp_path / "nowhere.csv")
    assert finding.verdict is Verdict.BAD and "does not exist" in finding.says
    (none,) = records("lab", [])
    assert none.verdict is Verdict.CARE and none.fix is not None and 'cdr = "mysql://' in none.fix.text
