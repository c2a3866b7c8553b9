"""More than twenty calls at once on a real Asterisk, while link, switchboard and service are cut down in turn."""

from pathlib import Path

from tests.load.floor import floor, strain


async def test_every_call_is_there_exactly_once_whatever_breaks(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # the embedded database runs under an account of its own
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    async with floor(tmp_path) as here:
        report = await strain(here, 35)
    assert report.account.most_at_once >= 20, report
    assert (sorted(report.lost), report.doubled, report.still_open) == ([], [], []), report
    assert report.audit.returncode == 0, report
    assert report.audit_cdr.returncode == 0, report
    assert report.account.cut, "nobody was on the line when Asterisk was killed"
    for linkedid in report.account.cut:  # Asterisk wrote neither an end nor a CDR of these
        row = report.ours[linkedid]
        assert row["ended_reason"] in ("ended while disconnected", "the switchboard was stopped"), report
