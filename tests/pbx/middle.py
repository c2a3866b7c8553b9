"""A real Asterisk with phones, and our middle attached to it: desks, rows, call control. No web, no browser."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from callcenter.attach import Attachment, Switch, attach
from callcenter.call import Rules
from callcenter.clicktocall import Dialplan
from callcenter.control import Act
from callcenter.target import Target
from crm_core.call import Call as Row
from crm_core.call_act import ActKind, CallAct
from crm_core.db import Database
from crm_core.line import create_line
from crm_core.shop import create_shop
from crm_core.user import create_user, map_extension
from recordings.jobs import install
from recordings.roots import Roots
from recordings.store import Root
from tests.patience import PATIENCE_S
from tests.pbx.phone import Call, Phone
from tests.pbx.tree import HOST, Tree

CUSTOMER = "79161234567"
SALES, ANNAS = "74951230001", "74951230003"  # a queue; straight to 1001


@dataclass
class Middle:
    """`async with Middle.of(pbx, database, folder) as house`."""

    tree: Tree
    db: Database
    attachment: Attachment
    people: dict[str, int]
    phones: dict[str, Phone] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def of(cls, tree: Tree, db: Database, folder: Path) -> AsyncIterator["Middle"]:
        await install(db.url)
        people = await _people(db)
        switch = Switch(account=tree.account, rules=Rules(), dialplan=Dialplan())
        attachment = await attach(
            [switch],
            db=db,
            data_dir=folder,
            country="RU",
            recordings=Roots(Root(tree.recordings)),
            now=lambda: datetime.now(UTC),
        )
        house = cls(tree, db, attachment, people)
        for user_id in people.values():
            attachment.centre.subscribe(user_id, house._hear)
        parts = [asyncio.create_task(part, name=name) for name, part in attachment.parts()]
        where = (HOST, tree.site.sip_port)
        async with AsyncExitStack() as stack:
            house.phones["trunk"] = await stack.enter_async_context(
                Phone.at(where, port=tree.site.trunk.port)
            )
            for each in people:
                house.phones[each] = await stack.enter_async_context(Phone.at(where, each, f"pw-{each}"))
            try:
                await until(lambda: attachment.centre.connected, "never attached")
                yield house
            finally:
                for phone in house.phones.values():
                    phone.hang_up()
                await asyncio.to_thread(tree.cli, "channel request hangup all")
                with contextlib.suppress(AssertionError):
                    await until(lambda: not attachment.floor.live, "calls stay open")
                await attachment.close()
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "notice":
            self.notices.append(message["text"])

    def desk(self, extension: str) -> list[dict[str, Any]]:
        """The calls on this desk."""
        found = self.attachment.centre.desk(self.people[extension])["calls"]
        return [entry["call"] for entry in found]

    async def sees(self, extension: str, state: str, **control: Any) -> dict[str, Any]:
        """Wait until the one call on this desk is in this state, and handled so."""

        def there() -> bool:
            calls = self.desk(extension)
            return [c["state"] for c in calls] == [state] and all(
                name not in control or control[name] == value for name, value in _told(calls[0]).items()
            )

        await until(there, lambda: f"{extension} has {self.desk(extension)}, not {state} {control}")
        return self.desk(extension)[0]

    async def connected(self, extension: str) -> None:
        """Wait until the customer hears him: the desk says "talking" at the answer, the bridge follows."""
        await until(lambda: all(c["answered_at"] for c in self.desk(extension)), lambda: "never connected")

    async def rings(self, extension: str) -> Call:
        async with asyncio.timeout(PATIENCE_S):
            call = await self.phones[extension].incoming.get()
            while call.ended.is_set():
                call = await self.phones[extension].incoming.get()
        call.ring()
        return call

    async def talk(self, number: str = ANNAS) -> tuple[Call, Call, UUID]:
        """A customer talks with Anna: his telephone, hers, and the call on her desk."""
        customer = await self.phones["trunk"].call(number, caller=CUSTOMER)
        anna = await self.rings("1001")
        await anna.answer()
        call = await self.sees("1001", "talking")
        await self.connected("1001")
        return customer, anna, UUID(call["id"])

    async def dialled(self, callback_id: int | None = None) -> tuple[Call, Call, UUID]:
        """Anna has called a customer by a click: his telephone, hers, and the call on her desk."""
        await self.attachment.centre.dial(self.people["1001"], f"+{CUSTOMER}", callback_id=callback_id)
        anna = await self.rings("1001")
        await anna.answer()
        customer = await self.rings("trunk")
        await customer.answer()
        call = await self.sees("1001", "talking")
        await self.connected("1001")
        return customer, anna, UUID(call["id"])

    async def act(
        self, extension: str, call: UUID, kind: ActKind, target: Target | None = None, digits: str = ""
    ) -> None:
        act = Act(kind=kind, target=target, digits=digits)
        await self.attachment.centre.act(call, self.people[extension], act)

    async def row(self) -> Row:
        """The one call in the database, once it is over."""
        await until(lambda: not self.attachment.floor.live, "the call is not over")
        await self.attachment.recorder.drained()
        async with self.db.begin() as session:
            (row,) = await session.scalars(select(Row).where(Row.direction != "internal"))
        return row

    async def acts(self) -> list[CallAct]:
        """What was done with calls, as it is written down."""
        await self.attachment.recorder.drained()
        async with self.db.begin() as session:
            return list(await session.scalars(select(CallAct).order_by(CallAct.at)))


def _told(call: dict[str, Any]) -> dict[str, Any]:
    control = call["control"]
    consult = control["consult"]
    return {
        "stage": consult["stage"] if consult else None,
        "name": consult["name"] if consult else None,
        "with_customer": consult["with_customer"] if consult else None,
        "slot": control["parked"]["slot"] if control["parked"] else None,
        "paused": control["recording_paused"] is not None,
    }


async def until(true: Callable[[], Any], otherwise: str | Callable[[], str] = "it did not happen") -> None:
    for _ in range(PATIENCE_S * 50):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())


async def _people(db: Database) -> dict[str, int]:
    people = {}
    async with db.begin() as session:
        shop = await create_shop(
            session,
            name="North Star",
            currency="EUR",
            country="RU",
            timezone="Europe/Moscow",
            order_prefix="N-",
        )
        for did in (SALES, ANNAS):
            await create_line(session, pbx="lab", did=did, name=did, country="RU", shop_id=shop.id)
        for extension, name in (("1001", "Anna"), ("1002", "Boris")):
            user = await create_user(session, login=name.lower(), name=name)
            await map_extension(session, pbx="lab", extension=extension, user_id=user.id)
            people[extension] = user.id
    return people
