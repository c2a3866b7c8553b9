"""Lists that follow: who looks at a list of orders is told which of them others changed, if they are his to see.

A browser says what it shows and how old that is (`{"type": "follow", "nouns": ["orders"], "age": 1.5}`, in s). News
of the outbox are gathered for `PAUSE_S`; then everybody who follows gets the ids that are within his reach, by his
rights of this moment, and looks at his list again. Whoever comes with an older page gets what changed since, too.
Nothing but ids is said, and what is behind an id is asked for over HTTP, with its own rights.

Out:     {"type": "rows", "noun": "orders", "ids": [7, 9]}; `ids` null: more than `MOST` at once
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, Never

import structlog
from sqlalchemy import select

from crm_core.db import Database
from crm_core.outage import is_outage
from crm_core.outbox import News
from crm_core.reach import ENTITIES, seeing
from crm_core.read.tasks import Viewer
from crm_core.task_rows import Task
from web.reach import reach_of
from web.rights import Person, Right, Scope

PAUSE_S = 0.4  # changes that come together are told together
MOST = 200  # ids in one message
KEPT_S = 10.0  # a page that is older when it begins to follow is read anew by itself
KEPT = 10_000  # changes
TOPICS = {noun.removesuffix("s"): noun for noun in (*ENTITIES, "tasks", "leads", "products")}
log = structlog.get_logger(__name__)
Send = Callable[[Mapping[str, Any]], None]
Who = Callable[[], Person | None]


class Register:
    """Which browsers follow which lists. A browser is known by anything that can be a key."""

    def __init__(self, db: Database, *, pause_s: float = PAUSE_S) -> None:
        self._db = db
        self._pause_s = pause_s
        self._followers: dict[Any, tuple[frozenset[str], Who, Send]] = {}
        self._waiting: dict[str, set[int]] = {}
        self._recent: deque[tuple[float, str, int]] = deque(maxlen=KEPT)  # when it was heard, noun, id
        self._missed: dict[Any, dict[str, set[int]]] = {}  # of each browser: noun, ids
        self._news = asyncio.Event()

    def follow(
        self, browser: Any, nouns: Collection[str], who: Who, send: Send, *, age_s: float = 0.0
    ) -> None:
        """From now on `send` tells this browser what changes in these lists; `who` is asked each time.

        `age_s`: how long ago they were read. What changed since then is told as well.
        """
        wanted = frozenset(nouns) & set(TOPICS.values())
        self._followers[browser] = (wanted, who, send)
        since = time.monotonic() - min(age_s, KEPT_S)
        missed: dict[str, set[int]] = {}
        for at, noun, id_ in self._recent:
            if at >= since and noun in wanted:
                missed.setdefault(noun, set()).add(id_)
        if missed:
            self._missed[browser] = missed
            self._news.set()

    def leave(self, browser: Any) -> None:
        """The browser is gone."""
        self._followers.pop(browser, None)

    async def heard(self, news: News) -> None:
        """Something changed; it waits for company."""
        noun, id_ = TOPICS.get(news.topic), news.payload.get("id")
        if noun is None or not isinstance(id_, int):
            return
        self._recent.append((time.monotonic(), noun, id_))
        if any(noun in nouns for nouns, _, _ in self._followers.values()):
            self._waiting.setdefault(noun, set()).add(id_)
            self._news.set()

    async def run(self) -> Never:
        """Tell what is gathered, for ever. While the database is away nothing is told: pages look again when they
        are connected anew."""
        while True:
            await self._news.wait()
            await asyncio.sleep(self._pause_s)
            self._news.clear()
            try:
                await self.tell()
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("register: the database does not answer", error=type(error).__name__)

    async def tell(self) -> None:
        """Tell everybody what waits, each what he may see."""
        waiting, self._waiting = self._waiting, {}
        missed, self._missed = self._missed, {}
        for noun in dict.fromkeys([*waiting, *(noun for of_one in missed.values() for noun in of_one)]):
            changed = frozenset(waiting.get(noun, ()))
            known: dict[Any, Collection[int]] = {}
            for browser, (nouns, who, send) in tuple(self._followers.items()):
                ids = changed | missed.get(browser, {}).get(noun, set())
                person = who()
                if noun not in nouns or not ids or person is None or not person.may(Right(noun, "view")):
                    continue
                key = (self._key(noun, person), ids)
                if key not in known:
                    known[key] = ids if key[0] is None else await self._seen(noun, person, ids)
                if known[key] and browser in self._followers:
                    told = sorted(known[key])
                    send({"type": "rows", "noun": noun, "ids": told if len(told) <= MOST else None})

    def _key(self, noun: str, person: Person) -> Any:
        """People with the same key see the same of a noun; None: everything."""
        if noun == "tasks":
            return None if _looks(person).everybody else person.user_id
        return getattr(reach_of(person), noun, None)

    async def _seen(self, noun: str, person: Person, ids: Collection[int]) -> set[int]:
        entity: Any = ENTITIES.get(noun, Task)
        query = select(entity.id).where(entity.id.in_(ids))
        if noun == "tasks":
            query = query.where(_looks(person).sees())
        with seeing(reach_of(person)):
            async with self._db.begin() as session:
                return set(await session.scalars(query))


def _looks(person: Person) -> Viewer:
    everybody = person.scope(Right("tasks", "view")) is Scope.ALL
    return Viewer(user_id=person.user_id, role=person.role, everybody=everybody)
