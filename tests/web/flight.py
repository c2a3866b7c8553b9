"""What a real switchboard said about a queue call, kept with a call of the tests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from asterisk.wire import Cutter, parse, wanted
from callcenter.flight.tape import Said, pack
from crm_core.db import Database
from crm_core.flight import keep_tape

BEGAN = datetime(2026, 11, 20, 11, 50, tzinfo=UTC)
TRACES = Path(__file__).parent.parent / "traces"


def said_in(letter: str) -> list[Said]:
    """The messages of the first call of a capture."""
    data = next(TRACES.glob(f"{letter}-*")).joinpath("events.ami").read_bytes()
    blocks = [block.lstrip(b"\r\n") for block in Cutter().feed(data)]
    heard = [block for block in blocks if wanted(block) and b"\nLinkedid: " in block]
    first = parse(heard[0])["Linkedid"]
    own = [block for block in heard if parse(block)["Linkedid"] == first]
    return [Said(BEGAN + timedelta(seconds=0.4 * i), block) for i, block in enumerate(own)]


async def keep(database: Database, call_id: UUID, said: list[Said]) -> None:
    """Keep it as the flight recorder does."""
    async with database.begin() as session:
        await keep_tape(
            session,
            call_id,
            heard_from=said[0].at,
            heard_until=said[-1].at,
            messages=len(said),
            whole=True,
            packed=pack(said),
        )
