"""`python -m asterisk.fake`: a simulated switchboard for manual use and for benches."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
from dataclasses import replace
from pathlib import Path

from asterisk.fake.config import accounts, lab
from asterisk.fake.switchboard import Switchboard

CALLERS = (
    ("+79161234567", "Ivan Petrov"),
    ("+442079460123", "Emma Smith"),
    ("+48221234567", "Anna Nowak"),
    ("anonymous", "Anonymous"),
)


def read_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m asterisk.fake", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5038, help="0 takes a free one (default 5038)")
    parser.add_argument("--secret", default="crm-secret", help="of the accounts crm and crm-lite")
    parser.add_argument("--recordings", type=Path, help="folder to write recordings into (none by default)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds in a real one")
    parser.add_argument("--every", type=float, default=0.0, metavar="S", help="place a call every S seconds")
    return parser.parse_args(argv)


async def serve(arguments: argparse.Namespace) -> None:
    """Run until cancelled."""
    recordings = arguments.recordings.resolve() if arguments.recordings else None
    config = replace(lab(recordings), accounts=accounts(arguments.secret))
    board = Switchboard(config, speed=arguments.speed)
    await board.start(arguments.host, arguments.port)
    try:
        print(f"AMI on {arguments.host}:{board.port}", flush=True)
        for call in itertools.count():
            await board.clock.sleep(arguments.every or 3600)
            if arguments.every:
                number, name = CALLERS[call % len(CALLERS)]
                board.place_call(number, name, board.config.lines[call % 4].did)
    finally:
        await board.stop()


def main(argv: list[str] | None = None) -> int:
    """Serve until Ctrl-C; return the exit code."""
    try:
        asyncio.run(serve(read_arguments(argv)))
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"can not listen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
