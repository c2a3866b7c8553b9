"""What is agreed about an order, through the API and on its page: limits, coupons, delivery, payments, clashes."""

import re

import pytest

from tests.web import shop
from tests.web.test_calls import API, ok, refused


async def wish(there, **more):
    items = [{"product_id": there.mug, "quantity": 2}]
    return {"customer_id": there.customer, "shop_id": there.shop, "items": items} | more


async def test_an_operator_gives_what_he_may_and_a_quote_says_so_before(client_of, database) -> None:
    there = await shop.furnish(database)
    operator, manager = await client_of("operator"), await client_of("manager")
    await ok(
        await manager.put(
            f"{API}/discount-limits", json={"role": "operator", "shop_id": there.shop, "percent": "5"}
        )
    )
    asked = await wish(there, discount_percent="8")
    quote = await ok(await operator.post(f"{API}/quotes", json=asked))
    assert quote["sums"] | {"gross": ""} == {
        "gross": "", "goods": "17.80", "discount": "1.42", "coupon": "0.00", "delivery": "0.00", "total": "16.38",
    }  # fmt: skip
    assert [it["message"] for it in quote["problems"]] == [
        "Together this is 8 % below the prices; you may give at most 5 %."
    ]
    problem = await refused(await operator.post(f"{API}/orders", json=asked), 409)
    assert "at most 5 %" in problem["detail"]
    order = await ok(await manager.post(f"{API}/orders", json=asked), 201)
    assert (order["total"], order["margin"]) == ("16.38", None)
    await ok(
        await manager.patch(f"{API}/products/{there.mug}", json={"version": 1, "purchase_price": "3.00"})
    )
    order = await ok(await manager.post(f"{API}/orders", json=await wish(there)), 201)
    assert order["margin"] == "11.80"
    seen = await ok(await operator.get(f"{API}/orders/{order['id']}"))
    assert seen["margin"] is None and "purchase" not in str(seen)
    await refused(await operator.get(f"{API}/discount-limits"), 403)
    goods = [{"product_id": there.mug, "quantity": 2, "price": "8.00"}]
    deal = {"title": "Mugs", "customer_id": there.customer, "currency": "EUR", "items": goods}
    problem = await refused(await operator.post(f"{API}/deals", json=deal), 409)  # as in an order
    assert "10.1 % below its price; you may give at most 5 %" in problem["detail"]
    made = await ok(await manager.post(f"{API}/deals", json=deal), 201)
    asked = {"version": made["version"], "items": goods}
    kept = await ok(await operator.patch(f"{API}/deals/{made['id']}", json=asked))  # what was given may stay
    goods[0]["price"] = "7.99"
    problem = await refused(
        await operator.patch(f"{API}/deals/{made['id']}", json={"version": kept["version"], "items": goods}),
        409,
    )
    assert "at most 5 %" in problem["detail"]


async def test_delivery_and_a_coupon_are_priced_by_the_shops_rules(client_of, database) -> None:
    there = await shop.furnish(database)
    operator, manager = await client_of("operator"), await client_of("manager")
    rates = [{"places": ["Kraków"], "cost": "8.00"}, {"to_weight_g": 5000, "cost": "15.00"}]
    method = await ok(
        await manager.post(
            f"{API}/delivery-methods", json={"shop_id": there.shop, "name": "DPD", "rates": rates}
        ),
        201,
    )
    coupon = await ok(
        await manager.post(f"{API}/coupons", json={"code": "spring", "percent": "10", "max_uses": 1}), 201
    )
    assert coupon["code"] == "SPRING"
    asked = await wish(there, delivery_method_id=method["id"], delivery_city="Gdańsk", coupon="spring")
    quote = await ok(await operator.post(f"{API}/quotes", json=asked))
    assert (quote["sums"]["total"], quote["deliveries"]) == (
        "31.02",
        [{"id": method["id"], "name": "DPD", "cost": "15.00"}],
    )
    order = await ok(
        await operator.post(
            f"{API}/orders",
            json=asked | {"delivery_date": "2026-11-24", "delivery_from": "09:00", "delivery_until": "12:00"},
        ),
        201,
    )
    assert (order["total"], order["delivery_method"], order["coupon"]) == ("31.02", "DPD", "SPRING")
    assert (order["delivery_from"], order["delivery_date"]) == ("09:00", "2026-11-24")
    at = f"{API}/orders/{order['id']}"
    moved = await ok(await operator.patch(at, json={"version": 1, "delivery_city": "krakow"}))
    assert moved["delivery_cost"] == "8.00"
    await refused(await operator.patch(at, json={"version": 2, "delivery_until": "08:00"}), 409)
    await refused(await operator.post(f"{API}/orders", json=await wish(there, coupon="SPRING")), 409)
    await refused(await operator.post(f"{API}/coupons", json={"code": "x", "percent": "10"}), 403)
    page = await (await manager.get("/selling")).text()
    assert "Kraków: 8.00" in page and "up to 5 kg: 15.00" in page and "1 / 1" in page


async def test_money_comes_and_only_a_supervisor_sends_it_back(client_of, database) -> None:
    there = await shop.furnish(database)
    operator, chief = await client_of("operator"), await client_of("supervisor")
    at = f"{API}/orders/{there.order}/payments"
    first = await ok(await operator.post(at, json={"amount": "10.00", "method": "card"}), 201)
    assert (first["kind"], (await ok(await operator.get(at)))[0]["amount"]) == ("prepaid", "10.00")
    back = {"amount": "4.00", "kind": "refund"}
    await refused(await operator.post(at, json=back), 403)
    await refused(
        await operator.patch(f"{API}/orders/{there.order}", json={"version": 2, "paid": "1.00"}), 403
    )
    await ok(await chief.post(at, json=back), 201)
    problem = await refused(await chief.post(at, json=back | {"amount": "6.01"}), 409)
    assert "Only 6.00 was paid" in problem["detail"]
    page = await (await chief.get(f"/orders/{there.order}")).text()
    assert "€11.80 to pay" in page and "refund" in page


async def test_two_who_change_the_same_see_both_and_choose(client_of, database) -> None:
    there = await shop.furnish(database)
    anna, oleg = await client_of("operator"), await client_of("senior")
    at, page = f"{API}/orders/{there.order}", f"/orders/{there.order}"
    await ok(await oleg.patch(at, json={"version": 1, "comment": "ring twice", "status": "confirmed"}))
    problem = await refused(await anna.patch(at, json={"version": 1, "comment": "leave it"}), 409)
    (clash,) = problem["clash"]
    assert (clash["base"], clash["theirs"], clash["mine"], clash["by"]) == (
        "Marta Zielińska",
        "ring twice",
        "leave it",
        "Senior",
    )
    form = {"version": "1", "part": "state", "status": "new", "comment": "leave it", "needs_call": "yes"}
    shown = await (await anna.post(page, data=form)).text()
    assert "Two people changed this order" in shown and "ring twice" in shown and "leave it" in shown
    assert '<th scope="row">Our comment' in shown  # the name of the field as the page has it
    kept = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.split('id="clash"')[1])
    )
    assert kept["only"] == "comment needs_call" and kept["version"] == "2"
    done = await anna.post(page, data=kept | {"keep_comment": "mine"}, allow_redirects=False)
    assert done.status == 303
    order = await ok(await anna.get(at))
    assert (order["comment"], order["status"], order["needs_call"]) == ("leave it", "confirmed", True)


@pytest.mark.parametrize(
    ("discount", "price", "total"), [("10 %", "", "€16.02"), ("2,50", "", "€15.30"), ("", "8.10", "€16.20")]
)
async def test_goods_discount_and_price_are_changed_on_the_page(
    client_of, database, discount, price, total
) -> None:
    there = await shop.furnish(database)
    manager = await client_of("manager")
    form = {"version": "1", "part": "items", "product_id": str(there.mug), "sku": "MG-03", "name": "Blue mug"}
    form |= {
        "quantity": "2",
        "price": price or "8.90",
        "line_discount": "",
        "discount": discount,
        "coupon": "",
    }
    answer = await manager.post(f"/orders/{there.order}", data=form)
    assert answer.status == 200 and total in await answer.text()
    wrong = await manager.post(f"/orders/{there.order}", data=form | {"version": "2", "discount": "lots"})
    assert wrong.status == 422 and "Write a discount as 10 %" in await wrong.text()
