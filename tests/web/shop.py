"""A small shop for the tests of nouns and pages: a customer, products, an order, a deal, calls with sound."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallLeg
from crm_core.callback import create_callback
from crm_core.customer import create_customer
from crm_core.db import Database
from crm_core.deal import create_deal
from crm_core.exchange import child, job, worker
from crm_core.exchange.goods import GOODS
from crm_core.exchange.table import read_table
from crm_core.line import create_line
from crm_core.order import ItemWanted, create_order
from crm_core.product import Product
from crm_core.recording import Phrase, Recording, Transcript
from crm_core.shop import create_shop
from crm_core.stock import open_books
from web.settings import Settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NUMBER = "+48601220114"


@dataclass
class Furnished:
    """Ids of what stands in the shop."""

    shop: int
    line: int
    mug: int
    tea: int
    customer: int
    order: int
    deal: int
    callback: int


async def furnish(database: Database, *, name: str = "Marta Zielińska") -> Furnished:
    """One of everything; the customer is called `name`, and so is whatever else people may name."""
    async with database.begin() as session:
        shop = await create_shop(
            session,
            name="Kettle House",
            currency="EUR",
            country="PL",
            timezone="Europe/Warsaw",
            order_prefix="A",
        )
        line = await create_line(
            session, pbx="pbx", did="+48223071120", name="Sales", country="PL", shop_id=shop.id
        )
        mug = Product(shop_id=shop.id, sku="MG-03", name="Blue mug", search_key="blue mug", stock=14)
        mug.price = Decimal("8.90")
        tea = Product(shop_id=shop.id, sku="TS-11", name="Tea set", search_key="tea set", stock=1)
        tea.price = Decimal("36.00")
        session.add_all([mug, tea])
        await open_books(session)
        customer = await create_customer(
            session, name=name, country="PL", numbers=[NUMBER], email="marta@example.com", city=name
        )
        deal = await create_deal(session, title=name, customer_id=customer.id, currency="EUR", at=NOON)
        order = await create_order(
            session,
            customer_id=customer.id,
            shop_id=shop.id,
            items=[ItemWanted(product_id=mug.id, quantity=2)],
            user_id=None,
            at=NOON,
            deal_id=deal.id,
            comment=name,
        )
        callback = await create_callback(
            session,
            number=NUMBER,
            country="PL",
            due_at=NOON + timedelta(hours=1),
            reason=name,
            note=name,
            customer_id=customer.id,
        )
        return Furnished(shop.id, line.id, mug.id, tea.id, customer.id, order.id, deal.id, callback.id)


async def bring(database: Database, settings: Settings, shop_id: int) -> int:
    """A price list that was rehearsed, with a row refused; the import's id."""
    settings.imports_dir.mkdir(parents=True, exist_ok=True)
    table = read_table(b"SKU,Name,Price,Colour\nMG-03,Blue mug,9.50,blue\nNEW-1,Tea pot,much,white\n")
    child.write(table, settings.imports_dir / "prices.rows")
    head = child.head(settings.imports_dir / "prices.rows")
    async with database.begin() as session:
        made = await job.begin_import(
            session, GOODS, head, file="prices", filename="prices.csv", shop_id=shop_id, user_id=None,
            purchases=True,
        )  # fmt: skip
        await job.start(session, made.id, dry_run=True, at=NOON)
    await worker.work_once(database, settings.imports_dir, now=lambda: NOON)
    return made.id


async def add_call(
    database: Database,
    *,
    talked: int | None = None,
    rang: int | None = None,
    id: UUID | None = None,
    **more: Any,
) -> UUID:
    """An ended incoming call; `talked`: the user who answered, `rang`: one whose phone rang as well."""
    id_ = id or uuid4()
    usual: dict[str, Any] = {
        "direction": "inbound",
        "state": "ended",
        "result": "answered",
        "remote_raw": "601220114",
        "remote_e164": NUMBER,
        "started_at": NOON,
        "answered_at": NOON + timedelta(seconds=8),
        "ended_at": NOON + timedelta(seconds=98),
        "wait_s": 8.0,
        "talk_s": 90.0,
        "operator_id": talked,
    }
    async with database.begin() as session:
        session.add(
            Call(
                id=id_,
                pbx="pbx",
                linkedid=str(id_),
                linkedids=[],
                operators=[],
                recordings=[],
                **usual | more,
            )
        )
        await session.flush()
        for user_id, result in ((talked, "answered"), (rang, "elsewhere")):
            if user_id is not None:
                await add_leg(session, id_, user_id, result)
    return id_


async def add_leg(session: AsyncSession, call_id: UUID, user_id: int, result: str) -> None:
    """A phone that rang for eight seconds."""
    answered = NOON + timedelta(seconds=8) if result == "answered" else None
    session.add(
        CallLeg(
            call_id=call_id,
            uniqueid=f"{call_id}-{user_id}",
            extension="1001",
            user_id=user_id,
            rang_at=NOON,
            answered_at=answered,
            ended_at=NOON + timedelta(seconds=98 if answered else 8),
            result=result,
            rang_s=8.0,
        )
    )


async def add_sound(database: Database, call_id: UUID, text: str = "I want a blue mug") -> int:
    """A recording with one phrase of the customer; the recording's id."""
    async with database.begin() as session:
        recording = Recording(
            call_id=call_id, pbx="pbx", path=f"{call_id}.wav", side="mix", state="ready", seconds=90.0
        )
        transcript = Transcript(call_id=call_id, state="ready", engine="vosk")
        session.add_all([recording, transcript])
        await session.flush()
        session.add(
            Phrase(
                transcript_id=transcript.id,
                side="customer",
                start_s=1.5,
                end_s=3.0,
                text=text,
                confidence=0.9,
            )
        )
        return recording.id
