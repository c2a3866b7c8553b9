"""A customer is asked to pay and pays: what is due by a link, what a payment does, what the terms of a shop may say."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_core.call_record import _MOVES
from crm_core.db import Base
from crm_core.deal import create_deal, get_deal
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.message import Message
from crm_core.notice import Notice
from crm_core.order import create_order, get_order, update_order
from crm_core.order_stock import ItemWanted
from crm_core.payment import Payment
from crm_core.payment_came import add_payment, payment_arrived
from crm_core.payment_link import PaymentLink, State, Way, ask_payment, due, list_links, open_link
from crm_core.payment_terms import PaymentTerms, check_address, fill_address, save_terms, status_after
from crm_core.tables import order as _every_table  # noqa: F401

PAGE = "https://pay.example/o?order={order}&sum={amount}&cur={currency}&back={code}"


def test_a_link_asks_for_what_of_its_sum_is_still_owed() -> None:
    def left(asked: str, total: str, paid: str = "0", before: str = "0", was: str = "50") -> tuple[str, ...]:
        link = PaymentLink(amount=Decimal(asked), total=Decimal(was), paid=Decimal(before))
        found = due(link, total=Decimal(total), paid=Decimal(paid), status="new")
        return found.state, str(found.amount), str(found.rest), str(found.changed)

    assert left("50", "50") == ("open", "50", "0", "False")
    assert left("50", "62") == ("open", "62", "0", "True")  # all of it, whatever it comes to now
    assert left("50", "50", paid="20") == ("open", "30", "0", "False")
    assert left("20", "50") == ("open", "20", "30", "False")
    assert left("20", "50", paid="5") == ("open", "15", "30", "False")
    assert left("20", "50", paid="20") == ("part_paid", "0", "30", "False")
    assert left("20", "15") == ("open", "15", "0", "True")  # never more than is owed
    assert left("10", "50", paid="20", before="20") == ("open", "10", "20", "False")
    assert left("30", "50", paid="50", before="20") == ("paid", "0", "0", "False")
    assert left("50", "40", paid="50") == ("paid", "0", "0", "True")
    off = PaymentLink(amount=Decimal(5), total=Decimal(5), paid=Decimal(0))
    assert due(off, total=Decimal(5), paid=Decimal(0), status="cancelled").state is State.CALLED_OFF


def test_an_address_is_filled_in_and_nothing_leaves_its_place() -> None:
    filled = fill_address(PAGE, order="A&b=/é", amount=Decimal("5"), currency="EUR", code="w-1")
    assert filled == "https://pay.example/o?order=A%26b%3D%2F%C3%A9&sum=5.00&cur=EUR&back=w-1"
    check_address(PAGE)
    for wrong in (
        "javascript:alert({order})", "https://{code}.example/?{order}", "https://pay.example/", "ftp://x.y/{order}",
        "https://pay.example/{order", "https://pay.example/{order.number}", "https://pay.example/{order!r}",
        "https://pay.example/{0}", "https://pay.example/ {order}", "https:///{order}",
    ):  # fmt: skip
        with pytest.raises(Invalid):
            check_address(wrong)


def test_a_payment_brings_an_order_forwards_alone() -> None:
    terms = PaymentTerms(paid_status="packed", prepaid_status="confirmed")
    way = {"new": 0, "confirmed": 1, "packed": 2, "on_delivery": 3, "done": 4}

    def after(status: str, paid: int) -> str | None:
        return status_after(terms, way, status=status, paid=Decimal(paid), total=Decimal(10))

    assert [after("new", 0), after("new", 4), after("new", 10)] == [None, "confirmed", "packed"]
    assert [after("packed", 4), after("on_delivery", 10), after("done", 10)] == [None, None, None]
    assert after("cancelled", 10) is None


def test_every_row_that_names_a_call_goes_along_when_two_calls_become_one() -> None:
    """What is not deleted with its call would forbid that the call is absorbed."""
    moved = " ".join(str(step) for step in _MOVES)
    for table in Base.metadata.tables.values():
        for column in table.columns:
            for key in column.foreign_keys:
                if key.target_fullname == "calls.id" and key.ondelete is None:
                    assert f"UPDATE {table.name} SET {column.name} = " in moved, (table.name, column.name)


async def furnished(shop: Any, **fields: Any) -> int:
    async with shop.begin() as session:
        await save_terms(session, shop.shop, version=0, changes={"page_url": PAGE, **fields})
        made = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=shop.anna, at=shop.noon, manager_id=shop.oleg,
            items=[ItemWanted(product_id=shop.mug, quantity=2)],
        )  # fmt: skip
        return int(made.id)


async def test_asking_is_noted_and_only_for_what_is_owed_to_whom_it_belongs(shop: Any) -> None:
    order = await furnished(shop)
    by: dict[str, Any] = {"user_id": shop.anna, "at": shop.noon, "call_id": shop.call}
    async with shop.begin() as session:
        made = await ask_payment(session, order, way=Way.SMS, amount="10", **by)
        (row,) = await list_links(session, order)
        assert (str(row.amount), row.way, row.address, row.operator) == (
            "10.00",
            "sms",
            "+48601220114",
            "Anna Kowalska",
        )
        assert row.call_id == shop.call and made.word not in str(made.link.digest)
        message = (await session.scalars(select(Message))).one()
        assert message.text == "Home: order A-1001, 10.00 EUR to pay. How to pay, and the invoice: …"
        for wrong in ({"amount": "17.81"}, {"amount": "0"}, {"address": "+48500000000"}, {"way": Way.EMAIL}):
            with pytest.raises(Invalid):
                await ask_payment(session, order, **{"way": Way.SMS, **by, **wrong})
        assert (await open_link(session, made.word, at=shop.noon)).due.amount == 10
        for word, later in ((made.word, timedelta(days=31)), ("x" * 32, timedelta())):
            with pytest.raises(NotFound):
                await open_link(session, word, at=shop.noon + later)
        await add_payment(session, order, amount="17.80", user_id=None, at=shop.noon)
        with pytest.raises(Conflict, match="is paid"):
            await ask_payment(session, order, way=Way.OTHER, **by)
        kettle = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=None, at=shop.noon,
            items=[ItemWanted(product_id=shop.kettle, quantity=1)], status="cancelled",
        )  # fmt: skip
        with pytest.raises(Conflict, match="called off"):
            await ask_payment(session, kettle.id, way=Way.OTHER, **by)
        await save_terms(session, shop.shop, version=1, changes={"page_url": ""})
        lamp = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=None, at=shop.noon,
            items=[ItemWanted(product_id=shop.lamp, quantity=1)],
        )  # fmt: skip
        with pytest.raises(Conflict, match="Nobody wrote"):
            await ask_payment(session, lamp.id, way=Way.OTHER, **by)


async def test_a_payment_told_twice_is_one_and_moves_order_and_deal(shop: Any) -> None:
    order_id = await furnished(shop, paid_status="done", prepaid_status="confirmed")
    told: dict[str, Any] = {"currency": "EUR", "at": shop.noon, "user_id": None}
    async with shop.begin() as session:
        deal = await create_deal(session, title="Mugs", customer_id=shop.marta, currency="EUR", at=shop.noon)
        order = await get_order(session, order_id)
        await update_order(
            session, order_id, version=1, changes={"deal_id": deal.id}, user_id=None, at=shop.noon
        )
        first = await payment_arrived(session, "A-1001", amount=Decimal(5), external_id="p1", **told)
        assert (first.added, first.payment.kind, order.status) == (True, "prepaid", "confirmed")
        again = await payment_arrived(session, "A-1001", amount=Decimal(5), external_id="p1", **told)
        assert (again.added, again.payment.id, order.paid) == (False, first.payment.id, 5)
        with pytest.raises(Conflict, match="told already"):
            await payment_arrived(session, "A-1001", amount=Decimal(6), external_id="p1", **told)
        with pytest.raises(Invalid, match="paid in EUR"):
            await payment_arrived(
                session, "A-1001", amount=Decimal(6), external_id="p2", **told | {"currency": "PLN"}
            )
        with pytest.raises(NotFound):
            await payment_arrived(session, "A-9", amount=Decimal(6), external_id="p2", **told)
        await payment_arrived(session, "A-1001", amount=Decimal("12.80"), external_id="p2", **told)
        assert (order.status, (await get_deal(session, deal.id)).stage) == ("done", "won")
        back = {"amount": Decimal(1), "kind": "refund", "external_id": "r1"}
        await payment_arrived(session, "A-1001", **back, **told)
        assert (order.paid, order.status) == (Decimal("16.80"), "done")
        said = (await session.scalars(select(Notice.text).where(Notice.user_id == shop.oleg))).all()
        assert [it for it in said if "came" in it or "back" in it] == [
            "Order A-1001: 5.00 EUR came, 12.80 more to pay.",
            "Order A-1001: 12.80 EUR came, paid whole.",
            "Order A-1001: 1.00 EUR went back.",
        ]
        assert await session.scalar(select(func.count()).select_from(Payment)) == 3


async def test_money_is_taken_down_also_where_the_status_can_not_follow(shop: Any) -> None:
    order_id = await furnished(shop, paid_status="on_delivery")
    async with shop.begin() as session:
        order = await get_order(session, order_id)
        more = {"items": [ItemWanted(product_id=shop.mug, quantity=20)]}  # there are fourteen
        await update_order(
            session, order_id, version=1, changes=more, user_id=None, at=shop.noon, beyond_stock=True
        )
    async with shop.begin() as session:
        await add_payment(session, order_id, amount="178", user_id=None, at=shop.noon)
        order = await get_order(session, order_id)
        assert (order.paid, order.status) == (178, "new")
        said = (await session.scalars(select(Notice.text).order_by(Notice.id.desc()).limit(1))).one()
        assert said.startswith("Order A-1001 is paid, but stays as it is:")
