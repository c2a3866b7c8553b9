"""The walks of the reviews, as far as they need no switchboard: from an order, a call, a form to a deal that is won;
and the rule beneath them: a deal and its orders go together, each step once."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from crm_core import courier, lead, lead_form
from crm_core.call import save_note
from crm_core.call_link import links_of
from crm_core.callback import create_callback
from crm_core.callback_calls import Heard, close_reached
from crm_core.customer import create_customer
from crm_core.deal import create_deal, get_deal, update_deal
from crm_core.deal_goods import GoodsWanted
from crm_core.deal_rows import DealMove
from crm_core.errors import Conflict, Invalid
from crm_core.funnel import Kind, StageWanted, create_funnel, find_stage, get_funnel, stage_for, update_funnel
from crm_core.order import OrderChange, create_order, get_order, update_order
from crm_core.order_status import Group, Status, is_open, is_released
from crm_core.order_stock import ItemWanted
from crm_core.product import find_products
from crm_core.read.deals import load_deal
from crm_core.read.orders import list_orders
from crm_core.status_list import codes_of, way
from crm_core.task import create_task, set_state
from crm_core.user import Role, create_user
from tests.crm_core.statuses import add_statuses


async def change(session: Any, order_id: int, at: Any, **changes: Any) -> None:
    order = await get_order(session, order_id)
    await update_order(session, order_id, version=order.version, changes=changes, user_id=None, at=at)


async def test_an_order_of_the_store_goes_from_the_first_call_to_a_won_deal(shop: Any) -> None:
    """Bitrix scenario 1: the order is there, the manager rings, it changes, a courier brings it, the deal is won."""
    async with shop.begin() as session:
        pavel = await create_user(session, login="pavel", name="Pavel", role=Role.COURIER)
        deal = await create_deal(
            session, title="From the site", customer_id=shop.marta, currency="EUR", at=shop.noon,
            responsible_id=shop.anna,
        )  # fmt: skip
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=None, at=shop.noon, deal_id=deal.id,
            items=[ItemWanted(product_id=shop.mug, quantity=2), ItemWanted(product_id=shop.kettle, quantity=1)],
        )  # fmt: skip
        assert (await get_deal(session, deal.id)).stage == "ordered"
        # Nobody answers: the manager is to call again; then somebody does.
        again = await create_callback(
            session, number="+48601220114", country="PL", due_at=shop.noon + timedelta(hours=1), reason="No answer",
            customer_id=shop.marta, order_id=order.id, deal_id=deal.id, assigned_to=shop.anna, created_by=shop.anna,
        )  # fmt: skip
        later = shop.noon + timedelta(hours=1)
        talk = Heard(call_id=shop.call, number="+48601220114", customer_id=shop.marta, at=later)
        closed = await close_reached(session, talk, outbound=True)
        assert closed == [again.id]
        # In the call the customer refuses the kettle; the sum follows on both sides.
        await update_order(
            session, order.id, version=1, user_id=shop.anna, at=later, call_id=shop.call,
            changes={"items": [ItemWanted(product_id=shop.mug, quantity=2)], "status": "confirmed"},
        )  # fmt: skip
        await save_note(session, shop.call, "No kettle", version=0, user_id=shop.anna, at=later)
        row = await load_deal(session, deal.id)
        assert (str(row.amount), row.owned["amount"]) == ("17.80", "The amount follows the deal's orders.")
        with pytest.raises(Invalid, match="follows the deal's orders"):
            await update_deal(session, deal.id, version=row.version, changes={"amount": "5"}, at=later)
        brought = await courier.give_to_courier(
            session, order.id, at=later, user_id=shop.anna, performer_id=pavel.id, wishes="After six"
        )
        await courier.set_off(session, brought.id, user_id=pavel.id, at=later)
        await courier.delivered(
            session, brought.id, taken="17.80", means="cash", user_id=pavel.id, at=later + timedelta(hours=2)
        )
        row = await load_deal(session, deal.id)
        assert (row.kind, (await get_order(session, order.id)).status) == (Kind.WON, Status.DONE)


async def test_a_deal_is_opened_in_a_call_with_a_new_customer_and_an_order_of_the_store(shop: Any) -> None:
    """Bitrix scenario 2 (a) and (b): goods by their first letters, a new person, the order gives the deal its sum."""
    async with shop.begin() as session:
        (kettle,) = await find_products(session, "ket", shop.shop)
        nina = await create_customer(session, name="Nina", country="PL", numbers=["501 222 333"])
        asked: dict[str, Any] = {
            "title": "Kettle, evening", "customer_id": nina.id, "currency": "EUR", "at": shop.noon,
            "items": [GoodsWanted(kettle.id, 2, Decimal("35.00")), GoodsWanted(shop.mug, 1)],
            "responsible_id": shop.anna, "user_id": shop.anna, "call_id": shop.call, "probability": 60,
            "comment": "After six", "key": uuid4(),
        }  # fmt: skip
        deal = await create_deal(session, **asked)
        assert (await create_deal(session, **asked)).id == deal.id  # sent again: nothing new
        assert [(it.deal_id, it.role) for it in await links_of(session, shop.call)] == [(deal.id, "created")]
        row = await load_deal(session, deal.id)
        assert (str(row.amount), row.owned) == ("78.90", {"amount": "The amount is the sum of the goods."})
        assert [(it.quantity, str(it.list_price)) for it in row.items] == [(2, "39.50"), (1, "8.90")]
        more = [GoodsWanted(kettle.id, 1)]
        await update_deal(
            session, deal.id, version=1, changes={"items": more, "from_store": True}, at=shop.noon
        )
        with pytest.raises(Invalid, match="change it there"):  # its goods are the order's from now on
            await update_deal(session, deal.id, version=2, changes={"items": []}, at=shop.noon)
        order = await create_order(
            session, customer_id=nina.id, shop_id=shop.shop, user_id=shop.anna, at=shop.noon, deal_id=deal.id,
            items=[ItemWanted(product_id=kettle.id, quantity=1)], call_id=shop.call, delivery_cost="5",
        )  # fmt: skip
        row = await load_deal(session, deal.id)
        assert (str(row.amount), row.orders, row.stage, row.items) == ("44.50", 1, "ordered", [])
        assert [it.number for it in (await list_orders(session, deal_id=deal.id)).rows] == [order.number]
        strange = [GoodsWanted(999_999, 1)]
        with pytest.raises(Invalid, match="no product"):
            await create_deal(session, **asked | {"key": None, "items": strange})


async def test_a_lead_from_a_form_is_handed_over_and_becomes_a_deal_that_is_worked_on(shop: Any) -> None:
    """Bitrix scenario 3: the form's manager checks, adds goods, hands over; the lead becomes customer and deal."""
    by: dict[str, Any] = {"user_id": shop.anna, "at": shop.noon}
    async with shop.begin() as session:
        form = await lead_form.create_form(
            session, name="Call me", shop_id=shop.shop, fields=["When"], responsible_id=shop.anna
        )
        made = await lead.lead_from_form(
            session, form, at=shop.noon, name="Nina", phone="501222333", answers={"When": "evening"}
        )
        await lead.put_item(session, made.id, shop.kettle, 1, **by)
        handed = {"state": "processing", "responsible_id": shop.oleg}
        await lead.update_lead(session, made.id, version=made.version, changes=handed, country="PL", **by)
        nina, deal = await lead.qualify(session, made.id, user_id=shop.oleg, at=shop.noon, country="PL")
        assert (nina.source, deal.responsible_id, str(deal.amount)) == ("Form: Call me", shop.oleg, "39.50")
        todo = await create_task(
            session, title="Ring in the evening", deal_id=deal.id, at=shop.noon, user_id=shop.oleg
        )
        assert todo.customer_id == nina.id
        await set_state(session, todo.id, "done", user_id=shop.oleg, at=shop.noon)


def stages_of(random: Random, under_way: list[str], badly: list[str]) -> list[StageWanted]:
    """A funnel as an administrator may make it: some stages go with a status, each status with one at most."""
    said = random.sample(under_way, random.randint(0, 4))
    wanted = [StageWanted(name=f"Open {n}", order_status=status) for n, status in enumerate([None, *said])]
    random.shuffle(wanted)
    won = random.choice(
        (None, Status.DONE, Status.DELIVERED if Status.DELIVERED not in said else Status.DONE)
    )
    lost = random.choice((None, *badly))
    return [
        *wanted,
        StageWanted(name="Won", kind=Kind.WON, order_status=won),
        StageWanted(name="Lost", kind=Kind.LOST, order_status=lost),
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_deal_and_orders_go_together_each_step_once_whatever_the_funnel(shop: Any, seed: int) -> None:
    random = Random(seed)
    async with shop.begin() as session:
        await add_statuses(session, ("work", "Waits for money"), ("done", "Thanked"), ("lost", "Refused"))
        under_way, statuses = await way(session), await codes_of(session, tuple(Group))
        stages = stages_of(random, under_way, await codes_of(session, [Group.LOST]))
        made = await create_funnel(session, name="Any")
        await update_funnel(session, made.id, version=1, changes={"stages": stages})
        funnel = await get_funnel(session, made.id, lock=True)
        deal = await create_deal(
            session, title="Mugs", customer_id=shop.marta, currency="EUR", at=shop.noon, funnel_id=funnel.id
        )
        orders: list[int] = []
        for _ in range(random.randint(1, 2)):
            one = await create_order(
                session, customer_id=shop.marta, shop_id=shop.shop, user_id=None, at=shop.noon, deal_id=deal.id,
                items=[ItemWanted(product_id=shop.mug, quantity=1)],
            )  # fmt: skip
            orders.append(one.id)

        async def steps() -> tuple[int, dict[int, int]]:
            """How often the deal was moved, and each order's status changed, so far."""
            moves = await session.scalar(select(func.count()).where(DealMove.deal_id == deal.id))
            changed = select(OrderChange.order_id, func.count()).where(OrderChange.what.has_key("status"))
            rows = await session.execute(changed.group_by(OrderChange.order_id))
            return moves or 0, {row[0]: row[1] for row in rows}

        for _ in range(25):
            moves, changes = await steps()
            were = {it: (await get_order(session, it)).status for it in orders}
            stage = (await get_deal(session, deal.id)).stage
            if random.random() < 0.5:
                target = random.choice(funnel.stages)
                wanted: dict[str, Any] = {"stage": target.code}
                wanted |= {"lost_reason_id": 2} if target.kind == Kind.LOST else {}
                await update_deal(session, deal.id, version=deal.version, changes=wanted, at=shop.noon)
                assert (await get_deal(session, deal.id)).stage == target.code  # a move by hand stands
                if target.order_status and target.code != stage:
                    led = [it for it in orders if is_open(were[it])] or orders[-1:]
                    for it in led:
                        assert (await get_order(session, it)).status == target.order_status
            else:
                chosen, status = random.choice(orders), random.choice(statuses)
                await change(session, chosen, shop.noon, status=status)
                assert (await get_order(session, chosen)).status == status
                if len(orders) == 1 and were[chosen] != status:
                    expected = stage_for(funnel.stages, status, under_way)
                    now = find_stage(funnel, (await get_deal(session, deal.id)).stage)
                    assert expected is None or now.code == expected.code
                    assert (now.kind == Kind.OPEN) == is_open(status) or expected is not None
            after, changed = await steps()
            assert after - moves <= 1  # never there and back
            assert all(changed.get(it, 0) - changes.get(it, 0) <= 1 for it in orders)
            totals = [await get_order(session, it) for it in orders]
            assert deal.amount == sum((it.total for it in totals if not is_released(it.status)), 0)
            for it in totals:  # saying the same again moves nothing
                await change(session, it.id, shop.noon, status=it.status)
            assert await steps() == (after, changed)


async def test_who_changes_an_old_state_is_told(shop: Any) -> None:
    async with shop.begin() as session:
        deal = await create_deal(session, title="Mugs", customer_id=shop.marta, currency="EUR", at=shop.noon)
        await update_deal(session, deal.id, version=1, changes={"stage": "offer"}, at=shop.noon)
        with pytest.raises(Conflict, match="somebody else"):
            await update_deal(session, deal.id, version=1, changes={"stage": "won"}, at=shop.noon)
