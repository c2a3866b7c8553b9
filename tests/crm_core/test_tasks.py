"""Tasks: who has them, who hears of them, what closes them; and the courier who brings an order."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import courier, task
from crm_core.card import load_card
from crm_core.deal import create_deal, get_deal
from crm_core.errors import Conflict, Invalid
from crm_core.order import create_order, get_order, update_order
from crm_core.order_stock import ItemWanted
from crm_core.outbox import OutboxRow
from crm_core.payment import list_payments
from crm_core.read.deliveries import list_deliveries
from crm_core.read.tasks import Viewer, count_tasks, list_entries, list_tasks, load_task
from crm_core.reminder import remind
from crm_core.task_rows import Task
from crm_core.team import place, save_team
from crm_core.user import Role, create_user, get_user


async def given(shop: Any, **fields: Any) -> int:
    async with shop.begin() as session:
        usual: dict[str, Any] = {"title": "Ask about the colour", "at": shop.noon, "user_id": shop.oleg}
        return int((await task.create_task(session, **usual | fields)).id)


async def told(shop: Any) -> list[tuple[list[int], str]]:
    """What was said on screens so far."""
    async with shop.begin() as session:
        rows = await session.scalars(
            select(OutboxRow).where(OutboxRow.topic == "notice").order_by(OutboxRow.id)
        )
        return [(row.payload["user_ids"], row.payload["text"]) for row in rows]


async def tab(shop: Any, which: str, user_id: int, role: str = "operator", **more: Any) -> list[int]:
    async with shop.begin() as session:
        found = await list_tasks(
            session, Viewer(user_id=user_id, role=role, **more), now=shop.noon, which=which
        )
        return [row.id for row in found.rows]


async def test_a_task_is_given_talked_about_done_and_opened_again(shop: Any) -> None:
    made = await given(shop, performer_id=shop.anna, customer_id=shop.marta, call_id=shop.call)
    assert await told(shop) == [([shop.anna], "New task: Ask about the colour")]
    async with shop.begin() as session:
        await task.comment(session, made, "Blue, she said", user_id=shop.anna, at=shop.noon)
    for _ in range(2):  # pressed twice
        async with shop.begin() as session:
            await task.set_state(session, made, "done", user_id=shop.anna, at=shop.noon)
    with pytest.raises(Conflict, match="closed already"):
        async with shop.begin() as session:
            await task.set_state(session, made, "not_done", user_id=shop.oleg, at=shop.noon, reason="Late")
    async with shop.begin() as session:
        row = await load_task(session, Viewer(user_id=shop.anna, role="operator"), made)
        assert (row.state, row.closer, row.customer, row.comments) == (
            "done",
            "Anna Kowalska",
            "Marta Zielińska",
            1,
        )
        await task.set_state(session, made, "open", user_id=shop.oleg, at=shop.noon)
        said = [(it.what, it.user) for it in await list_entries(session, made)]
        assert said == [
            ("reopened", "Oleg Bondar"), ("done", "Anna Kowalska"), ("comment", "Anna Kowalska"),
            ("created", "Oleg Bondar"),
        ]  # fmt: skip
    assert (await told(shop))[1:] == [
        ([shop.oleg], "Ask about the colour: Blue, she said"), ([shop.oleg], "Done: Ask about the colour"),
    ]  # fmt: skip


async def test_a_groups_task_is_everybodys_until_one_takes_it(shop: Any) -> None:
    made = await given(shop, role="operator", due_at=shop.noon - timedelta(hours=1))
    later = await given(shop, due_at=shop.noon + timedelta(days=1), performer_id=shop.anna)
    undated = await given(shop, performer_id=shop.anna)
    assert await tab(shop, "group", shop.anna) == [made]
    assert await tab(shop, "group", shop.anna, "manager") == []
    async with shop.begin() as session:
        await task.take_task(session, made, user_id=shop.anna, at=shop.noon)
        await task.take_task(session, made, user_id=shop.anna, at=shop.noon)
        with pytest.raises(Conflict, match="A colleague has"):
            await task.take_task(session, made, user_id=shop.oleg, at=shop.noon)
        counts = await count_tasks(session, Viewer(user_id=shop.anna, role="operator"), now=shop.noon)
    assert counts == {"mine": 3, "group": 0, "given": 0, "overdue": 1, "open": 3}
    assert await tab(shop, "mine", shop.anna) == [made, later, undated]  # the most urgent first
    assert await tab(shop, "given", shop.oleg) == [made, later, undated]
    stranger = await tab(shop, "open", 999_999, "courier", everybody=False)
    assert stranger == []


async def test_a_teams_task_is_told_to_the_team_and_one_of_it_wins(shop: Any) -> None:
    async with shop.begin() as session:
        north, south = await save_team(session, None, "North"), await save_team(session, None, "South")
        for user_id, team in ((shop.anna, north), (shop.oleg, north)):
            await place(session, await get_user(session, user_id), team_id=team.id)
        ghost = await create_user(session, login="eva", name="Eva Stern")
        await place(session, ghost, team_id=south.id)
    made = await given(shop, team_id=north.id)
    assert await told(shop) == [([shop.anna], "New task: Ask about the colour")]  # Oleg gave it himself
    for user_id, listed in ((shop.anna, [made]), (shop.oleg, [made]), (ghost.id, [])):
        assert await tab(shop, "group", user_id) == listed
        assert await tab(shop, "open", user_id, everybody=False) == listed

    async def take(user_id: int) -> int | None:
        try:
            async with shop.begin() as session:
                return (await task.take_task(session, made, user_id=user_id, at=shop.noon)).performer_id
        except Conflict:
            return None

    won = [it for it in await asyncio.gather(take(shop.anna), take(shop.oleg)) if it]
    async with shop.begin() as session:
        row = await load_task(session, Viewer(user_id=shop.anna, role="operator"), made)
        assert [row.performer_id] == won and row.team == "North"
        moved = {"performer_id": None, "role": None, "team_id": south.id}
        by: dict[str, Any] = {"user_id": shop.oleg, "at": shop.noon}
        await task.update_task(session, made, version=row.version, changes=moved, **by)
        with pytest.raises(Invalid, match="to a group or to a team"):
            await task.update_task(session, made, version=row.version + 1, changes={"role": "operator"}, **by)
    assert (await told(shop))[-1] == ([ghost.id], "New task: Ask about the colour")
    with pytest.raises(Invalid, match="no such team"):
        await given(shop, team_id=999_999)


async def test_what_can_not_be_is_refused_and_whoever_gets_a_task_by_a_change_hears_of_it(shop: Any) -> None:
    made = await given(shop)
    async with shop.begin() as session:
        before = await task.get_task(session, made)
        assert before.performer_id == shop.oleg  # nobody named: one's own

        async def change(version: int, **changes: Any) -> None:
            await task.update_task(
                session, made, version=version, changes=changes, user_id=shop.oleg, at=shop.noon
            )

        await change(1, performer_id=shop.anna, due_at=shop.noon)
        with pytest.raises(Conflict, match="somebody else"):
            await change(1, title="Late")
        for wrong, why in (
            ({"title": " "}, "title"), ({"performer_id": 999_999}, "no user"), ({"performer_id": None}, "who shall"),
            ({"role": "king"}, "no role"), ({"state": "done"}, "no field"), ({"priority": "now"}, "no priority"),
        ):  # fmt: skip
            with pytest.raises(Invalid, match=why):
                async with session.begin_nested():
                    await change(2, **wrong)
        with pytest.raises(Invalid, match="why"):
            await task.set_state(session, made, "not_done", user_id=shop.anna, at=shop.noon)
    assert await told(shop) == [([shop.anna], "New task: Ask about the colour")]


async def test_a_reminder_is_said_once_however_many_look(shop: Any) -> None:
    await given(shop, performer_id=shop.anna, remind_at=shop.noon)

    async def look() -> int:
        async with shop.begin() as session:
            return await remind(session, now=shop.noon)

    assert sum(await asyncio.gather(*(look() for _ in range(4)))) == 1
    assert (await told(shop))[1:] == [([shop.anna], "Remember: Ask about the colour")]


async def test_an_open_task_stands_on_the_card_of_the_call(shop: Any) -> None:
    await given(shop, performer_id=shop.anna, customer_id=shop.marta, due_at=shop.noon - timedelta(hours=1))
    await given(shop, title="Whenever", role="senior", customer_id=shop.marta)
    async with shop.begin() as session:
        card = await load_card(
            session, e164="+48601220114", customer_id=None, call_id=shop.call, now=shop.noon
        )
    assert [(it["kind"], it["reason"], it["assigned_to"], it["overdue"]) for it in card["tasks"]] == [
        ("plain", "Ask about the colour", "Anna Kowalska", True), ("plain", "Whenever", "senior", False),
    ]  # fmt: skip


class Road:
    """An order of a deal, given to a courier."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop

    async def begin(self, *, prepaid: str = "0", group: bool = False) -> None:
        shop = self.shop
        async with shop.begin() as session:
            self.pavel = (await create_user(session, login="pavel", name="Pavel", role=Role.COURIER)).id
            made = await create_deal(
                session, title="Mugs", customer_id=shop.marta, currency="EUR", at=shop.noon
            )
            self.deal = made.id
            order = await create_order(
                session, customer_id=shop.marta, shop_id=shop.shop, user_id=shop.anna, at=shop.noon,
                items=[ItemWanted(product_id=shop.mug, quantity=2)], deal_id=made.id, paid=prepaid,
                delivery_address="ul. Długa 1, Kraków", manager_id=shop.oleg,
            )  # fmt: skip
            self.order = order.id
            self.task = (
                await courier.give_to_courier(
                    session, order.id, at=shop.noon, user_id=shop.anna, wishes="Ring twice",
                    performer_id=None if group else self.pavel,
                )
            ).id  # fmt: skip

    async def mark(self, taken: str = "17.80", means: str | None = "cash") -> None:
        async with self.shop.begin() as session:
            await courier.delivered(
                session, self.task, taken=taken, means=means, user_id=self.pavel, at=self.shop.noon
            )

    async def stands(self) -> tuple[str, Decimal, str, bool]:
        """Status and payments of the order, stage of the deal, whether it is closed."""
        async with self.shop.begin() as session:
            order, deal = await get_order(session, self.order), await get_deal(session, self.deal)
            return order.status, order.paid, deal.stage, deal.closed_at is not None


async def test_delivered_and_paid_closes_order_and_deal_however_often_it_is_pressed(shop: Any) -> None:
    road = Road(shop)
    await road.begin()
    async with shop.begin() as session:
        (seen,) = await list_deliveries(session, Viewer(user_id=road.pavel, role="courier", everybody=False))
        assert (seen.to_take, seen.address, seen.wishes, seen.items, seen.e164) == (
            Decimal("17.80"), "ul. Długa 1, Kraków", "Ring twice", ((2, "Blue mug 0.3 l"),), "+48601220114",
        )  # fmt: skip
        await courier.set_off(session, road.task, user_id=road.pavel, at=shop.noon)
    assert (await road.stands())[0] == "on_delivery"
    await asyncio.gather(*(road.mark() for _ in range(5)))
    assert await road.stands() == ("done", Decimal("17.80"), "won", True)
    with pytest.raises(Conflict, match="marked already"):
        await road.mark(taken="5")
    async with shop.begin() as session:
        booked = await list_payments(session, road.order)
        assert [(str(it.amount), it.method, it.user_id) for it in booked] == [("17.80", "cash", road.pavel)]
    said = "Delivered: order A-1001, 17.80 EUR (cash)"
    assert (await told(shop))[-2:] == [([shop.anna], said), ([shop.oleg], said)]
    async with shop.begin() as session:
        assert [it.what for it in await list_entries(session, road.task)] == ["done", "created"]


async def test_delivered_and_not_paid_leaves_order_and_deal_open(shop: Any) -> None:
    road = Road(shop)
    await road.begin(prepaid="10")
    with pytest.raises(Invalid, match="cash or card"):
        await road.mark(taken="1", means=None)
    with pytest.raises(Invalid, match="is to be taken"):
        await road.mark(taken="78")
    await road.mark(taken="0", means=None)
    assert await road.stands() == ("delivered", Decimal("10.00"), "ordered", False)


async def test_not_delivered_has_a_reason_and_the_order_can_be_given_again(shop: Any) -> None:
    road = Road(shop)
    await road.begin(group=True)
    with pytest.raises(Conflict, match="A courier has"):
        async with shop.begin() as session:
            await courier.give_to_courier(session, road.order, at=shop.noon, user_id=shop.anna)
    async with shop.begin() as session:
        with pytest.raises(Conflict, match="marked delivered"):
            await task.set_state(session, road.task, "done", user_id=road.pavel, at=shop.noon)
        await courier.set_off(session, road.task, user_id=road.pavel, at=shop.noon)
        assert (await task.get_task(session, road.task)).performer_id == road.pavel
        await courier.not_delivered(
            session, road.task, reason="Nobody at home", user_id=road.pavel, at=shop.noon
        )
    assert (await told(shop))[-2:] == [
        ([shop.anna], "Not done: Bring the order"),
        ([shop.oleg], "Not delivered: order A-1001: Nobody at home"),
    ]
    with pytest.raises(Conflict, match="closed already"):
        await road.mark()
    async with shop.begin() as session:
        again = await courier.give_to_courier(session, road.order, at=shop.noon, user_id=shop.anna)
        assert (again.id != road.task, again.role) == (True, "courier")


async def test_an_order_called_off_on_the_way_is_brought_back(shop: Any) -> None:
    road = Road(shop)
    await road.begin()
    async with shop.begin() as session:
        await update_order(
            session, road.order, version=1, changes={"status": "cancelled"}, user_id=shop.anna, at=shop.noon
        )
    with pytest.raises(Conflict, match="Bring the goods back"):
        await road.mark()
    async with shop.begin() as session:
        assert (await session.get_one(Task, road.task)).state == "open"
