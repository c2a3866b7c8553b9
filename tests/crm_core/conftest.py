"""A small shop: one customer, three products, one line, one operator, and a call that is going on."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_record import CallFacts, put_call
from crm_core.customer import create_customer
from crm_core.db import Database, connect
from crm_core.keys import search_key
from crm_core.line import create_line
from crm_core.product import Product
from crm_core.shop import create_shop
from crm_core.stock import open_books
from crm_core.user import create_user
from tests.conftest import copied, made

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MARTA = "+48601220114"


@dataclass(frozen=True)
class Shop:
    """Ids of what is there, and the hour at which the stories begin."""

    db: Database
    shop: int
    line: int
    anna: int
    oleg: int
    marta: int
    mug: int
    kettle: int
    lamp: int
    call: UUID
    noon: datetime = NOON

    def begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.db.begin()

    async def ring(self, **facts: Any) -> UUID:
        """One more call (see `call_facts`); its id."""
        async with self.db.begin() as session:
            return await put_call(session, call_facts(**facts), at=NOON)


def call_facts(call_id: UUID | None = None, **facts: Any) -> CallFacts:
    """Facts of an inbound call that rings, unless said otherwise."""
    known: dict[str, Any] = {
        "id": call_id or uuid4(),
        "pbx": "main",
        "direction": "inbound",
        "state": "ringing",
        "started_at": NOON,
        "remote_raw": "601220114",
        "remote_e164": MARTA,
        "line": "48223071120",
        **facts,
    }
    linkedid = known.setdefault("linkedid", f"{known['id']}")
    known.setdefault("linkedids", [linkedid])
    return CallFacts(**known)


@pytest_asyncio.fixture
async def shop(postgres: str, furnished_shop: Shop) -> AsyncIterator[Shop]:
    """The small shop, this test's own."""
    async with copied(postgres, "small_shop") as url, connect(url) as db:
        yield replace(furnished_shop, db=db)


@pytest_asyncio.fixture(scope="session")
async def furnished_shop(postgres: str) -> Shop:
    """Made once; every test begins with a copy."""
    async with made(postgres, "small_shop") as database, database.begin() as session:
        place = await create_shop(
            session, name="Home", currency="EUR", country="PL", timezone="Europe/Warsaw", order_prefix="A"
        )
        line = await create_line(
            session,
            pbx="main",
            did="48223071120",
            name="Poland shop",
            country="PL",
            shop_id=place.id,
            aliases=["s", "1120"],
        )
        anna = await create_user(session, login="anna", name="Anna Kowalska", timezone="Europe/Warsaw")
        oleg = await create_user(session, login="oleg", name="Oleg Bondar")
        marta = await create_customer(
            session, name="Marta Zielińska", country="PL", numbers=["601 220 114"], city="Kraków"
        )
        goods = [
            Product(shop_id=place.id, sku=sku, name=name, search_key=search_key(f"{name} {sku}"),
                    barcodes=[barcode], price=Decimal(price), stock=stock)
            for sku, name, barcode, price, stock in (
                ("MG-03-BL", "Blue mug 0.3 l", "5901234123457", "8.90", 14),
                ("KT-10-RD", "Red kettle", "5901234123464", "39.50", 3),
                ("LP-01", "Lampa Żyrandol", "5901234123471", "120.00", 1),
            )
        ]  # fmt: skip
        session.add_all(goods)
        await open_books(session)
        call = await put_call(session, call_facts(line_id=line.id), at=NOON)
        mug, kettle, lamp = (it.id for it in goods)
        return Shop(database, place.id, line.id, anna.id, oleg.id, marta.id, mug, kettle, lamp, call)
