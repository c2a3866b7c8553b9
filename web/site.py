"""What the web shop tells about its visitors: carts and pages. For the shop's own program, not for browsers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from aiohttp import web
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from crm_core.site import PageView, Visitor, add_visits, put_cart
from web.api import Operations
from web.contacts import Email
from web.deals import Currency
from web.fields import Answer, ExternalId, Given, Id, Instant, Money, Name, ShortText
from web.listing import Price, possible
from web.rights import REPORT_SITE
from web.services import services

operations = Operations("site")
Address = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,1900}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+() ./-]{3,40}$")]
_ONE_OF_THREE: Any = {
    "anyOf": [
        {"required": [name], "properties": {name: {"type": kind}}}
        for name, kind in (("customer_id", "integer"), ("phone", "string"), ("email", "string"))
    ]
}


class Reported(Given):
    """Who it was (at least one of customer_id, phone, email) and in which shop."""

    model_config = ConfigDict(json_schema_extra=_ONE_OF_THREE)

    shop_id: Id
    customer_id: Id | None = None
    phone: Phone | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _somebody(self) -> "Reported":
        if self.customer_id is None and self.phone is None and self.email is None:
            raise ValueError("say who it was: customer_id, phone or email")
        return self

    @property
    def visitor(self) -> Visitor:
        return Visitor(customer_id=self.customer_id, phone=self.phone, email=self.email)


class CartItem(Given):
    """One line of a cart; with the SKU of a product of that shop it can become an order by one key."""

    name: Name
    quantity: Annotated[int, Field(ge=1, le=9999)] = 1
    price: Price = Decimal(0)
    sku: ShortText | None = None


class CartReport(Reported):
    """A cart as it is now; without items it was emptied, or was ordered on the site."""

    items: Annotated[list[CartItem], Field(max_length=100)]
    total: Price
    currency: Currency
    updated_at: Instant
    url: Address | None = None


class CartAnswer(Answer):
    """The cart as it is kept; `customer_id` is null while nobody knows whose it is."""

    id: int
    external_id: str
    shop_id: int
    customer_id: int | None
    items: list[dict[str, Any]]
    total: Money
    currency: str
    url: str | None
    order_id: int | None
    updated_at: datetime


class PageReport(Given):
    """One page that was looked at."""

    id: ExternalId
    url: Address
    title: Name
    at: Instant


class VisitsReport(Reported):
    """Pages that one visitor looked at."""

    visits: Annotated[list[PageReport], Field(min_length=1, max_length=100)]


class VisitsAnswer(Answer):
    """How many of the pages were new; the others were known already."""

    added: int


@operations.put("/carts/{external_id}", audited=False, right=REPORT_SITE, errors=(409,))
async def put_site_cart(request: web.Request, external_id: ExternalId, body: CartReport) -> CartAnswer:
    """Report a cart. An older state than the one we know changes nothing. 409 for a number that is none."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            cart = await put_cart(
                session,
                external_id,
                shop_id=body.shop_id,
                visitor=body.visitor,
                items=[item.model_dump(mode="json") for item in body.items],
                total=body.total,
                currency=body.currency,
                url=body.url,
                updated_at=body.updated_at,
                now=parts.now(),
            )
        return CartAnswer.model_validate(cart)


@operations.post("/visits", audited=False, right=REPORT_SITE, status=200, errors=(404, 409))
async def post_visits(request: web.Request, body: VisitsReport) -> VisitsAnswer:
    """Report pages that one visitor looked at. 404 for an unknown shop or customer."""
    parts = services(request)
    views = [
        PageView(external_id=each.id, url=each.url, title=each.title, at=each.at) for each in body.visits
    ]
    async with parts.db.begin() as session:
        with possible():
            added = await add_visits(
                session, views, shop_id=body.shop_id, visitor=body.visitor, now=parts.now()
            )
    return VisitsAnswer(added=added)
