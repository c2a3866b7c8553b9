"""A sentence that reaches somebody's open pages at once, when and only when the change is committed."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.outbox import announce

TOPIC = "notice"
LONGEST = 200


@dataclass(frozen=True)
class Told:
    """What is told to whom; `address` is the page it is about."""

    user_ids: list[int]
    text: str
    address: str | None
    level: str


_GATHERED: ContextVar[list[Told] | None] = ContextVar("gathered", default=None)


async def notify(
    session: AsyncSession,
    user_ids: Collection[int],
    text: str,
    *,
    address: str | None = None,
    level: str = "info",
) -> None:
    """Tell `text` to these users; `address` is the page it is about, `level` info, warning or error."""
    if not user_ids:
        return
    told = Told(sorted(user_ids), text[:LONGEST], address, level)
    gathered = _GATHERED.get()
    if gathered is None:
        await announce(session, TOPIC, asdict(told))
    else:
        gathered.append(told)


@contextmanager
def gathered() -> Iterator[list[Told]]:
    """Inside nobody is told anything; what there is to tell is in the list."""
    told: list[Told] = []
    token = _GATHERED.set(told)
    try:
        yield told
    finally:
        _GATHERED.reset(token)
