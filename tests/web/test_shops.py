"""The administrator adds shops, says how their orders are numbered, and is told what a new house still lacks."""

import itertools
import re

import pytest

from crm_core.errors import Invalid
from crm_core.order import ItemWanted, create_order
from crm_core.product import Product
from crm_core.shop import create_shop, list_shops
from crm_core.stock import open_books
from tests.web import shop

count = itertools.count(1)
KETTLE = {
    "name": "Blue Kettle",
    "currency": "PLN",
    "country": "PL",
    "timezone": "Europe/Warsaw",
    "order_prefix": "BK",
}


async def added(admin, **more):
    answer = await admin.post("/api/v1/shops", json=KETTLE | more)
    return answer.status, await answer.json()


async def ordered(database, there, shop_id) -> str:
    async with database.begin() as session:
        cup = Product(shop_id=shop_id, sku=f"C-{next(count)}", name="Cup", search_key="cup", price=4, stock=9)
        session.add(cup)
        await open_books(session)
        wanted = [ItemWanted(product_id=cup.id, quantity=1)]
        made = await create_order(
            session, customer_id=there.customer, shop_id=shop_id, user_id=None, at=shop.NOON, items=wanted
        )
    return made.number


async def test_a_store_that_moves_here_goes_on_with_its_order_numbers(client_of, database) -> None:
    there = await shop.furnish(database)
    admin = await client_of("admin")
    status, kettle = await added(admin)
    assert (status, kettle["next_order_number"]) == (201, 1001)
    address = f"/api/v1/shops/{kettle['id']}"
    assert (await admin.patch(address, json={"next_order_number": 50412})).status == 200
    assert await ordered(database, there, kettle["id"]) == "BK-50412"
    back = await admin.patch(address, json={"next_order_number": 50412})
    assert back.status == 409 and "the next is 50413 or more" in (await back.json())["detail"]
    assert (await (await admin.patch(address, json={"order_prefix": "KB"})).json())["order_prefix"] == "KB"
    assert await ordered(database, there, kettle["id"]) == "KB-50413"
    again = await (await admin.patch(address, json={"order_prefix": "BK", "next_order_number": 50413})).json()
    assert again["next_order_number"] == 50413
    assert await ordered(database, there, kettle["id"]) == "BK-50413"


@pytest.mark.parametrize("column", ["name", "currency", "country", "timezone", "order_prefix"])
async def test_a_shop_is_not_added_with_something_left_out(services, column) -> None:
    with pytest.raises(Invalid) as refused:
        async with services.db.begin() as session:
            await create_shop(session, **KETTLE | {column: ""})
    assert refused.value.field == column
    async with services.db.begin() as session:
        assert await list_shops(session) == []


async def test_a_new_shop_never_gives_numbers_that_orders_have(client_of, database) -> None:
    there = await shop.furnish(database)
    admin = await client_of("admin")
    _, first = await added(admin, order_prefix="OLD")
    assert await ordered(database, there, first["id"]) == "OLD-1001"
    await admin.patch(f"/api/v1/shops/{first['id']}", json={"order_prefix": "NEW"})
    _, second = await added(admin, order_prefix="OLD")
    assert second["next_order_number"] == 1002


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({"order_prefix": "A"}, 409, "Another shop's orders begin with"),
        ({"currency": "PLX"}, 409, "three capital letters"),
        ({"country": "XX"}, 409, "two capital letters"),
        ({"timezone": "Europe/Warschau"}, 409, "time zone"),
        ({"name": "  "}, 422, ""),
        ({"order_prefix": "A b"}, 422, ""),
    ],
)
async def test_what_a_shop_can_not_be_is_said_and_changes_nothing(
    client_of, database, more, status, says
) -> None:
    await shop.furnish(database)
    admin = await client_of("admin")
    before = await (await admin.get("/api/v1/shops")).json()
    refused, problem = await added(admin, **more)
    assert refused == status and says in problem["detail"]
    assert await (await admin.get("/api/v1/shops")).json() == before


async def test_prices_do_not_change_their_currency(client_of, database) -> None:
    there = await shop.furnish(database)
    admin = await client_of("admin")
    refused = await admin.patch(f"/api/v1/shops/{there.shop}", json={"currency": "USD"})
    assert refused.status == 409 and "add another shop" in (await refused.json())["detail"]
    _, fresh = await added(admin)
    assert (await admin.patch(f"/api/v1/shops/{fresh['id']}", json={"currency": "EUR"})).status == 200


async def test_the_page_of_shops_gives_back_what_was_typed(client_of, database) -> None:
    await shop.furnish(database)
    admin = await client_of("admin")
    refused = await admin.post("/shops", data=KETTLE | {"country": "", "currency": "pln"})
    page = await refused.text()
    assert refused.status == 422 and "Blue Kettle" in page and "Europe/Warsaw" in page
    assert (await admin.post("/shops", data=KETTLE | {"currency": "pln"})).status == 200
    assert "BK-1001" in await (await admin.get("/shops")).text()
    manager = await client_of("manager")
    assert (await manager.get("/shops")).status == 403
    assert (await manager.post("/api/v1/shops", json=KETTLE)).status == 403


async def test_a_new_house_is_told_what_is_left_until_the_first_call_came(client_of, database) -> None:
    admin = await client_of("admin")

    async def left() -> tuple[str, int]:
        page = await (await admin.get("/settings")).text()
        found = re.search(r'class="sheet first-steps".*?</section>', page, re.S)
        return ("" if found is None else found[0]), 0 if found is None else found[0].count("<li>")

    steps, undone = await left()
    assert "Add your shop" in steps
    await added(admin)
    assert (await left())[1] == undone - 1
    assert "First steps" in await (await admin.get("/")).text()
    operator = await client_of("operator")
    assert "First steps" not in await (await operator.get("/")).text()

    await shop.furnish(database)  # a number and goods
    assert (await left())[1] == 1
    await shop.add_call(database)
    assert await left() == ("", 0)
    assert "First steps" not in await (await admin.get("/")).text()
