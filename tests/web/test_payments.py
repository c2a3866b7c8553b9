"""A customer is asked to pay, looks at his page, pays in part and whole; a gateway tells it twice; who may what."""

import re
from typing import Any

from sqlalchemy import text

from crm_core.order import set_status
from tests.web import shop
from tests.web.test_reviews import told
from tests.web.test_roles import ok

API = "/api/v1"
PAGE = "https://pay.example/o?n={order}&sum={amount}&cur={currency}&back={code}"
PAYEE = {
    "payee": "Kettle <b>House</b> Ltd",
    "account": "PL61 1090 1014",
    "tax_note": "Prices include 23 % VAT.",
}


async def terms(manager: Any, there: shop.Furnished, **fields: str) -> Any:
    at = f"{API}/shops/{there.shop}/payment-terms"
    version = (await ok(await manager.get(at)))["version"]
    return await ok(await manager.patch(at, json={"version": version, **fields}))


async def test_a_customer_pays_by_the_page_he_was_sent_and_the_order_goes_on(
    client, client_of, database, people, clock
) -> None:
    """Asked in a call for a part; the gateway tells the same twice; the rest; order, manager and page know."""
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    operator, manager = await client_of("operator"), await client_of("manager")
    await terms(manager, there, page_url=PAGE, **PAYEE, paid_status="packed", prepaid_status="confirmed")
    order = await ok(await operator.get(f"{API}/orders/{there.order}"))
    await ok(
        await operator.patch(
            f"{API}/orders/{there.order}",
            json={"version": order["version"], "manager_id": people["operator"]},
        )
    )
    ask = f"{API}/orders/{there.order}/payment-links"
    made = await ok(
        await operator.post(ask, json={"way": "sms", "amount": "7.80", "call_id": str(call)}), 201
    )
    word = made["url"].partition("/pay/")[2]
    assert made["message"].endswith(made["url"]) and "7.80 EUR" in made["message"]
    assert (made["address"], made["amount"]) == (shop.NUMBER, "7.80")

    page = await (await client.get(f"/pay/{word}")).text()
    for said in (
        "Kettle House",
        f"Order {order['number']}",
        "€7.80",
        "€10.00",
        "Blue mug",
        "€17.80",
        "PL61 1090 1014",
    ):
        assert said in page, said
    assert f"https://pay.example/o?n={order['number']}&amp;sum=7.80&amp;cur=EUR&amp;back={word}" in page
    assert "Kettle &lt;b&gt;House&lt;/b&gt; Ltd" in page and "<script" not in page
    for name in ("Marta", "Zielińska", shop.NUMBER, "601 220", "marta@example.com"):
        assert name not in page
    invoice = await client.get(f"/pay/{word}/invoice.pdf")
    assert invoice.content_type == "application/pdf" and (await invoice.read()).startswith(b"%PDF")

    report = {"id": "gw-1", "order": order["number"], "amount": "7.80", "currency": "EUR"}
    assert (await operator.post(f"{API}/payments", json=report)).status == 403
    first, again = [await ok(await manager.post(f"{API}/payments", json=report)) for _ in range(2)]
    assert (first["added"], first["status"], first["paid"]) == (True, "confirmed", "7.80")
    assert (again["added"], again["payment"]["id"]) == (False, first["payment"]["id"])
    assert (await manager.post(f"{API}/payments", json=report | {"amount": "9"})).status == 409
    assert (await manager.post(f"{API}/payments", json=report | {"order": "A-9999"})).status == 404
    page = await (await client.get(f"/pay/{word}")).text()
    assert "your prepayment came" in page and "sum=10.00" in page  # the rest, if he likes
    assert (await client.get(f"/pay/{word}/invoice.pdf")).status == 404

    sent = {"asked": "10", "to": "email:marta@example.com"}
    shown = await (await operator.post(f"/orders/{there.order}/payment-link", data=sent)).text()
    mail = re.search(r"mailto:marta@example.com[^\"]*", shown)
    assert mail and "10.00%20EUR" in mail[0] and "%2Fpay%2F" in mail[0]
    await ok(await manager.post(f"{API}/payments", json=report | {"id": "gw-2", "amount": "10.00"}))
    assert "This order is paid." in await (await client.get(f"/pay/{word}")).text()
    assert (await ok(await operator.get(f"{API}/orders/{there.order}")))["status"] == "packed"
    assert f"Order {order['number']}: 10.00 EUR came, paid whole." in await told(operator)
    assert (await operator.post(ask, json={"way": "other"})).status == 409  # nothing is owed

    links = await ok(await operator.get(ask))
    assert [(it["way"], it["amount"], it["opened_at"] is None) for it in links] == [
        ("email", "10.00", True), ("sms", "7.80", False),
    ]  # fmt: skip
    assert (links[1]["operator"], links[1]["call_id"]) == ("Operator", str(call))
    for place, said in (
        (f"/orders/{there.order}", "7.80 by SMS"),
        (f"/customers/{there.customer}", "7.80 EUR to pay"),
        (f"/calls/{call}", order["number"]),
    ):
        seen = await (await operator.get(place)).text()
        assert said in seen and word not in seen, place
    async with database.begin() as session:
        kept = (await session.execute(text("SELECT digest FROM payment_links"))).scalars().all()
        assert all(word.encode() not in digest for digest in kept)


async def test_a_page_of_a_payment_says_what_is_true_now_and_opens_to_nobody_who_guesses(
    client, client_of, database, people, clock
) -> None:
    there = await shop.furnish(database)
    operator, manager = await client_of("operator"), await client_of("manager")
    ask = f"{API}/orders/{there.order}/payment-links"
    assert (await operator.post(ask, json={"way": "sms"})).status == 409  # nobody wrote how they pay
    assert (await operator.get(f"/orders/{there.order}/invoice.pdf")).status == 409
    for wrong in ({"page_url": "javascript:{order}"}, {"message": "{order}"}, {"paid_status": "cancelled"}):
        refused = await manager.post(f"/payment-terms/{there.shop}", data={"version": "0", **wrong})
        assert refused.status == 422, wrong
    kept = await manager.post(
        f"/payment-terms/{there.shop}", data={"version": "0", **PAYEE}, allow_redirects=False
    )
    assert kept.status == 303
    stale = f"{API}/shops/{there.shop}/payment-terms"
    assert (await manager.patch(stale, json={"version": 0, "bank": "X"})).status == 409
    assert (await operator.get(stale)).status == 403
    assert (await operator.get(f"/orders/{there.order}/invoice.pdf")).content_type == "application/pdf"

    made = await ok(await operator.post(ask, json={"way": "other"}), 201)
    place = "/pay/" + made["url"].partition("/pay/")[2]
    order = await ok(await operator.get(f"{API}/orders/{there.order}"))
    more = {"version": order["version"], "delivery_cost": "5.00", "comment": "Secret word"}
    await ok(await operator.patch(f"{API}/orders/{there.order}", json=more))
    page = await (await client.get(place)).text()
    assert (
        "it came to €17.80, now it comes to €22.80" in page and "€22.80</b>" in page and "Secret" not in page
    )
    async with database.begin() as session:
        await set_status(session, there.order, "cancelled", user_id=None, at=clock())
    page = await (await client.get(place)).text()
    assert "called off. Please pay nothing." in page and "PL61" not in page
    statuses = [(await client.get(f"/pay/{'x' * 24}{n:04}")).status for n in range(59)]
    assert (statuses[0], statuses[-1]) == (404, 429)
    assert (await client.get(f"{place}/invoice.pdf")).status == 429
    clock.move(days=31)
    assert (await client.get(place)).status == 404
