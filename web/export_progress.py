"""How far an export is, for whoever began it: counted in memory, told under a key that he chose."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.db import Database
from crm_core.errors import NotFound
from web.api import Operations
from web.fields import Answer
from web.sessions import person

operations = Operations("exports")
Count = Callable[[AsyncSession], Awaitable[int]]
FollowKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$"),
    Field(description="any, chosen anew for each file: how far it is stands at `/exports/{key}/progress`"),
]
KEPT = 200
"""So many exports are told of; the one that was begun first is forgotten first."""
LONGEST_COUNT_S = 30


class State(StrEnum):
    """Waits for others; is made; is made and still sent; ended: whole, left by who asked for it, broken."""

    WAITING = "waiting"
    WRITING = "writing"
    SENDING = "sending"
    DONE = "done"
    LEFT = "left"
    FAILED = "failed"


ENDED = (State.DONE, State.LEFT, State.FAILED)


@dataclass
class Progress:
    """One export. `written` and `counted` are rows of the list (an order is one, however many items it has)."""

    state: State = State.WAITING
    written: int = 0
    counted: int | None = None
    sent: int = 0
    size: int | None = None

    def come_to(self, state: State) -> None:
        """It goes on, or ends, once and for all."""
        if self.state not in ENDED:
            self.state = state

    @property
    def total(self) -> int | None:
        """How many there will be. The list was counted beside the export, and may have grown between the two."""
        if self.state in (State.SENDING, State.DONE):
            return self.written
        return None if self.counted is None else max(self.counted, self.written)


class ProgressAnswer(Answer):
    """How far an export is. `written` of `total` rows of the list are in the file; `total` is null until they are
    counted, or if that takes too long. `sent` of `size` bytes were fetched; `size` is null until the file is whole.
    Ended: "done"; "left": the download was cancelled; "failed": it broke off, and the file is not whole."""

    state: State
    written: int
    total: int | None
    sent: int
    size: int | None


_FOLLOWED: web.AppKey[dict[tuple[int, str], Progress]] = web.AppKey("exports followed", dict)


def prepare(app: web.Application) -> None:
    """Make room for what is followed."""
    app[_FOLLOWED] = {}


def follow(request: web.Request, key: str | None) -> Progress:
    """A new export of this visitor, to be found under `key` (None: nobody will look)."""
    made = Progress()
    if key is not None:
        followed = request.app[_FOLLOWED]
        followed[person(request).user_id, key] = made
        while len(followed) > KEPT:
            del followed[next(iter(followed))]
    return made


@asynccontextmanager
async def counting(db: Database, progress: Progress, count: Count | None) -> AsyncIterator[None]:
    """Meanwhile count how many there will be; a count that takes too long is given up, the export goes on."""
    task = asyncio.create_task(_count(db, progress, count)) if count else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _count(db: Database, progress: Progress, count: Count) -> None:
    try:
        async with db.begin() as session:
            await session.execute(text(f"SET LOCAL statement_timeout = '{LONGEST_COUNT_S}s'"))
            progress.counted = await count(session)
    except SQLAlchemyError as error:
        structlog.get_logger(__name__).info("an export goes on uncounted", error=str(error)[:200])


@operations.get("/exports/{key}/progress", errors=(404,))
async def get_export_progress(request: web.Request, key: FollowKey) -> ProgressAnswer:
    """How far the export is that you began with `follow={key}`; somebody else's is not found."""
    found = request.app[_FOLLOWED].get((person(request).user_id, key))
    if found is None:
        raise NotFound("You have begun no export with this key lately.")
    return ProgressAnswer.model_validate(found, from_attributes=True)
