"""A whole house: a simulated switchboard, the middle attached to it, a real database, browsers that keep state."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from asterisk.ami import AmiConfig
from asterisk.fake.config import lab
from asterisk.fake.people import Answer, Manual
from asterisk.fake.phones import NoCall
from asterisk.fake.switchboard import Switchboard
from callcenter.attach import Attachment, Switch, attach
from callcenter.call import Rules
from callcenter.clicktocall import Dialplan
from crm_core import outbox
from crm_core.call import Call
from crm_core.customer import create_customer
from crm_core.db import Database
from crm_core.line import create_line
from crm_core.shop import create_shop
from crm_core.user import create_user, map_extension
from recordings.jobs import install
from recordings.roots import Roots
from recordings.store import Root
from tests.conftest import made
from tests.patience import PATIENCE_S

SPEED = 8.0  # simulated seconds in one real second
IVAN = "+79161234567"


@dataclass
class Browser:
    """Draws a desk from what it is sent, as the page does."""

    house: "House"
    user_id: int
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    def open(self) -> "Browser":
        """Connect, or connect again: a snapshot and then changes."""
        centre = self.house.attachment.centre
        centre.subscribe(self.user_id, self.take)
        self.calls.clear()
        for entry in centre.snapshot(self.user_id)["calls"]:
            self._put(entry)
        return self

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "call":
            self._put(message)
        elif message["type"] == "call_gone":
            self.calls.pop(message["id"], None)
            self.gone.append(message["reason"])

    def _put(self, entry: dict[str, Any]) -> None:
        self.calls[entry["call"]["id"]] = entry["call"]
        self.cards[entry["call"]["id"]] = entry["card"] or {}

    @property
    def states(self) -> list[str]:
        return sorted(call["state"] for call in self.calls.values())

    async def sees(self, *states: str) -> dict[str, Any]:
        """Wait until the desk shows calls in exactly these states; the first of them."""
        await until(lambda: self.states == sorted(states), f"desk shows {self.states}, not {states}")
        return next(iter(self.calls.values()), {})

    async def card(self, call: dict[str, Any]) -> dict[str, Any]:
        """The card of a call: a slow database lets the call be shown before it."""
        await until(lambda: self.cards[call["id"]], "the card never came")
        return self.cards[call["id"]]


async def until(
    true: Callable[[], Any], otherwise: str = "it did not happen", patience_s: float = PATIENCE_S
) -> None:
    """Wait for something that the other side of a wire brings about."""
    for _ in range(int(patience_s / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(otherwise)


async def picks_up(board: Switchboard, extension: str) -> None:
    """Press Answer as soon as that phone rings."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(NoCall):
                return await board.answer(extension)
            await asyncio.sleep(0.01)


@dataclass
class House:
    """Everything between the switchboard's bytes and the browser's state."""

    db: Database
    board: Switchboard
    data_dir: Path
    people: dict[str, int] = field(default_factory=dict)
    customer_id: int = 0
    shop_id: int = 0
    attachment: Attachment = field(init=False)

    def browser(self, extension: str) -> Browser:
        return Browser(self, self.people[extension]).open()

    @asynccontextmanager
    async def attached(self, *, wait: bool = True) -> AsyncIterator[Attachment]:
        """One life of our process: leaving the block is `kill -9`, nothing is tidied up."""
        account = AmiConfig(
            pbx="main", host="127.0.0.1", port=self.board.port, username="crm", secret="crm-secret"
        )
        switch = Switch(account=account, rules=Rules(), dialplan=Dialplan(context="click2call"))
        self.attachment = await attach(
            [switch],
            db=self.db,
            data_dir=self.data_dir,
            country="RU",
            recordings=Roots(Root(self.data_dir)),
            now=lambda: datetime.now(UTC),
        )
        parts = [asyncio.create_task(part, name=name) for name, part in self.attachment.parts()]
        parts.append(asyncio.create_task(outbox.publish(self.db)))
        parts.append(asyncio.create_task(outbox.listen(self.db, self.attachment.heard)))
        try:
            if wait:
                await until(lambda: self.attachment.centre.connected, "never attached")
            yield self.attachment
        finally:
            self.attachment.desks.close()
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def rows(self) -> list[Call]:
        """The calls in the database, oldest first, once all is written."""
        await self.attachment.recorder.drained()
        async with self.db.begin() as session:
            return list(await session.scalars(select(Call).order_by(Call.started_at)))


@pytest_asyncio.fixture(scope="session")
async def with_jobs(postgres: str) -> str:
    """A database that has the tables of the job queue as well."""
    async with made(postgres, "with_jobs") as database:
        await install(database.url)
    return "with_jobs"


@pytest.fixture
def template(with_jobs: str) -> str:
    return with_jobs


@pytest_asyncio.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """Three operators with a telephone each; Ivan is a customer; nobody answers until told."""
    async with Switchboard(lab(tmp_path / "monitor"), speed=SPEED) as board:
        house = House(database, board, tmp_path / "data")
        async with database.begin() as session:
            shop = await create_shop(
                session,
                name="North Star",
                currency="EUR",
                country="RU",
                timezone="Europe/Moscow",
                order_prefix="N-",
            )
            for number in range(1, 11):
                await create_line(
                    session,
                    pbx="main",
                    did=f"749512300{number:02}",
                    name=f"Line {number}",
                    country="RU",
                    shop_id=shop.id,
                )
            for extension, name in (("1001", "Anna"), ("1002", "Boris"), ("1003", "Clara")):
                user = await create_user(session, login=name.lower(), name=name)
                await map_extension(session, pbx="main", extension=extension, user_id=user.id)
                house.people[extension] = user.id
            ivan = await create_customer(session, name="Ivan Petrov", country="RU", numbers=[IVAN])
            house.shop_id, house.customer_id = shop.id, ivan.id
        for extension in board.pbx.phones:
            board.phone(extension).behave(Manual() if extension in house.people else Answer())
        yield house
