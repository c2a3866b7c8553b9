"""What the demo's manager has asked for: a call list, a script, tips."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_list import RuleWanted, add_list
from crm_core.call_list_feed import feed
from crm_core.call_script import add_script
from crm_core.line import Line
from crm_core.tip import add_tip

_TO_SAY = (
    "Remind them kindly of the order and ask whether the payment did not go through. Offer to send the link again, or"
    " cash on delivery."
)
_SCRIPT = """# Greeting
Good day, {customer.first_name}! This is {operator.first_name} of {shop.name}.
How can I help you?
- Where is my order? -> Parcel
- Wants to order -> Order
- Something broke -> Broken

# Parcel
Your order {order.number} is on its way: {order.status}.
- Glad
- Too late for them -> Too late

# Too late
I am sorry. I can ask the carrier to bring it this evening, or send it to another address.
- This evening
- Another address

# Order
Gladly! What may it be? While I look: would you like it delivered to {customer.city}?
- Yes, the same address
- Another address

# Broken
I am sorry to hear that. We send a new one today, and you need not send the old one back.
- Agreed
- Wants the money back
"""


async def give_lists(session: AsyncSession, people: Mapping[str, int], now: datetime) -> None:
    """One call list of unpaid orders, one script of the first line, two tips."""
    manager = people["manager"]
    lines = (await session.scalars(select(Line.id).order_by(Line.id).limit(2))).all()
    await add_script(session, name="First words", source=_SCRIPT, user_id=manager, line_ids=lines[:1])
    made = await add_list(
        session,
        name="Not paid after a day",
        page="orders",
        filters={"unpaid": True, "older_h": 24},
        text=_TO_SAY,
        grows=True,
        at=now - timedelta(days=1),
        user_id=manager,
        rules=(
            RuleWanted(outcome=None, after_minutes=240, most_attempts=3),
            RuleWanted(outcome="callback_promised", after_minutes=1440, most_attempts=4),
        ),
    )
    await feed(session, made, now)
    await add_tip(
        session,
        text="Buys often and well: offer free delivery on the next order",
        priority=8,
        rules={"all": [{"field": "orders", "at_least": 3}, {"field": "orders_sum", "at_least": 400}]},
        user_id=manager,
    )
    await add_tip(
        session,
        text="Has not bought for a month: tell them about the new enamel colours",
        priority=5,
        rules={"all": [{"field": "days_since_purchase", "at_least": 30}]},
        ends_on=(now + timedelta(days=60)).date(),
        user_id=manager,
    )
