"""A furnished shop to look at and to try: the same one every time, in dates relative to `now`.

Three shops with their lines, some 320 customers, 180 products, 700 orders, deals, callbacks, past calls, carts
and visits. The switchboard of the demo uses `LINES` and `EXTENSIONS`; `callers` says who may call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer import Customer, CustomerNumber
from crm_core.demo_goods import Ware, wares
from crm_core.demo_history import History
from crm_core.demo_ids import Ids, advance_identities, free_ids
from crm_core.demo_lists import give_lists
from crm_core.demo_offers import give_offers
from crm_core.demo_people import Person, people
from crm_core.demo_quality import give_quality
from crm_core.demo_site import STRANGER, SiteHistory
from crm_core.demo_work import give_work
from crm_core.keys import search_key, sort_key
from crm_core.line import Line
from crm_core.phone import normalise
from crm_core.product import Product, ProductFamily
from crm_core.shop import Shop
from crm_core.stock import open_books
from crm_core.supply import Supply
from crm_core.user import Extension, Passwords, Role, User
from crm_core.wrap_up_rule import set_wrap_up_rule

PBX = "demo"
PASSWORD = "demo"
SEED = 2026
PEOPLE = 320
HOSTILE = "<script>alert(1)</script> O'Neil"


@dataclass(frozen=True)
class DemoLine:
    """A number people dial; `queue` is where the demo's switchboard sends them."""

    did: str
    name: str
    shop: int  # place in SHOPS
    queue: str


@dataclass(frozen=True)
class DemoUser:
    """Somebody of the demo. Those without a password are played by the machine."""

    login: str
    name: str
    role: Role
    extension: str | None
    signs_in: bool = True


SHOPS = (
    ("Dom i Kuchnia", "PLN", "PL", "Europe/Warsaw", "A"),
    ("Haus & Herd", "EUR", "DE", "Europe/Berlin", "B"),
    ("Hearth and Home", "GBP", "GB", "Europe/London", "C"),
)
# The numbers of Berlin and London are of the ranges kept free for films.
LINES = (
    DemoLine("+48223071120", "Poland shop", 0, "sales"),
    DemoLine("+48223071129", "Poland support", 0, "support"),
    DemoLine("+493023125140", "Germany shop", 1, "sales"),
    DemoLine("+442079460140", "UK shop", 2, "sales"),
)
USERS = (
    DemoUser("operator", "Anna Kowalska", Role.OPERATOR, "1001"),
    DemoUser("oleg", "Oleg Bondar", Role.OPERATOR, "1002", signs_in=False),
    DemoUser("emma", "Emma Clark", Role.SENIOR, "1003", signs_in=False),
    DemoUser("supervisor", "Marek Nowicki", Role.SUPERVISOR, "1004"),
    DemoUser("manager", "Ingrid Weber", Role.MANAGER, None),
    DemoUser("admin", "Sam Admin", Role.ADMIN, None),
    DemoUser("courier", "Jacek Wrona", Role.COURIER, None),
)
WRAP_UP_S = 60  # the person at the desk has it; the machines take the next call at once
EXTENSIONS = {user.extension: user.name for user in USERS if user.extension}


@dataclass(frozen=True)
class Caller:
    """Somebody who may call the demo: number and name as a trunk sends them, and the line they dial."""

    number: str
    name: str
    did: str


async def furnish(session: AsyncSession, now: datetime, *, documents: Path, pbx: str = PBX) -> bool:
    """Fill an empty database; False, and nothing done, when there are shops or customers already.

    `documents`: the folder of files of orders and tasks.
    """
    if await session.scalar(select(exists().where(Shop.id > 0) | exists().where(Customer.id > 0))):
        return False
    random = Random(SEED)
    buyers = people(random, PEOPLE)
    goods = [wares(random, currency) for _, currency, *_ in SHOPS]
    ids = await free_ids(session)
    await _put_house(session, ids, pbx)
    await _put_goods(session, ids, goods)
    await _put_people(session, ids, buyers, random, now)
    phones = [(place, user.extension) for place, user in enumerate(USERS) if user.extension]
    history = History(
        random,
        now,
        pbx=pbx,
        ids=ids,
        buyers=buyers,
        goods=goods,
        lines=[(line.did, line.queue, line.shop) for line in LINES],
        shops=[(currency, country, prefix) for _, currency, country, _, prefix in SHOPS],
        operators=[(place, extension) for place, extension in phones[:3]],
    )
    site = SiteHistory(
        Random(SEED + 1),
        now,
        ids=ids,
        buyers=buyers,
        shop_of=[history.shop_of(place) for place in range(PEOPLE)],
        goods=goods,
        shops=[currency for _, currency, *_ in SHOPS],
    )
    for table, rows in (*history.tables(), *site.tables()):
        await session.execute(insert(table), rows)
    for place, next_number in enumerate(history.next_numbers):
        shop = await session.get_one(Shop, ids.of(Shop, place))
        shop.next_order_number = next_number
    await open_books(session)
    await _put_supplies(session, now)
    await advance_identities(session)
    await set_wrap_up_rule(session, seconds=WRAP_UP_S, user_id=ids.of(User, 0))
    staff = {user.login: ids.of(User, place) for place, user in enumerate(USERS)}
    await give_work(session, staff, ids.of(Shop, 0), now, documents=documents)
    await give_lists(session, staff, now)
    await give_offers(session, staff, ids.of(Shop, 0), now)
    await give_quality(session, staff, ids.of(Line, 0), Random(SEED + 2), now)
    return True


def callers(count: int = 60) -> list[Caller]:
    """Who calls the demo: mostly customers, some strangers, one who hides. The same list every time."""
    random = Random(SEED)
    known = people(random, PEOPLE)
    made = []
    for _ in range(count):
        person = random.choice(known)
        line = random.choice([it for it in LINES if SHOPS[it.shop][2] == person.country.code] or LINES)
        sent = random.choice((person.e164, person.e164.removeprefix("+"), f"00{person.e164[1:]}"))
        made.append(Caller(sent, person.name if random.random() < 0.5 else "", line.did))
    for number in (STRANGER, "+4915199900022", "anonymous"):
        made.append(Caller(number, "", random.choice(LINES).did))
    return made


async def _put_house(session: AsyncSession, ids: Ids, pbx: str) -> None:
    for place, (name, currency, country, timezone, prefix) in enumerate(SHOPS):
        session.add(
            Shop(id=ids.of(Shop, place), name=name, currency=currency, country=country, timezone=timezone,
                 order_prefix=prefix)
        )  # fmt: skip
    secret = await Passwords().hash(PASSWORD)
    for place, it in enumerate(USERS):
        kept = secret if it.signs_in else None
        session.add(
            User(id=ids.of(User, place), login=it.login, name=it.name, role=it.role, password_hash=kept,
                 timezone="Europe/Warsaw")
        )  # fmt: skip
    await session.flush()
    for place, user in enumerate(USERS):
        if user.extension:
            session.add(Extension(pbx=pbx, extension=user.extension, user_id=ids.of(User, place)))
    for place, line in enumerate(LINES):
        aliases = [line.did.removeprefix("+"), f"00{line.did[1:]}"]
        session.add(
            Line(id=ids.of(Line, place), pbx=pbx, did=line.did, name=line.name, aliases=aliases,
                 e164=line.did, shop_id=ids.of(Shop, line.shop))
        )  # fmt: skip
    await session.flush()


async def _put_goods(session: AsyncSession, ids: Ids, goods: Sequence[Sequence[Ware]]) -> None:
    rows: list[dict[str, Any]] = []
    families = list(
        dict.fromkeys((shop, ware.kind) for shop, assortment in enumerate(goods) for ware in assortment)
    )
    await session.execute(
        insert(ProductFamily),
        [
            {"id": ids.of(ProductFamily, place), "shop_id": ids.of(Shop, shop), "name": kind}
            for place, (shop, kind) in enumerate(families)
        ],
    )
    for shop, assortment in enumerate(goods):
        for ware in assortment:
            rows.append(
                {"id": ids.of(Product, len(rows)), "shop_id": ids.of(Shop, shop), "sku": ware.sku,
                 "family_id": ids.of(ProductFamily, families.index((shop, ware.kind))),
                 "name": ware.name, "search_key": search_key(f"{ware.name} {ware.sku}"),
                 "barcodes": [ware.barcode], "price": ware.price, "purchase_price": ware.cost,
                 "stock": ware.stock}
            )  # fmt: skip
    await session.execute(insert(Product), rows)


async def _put_supplies(session: AsyncSession, now: datetime) -> None:
    """What is sold out or nearly so, the supplier has."""
    few = await session.scalars(select(Product.id).where(Product.stock <= 2))
    rows = [
        {"product_id": id_, "supplier": "Hurtownia Północ", "quantity": 12 + id_ % 30,
         "lead_days": 2 + id_ % 4, "as_of": now - timedelta(hours=5)}
        for id_ in few
    ]  # fmt: skip
    await session.execute(insert(Supply), rows)


async def _put_people(
    session: AsyncSession, ids: Ids, buyers: Sequence[Person], random: Random, now: datetime
) -> None:
    customers, numbers = [], []
    for place, person in enumerate(buyers):
        name = HOSTILE if place == 13 else person.name
        customers.append(
            {"id": ids.of(Customer, place), "name": name, "sort_key": sort_key(name),
             "search_key": search_key(name), "email": person.email, "city": person.city,
             "country": person.country.code, "address": person.address,
             "timezone": person.country.timezone, "vip": random.random() < 0.06,
             "bad": random.random() < 0.02, "tags": random.choice(([], [], [], ["wholesale"], ["repairs"])),
             "source": random.choice(("website", "website", "phone", "advertisement", "friend")),
             "note": random.choice((None, None, None, "Prefers to be called in the evening")),
             "created_at": now - timedelta(days=random.randint(30, 700))}
        )  # fmt: skip
        numbers.append(_number(ids.of(Customer, place), person.written, person, 0, "mobile"))
        if place % 9 == 4:  # a second telephone
            other = f"+48223{random.randint(100000, 699999)}"
            numbers.append(_number(ids.of(Customer, place), other, person, 1, "work"))
        if place % 27 == 8:  # somebody at home shares the telephone of the customer before
            numbers.append(_number(ids.of(Customer, place), buyers[place - 1].e164, person, 2, "home"))
    await session.execute(insert(Customer), customers)
    await session.execute(insert(CustomerNumber), numbers)


def _number(customer_id: int, raw: str, person: Person, position: int, label: str) -> dict[str, Any]:
    e164 = normalise(raw, country=person.country.code).e164 or person.e164
    return {"customer_id": customer_id, "e164": e164, "raw": raw, "position": position, "label": label}
