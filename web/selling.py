"""The rules by which orders are sold, in the API: limits of discounts, coupons, ways of delivery."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import coupon, delivery, discount_limit
from crm_core.delivery import MOST_RATES, RateWanted
from crm_core.user import Role
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Instant, Money, Percent, ShortText, Version
from web.listing import Price, possible
from web.rights import EDIT_SELLING, VIEW_ORDERS
from web.services import services
from web.sessions import person

operations = Operations("selling")
Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=VISIBLE)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
Grams = Annotated[int, Field(ge=1, le=10_000_000)]


class LimitAnswer(Answer):
    """Per cent that a role may take off; `shop_id` null: in every shop that says nothing of its own."""

    shop_id: int | None
    role: Role
    percent: Percent


class NewLimit(Given):
    """A limit to set; `percent` null takes a shop's own one away."""

    shop_id: Id | None = None
    role: Role
    percent: Percent | None


class CouponAnswer(Answer):
    """A code that takes something off. `used`: by orders that stand."""

    id: int
    code: str
    shop_id: int | None
    percent: Percent
    amount: Money
    minimum: Money
    starts_at: datetime | None
    ends_at: datetime | None
    max_uses: int | None
    used: int
    active: bool
    note: str | None
    version: int


class CouponFields(Given):
    """What a coupon takes off (per cent or an amount), from which sum on, where, when, how often."""

    percent: Percent | None = None
    amount: Price | None = None
    minimum: Price | None = None
    shop_id: Id | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    max_uses: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    active: bool = True
    note: ShortText | None = None


class NewCoupon(CouponFields):
    """A coupon to issue."""

    code: Code


class CouponChange(CouponFields):
    """What shall be different; what is absent stays. Orders that have it keep what they were given."""

    version: Version


class RateAnswer(Answer):
    """What it costs in these places (none: everywhere) up to this weight (null: any)."""

    places: list[str]
    to_weight_g: int | None
    cost: Money


class MethodAnswer(Answer):
    """A way of delivery; of its rates the first that fits counts. `free_from`: goods of this sum go free."""

    id: int
    shop_id: int
    name: str
    free_from: Money | None
    active: bool
    position: int
    rates: list[RateAnswer]
    version: int


class RateGiven(Given):
    """A rate. `places`: names of cities or regions, or beginnings of postcodes; none: everywhere."""

    places: Annotated[list[Label], Field(default_factory=list, max_length=200)]
    to_weight_g: Grams | None = None
    cost: Price


Rates = Annotated[list[RateGiven], Field(min_length=1, max_length=MOST_RATES)]


class MethodFields(Given):
    """What may be said of a way of delivery."""

    free_from: Price | None = None
    active: bool = True
    position: Annotated[int, Field(ge=0, le=10_000)] = 0


class NewMethod(MethodFields):
    """A way of delivery to offer."""

    shop_id: Id
    name: Label
    rates: Rates


class MethodChange(MethodFields):
    """What shall be different; what is absent stays, `rates` replaces all of them."""

    version: Version
    name: Label = "-"
    rates: Annotated[Rates, Field(default_factory=list)]


class MethodsQuery(Given):
    """Of which shop."""

    shop_id: Id | None = None


@operations.get("/discount-limits", right=EDIT_SELLING)
async def get_limits(request: web.Request) -> list[LimitAnswer]:
    """How far below its price each role may sell."""
    async with services(request).db.begin() as session:
        return [LimitAnswer.model_validate(it) for it in await discount_limit.list_limits(session)]


@operations.put("/discount-limits", right=EDIT_SELLING, errors=(404, 409))
async def put_limit(request: web.Request, body: NewLimit) -> list[LimitAnswer]:
    """Set a limit; answers all of them. 409 for taking away one that holds everywhere."""
    async with services(request).db.begin() as session:
        with possible():
            await discount_limit.put_limit(session, **body.model_dump(), user_id=person(request).user_id)
        return [LimitAnswer.model_validate(it) for it in await discount_limit.list_limits(session)]


@operations.get("/coupons", right=EDIT_SELLING)
async def get_coupons(request: web.Request) -> list[CouponAnswer]:
    """Coupons, the newest first."""
    async with services(request).db.begin() as session:
        return [CouponAnswer.model_validate(it) for it in await coupon.list_coupons(session)]


@operations.post("/coupons", right=EDIT_SELLING, errors=(404, 409))
async def post_coupon(request: web.Request, body: NewCoupon) -> CouponAnswer:
    """Issue a coupon. 409 when its code is in use, or when it takes nothing off."""
    async with services(request).db.begin() as session:
        with possible():
            made = await coupon.create_coupon(session, **body.model_dump(), user_id=person(request).user_id)
        return CouponAnswer.model_validate(made)


@operations.patch("/coupons/{coupon_id}", right=EDIT_SELLING, errors=(409,))
async def patch_coupon(request: web.Request, coupon_id: Id, body: CouponChange) -> CouponAnswer:
    """Change a coupon. 409 when `version` is stale."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    by = {"version": body.version, "user_id": person(request).user_id}
    async with services(request).db.begin() as session:
        with possible():
            changed = await coupon.update_coupon(session, coupon_id, changes=changes, **by)
        return CouponAnswer.model_validate(changed)


@operations.get("/delivery-methods", right=VIEW_ORDERS)
async def get_methods(request: web.Request, query: MethodsQuery) -> list[MethodAnswer]:
    """Ways of delivery in the order in which they are offered."""
    async with services(request).db.begin() as session:
        return [MethodAnswer.model_validate(it) for it in await delivery.list_methods(session, query.shop_id)]


@operations.post("/delivery-methods", right=EDIT_SELLING, errors=(404, 409))
async def post_method(request: web.Request, body: NewMethod) -> MethodAnswer:
    """Offer a way of delivery. 409 when the shop has one of this name."""
    given = body.model_dump(exclude={"rates"}) | {"rates": rates_of(body.rates)}
    async with services(request).db.begin() as session:
        with possible():
            made = await delivery.create_method(session, **given, user_id=person(request).user_id)
        return MethodAnswer.model_validate(made)


@operations.patch("/delivery-methods/{method_id}", right=EDIT_SELLING, errors=(409,))
async def patch_method(request: web.Request, method_id: Id, body: MethodChange) -> MethodAnswer:
    """Change a way of delivery. Orders that were agreed keep their costs. 409 when `version` is stale."""
    changes = body.model_dump(exclude_unset=True, exclude={"version", "rates"})
    if "rates" in body.model_fields_set:
        changes["rates"] = rates_of(body.rates)
    by = {"version": body.version, "user_id": person(request).user_id}
    async with services(request).db.begin() as session:
        with possible():
            changed = await delivery.update_method(session, method_id, changes=changes, **by)
        return MethodAnswer.model_validate(changed)


def rates_of(given: list[RateGiven]) -> list[RateWanted]:
    """The rates in the words of the service."""
    return [RateWanted(cost=Decimal(it.cost), places=it.places, to_weight_g=it.to_weight_g) for it in given]
