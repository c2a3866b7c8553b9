"""More than twenty calls at once on a real Asterisk, while link, switchboard and service are cut down in turn."""

import tempfile
from pathlib import Path

from tests.load.floor import floor, strain


async def test_every_call_is_there_exactly_once_whatever_breaks() -> None:
    # Not pytest's folder: each new run of pytest closes that to the account under which the database runs.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        async with floor(Path(folder)) as here:
            report = await strain(here, 35)
            # The service's own words too, should it fail: its folder is gone by then.
            told = f"{report}\n{here.service.log.read_text()[-8000:]}"
    assert report.account.most_at_once >= 20, told
    assert (sorted(report.lost), report.doubled, report.still_open) == ([], [], []), told
    assert report.audit.returncode == 0, told
    assert report.audit_cdr.returncode == 0, told
    assert report.account.cut, "nobody was on the line when Asterisk was killed"
    for linkedid in report.account.cut:  # Asterisk wrote neither an end nor a CDR of these
        row = report.ours[linkedid]
        assert row["ended_reason"] in ("ended while disconnected", "the switchboard was stopped"), told
