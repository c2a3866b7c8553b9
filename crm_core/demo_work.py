"""What there is to do in the demo today: goals, a courier's round, tasks, leads from the site, a supplier's prices."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import task
from crm_core.courier import give_to_courier
from crm_core.customer import Customer
from crm_core.document import keep_document
from crm_core.exchange.source import save_source
from crm_core.exchange.source_rows import ImportSource
from crm_core.goal import SeenBy, set_goal
from crm_core.lead import lead_from_form
from crm_core.lead_form import create_form
from crm_core.order_rows import Order, OrderItem
from crm_core.order_status import Status
from crm_core.report import Every
from crm_core.team import place, save_team
from crm_core.user import Role, User

PRICE_LIST = "/api/v1/demo/prices.csv"  # where the demo itself plays the supplier
_SUPPLIED = ("Enamel kettle 2 l", "Cast iron pan 26 cm", "Oak cutting board", "Glass teapot 1.2 l", "Linen apron",
             "Moka pot, six cups", "Spice mill", "Bread bin", "Salad spinner", "Measuring jug 1 l")  # fmt: skip
_LEADS = (
    ("Katarzyna Wójcik", "601 555 014", "Do you deliver the oak table to Gdynia before Christmas?", "oak"),
    (
        "Tomasz Lewandowski",
        "602 555 027",
        "Forty mugs with our logo for an office, is that possible?",
        "white",
    ),
    ("Agnieszka Mazur", "603 555 031", "Please ring after four, I am at school before.", "any"),
)
_ROUND = 3  # orders that are to be brought


async def give_work(
    session: AsyncSession, people: Mapping[str, int], shop_id: int, now: datetime, *, documents: Path
) -> None:
    """Give everybody something to do. `people`: ids by login; `documents`: the folder of files."""
    manager = people["manager"]
    team = await save_team(session, None, "Warsaw floor")
    for login in ("operator", "oleg", "emma"):
        await place(session, await session.get_one(User, people[login]), team_id=team.id)
    await _set_goals(session, people, team.id)
    orders = await _to_bring(session, shop_id)
    for number, order in enumerate(orders):
        await give_to_courier(
            session, order.id, at=now - timedelta(minutes=50), user_id=manager,
            performer_id=people["courier"] if number < _ROUND - 1 else None,
            due_at=now + timedelta(hours=2 + number),
            wishes=("Ring twice, the bell is weak", "Change for 200", None)[number],
        )  # fmt: skip
        if number == 0:
            await _keep_note(session, documents, order, user_id=manager, at=now - timedelta(minutes=45))
    by: dict[str, Any] = {"at": now - timedelta(hours=3), "user_id": manager}
    about: dict[str, Any] = {"order_id": orders[-1].id} if orders else {}
    await task.create_task(
        session, title="Ask the warehouse when blue mugs come in again", performer_id=people["operator"],
        text="Two customers wait for them; ring them as soon as you know.", due_at=now + timedelta(hours=1), **by,
    )  # fmt: skip
    await task.create_task(
        session,
        title="Count the red kettles on the shelf",
        team_id=team.id,
        due_at=now + timedelta(hours=4),
        **by,
    )
    late = await task.create_task(
        session, title="Settle the dented lid with the carrier", performer_id=people["supervisor"], priority="high",
        due_at=now - timedelta(hours=20), **about, at=now - timedelta(days=2), user_id=manager,
    )  # fmt: skip
    await task.comment(
        session, late.id, "They want photos first", user_id=people["supervisor"], at=now - timedelta(hours=22)
    )
    form = await create_form(
        session, name="Call me back", shop_id=shop_id, fields=["Colour"], role=Role.MANAGER
    )
    for hours, (name, phone, message, colour) in enumerate(_LEADS):
        at = now - timedelta(hours=1 + 5 * hours, minutes=12)
        await lead_from_form(
            session, form, at=at, name=name, phone=phone, message=message, answers={"Colour": colour}
        )
    await _keep_source(session, shop_id, manager, now)


async def point_source(session: AsyncSession, address: str) -> None:
    """The demo's own supplier is found at `address`, whichever port this run has."""
    ours = ImportSource.url.endswith(PRICE_LIST)
    await session.execute(update(ImportSource).where(ours).values(url=address + PRICE_LIST))


def price_list(now: datetime) -> str:
    """The supplier's prices as they are at this hour; one of them is not said. Pure."""
    dice = Random(f"{now:%Y%m%d%H}")
    rows = ["SKU;Name;Price;Cost;On hand"]
    for number, name in enumerate(_SUPPLIED, 1):
        cost = Decimal(19 + 13 * number) + Decimal("0.40")
        price = f"{cost * 2 - Decimal('0.90'):.2f}".replace(".", ",") if number != 7 else "on request"
        rows.append(f"KC-{number:02};{name};{price};{cost:.2f};{dice.randint(0, 40)}")
    return "\n".join(rows) + "\n"


async def _set_goals(session: AsyncSession, people: Mapping[str, int], team_id: int) -> None:
    nothing: dict[str, Any] = {"user_id": None, "team_id": None, "currency": None, "seen_by": SeenBy.TEAM}
    whole = {**nothing, "team_id": team_id}
    await set_goal(session, **whole, figure="answered", amount=Decimal(220), every=Every.WEEK)
    await set_goal(
        session, **{**whole, "currency": "PLN"}, figure="revenue", amount=Decimal(220_000), every=Every.MONTH
    )
    for login, answered, share in (("operator", 12, "0.30"), ("oleg", 14, "0.25"), ("emma", 12, "0.35")):
        own = {**nothing, "user_id": people[login]}
        await set_goal(session, **own, figure="answered", amount=Decimal(answered), every=Every.DAY)
        await set_goal(session, **own, figure="conversion", amount=Decimal(share), every=Every.WEEK)


async def _to_bring(session: AsyncSession, shop_id: int) -> list[Order]:
    """Orders that wait for somebody to bring them, whose customers say where they live."""
    waits = select(Order).join(Customer, Customer.id == Order.customer_id)
    waits = waits.where(
        Order.shop_id == shop_id,
        Order.status.in_((Status.CONFIRMED, Status.PACKED)),
        Customer.address.is_not(None),
    )
    return list(await session.scalars(waits.order_by(Order.id.desc()).limit(_ROUND)))


async def _keep_note(
    session: AsyncSession, folder: Path, order: Order, *, user_id: int, at: datetime
) -> None:
    """The delivery note of an order, which the courier finds on his telephone."""
    items = await session.scalars(
        select(OrderItem).where(OrderItem.order_id == order.id).order_by(OrderItem.id)
    )
    goods = "\n".join(f"{it.quantity} x {it.name}" for it in items)
    note = (
        f"Delivery note\n\nOrder {order.number}\n{goods}\n\nTotal {order.total} {order.currency}\n".encode()
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    came = folder / "delivery-note"
    came.write_bytes(note)
    await keep_document(
        session, folder, came, kind="order", object_id=order.id, name=f"Delivery note {order.number}.txt",
        digest=sha256(note).hexdigest(), quota=2**30, user_id=user_id, at=at,
    )  # fmt: skip


async def _keep_source(session: AsyncSession, shop_id: int, manager: int, now: datetime) -> None:
    """A supplier whose file is understood already and fetched at once."""
    given = {
        "name": "Prices of Kettle & Co", "noun": "products", "shop_id": shop_id, "daily_at": time(6),
        "url": f"http://localhost{PRICE_LIST}", "told_id": manager,
    }  # fmt: skip
    source = await save_source(session, None, given, user_id=manager, purchases=True, at=now)
    source.columns = {
        "SKU": "sku", "Name": "name", "Price": "price", "Cost": "purchase_price", "On hand": "stock",
    }  # fmt: skip
    source.due_at = now
