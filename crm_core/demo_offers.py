"""What the demo's manager keeps at hand: segments of customers, coupons with the orders that used them, and how
customers of the shops pay."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.coupon import create_coupon
from crm_core.customer import Customer
from crm_core.order import create_order
from crm_core.order_stock import ItemWanted
from crm_core.payment_terms import save_terms
from crm_core.product import Product
from crm_core.segment import add_segment
from crm_core.shop import list_shops

_SEGMENTS: Mapping[str, list[dict[str, Any]]] = {
    "Bought well, silent for a month": [
        {"field": "orders_sum", "at_least": 500},
        {"field": "days_since_purchase", "at_least": 30},
    ],
    "Came back for more": [{"field": "orders", "at_least": 3}, {"field": "bad", "is": False}],
    "Cart left behind this week": [{"field": "abandoned_cart_days", "at_most": 7}],
    "Never bought, but called": [{"field": "orders", "is": 0}, {"field": "calls", "at_least": 1}],
    "Wholesale in Poland": [{"field": "tags", "has": "wholesale"}, {"field": "country", "is": "PL"}],
}
# Code, what it takes off, of which goods, from and until (days from now), how often, used so many times.
_COUPONS: tuple[tuple[str, dict[str, Any], int, int, int], ...] = (
    ("WELCOME10", {"percent": Decimal(10), "note": "First order; on every parcel's leaflet"}, -90, 0, 4),
    ("KETTLE20", {"amount": Decimal(20), "minimum": Decimal(150), "max_uses": 50}, -12, 18, 2),
    ("SUMMER15", {"percent": Decimal(15), "note": "Newsletter of July"}, -140, -50, 0),
    ("VIP25", {"percent": Decimal(25), "minimum": Decimal(300), "max_uses": 10}, 7, 37, 0),
)
_TERMS = {
    "page_url": "https://checkout.example/pay?order={order}&sum={amount}&currency={currency}&back={code}",
    "bank": "Bank of the Demo",
    "account": "PL61 1090 1014 0000 0712 1981 2874",
    "address": "ul. Floriańska 15, 31-019 Kraków",
    "tax_id": "PL5252344078",
    "tax_note": "Prices include VAT at 23 %.",
    "note": "Please pay within 7 days.",
    "paid_status": "confirmed",
    "prepaid_status": "confirmed",
}


async def give_offers(session: AsyncSession, staff: Mapping[str, int], shop_id: int, now: datetime) -> None:
    """Segments on what people are and do; coupons: running, used up by date, yet to come; how customers pay."""
    for shop in await list_shops(session):
        await save_terms(session, shop.id, version=0, changes=_TERMS | {"payee": f"{shop.name} Ltd"})
    for name, conditions in _SEGMENTS.items():
        await add_segment(session, name=name, rules={"all": conditions}, user_id=staff["manager"])
    goods = select(Product).where(Product.shop_id == shop_id, Product.stock >= 20).order_by(Product.id)
    wares = (await session.scalars(goods.limit(6))).all()
    buyers = (
        await session.scalars(select(Customer.id).where(Customer.country == "PL").order_by(Customer.id))
    ).all()
    used = 0
    for code, fields, first, last, uses in _COUPONS:
        ends = {"ends_at": now + timedelta(days=last)} if last else {}
        starts = {"starts_at": now + timedelta(days=first)}
        await create_coupon(
            session, code=code, user_id=staff["manager"], shop_id=None, **fields, **starts, **ends
        )
        for _ in range(uses):
            used += 1
            await create_order(
                session,
                customer_id=buyers[-used],
                shop_id=shop_id,
                items=[ItemWanted(product_id=ware.id, quantity=3) for ware in wares[used % 3 : used % 3 + 3]],
                user_id=staff["operator"],
                manager_id=staff["operator"],
                at=now - timedelta(hours=7 * used),
                coupon=code,
                comment=f"Had {code} ready on the telephone",
                quiet=True,
            )
