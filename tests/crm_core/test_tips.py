"""Tips: what an administrator wrote for a segment or by rules, and what purchases tell by themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from crm_core.customer import Customer
from crm_core.errors import Conflict, Invalid
from crm_core.order import ItemWanted, Order, create_order
from crm_core.read.guide import About, load_guide
from crm_core.read.tips import Told, usual
from crm_core.segment import add_segment
from crm_core.tip import add_tip, change_tip
from tests.crm_core.conftest import NOON


def test_a_habit_is_told_when_its_time_has_nearly_come() -> None:
    first = NOON - timedelta(days=90)

    def told(days_ago: float) -> bool:
        last = NOON - timedelta(days=days_ago)
        return usual("Tea", 3, first, last, NOON) is not None

    assert [told(days) for days in (1, 20, 30, 60, 88)] == [False, False, True, True, False]
    fact = usual("Tea", 4, NOON - timedelta(days=120), NOON - timedelta(days=30), NOON)
    assert fact is not None and fact.values == {"what": "Tea", "days": 30, "gone": 30}
    assert usual("Tea", 5, first, first + timedelta(days=4), NOON) is None  # four in a week are no habit


async def told_to(session: Any, shop: Any, now: datetime) -> Sequence[Told]:
    """What Marta is told at this moment."""
    return (await load_guide(session, About(customer_id=shop.marta), operator="Anna", now=now)).tips


async def bought(session: Any, shop: Any, days_ago: int) -> int:
    order = await create_order(
        session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(product_id=shop.mug, quantity=1)],
        user_id=None, at=shop.noon,
    )  # fmt: skip
    old = update(Order).where(Order.id == order.id)
    await session.execute(old.values(created_at=shop.noon - timedelta(days=days_ago), status="done"))
    return order.id


async def test_the_weightiest_that_means_the_customer_is_told_first_with_why(shop: Any) -> None:
    async with shop.begin() as session:
        segment = await add_segment(
            session, name="From Kraków", rules={"all": [{"field": "city", "is": "Kraków"}]}, user_id=None
        )
        often = {"all": [{"field": "orders", "at_least": 3}]}
        given = {"user_id": shop.anna}
        await add_tip(session, text="Offer free delivery", priority=3, rules=often, **given)
        of_town = await add_tip(session, text="Our shop is near", priority=8, segment_id=segment.id, **given)
        rules = {"field": "vip", "is": True}
        both = await add_tip(session, text="VIP of Kraków", segment_id=segment.id, rules=rules, **given)
        wrongs: tuple[dict[str, Any], ...] = (
            {"text": "Nobody"},
            {"text": "x", "rules": {"field": "hat", "is": 1}},
            {"text": "x", "segment_id": 99},
        )
        for wrong in wrongs:
            with pytest.raises(Invalid):
                await add_tip(session, **wrong, **given)
    async with shop.begin() as session:
        assert [it.words for it in await told_to(session, shop, shop.noon)] == ["Our shop is near"]
        for days in (100, 70, 35):
            await bought(session, shop, days)
        await session.execute(update(Customer).where(Customer.id == shop.marta).values(vip=True))
    async with shop.begin() as session:
        told = await told_to(session, shop, shop.noon)
        assert [(it.words, it.segment) for it in told[:3]] == [
            ("Our shop is near", "From Kraków"), ("VIP of Kraków", "From Kraków"), ("Offer free delivery", None),
        ]  # fmt: skip
        assert told[2].rules == often
        assert told[3].values["what"] == "Blue mug 0.3 l"  # three times in a hundred days
        tomorrow = (shop.noon + timedelta(days=1)).date()
        await change_tip(session, of_town.id, version=1, changes={"ends_on": shop.noon.date()})
        await change_tip(session, both.id, version=1, changes={"active": False})
        with pytest.raises(Conflict):
            await change_tip(session, both.id, version=1, changes={"ends_on": tomorrow})
        back = await bought(session, shop, 1)
        await session.execute(update(Order).where(Order.id == back).values(status="returned"))
    async with shop.begin() as session:
        today = [it.words for it in await told_to(session, shop, shop.noon)]
        assert today[:2] == ["Our shop is near", "Offer free delivery"] and "came back" in today[-1]
        later = await told_to(session, shop, shop.noon + timedelta(days=1))
        assert later[0].words == "Offer free delivery"  # the first is over
