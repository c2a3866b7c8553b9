"""Lists as files: as filtered, for whom they are, written down, and fit to come in again."""

import asyncio
from decimal import Decimal

import aiohttp
import pytest
from sqlalchemy import select

from crm_core.audit import AuditEntry
from crm_core.customer import create_customer
from crm_core.exchange import columns, export
from crm_core.exchange.table import read_table
from crm_core.order import ItemWanted, update_order
from crm_core.product import update_product
from crm_core.reach import Reach, seeing
from crm_core.read.calls import count_calls, list_calls
from crm_core.read.customers import count_wanted, list_customers
from crm_core.read.orders import count_orders, list_orders
from crm_core.read.page import Page
from crm_core.read.products import count_products, list_products
from tests.patience import PATIENCE_S
from tests.web.shop import NOON, add_call, furnish
from tests.web.test_imports import API, OCTETS, ok, work
from web import exports

HOSTILE = "=HYPERLINK(\"http://x\";'a')"


async def furnished(database):
    there = await furnish(database, name=HOSTILE)
    async with database.begin() as session:
        cheaper = [
            ItemWanted(there.mug, 2, discount_percent=Decimal(10)),
            ItemWanted(None, 1, Decimal(3), "Gift, wrapped"),
        ]
        changes = {"items": cheaper, "discount_amount": Decimal("1.50"), "paid": Decimal(5)}
        await update_order(session, there.order, version=1, changes=changes, user_id=None, at=NOON)
        for n in range(4):
            await create_customer(
                session, name=f"Person {n}", country="PL", numbers=[f"60100000{n}", f"60200000{n}"],
                note="two\nlines, “quoted”", tags=["a", "b"], vip=n == 1,
            )  # fmt: skip
        await update_product(
            session, there.mug, version=None, user_id=None, at=NOON,
            changes={"purchase_price": Decimal("3.21"), "properties": {"colour": "blue"}, "barcodes": ["111"]},
        )  # fmt: skip
    return there


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_what_goes_out_comes_in_again_and_changes_nothing(
    client_of, database, services, monkeypatch, kind
) -> None:
    monkeypatch.setattr(export, "BITE", 2)
    monkeypatch.setattr("web.exports.BITE", 2)
    there = await furnished(database)
    manager = await client_of("manager")
    for noun, count in (("customers", 5), ("orders", 2), ("products", 2)):
        answer = await manager.get(f"{API}/exports/{noun}", params={"format": kind})
        assert answer.status == 200 and f"{noun}-2026-11-20.{kind}" in answer.headers["Content-Disposition"]
        content = await answer.read()
        where = {"noun": noun, "shop_id": there.shop}
        made = await ok(await manager.post(f"{API}/imports", params=where, data=content, headers=OCTETS))
        assert made["rows"] == count
        await ok(await manager.post(f"{API}/imports/{made['id']}/run", json={"dry_run": False}))
        await work(services)
        done = await ok(await manager.get(f"{API}/imports/{made['id']}"))
        assert (done["unchanged"], done["refused"]) == (1 if noun == "orders" else count, 0), done


async def test_a_list_goes_out_as_it_is_filtered_and_it_is_written_down_who_took_it(
    client_of, database
) -> None:
    there = await furnished(database)
    await add_call(database, customer_id=there.customer)
    await add_call(database, direction="outbound", result="busy")
    manager = await client_of("manager")
    page = await (await manager.get("/customers?mark=vip")).text()
    assert "/api/v1/exports/customers?format=csv&amp;mark=vip" in page
    told = await (await manager.get(f"{API}/exports/customers?format=csv&mark=vip")).read()
    (row,) = read_table(told).rows
    assert (row.cells["name"], row.cells["phone"]) == ("Person 1", "+48 601 000 001, +48 602 000 001")
    calls = await (await manager.get(f"{API}/exports/calls", params={"direction": "outbound"})).text()
    assert len(calls.splitlines()) == 2 and "busy" in calls
    async with database.begin() as session:
        log = (await session.scalars(select(AuditEntry).where(AuditEntry.object_kind == "export"))).all()
    assert [(it.action, it.detail) for it in log[:2]] == [
        ("customer.export", {"mark": "vip", "format": "csv"}),
        ("customer.exported", {"rows": 1, "whole": True}),
    ]
    everybody = await (await manager.get(f"{API}/exports/customers")).text()
    assert "'=HYPERLINK" in everybody and '"=HYPERLINK' not in everybody
    for role in ("operator", "senior", "supervisor"):
        other = await client_of(role)
        assert (await other.get(f"{API}/exports/customers")).status == 403
        assert "/exports/" not in await (await other.get("/customers")).text()


async def test_what_goods_cost_us_goes_out_only_to_who_may_know(database) -> None:
    await furnished(database)

    async def columns_for(purchases: bool) -> tuple[list[object], list[object]]:
        async with database.begin() as session:
            meant = await columns.goods(session, purchases=purchases)
            rows = await meant.spell(session, (await list_products(session)).rows)
        return list(meant.headings), [cell for row in rows for cell in row]

    headings, cells = await columns_for(True)
    assert "purchase_price" in headings and Decimal("3.21") in cells
    headings, cells = await columns_for(False)
    assert not {"purchase_price", "margin, %"} & set(headings) and Decimal("3.21") not in cells


async def followed(browser, key, until) -> dict[str, object]:
    """How far the export is as soon as `until` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            far = await ok(await browser.get(f"{API}/exports/{key}/progress"))
            if until(far):
                return far
            await asyncio.sleep(0.02)


def ended(far: dict[str, object]) -> bool:
    return far["state"] in ("done", "left", "failed")


async def test_who_exports_sees_how_far_it_is_and_how_it_ended(client_of, database, monkeypatch) -> None:
    monkeypatch.setattr("web.exports.BITE", 2)
    await furnished(database)
    manager, admin = await client_of("manager"), await client_of("admin")
    gate = asyncio.Event()
    then: list[object] = []

    async def gated(session, *, after, **asked):
        if after is not None:
            await gate.wait()
            if "broken" in then:
                raise RuntimeError("the disk is gone")
        found = await list_customers(session, after=None if "endless" in then else after, **asked)
        return Page(found.rows, "more") if "endless" in then else found

    monkeypatch.setattr("web.exports.list_customers", gated)

    async def begin(key):
        return await manager.get(f"{API}/exports/customers", params={"follow": key})

    answer = await begin("the-first-key")
    far = await followed(manager, "the-first-key", lambda far: far["total"] is not None and far["written"])
    assert (far["state"], far["written"], far["total"], far["size"]) == ("writing", 2, 5, None)
    for key in ("the-first-key", "never-begun"):
        assert (await admin.get(f"{API}/exports/{key}/progress")).status == 404
    gate.set()
    size = len(await answer.read())
    far = await followed(manager, "the-first-key", ended)
    assert far == {"state": "done", "written": 5, "total": 5, "sent": size, "size": size}

    then.append("broken")
    gate.clear()
    answer = await begin("the-second-key")
    gate.set()
    with pytest.raises(aiohttp.ClientError):
        await answer.read()
    far = await followed(manager, "the-second-key", ended)
    assert (far["state"], far["written"], far["size"]) == ("failed", 2, None)

    then[:] = ["endless"]
    (await begin("the-third-key")).close()
    far = await followed(manager, "the-third-key", ended)
    assert far["state"] == "left"
    then.clear()
    gate.clear()
    busy = [await begin(f"a-busy-key-{place}") for place in range(exports.MOST_AT_ONCE)]
    waiting = asyncio.create_task(begin("the-waiting-key"))
    async with asyncio.timeout(PATIENCE_S):  # until it is known; it can not be further than in the row
        while (await manager.get(f"{API}/exports/the-waiting-key/progress")).status != 200:
            await asyncio.sleep(0.02)
    waiting.cancel()
    far = await followed(manager, "the-waiting-key", ended)  # though its turn has not come
    assert (far["state"], far["written"]) == ("left", 0)
    gate.set()
    for answer in busy:
        await answer.read()
    async with asyncio.timeout(PATIENCE_S):  # and nothing of it is left at work
        while any(task.get_name().startswith("export of") for task in asyncio.all_tasks()):
            await asyncio.sleep(0.02)


async def test_what_is_counted_is_what_is_listed(database, people) -> None:
    there = await furnished(database)
    await add_call(database, customer_id=there.customer, talked=people["operator"])
    await add_call(database, direction="outbound", result="busy")
    lists = (
        (list_customers, count_wanted, {"mark": "vip"}),
        (list_customers, count_wanted, {}),
        (list_orders, count_orders, {"unpaid": True}),
        (list_orders, count_orders, {"late": True}),
        (list_products, count_products, {"query": "mug"}),
        (list_products, count_products, {"query": "?"}),
        (list_calls, count_calls, {"user_id": frozenset({people["operator"]}), "everybody": False}),
        (list_calls, count_calls, {"user_id": frozenset(), "everybody": True, "direction": "outbound"}),
    )
    for reach in (
        Reach(),
        Reach(customers=frozenset({people["senior"]}), orders=frozenset({people["senior"]})),
    ):
        found = []
        with seeing(reach):
            async with database.begin() as session:
                for read, count, asked in lists:
                    found.append(len((await read(session, **asked)).rows))
                    assert await count(session, **asked) == found[-1], (read, asked, reach)
        assert any(found), found


async def test_a_link_to_a_file_leads_to_the_sign_in_when_the_session_is_over(client, database) -> None:
    opened = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*"}
    stood = {"Referer": str(client.make_url("/customers?mark=vip"))}
    path = f"{API}/exports/customers"
    for more, onward in (
        (stood, "%2Fcustomers%3Fmark%3Dvip"),
        ({"Referer": "http://elsewhere/x"}, "%2F"),
        ({}, "%2F"),
    ):
        answer = await client.get(path, headers=opened | more, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, f"/login?next={onward}")
    asked = await client.get(path, allow_redirects=False)
    assert asked.status == 401 and asked.content_type == "application/problem+json"
