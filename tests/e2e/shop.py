"""The shop behind the telephones: the furnished one, and a customer who is about to call."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import demo
from crm_core.callback import create_callback
from crm_core.calling_hours import set_calling
from crm_core.customer import add_note, create_customer
from crm_core.db import connect
from crm_core.deal import create_deal
from crm_core.embedded import Embedded
from crm_core.migrations import migrate
from crm_core.order import ItemWanted, create_order
from crm_core.product import Product
from crm_core.shop import Shop
from crm_core.user import Passwords, find_by_login, update_user

PBX = "pbx"  # the name of the only switchboard
ANNA, OLEG = "operator", "oleg"  # logins; phones 1001 and 1002
MARTA = "+48601220114"


@dataclass(frozen=True)
class Furnished:
    """Marta, and what she has with us."""

    customer: int
    order: int
    order_number: str
    deal: int


async def furnish(data_dir: Path) -> Furnished:
    """Fill the embedded database of an installation that does not run yet."""
    async with Embedded(data_dir / "postgres") as server:
        await migrate(server.url)
        async with connect(server.url) as db, db.begin() as session:
            await demo.furnish(session, datetime.now(UTC), documents=data_dir / "documents", pbx=PBX)
            await set_calling(
                session, week=["24h"] * 7, repeat_minutes=30, most_attempts=3
            )  # whatever hour it is
            await _let_in(session, OLEG)
            return await _put_marta(session, datetime.now(UTC))


async def _let_in(session: AsyncSession, login: str) -> None:
    """Somebody whom the demo plays gets a password, so that a browser can play him."""
    user = await find_by_login(session, login)
    assert user is not None
    await update_user(session, user.id, password_hash=await Passwords().hash(demo.PASSWORD))


async def _put_marta(session: AsyncSession, now: datetime) -> Furnished:
    anna = await find_by_login(session, ANNA)
    shop = (await session.scalars(select(Shop).order_by(Shop.id).limit(1))).one()
    statement = select(Product.id).where(Product.shop_id == shop.id, Product.stock > 5).order_by(Product.id)
    mug, lamp = (await session.scalars(statement.limit(2))).all()
    marta = await create_customer(
        session,
        name="Marta Zielińska",
        country="PL",
        numbers=[MARTA],
        email="marta.zielinska@example.com",
        city="Kraków",
        address="ul. Długa 14/7",
        timezone="Europe/Warsaw",
        vip=True,
        source="website",
    )
    deal = await create_deal(
        session, title="Kitchen for the new flat", customer_id=marta.id, currency="PLN", at=now
    )
    await create_order(
        session,
        customer_id=marta.id,
        shop_id=shop.id,
        items=[ItemWanted(product_id=mug, quantity=4)],
        user_id=anna.id if anna else None,
        at=now - timedelta(days=40),
        status="done",
    )
    order = await create_order(
        session,
        customer_id=marta.id,
        shop_id=shop.id,
        items=[ItemWanted(product_id=mug, quantity=2), ItemWanted(product_id=lamp, quantity=1)],
        user_id=None,
        at=now - timedelta(days=2),
        status="on_delivery",
        deal_id=deal.id,
        delivery_method="InPost",
        delivery_cost=Decimal("11.90"),
        delivery_address="ul. Długa 14/7, Kraków",
        tracking="6800 1234 5521",
        promised_at=now + timedelta(hours=3),
    )
    writer = anna.id if anna else None
    await add_note(
        session, marta.id, "Gate code 14B, third floor", user_id=writer, at=now - timedelta(days=40)
    )
    await create_callback(
        session,
        number=MARTA,
        country="PL",
        due_at=now + timedelta(hours=2),
        reason="Tell when the courier comes",
        customer_id=marta.id,
        order_id=order.id,
        assigned_to=writer,
    )
    return Furnished(marta.id, order.id, order.number, deal.id)
