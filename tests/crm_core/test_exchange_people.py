"""Customers and orders of another system come here, and coming twice changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from crm_core.customer import Customer, get_customer
from crm_core.exchange.kinds import Habits, day, emails, instant, phones, sum_, yes
from crm_core.line import Shop
from crm_core.order import ItemWanted, Order, create_order
from crm_core.product import Product
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
