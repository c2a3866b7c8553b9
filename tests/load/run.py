"""`make load`: five minutes of calls on a real Asterisk while everything is broken once; prints the account.

Ends with 1 when a call is lost, double or open.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.load.floor import floor, missing, strain
from tests.pbx import tree


async def run(seconds: float, *, recordings: bool) -> int:
    """Return 0 when every call is there exactly once."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the embedded database runs under an account of its own
        async with floor(Path(folder), recordings=recordings) as here:
            report = await strain(here, seconds)
        print(report)
    return int(bool(report.lost or report.doubled or report.still_open or report.audit.returncode))


def main() -> int:
    """Read the command line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=300)
    words.add_argument("--recordings", action="store_true", help="let the service fetch the recordings too")
    given = words.parse_args()
    reason = missing() or tree.missing()
    if reason is not None:
        print(reason, file=sys.stderr)
        return 2
    return asyncio.run(run(given.seconds, recordings=given.recordings))


if __name__ == "__main__":
    sys.exit(main())
