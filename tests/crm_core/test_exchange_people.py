"""Customers and orders of another system come here, and coming twice changes nothing."""

from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import FieldOf, add_field, set_values
from crm_core.custom_value import FieldKind
from crm_core.customer import Customer, add_number, create_customer, get_customer, update_customer
from crm_core.customer_contact import ContactKind, add_address, add_contact
from crm_core.db import connect
from crm_core.exchange import columns
from crm_core.exchange.export import bites
from crm_core.exchange.kinds import Habits, day, emails, instant, phones, sum_, yes
from crm_core.exchange.sheet import Csv
from crm_core.exchange.table import read_table
from crm_core.order import ItemWanted, Order, create_order
from crm_core.payment import book
from crm_core.product import Product
from crm_core.read.customers import list_customers
from crm_core.read.orders import list_orders
from crm_core.shop import Shop
from crm_core.user import create_user
from tests.conftest import copied
from tests.crm_core.exchange import bring

HERE = Habits("PL", ZoneInfo("Europe/Warsaw"))
PEOPLE = """Id;Imię;Nazwisko;Telefon;E-mail;Miasto;Teg;Tags
7;Jan;Kowalski;"602-123-456, +48 22 307 20 20; 0048 603 111 222";jan@example.com, J2@example.com;Łódź;;new, web
8;Marta;Zielińska;601 220 114;marta@example.com;;;
9;Nobody;;12;;;;
;Iwo;Lis;"22 307 11 20";;;;
;Ewa;;;ewa.example.com;;;
;;;;;Gdynia;;
10;Adam;Kowalski;602123456;;;;
"""


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (phones, "602 123 456 / 603-111-222", ["+48602123456", "+48603111222"]),
        (phones, "48602123456", ["+48602123456"]),
        (phones, "+1 (202) 555-0123|602123456", ["+12025550123", "+48602123456"]),
        (emails, "A@b.pl; c@d.pl a@b.pl", ["a@b.pl", "c@d.pl"]),
        (sum_, "1 234,50", Decimal("1234.50")),
        (sum_, "1,234.50", Decimal("1234.50")),
        (sum_, "1.234.567,5", Decimal("1234567.5")),
        (sum_, "0.125", Decimal("0.125")),
        (yes, "ТАК".lower(), True),
        (day, "24.12.1980", datetime(1980, 12, 24).date()),
        (instant, "20/11/2026 14:30", datetime(2026, 11, 20, 13, 30, tzinfo=UTC)),
        (instant, "2026-11-20", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        (instant, "2026-11-20T12:00:00Z", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    ],
)
def test_a_cell_is_read_as_people_write_it(kind: Any, cell: str, value: Any) -> None:
    assert kind(cell, HERE) == value


@pytest.mark.parametrize(
    ("kind", "cell"),
    [(sum_, "1,234"), (sum_, "-5"), (sum_, "=1+1"), (phones, "12"), (phones, "602123456, abc"), (emails, "a@b"),
     (day, "31.02.2020"), (instant, "soon"), (yes, "maybe")],
)  # fmt: skip
def test_what_could_mean_something_else_is_refused(kind: Any, cell: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|may) "):
        kind(cell, HERE)


async def test_customers_come_with_their_numbers_and_coming_again_changes_nothing(
    shop: Any, tmp_path: Path
) -> None:
    done = await bring(shop, tmp_path, "customers", PEOPLE.encode())
    assert done.counts == (2, 1, 0, 4)
    assert {it.place: it.reason for it in done.refused} == {
        4: "Telefon: '12' is no telephone number.",
        5: "+48 22 307 11 20 is a line of ours, not a customer's number.",
        6: "E-mail: 'ewa.example.com' is no e-mail.",
        7: "There is neither an id nor a number nor an e-mail to know this customer by.",
    }
    async with shop.begin() as session:
        jan, adam = (await session.scalars(select(Customer).where(Customer.name.endswith("Kowalski")))).all()
        assert [it.e164 for it in jan.numbers] == ["+48602123456", "+48223072020", "+48603111222"]
        assert (jan.city, jan.tags, jan.country) == ("Łódź", ["new", "web"], "PL")
        assert [it.e164 for it in adam.numbers] == ["+48602123456"]  # a family: told apart by their ids
        marta = await get_customer(session, shop.marta)
        assert (marta.email, marta.city) == ("marta@example.com", "Kraków")
    again = await bring(shop, tmp_path, "customers", PEOPLE.encode())
    assert again.counts == (0, 0, 3, 4)
    moved = b"Id;Phone\n7;604 000 111\n"
    assert (await bring(shop, tmp_path, "customers", moved)).counts == (0, 1, 0, 0)
    shared = await bring(
        shop, tmp_path, "customers", b"Name;Phone\nSomebody;602123456\nJan Kowalski;602 123 456\n"
    )
    assert shared.counts == (0, 0, 1, 1)
    assert "is of several customers: Jan Kowalski" in shared.refused[0].reason


ORDERS = """Order;Status;Date;Name;Phone;SKU;Item;Qty;Price;Paid;Delivery cost
W-7;done;2025-03-01 10:00;Jan Kowalski;602123456;MG-03-BL;Blue mug;2;8,00;16;0
W-7;;;;;OLD-1;Old thing;1;5;;
A-1500;new;;Marta Zielińska;601220114;LP-01;;3;;;9.90
W-8;lost;;Jan;602123456;MG-03-BL;;1;;;
W-9;new;;;;MG-03-BL;;1;;;
W-7;done;;;;X;X;1;1;;
"""


async def test_orders_come_with_their_items_and_coming_again_changes_nothing(
    shop: Any, tmp_path: Path
) -> None:
    done = await bring(shop, tmp_path, "orders", ORDERS.encode())
    assert done.counts == (2, 0, 0, 3)
    assert {it.place: it.reason.split(";")[0] for it in done.refused} == {
        5: "Status: 'lost' is no status",
        6: "There is neither a number nor an e-mail nor an id of the customer.",
        7: "The order W-7 stands in row 2 already.",
    }
    async with shop.begin() as session:
        old = (await session.scalars(select(Order).where(Order.number == "W-7"))).one()
        assert [(it.sku, it.quantity, it.price, it.product_id) for it in old.items] == [
            ("MG-03-BL", 2, Decimal("8.00"), None),
            ("OLD-1", 1, Decimal("5.00"), None),
        ]
        assert (old.total, old.paid, old.status) == (Decimal("21.00"), Decimal("16.00"), "done")
        assert old.created_at == datetime(2025, 3, 1, 9, tzinfo=UTC)
        open_one = (await session.scalars(select(Order).where(Order.number == "A-1500"))).one()
        assert (open_one.customer_id, open_one.total) == (shop.marta, Decimal("369.90"))
        left = {it.id: it.stock for it in await session.scalars(select(Product))}
        assert (left[shop.mug], left[shop.lamp]) == (
            14,
            -2,
        )  # what is gone is gone; what was promised is reserved
        place = await session.get_one(Shop, shop.shop)
        assert place.next_order_number == 1501
    assert (await bring(shop, tmp_path, "orders", ORDERS.encode())).counts == (0, 0, 2, 3)
    async with shop.begin() as session:
        taken = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=shop.anna, at=shop.noon,
        )  # fmt: skip
        assert taken.number == "A-1501"
        assert await session.scalar(select(func.count()).select_from(Customer)) == 2
    changed = ORDERS.replace("A-1500;new", "A-1500;confirmed").replace("LP-01;;3", "LP-01;;2")
    assert (await bring(shop, tmp_path, "orders", changed.encode())).counts == (0, 1, 1, 3)


async def test_rows_of_one_order_that_disagree_are_refused_together(shop: Any, tmp_path: Path) -> None:
    said = "Order,Status,Phone,Item,Price\nX-1,new,602123456,Mug,1\nX-1,done,602123456,Cup,2\n"
    done = await bring(shop, tmp_path, "orders", said.encode())
    assert [(it.place, it.reason) for it in done.refused] == [
        (2, "The rows of this order disagree about status."),
        (3, "The rows of this order disagree about status."),
    ]


async def put_much(shop: Any) -> None:
    """Customers with everything that a customer can have, and orders of theirs."""
    async with shop.begin() as session:
        jan = await create_customer(
            session, name="Jan Kowalski", country="PL", numbers=["602123456", "+442079460123"], email="jan@example.com",
            city="Łódź", address="Long street 5", birthday=date(1980, 2, 29), sex="male", vip=True, tags=["new", "web"],
            category="Gold", customer_type="Company", source="friend", note="two\nlines; =1", price_list="wholesale",
            timezone="Europe/Warsaw", manager_id=shop.oleg,
        )  # fmt: skip
        for kind, value in (("email", "j2@example.com"), ("telegram", "@jan"), ("other", "Matrix jan")):
            await add_contact(session, jan.id, kind=ContactKind(kind), value=value)
        await add_address(session, jan.id, address="Office 7", city="Gdynia", country="PL", label="office")
        await add_address(session, jan.id, address="Dacha, 3rd house")
        await add_number(session, jan.id, "+442079460124", country="PL", label="= work | London")
        eva = await create_customer(
            session, name="Eva Stern", country="DE", numbers=["+4930231251"], sex="female"
        )
        by: dict[str, Any] = {"user_id": None, "at": shop.noon}
        values = {"shoe_size": "42.5", "likes": ["tea", "green, raw"], "since": "2020-01-31", "club": True}
        await set_values(session, FieldOf.CUSTOMER, jan.id, values, **by)
        items = [ItemWanted(shop.mug, 2), ItemWanted(None, 1, Decimal("3.50"), "Gift, wrapped")]
        window = {
            "delivery_date": date(2026, 11, 24),
            "delivery_from": time(14),
            "delivery_until": time(16, 30),
        }
        where = {"delivery_city": "Gdynia", "delivery_postcode": "81-001", "delivery_address": "Office 7"}
        told = {
            "customer_comment": "Ring twice",
            "status_comment": "waits",
            "needs_call": True,
            "paid": Decimal(5),
        }
        order = await create_order(
            session, customer_id=jan.id, shop_id=shop.shop, items=items, status="packed", manager_id=shop.anna,
            payment_method="card", **window, **where, **told, **by,
        )  # fmt: skip
        await set_values(session, FieldOf.ORDER, order.id, {"gift": "yes, a ribbon"}, **by)
        later = {"user_id": None, "call_id": None, "at": shop.noon + timedelta(hours=3)}
        book(session, order, "7.25", kind="part", method="cash", note="at the door | =1", **later)
        book(session, order, 2, kind="refund", **later)
        await create_order(session, customer_id=eva.id, shop_id=shop.shop, items=items[:1], **by)


async def ask_much(shop: Any) -> None:
    """The fields that this house made itself."""
    async with shop.begin() as session:
        for of, name, kind, options in (
            (FieldOf.CUSTOMER, "Shoe size", FieldKind.NUMBER, ()),
            (FieldOf.CUSTOMER, "Likes", FieldKind.CHOICES, ("tea", "green, raw", "milk")),
            (FieldOf.CUSTOMER, "Since", FieldKind.DATE, ()),
            (FieldOf.CUSTOMER, "Club", FieldKind.YES_NO, ()),
            (FieldOf.ORDER, "Gift", FieldKind.TEXT, ()),
        ):
            await add_field(session, object_=of, name=name, kind=kind, options=options)


async def exported(shop: Any, noun: str) -> bytes:
    """The list as a file, all of it."""
    plan, read = {"customers": (columns.people, list_customers), "orders": (columns.sales, list_orders)}[noun]
    async with shop.begin() as session:
        meant = await plan(session)

    async def load(session: AsyncSession, after: str | None) -> Any:
        return await read(session, after=after, limit=2)  # type: ignore[operator]

    sheet = Csv()
    content = sheet.rows([meant.headings])
    async with aclosing(bites(shop.db, load, meant)) as found:
        async for rows in found:
            content += sheet.rows(rows)
    return content + sheet.end()


def told(content: bytes) -> list[dict[str, str]]:
    """The rows without what is ours alone: ids, and when we heard of somebody."""
    rows = [dict(row.cells) for row in read_table(content).rows]
    return sorted(
        ({name: it for name, it in row.items() if name not in ("our id", "added")} for row in rows),
        key=lambda row: (row["name" if "name" in row else "number"], row.get("sku", "")),
    )


async def test_what_goes_out_comes_into_an_empty_shop_as_it_was(
    shop: Any, postgres: str, tmp_path: Path
) -> None:
    await ask_much(shop)
    await put_much(shop)
    files = {noun: await exported(shop, noun) for noun in ("customers", "orders")}
    (jan,) = [row for row in told(files["customers"]) if row["name"] == "Jan Kowalski"]
    assert (jan["manager"], jan["telegram"], jan["custom:likes"]) == ("oleg", "@jan", "tea; green, raw")
    assert jan["further_addresses"] == "Office 7 | Gdynia | PL | office\nDacha, 3rd house"
    assert jan["number_labels"].endswith("= work | London | +442079460124")
    at = shop.noon.isoformat()
    assert f"{at} | prepaid | 5.00" in told(files["orders"])[0]["payments"]
    async with copied(postgres, "small_shop") as url, connect(url) as db:
        other = replace(shop, db=db)
        await ask_much(other)
        for noun, count in (("customers", 2), ("orders", 2)):
            done = await bring(other, tmp_path, noun, files[noun])
            assert (done.counts[0], done.refused) == (count, [])
        for noun, content in files.items():
            for was, is_ in zip(told(content), told(await exported(other, noun)), strict=True):
                assert is_ == was
            again = await bring(other, tmp_path, noun, content)
            assert again.counts[:2] == (0, 0) and again.refused == []


async def test_what_nobody_here_knows_is_refused_with_the_reason(shop: Any, tmp_path: Path) -> None:
    await ask_much(shop)
    async with shop.begin() as session:
        for login in ("ann", "anne"):
            await create_user(session, login=login, name="Ann Lee")
    rows = (
        "name,phone,sex,manager,custom:shoe_size,custom:likes,custom:gone,further_addresses\n"
        "A,601000001,unknown,,,,,\nB,601000002,,Ann Lee,,,,\nC,601000003,,nobody,,,,\nD,601000004,,,big,,,\n"
        "E,601000005,,,,coffee,,\nF,601000006,,,,,x,\nG,601000007,K,OLEG BONDAR,42,milk,,| Gdynia\n"
        "H,601000008,K,OLEG BONDAR,42,milk,,Quay 1\n"
    )
    done = await bring(shop, tmp_path, "customers", rows.encode())
    assert done.counts[0] == 1 and {it.place: it.reason for it in done.refused} == {
        2: "sex: 'unknown' is neither female nor male.",
        3: "manager: 'Ann Lee' may be several colleagues: write the login.",
        4: "manager: 'nobody' is nobody who works here.",
        5: "custom:shoe_size: 'big' can not be: Shoe size: write a number such as 12 or 12.5.",
        6: "custom:likes: 'coffee' can not be: Likes: choose one of: tea, green, raw, milk.",
        7: "custom:gone: 'x' belongs to a field that there is not: gone.",
        8: "further_addresses: '| Gdynia' is no address such as Long street 5 | Gdynia | PL | office.",
    }


async def test_an_export_is_of_one_instant(shop: Any) -> None:
    async def add(name: str) -> None:
        async with shop.begin() as session:
            await create_customer(session, name=name, country="PL")

    for name in ("Ada", "Bea", "Zoe"):
        await add(name)
    async with shop.begin() as session:
        meant = await columns.people(session)

    async def load(session: AsyncSession, after: str | None) -> Any:
        return await list_customers(session, after=after, limit=2)

    names: list[Any] = []
    async with aclosing(bites(shop.db, load, meant)) as found:
        async for rows in found:
            names += [row[2] for row in rows]
            if len(names) == 2:
                await add("Yan")
                async with shop.begin() as session:
                    zoe = (await session.scalars(select(Customer).where(Customer.name == "Zoe"))).one()
                    await update_customer(session, zoe.id, version=zoe.version, changes={"name": "Changed"})
    assert sorted(names) == ["Ada", "Bea", "Marta Zielińska", "Zoe"]
