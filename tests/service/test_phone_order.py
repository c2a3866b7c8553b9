"""Anna takes an order with the keyboard alone, through a reload, a killed service and an answer that never came."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from asterisk.fake.people import Caller
from asterisk.fake.switchboard import Switchboard
from crm_core import delivery
from crm_core.calling_hours import set_calling
from crm_core.customer import create_customer
from crm_core.db import connect
from crm_core.embedded import Embedded
from crm_core.line import create_line
from crm_core.order import ItemWanted, create_order
from crm_core.product import Product, create_product
from crm_core.shop import create_shop
from crm_core.stock import open_books
from tests.chromium import NEEDS_CHROMIUM, launched
from tests.service.conftest import PASSWORD, Service

pytestmark = NEEDS_CHROMIUM
MARTA, DIRECT = "+48601220114", "74951230003"
GOODS = {"Red kettle": "39.50", "Blue mug": "8.90", "Green lamp": "120.00"}


@pytest_asyncio.fixture
async def selling(tmp_path: Path, board: Switchboard, installed: Path) -> AsyncIterator[Service]:
    """Anna's installation with a shop and with Marta, who ordered once before; running."""
    await asyncio.to_thread(shutil.copytree, installed, tmp_path / "data")
    async with (
        Embedded(tmp_path / "data" / "postgres") as server,
        connect(server.url) as db,
        db.begin() as session,
    ):
        await _furnish(session)
    service = Service(tmp_path, board.port)
    try:
        await service.start()
        yield service
    finally:
        if service.process is not None:
            service.stop()


async def _furnish(session: Any) -> None:
    now = datetime.now(UTC)
    shop = await create_shop(
        session, name="Hearth", currency="EUR", country="PL", timezone="Europe/Warsaw", order_prefix="A"
    )
    await create_line(session, pbx="pbx", did=DIRECT, name="Direct", country="PL", shop_id=shop.id)
    rates = [delivery.RateWanted(cost=Decimal("4.00"))]
    dpd = await delivery.create_method(session, shop_id=shop.id, name="DPD", user_id=None, rates=rates)
    made: list[Product] = []
    for place, (name, price) in enumerate(GOODS.items(), 1):
        codes = {"sku": f"AR-{place}", "barcodes": [f"590000000000{place}"]}
        own = {"name": name, "price": Decimal(price), **codes}
        made.append(await create_product(session, shop_id=shop.id, user_id=None, at=now, **own))
        made[-1].stock = 5
    await open_books(session)
    await set_calling(session, week=["24h"] * 7, repeat_minutes=30, most_attempts=3)  # whatever hour it is
    marta = await create_customer(session, name="Marta Zielińska", country="PL", numbers=[MARTA])
    await create_order(
        session, customer_id=marta.id, shop_id=shop.id, items=[ItemWanted(made[0].id, 1)], user_id=None,
        at=now - timedelta(days=9), delivery_method_id=dpd.id, payment_method="card",
        delivery_address="ul. Długa 14/7, Kraków",
    )  # fmt: skip


class Hands:
    """Ten fingers on the keyboard, and nothing else; they are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys, self.began = page, 0, time.monotonic()

    async def press(self, *names: str) -> None:
        for name in names:
            self.keys += 1
            await self.page.keyboard.press(name)

    async def write(self, text: str) -> None:
        self.keys += len(text)
        await self.page.keyboard.type(text)

    async def pick(self, text: str, name: str) -> None:
        """Type the beginning of a product, see it offered first, take it."""
        await self.write(text)
        await expect(self.page.locator("#product-0")).to_contain_text(name)
        await self.press("Enter")
        await expect(self.page.locator(".basket")).to_contain_text(name)


@asynccontextmanager
async def on_the_line(service: Service, board: Switchboard) -> AsyncIterator[Page]:
    """Marta is on the line and her card on Anna's screen."""
    async with launched() as browser:
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        await page.goto(service.url("/login"))
        await page.get_by_label("Login").fill("anna")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator(".idle-head")).to_be_visible()
        board.place_call(MARTA, "", DIRECT, caller=Caller(talk_s=3600))
        await expect(page.locator(".call h1")).to_contain_text("Marta")
        await board.answer("1001")
        await expect(page.locator(".call .bar")).to_contain_text("Talking")
        yield page


async def newest_order(service: Service) -> dict[str, Any]:
    """The one order that came to the one from before."""
    async with service.signed_in("anna") as anna:
        listed = (await anna.ask("GET", "/orders"))["items"]
        assert len(listed) == 2, listed
        return dict(await anna.ask("GET", f"/orders/{listed[0]['id']}"))


async def test_three_articles_for_a_known_customer_without_the_mouse(
    selling: Service, board: Switchboard, capsys: pytest.CaptureFixture[str]
) -> None:
    async with on_the_line(selling, board) as page:
        hands = Hands(page)
        await hands.press("o")
        await expect(page.get_by_role("combobox", name="Find a product")).to_be_focused()
        await hands.pick("red k", "Red kettle")
        await hands.pick("2*blue", "Blue mug")
        await hands.write("5900000000003")  # a scanner does not wait for the list
        await hands.press("Enter")
        await expect(page.locator(".basket tbody tr")).to_have_count(3)
        await expect(page.locator(".sum")).to_contain_text("€181.30")  # with what the way of delivery costs
        await expect(page.locator(".sum .saved")).to_contain_text("Kept as you type ·")
        await page.reload()
        await expect(page.locator(".basket tbody tr")).to_have_count(3)
        await expect(page.get_by_label("Delivery by")).to_have_value("DPD")  # as last time
        await expect(page.locator(".sum")).to_contain_text("€181.30")
        await hands.press("F4")
        said = page.locator(".read-back")
        await expect(said).to_contain_text("one hundred and eighty-one euros thirty")
        await expect(said).to_contain_text("ul. Długa 14/7, Kraków")
        await hands.press("Enter")
        await expect(said.get_by_role("checkbox")).to_be_checked()
        await hands.press("Control+Enter")
        await expect(page.locator(".toast")).to_contain_text("is placed")
        took = time.monotonic() - hands.began
    order = await newest_order(selling)
    assert (order["total"], order["payment_method"], order["delivery_method"]) == ("181.30", "card", "DPD")
    assert [(it["name"], it["quantity"]) for it in order["items"]] == [
        ("Red kettle", 1), ("Blue mug", 2), ("Green lamp", 1),
    ]  # fmt: skip
    assert order["confirmed"]["by"] == "Anna" and order["confirmed"]["holds"] and order["created_in_call_id"]
    with capsys.disabled():
        print(f"\na three-item order: {hands.keys} keys, {took:.1f} s on this machine")


async def test_the_service_is_killed_while_she_types_and_again_before_it_can_answer(
    selling: Service, board: Switchboard
) -> None:
    async with on_the_line(selling, board) as page:
        hands = Hands(page)
        await hands.press("o")
        await hands.pick("red k", "Red kettle")
        await expect(page.locator(".sum .saved")).to_contain_text("Kept as you type ·")
        selling.kill()
        await expect(page.locator(".banner")).to_contain_text("No connection")
        await hands.press("F8")
        await page.get_by_label("Comment").fill("gate 14B")
        await expect(page.locator(".sum .saved")).to_contain_text("Not saved yet")
        await selling.start()
        await expect(page.locator(".sum .saved")).to_contain_text("Kept as you type ·")
        await expect(page.locator(".sum")).to_contain_text("€43.50")

        async def lose(route: Route) -> None:
            await route.fetch()  # the service took the order; nobody will hear of it
            selling.kill()
            await route.abort()

        await page.route("**/api/v1/orders", lose, times=1)
        await hands.press("Control+Enter")
        await expect(page.locator(".sum .saved")).to_contain_text("placed by itself, and once")
        await selling.start()
        await expect(page.locator(".toast")).to_contain_text("is placed")
        await expect(page.locator(".basket")).to_have_count(0)
    order = await newest_order(selling)
    assert (order["comment"], order["total"]) == ("gate 14B", "43.50")
