"""What the web shop tells: carts and visits, each kept once, and on the card of whoever calls."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_core.card import load_card
from crm_core.customer import create_customer, update_customer
from crm_core.errors import Invalid, NotFound
from crm_core.order import ItemWanted, create_order
from crm_core.site import Cart, PageView, Visit, Visitor, add_visits, forget_site, ordered, put_cart

MARTA = "+48601220114"
MUGS = {"name": "Blue mug 0.3 l", "sku": "MG-03-BL", "quantity": 2, "price": "8.90"}
OTHER = {"name": "Gift wrap", "sku": None, "quantity": 1, "price": "1.00"}


async def tell(shop: Any, *, seconds: float = 0, items: Any = (MUGS,), shop_id: int = 0, **who: Any) -> Cart:
    """The site reports cart c-1, `seconds` after noon; everything is heard an hour after noon."""
    async with shop.begin() as session:
        return await put_cart(
            session,
            "c-1",
            shop_id=shop_id or shop.shop,
            visitor=Visitor(**(who or {"phone": "601 220 114"})),
            items=items,
            total=Decimal("17.80"),
            currency="EUR",
            url="https://shop.example/cart",
            updated_at=shop.noon + timedelta(seconds=seconds),
            now=shop.noon + timedelta(hours=1),
        )


async def card(shop: Any, e164: str | None = MARTA) -> dict[str, Any]:
    async with shop.begin() as session:
        return await load_card(session, e164=e164, customer_id=None, call_id=shop.call, now=shop.noon)


async def test_the_card_shows_the_cart_with_the_products_it_can_be_ordered_from(shop: Any) -> None:
    kept = await tell(shop, items=(MUGS, OTHER))
    assert kept.customer_id == shop.marta
    assert (await card(shop))["cart"] == {
        "id": kept.id, "shop_id": shop.shop, "total": "17.80", "currency": "EUR",
        "url": "https://shop.example/cart", "updated_at": "2026-11-21T12:00:00+00:00",
        "items": [
            {**MUGS, "product_id": shop.mug, "stock": 14}, {**OTHER, "product_id": None, "stock": None},
        ],
    }  # fmt: skip


async def test_what_is_said_twice_or_too_late_changes_nothing(shop: Any) -> None:
    first = await tell(shop, seconds=60)
    again = await tell(shop, seconds=60)
    late = await tell(shop, seconds=10, items=())
    assert first.id == again.id == late.id
    assert late.items == [MUGS]


@pytest.mark.parametrize(
    "who", [{"customer_id": True}, {"phone": "+48 601 220 114"}, {"email": "Marta@Example.com"}]
)
async def test_a_visitor_is_known_by_id_telephone_or_e_mail(shop: Any, who: dict[str, Any]) -> None:
    async with shop.begin() as session:
        await update_customer(session, shop.marta, version=1, changes={"email": "marta@example.com"})
    kept = await tell(shop, **{name: shop.marta if value is True else value for name, value in who.items()})
    assert kept.customer_id == shop.marta


async def test_a_stranger_is_known_by_his_number_when_he_calls(shop: Any) -> None:
    kept = await tell(shop, phone="+48 999 000 111")
    assert kept.customer_id is None
    assert (await card(shop, "+48999000111"))["cart"]["id"] == kept.id
    assert (await card(shop))["cart"] is None


async def test_nobody_is_guessed_when_an_address_has_two_owners(shop: Any) -> None:
    async with shop.begin() as session:
        for name in ("One", "Two"):
            await create_customer(session, name=name, country="PL", email="both@example.com")
    assert (await tell(shop, email="both@example.com")).customer_id is None


async def test_a_cart_that_became_an_order_is_gone_until_the_customer_goes_on(shop: Any) -> None:
    cart = await tell(shop)
    async with shop.begin() as session:
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 2)],
            user_id=shop.anna, at=shop.noon,
        )  # fmt: skip
        await ordered(session, cart.id, order)
    assert (await card(shop))["cart"] is None
    await tell(shop)  # the same state once more
    assert (await card(shop))["cart"] is None
    await tell(shop, seconds=30)
    assert (await card(shop))["cart"]["id"] == cart.id


async def test_an_emptied_cart_is_no_cart(shop: Any) -> None:
    await tell(shop)
    await tell(shop, seconds=5, items=())
    assert (await card(shop))["cart"] is None


async def test_a_clock_that_is_ahead_does_not_make_tomorrows_carts(shop: Any) -> None:
    kept = await tell(shop, seconds=86_400)
    assert kept.updated_at == shop.noon + timedelta(hours=1)


async def test_the_last_pages_are_on_the_card_and_each_is_kept_once(shop: Any) -> None:
    def page(number: int) -> PageView:
        return PageView(
            external_id=f"v-{number}",
            url=f"https://shop.example/{number}",
            title=f"Page {number}",
            at=shop.noon + timedelta(minutes=number),
        )

    async def report(*views: PageView) -> int:
        async with shop.begin() as session:
            visitor = Visitor(customer_id=shop.marta)
            return await add_visits(
                session, views, shop_id=shop.shop, visitor=visitor, now=shop.noon + timedelta(hours=1)
            )

    assert await report(*map(page, range(6)), page(0)) == 6
    assert await report(page(5), page(6)) == 1
    assert [it["title"] for it in (await card(shop))["visits"]] == [f"Page {n}" for n in (6, 5, 4, 3, 2)]


async def test_who_can_not_be_known_is_refused_and_nothing_is_kept(shop: Any) -> None:
    for wrong, error in (
        ({"phone": "00"}, Invalid),
        ({"customer_id": 99}, NotFound),
        ({"email": " "}, Invalid),
    ):
        with pytest.raises(error):
            await tell(shop, **wrong)
    with pytest.raises(NotFound):
        await tell(shop, shop_id=99)
    async with shop.begin() as session:
        assert await session.scalar(select(func.count()).select_from(Cart)) == 0


async def test_what_is_old_is_forgotten(shop: Any) -> None:
    await tell(shop)
    async with shop.begin() as session:
        view = PageView(external_id="v", url="https://shop.example/", title="Home", at=shop.noon)
        await add_visits(session, [view], shop_id=shop.shop, visitor=Visitor(phone=MARTA), now=shop.noon)
        await forget_site(session, shop.noon)
        assert await session.scalar(select(func.count()).select_from(Visit)) == 1
        await forget_site(session, shop.noon + timedelta(seconds=1))
        left = [await session.scalar(select(func.count()).select_from(table)) for table in (Visit, Cart)]
    assert left == [0, 0]
