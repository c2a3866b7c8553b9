"""Many rows are changed at once and taken back: what a manager does in a list, and what others do meanwhile."""

from typing import Any

import pytest
from sqlalchemy import func, select

from crm_core.audit import AuditEntry
from crm_core.bulk import change_many, undo
from crm_core.bulk_customers import change_customers, undo_customers
from crm_core.bulk_nouns import Callbacks, Deals, Leads, Orders, Products, Tasks
from crm_core.bulk_rows import By, Chosen, latest_acts
from crm_core.callback import create_callback, get_callback
from crm_core.customer import create_customer, get_customer
from crm_core.deal import create_deal, get_deal
from crm_core.errors import Conflict, Invalid
from crm_core.lead import create_lead, get_lead
from crm_core.order import ItemWanted, create_order, get_order, set_status, update_order
from crm_core.outbox import OutboxRow
from crm_core.product import get_product
from crm_core.task import create_task, get_task, update_task


async def orders_of(shop: Any, count: int, *, deal_id: int | None = None) -> list[int]:
    async with shop.begin() as session:
        items = [ItemWanted(shop.lamp if number == 0 else shop.mug, 1) for number in range(count)]
        return [
            (
                await create_order(
                    session, customer_id=shop.marta, shop_id=shop.shop, items=[item], user_id=None,
                    at=shop.noon, deal_id=deal_id,
                )
            ).id
            for item in items
        ]  # fmt: skip


def rows(ids: list[int]) -> list[Chosen]:
    return [Chosen(it) for it in ids]


async def test_orders_are_changed_together_and_come_back_with_their_goods_and_their_deal(shop: Any) -> None:
    async with shop.begin() as session:
        deal = await create_deal(
            session, title="Lamp", customer_id=shop.marta, currency="EUR", at=shop.noon, stage="offer"
        )
    first, second, third = await orders_of(shop, 3, deal_id=deal.id)
    async with shop.begin() as session:
        stage = (await get_deal(session, deal.id)).stage
        await update_order(
            session, third, version=1, changes={"status": "packed"}, user_id=shop.oleg, at=shop.noon
        )
    by = By(shop.anna, shop.noon)
    wanted = {"status": "cancelled", "manager_id": shop.oleg}
    chosen = [Chosen(first, 1), Chosen(second, 1), Chosen(third, 1), Chosen(77777, 1)]
    told = {"said": "Status: Cancelled", "by": by}
    done = await change_many(shop.db, Orders(), chosen, wanted, seen={first, second, third}, **told)
    assert done.changed == 2 and [it.id for it in done.refused] == [third, 77777]
    assert "meanwhile" in done.refused[0].why and done.refused[0].title == "A-1003"
    async with shop.begin() as session:
        assert (await get_product(session, shop.lamp)).stock == 1  # the cancelled order gave it back
        notes = select(OutboxRow.payload).where(OutboxRow.topic == "notice")
        [said] = await session.scalars(notes)
        assert said["user_ids"] == [shop.oleg] and "and 1 more" in said["text"]
        trail = select(func.count()).where(
            AuditEntry.action == "order.change", AuditEntry.user_id == shop.anna
        )
        assert await session.scalar(trail) == 2
        [act] = await latest_acts(session, "orders", shop.anna)
        assert (act.changed, act.said, len(act.refused)) == (2, "Status: Cancelled", 2)
        await set_status(session, second, "new", user_id=shop.oleg, at=shop.noon)
    back = await undo(shop.db, Orders(), done.act_id, by=by, seen={first, second})
    assert (back.changed, [it.title for it in back.refused]) == (1, ["A-1002"])
    async with shop.begin() as session:
        order = await get_order(session, first)
        assert (order.status, order.manager_id) == ("new", None)
        assert (await get_order(session, second)).manager_id == shop.oleg  # Oleg's word is left alone
        assert (await get_product(session, shop.lamp)).stock == 0
        assert (await get_deal(session, deal.id)).stage == stage
    with pytest.raises(Conflict, match="already"):
        await undo(shop.db, Orders(), done.act_id, by=by, seen={first})


async def test_a_deal_comes_back_with_the_orders_it_led(shop: Any) -> None:
    async with shop.begin() as session:
        told = {"customer_id": shop.marta, "currency": "EUR", "at": shop.noon}
        deals = [(await create_deal(session, title=name, stage="offer", **told)).id for name in "AB"]
    (order,) = await orders_of(shop, 1, deal_id=deals[0])
    by = By(shop.anna, shop.noon)
    async with shop.begin() as session:
        before = [(await get_deal(session, it)).stage for it in deals]
    done = await change_many(shop.db, Deals(), rows(deals), {"stage": "won"}, said="", by=by, seen=deals)
    assert done.changed == 2
    async with shop.begin() as session:
        assert (await get_order(session, order)).status != "new"
    lost = await change_many(shop.db, Deals(), rows(deals), {"stage": "lost"}, said="", by=by, seen=deals)
    assert lost.changed == 0 and lost.refusals == 2  # without a reason nothing is lost
    assert (await undo(shop.db, Deals(), done.act_id, by=by, seen=deals)).changed == 2
    async with shop.begin() as session:
        assert [(await get_deal(session, it)).stage for it in deals] == before
        assert (await get_order(session, order)).status == "new"


async def test_tasks_callbacks_leads_and_products_come_back_as_they_were(shop: Any) -> None:
    by = By(shop.anna, shop.noon)
    async with shop.begin() as session:
        told = {"at": shop.noon, "user_id": shop.anna}
        tasks = [(await create_task(session, title=f"Task {n}", due_at=shop.noon, **told)).id for n in (1, 2)]
        callback = await create_callback(
            session, number="601 220 114", country="PL", due_at=shop.noon, reason="Ask again"
        )
        lead = await create_lead(
            session, source="Fair", at=shop.noon, country="PL", phone="601220115", name="Jan"
        )
    later = shop.noon.replace(hour=18)
    stories: list[tuple[Any, Any, list[int], dict[str, Any]]] = [
        (Tasks(), get_task, tasks, {"state": "not_done", "reason": "too late", "due_at": later}),
        (Tasks(), get_task, tasks, {"performer_id": None, "role": "manager", "priority": "high"}),
        (Callbacks(), get_callback, [callback.id], {"state": "cancelled", "assigned_to": shop.oleg}),
        (Callbacks(), get_callback, [callback.id], {"later_by": 60}),
        (Leads(), get_lead, [lead.id], {"state": "junk", "responsible_id": shop.oleg}),
        (Products(), get_product, [shop.mug], {"active": False}),
    ]
    for noun, get, ids, wanted in stories:
        async with shop.begin() as session:
            before = [await noun.facts(session, await get(session, it), wanted) for it in ids]
        done = await change_many(shop.db, noun, rows(ids), wanted, said="", by=by, seen=ids)
        async with shop.begin() as session:
            now = [await noun.facts(session, await get(session, it), wanted) for it in ids]
        assert done.changed == len(ids) and all(a != b for a, b in zip(before, now, strict=True)), noun.name
        assert (await undo(shop.db, noun, done.act_id, by=by, seen=ids)).refused == []
        async with shop.begin() as session:
            assert [await noun.facts(session, await get(session, it), wanted) for it in ids] == before
    done = await change_many(shop.db, Tasks(), rows(tasks), {"priority": "low"}, said="", by=by, seen=tasks)
    async with shop.begin() as session:
        task = await get_task(session, tasks[0])
        await update_task(session, task.id, version=task.version, changes={"text": "x"}, **told)
    assert (
        await undo(shop.db, Tasks(), done.act_id, by=by, seen=tasks)
    ).changed == 2  # of its own it is as made


async def test_customers_change_hands_and_words_and_come_back_unless_somebody_moved_them_since(
    shop: Any,
) -> None:
    async with shop.begin() as session:
        known = {"tags": ["loyal"], "manager_id": shop.anna}
        jan = (await create_customer(session, name="Jan Nowak", country="PL", **known)).id
        ewa = (await create_customer(session, name="Ewa Lis", country="PL", vip=True)).id
    by, everybody = By(shop.anna, shop.noon), [shop.marta, jan, ewa]
    wanted = {"manager_id": shop.oleg, "add_tag": "autumn", "vip": False, "category": "kept"}
    chosen = [Chosen(shop.marta, 1), Chosen(jan, 1), Chosen(ewa, 9), Chosen(77777)]
    seen = {shop.marta, jan, ewa}
    done = await change_customers(shop.db, chosen, wanted, said="", by=by, seen=seen)
    assert done.changed == 2 and [it.title for it in done.refused] == ["Ewa Lis", "77777"]
    async with shop.begin() as session:
        assert (await get_customer(session, jan)).tags == ["loyal", "autumn"]
        (await get_customer(session, shop.marta)).manager_id = shop.anna
    back = await undo_customers(shop.db, done.act_id, by=by, seen=seen)
    assert (back.changed, [it.title for it in back.refused]) == (1, ["Marta Zielińska"])
    async with shop.begin() as session:
        person = await get_customer(session, jan)
        assert (person.tags, person.manager_id, person.category) == (["loyal"], shop.anna, None)
    done = await change_customers(
        shop.db, rows(everybody), {"remove_tag": "loyal", "vip": True}, said="", by=by, seen=seen
    )
    assert done.changed == 2  # Ewa is as she should be already
    assert (await undo_customers(shop.db, done.act_id, by=by, seen=seen)).changed == 2
    async with shop.begin() as session:
        assert [(await get_customer(session, it)).vip for it in everybody] == [False, False, True]
    with pytest.raises(Invalid, match="no such colleague"):
        await change_customers(shop.db, rows([jan]), {"manager_id": 99999}, said="", by=by, seen=seen)
    with pytest.raises(Invalid, match="Choose"):
        await change_customers(shop.db, [], {"vip": True}, said="", by=by, seen=seen)
