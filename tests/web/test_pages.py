"""Pages as people meet them: they open, they find, their forms work without script, nothing typed is lost."""

import html
import re
from urllib.parse import quote
from uuid import uuid4

import pytest
from aiohttp import FormData
from sqlalchemy import select

from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.callback import Callback
from crm_core.customer import Customer
from crm_core.deal_rows import Deal
from crm_core.order import Order
from crm_core.user import Extension, User
from tests.web import shop


async def page(browser, address: str, status: int = 200) -> str:
    answer = await browser.get(address)
    text = await answer.text()
    assert answer.status == status, (address, text[-3000:])
    return text


async def post(browser, address: str, expected: int = 303, /, **fields: object) -> str:
    answer = await browser.post(address, data=fields, allow_redirects=False)
    text = await answer.text()
    assert answer.status == expected, (address, text[-3000:])
    return answer.headers["Location"] if expected == 303 else text


PLACES = ["/", "/customers", "/orders", "/deals", "/callbacks", "/calls", "/status", "/users"]


@pytest.mark.parametrize("address", PLACES)
async def test_every_list_opens_while_the_shop_is_empty(client_of, address) -> None:
    admin = await client_of("admin")
    text = await page(admin, address)
    assert "Traceback" not in text


async def test_every_page_opens_in_a_furnished_shop(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    await shop.add_sound(database, call)
    operator = await client_of("operator")
    for address in (
        f"/customers/{there.customer}",
        "/customers",
        "/orders",
        "/deals",
        "/callbacks",
        "/calls",
    ):
        assert "Marta Zielińska" in await page(operator, address)
    assert "Blue mug" in await page(operator, f"/orders/{there.order}")
    assert "A-1001" in await page(operator, f"/deals/{there.deal}")
    assert "I want a blue mug" in await page(operator, f"/calls/{call}")


HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&"


async def test_a_hostile_name_is_text_on_every_page(client_of, database, people) -> None:
    there = await shop.furnish(database, name=HOSTILE)
    call = await shop.add_call(
        database, talked=people["admin"], customer_id=there.customer, note=HOSTILE, remote_name=HOSTILE
    )
    await shop.add_call(
        database, talked=people["admin"], remote_name=HOSTILE, remote_e164=None, remote_raw=HOSTILE
    )
    await shop.add_sound(database, call, HOSTILE)
    async with database.begin() as session:
        user = await session.get(User, people["operator"])
        user.name = HOSTILE
    admin = await client_of("admin")
    await post(admin, f"/calls/{call}/links", object=f"order:{there.order}")
    addresses = [
        f"/customers/{there.customer}",
        f"/orders/{there.order}",
        f"/deals/{there.deal}",
        f"/calls/{call}",
    ]
    addresses += [f"/calls/{call}?who=alert", "/callbacks?which=today", f"/customers?query={quote(HOSTILE)}"]
    for address in [*PLACES[1:], *addresses]:
        text = await page(admin, address)
        assert "<script>alert" not in text and "<img src=x" not in text, address
        if address not in ("/status", "/callbacks"):
            assert "&lt;script&gt;alert" in text, address


async def test_what_is_asked_for_in_the_address_stays_in_the_form(client_of, database) -> None:
    await shop.furnish(database)
    operator = await client_of("operator")
    text = await page(operator, "/customers?query=zielinska&mark=")
    assert 'value="zielinska"' in text and "Marta" in text and "Clear" in text
    assert "Nobody found" in await page(operator, "/customers?query=nobody")
    assert "No order found" in await page(operator, "/orders?status=returned")
    await page(operator, "/orders?status=gold", status=422)
    await page(operator, "/orders?status=work.*")
    await page(operator, "/orders?status=work.sewing")
    assert "Every conversation is linked" in await page(operator, "/calls?unlinked=true")


async def test_the_next_page_keeps_the_filters(client_of, database, people) -> None:
    for _ in range(3):
        await shop.add_call(database, talked=people["operator"])
    operator = await client_of("operator")
    text = await page(operator, "/calls?direction=inbound&limit=2")
    (onward,) = re.findall(r'rel="next" href="([^"]+)"', text)
    rest = await page(operator, html.unescape(onward))
    assert rest.count("/calls/") >= 1 and 'rel="next"' not in rest and "First page" in rest


async def test_a_customer_is_added_and_changed_by_forms(client_of, database) -> None:
    operator = await client_of("operator")
    at = (await post(operator, "/customers", name="Greta Lind", number="+49 30 1234567")).split("?")[0]
    await post(operator, f"{at}/numbers", number="+49 89 123456", label="work")
    await post(operator, f"{at}/notes", text="likes blue")
    fields = {
        "version": 1,
        "name": "Greta Lindt",
        "vip": "yes",
        "tags": "a, b",
        "city": "Köln",
        "country": "de",
    }
    await post(operator, at, **fields)
    text = await page(operator, at)
    for said in ("Greta Lindt", "+49 89 123456", "likes blue", "Köln", "VIP"):
        assert said in text
    again = await post(operator, at, 422, **fields | {"city": "Bonn"})
    assert "meanwhile" in again
    wrong = await post(operator, f"{at}/numbers", 422, number="12")
    assert "number" in wrong and 'value="12"' in wrong
    kept = await post(operator, f"{at}/notes", 422, text="")
    assert "text" in kept
    async with database.begin() as session:
        (greta,) = (await session.scalars(select(Customer))).all()
        assert (greta.name, greta.city, greta.tags) == ("Greta Lindt", "Köln", ["a", "b"])


async def test_an_order_a_deal_and_a_callback_begin_on_the_page_of_the_person(client_of, database) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    at = f"/customers/{there.customer}"
    form = FormData([("customer_id", there.customer), ("shop_id", there.shop)])
    for sku, quantity in (("mg-03", "2"), ("TS-11", "1"), ("", "")):
        form.add_field("sku", sku)
        form.add_field("quantity", quantity)
    answer = await operator.post("/orders", data=form, allow_redirects=False)
    assert answer.status == 303 and "done=ordered" in answer.headers["Location"]
    order = await page(operator, answer.headers["Location"])
    assert "€53.80" in order and "The order is placed." in order
    deal = await post(
        operator, "/deals", customer_id=there.customer, title="Canteen", amount="1 200,50", currency="EUR"
    )
    assert "€1,200.50" in await page(operator, deal)
    body = {
        "customer_id": there.customer,
        "number": shop.NUMBER,
        "due_at": "2026-11-21T10:00",
        "reason": "refund",
    }
    assert (await post(operator, "/callbacks", **body)).startswith(at)
    assert "refund" in await page(operator, "/callbacks?which=planned")
    assert "whole number" in await post(
        operator, "/orders", 422, customer_id=there.customer, shop_id=there.shop, sku="MG-03", quantity="x"
    )
    assert "no article" in await post(
        operator, "/orders", 422, customer_id=there.customer, shop_id=there.shop, sku="NO", quantity="1"
    )


async def test_an_order_is_changed_by_forms_and_tells_what_was_done(client_of, database) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    at = f"/orders/{there.order}"
    await post(operator, at, version=1, status="confirmed", comment="gate code 14B")
    form = FormData([("version", "2"), ("part", "items")])
    for line in ((there.mug, "MG-03", "Blue mug", "8.90", "5"), ("", "TS-11", "", "", "1")):
        for name, value in zip(("product_id", "sku", "name", "price", "quantity"), line, strict=True):
            form.add_field(name, str(value))
    answer = await operator.post(at, data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    delivery = {
        "delivery_method": "DPD",
        "delivery_cost": "4.00",
        "promised_at": "2026-11-24T08:00",
        "paid": "0",
    }
    await post(operator, at, version=3, **delivery, tracking="", delivery_address="ul. Długa 14/7")
    text = await page(operator, at)
    assert "€84.50" in text and "ul. Długa 14/7" in text and "24 Nov 08:00" in text
    assert "€80.50" in text and "gate code 14B" in text
    assert "<li><b>Status</b> New → Confirmed</li>" in text and "<b>Promised</b> <time" in text
    stale = await post(operator, at, 422, version=1, status="done", comment="typed by me")
    assert "meanwhile" in stale and "typed by me" in stale


async def test_a_deal_and_a_callback_are_moved_by_forms(client_of, database, people) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    fields = {"title": "Kitchen", "stage": "offer", "amount": "17.80", "responsible_id": people["operator"]}
    await post(operator, f"/deals/{there.deal}", version=2, **fields)
    await post(operator, f"/callbacks/{there.callback}", state="done", which="today")
    async with database.begin() as session:
        deal, callback = await session.get(Deal, there.deal), await session.get(Callback, there.callback)
        assert (deal.title, deal.stage, callback.state) == ("Kitchen", "offer", "done")
    await post(operator, f"/callbacks/{there.callback}", 422, state="lost")


async def test_a_call_is_linked_attached_and_noted_by_forms(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"])
    operator = await client_of("operator")
    at = f"/calls/{call}"
    assert "Marta" in await page(operator, f"{at}?who=zieli")
    await post(operator, f"{at}/customer", customer_id=there.customer)
    await post(operator, f"{at}/links", object=f"order:{there.order}")
    await post(operator, f"{at}/disposition", code="order_question")
    await post(operator, f"{at}/note", version=0, text="two lines\nof note")
    text = await page(operator, at)
    for said in ("A-1001", "chosen by hand", "two lines\nof note"):
        assert said in text
    async with database.begin() as session:
        link = await session.scalar(select(CallLink).where(CallLink.order_id == there.order))
        kept = await session.get(Call, call)
        assert (kept.disposition, kept.customer_id) == ("order_question", there.customer)
    await post(operator, f"{at}/links/{link.id}/remove")
    assert "<s>A-1001</s>" in await page(operator, at)
    await post(operator, f"{at}/links", 422, object="order:x")
    await post(operator, f"{at}/disposition", 422, code="sold")


async def test_an_administrator_lets_people_in_and_gives_them_telephones(client_of, database) -> None:
    admin = await client_of("admin")
    fields = {"login": "vera", "name": "Vera", "role": "operator", "timezone": "Europe/Kyiv"}
    assert "password" in await post(admin, "/users", 422, password="short", **fields)
    await post(admin, "/users", password="long enough", **fields)
    assert "vera" in await post(admin, "/users", 422, password="long enough", **fields)
    async with database.begin() as session:
        vera = (await session.scalars(select(User).where(User.login == "vera"))).one()
    await post(admin, f"/users/{vera.id}/extensions", extension="1077", pbx="pbx")
    await post(admin, f"/users/{vera.id}/password", password="another one")
    await post(admin, f"/users/{vera.id}", name="Vera B", role="senior", timezone="UTC")
    text = await page(admin, "/users")
    assert "1077" in text and "Vera B" in text and "shut out" in text
    async with database.begin() as session:
        phone = (await session.scalars(select(Extension).where(Extension.user_id == vera.id))).one()
        assert not (await session.get(User, vera.id)).active
    await post(admin, f"/extensions/{phone.id}/remove")


async def test_a_missing_thing_is_said_plainly(client_of) -> None:
    operator = await client_of("operator")
    for address in ("/customers/99", "/orders/99", "/deals/99", f"/calls/{uuid4()}", "/calls/x", "/orders/x"):
        await page(operator, address, status=404)
    for address in ("/users", "/status"):
        await page(operator, address, status=403)


async def test_an_order_of_a_merged_customer_and_a_silent_call_still_open(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    bare = {"customer_id": None, "remote_e164": None, "remote_raw": None, "result": None, "ended_at": None}
    call = await shop.add_call(database, talked=None, state="ringing", answered_at=None, talk_s=0.0, **bare)
    async with database.begin() as session:
        stayed = Customer(name="Stayed", sort_key="stayed", search_key="stayed", tags=[])
        session.add(stayed)
        await session.flush()
        (await session.get(Customer, there.customer)).merged_into_id = stayed.id
        assert await session.get(Order, there.order)
    boss = await client_of("supervisor")
    assert "Stayed" in await page(boss, f"/orders/{there.order}")
    assert "Stayed" in await page(boss, f"/customers/{there.customer}")
    assert "its recording stands here once it is over" in await page(boss, f"/calls/{call}")
    assert "ringing" in await page(boss, "/calls")
