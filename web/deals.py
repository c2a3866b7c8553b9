"""Deals in the API: found, read, opened, moved through the funnel."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints, computed_field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import sent_key
from crm_core.deal import create_deal, update_deal
from crm_core.deal_goods import MOST_LINES, GoodsWanted
from crm_core.deal_rows import Deal
from crm_core.order_stock import MOST_PIECES
from crm_core.read.deals import kinds_of_sale, list_deals, list_steps, load_deal
from crm_core.window_draft import use_up
from web.api import Operations
from web.calls import own_call, tell_desk
from web.fields import (
    CURRENCY,
    Answer,
    Clock,
    Day,
    Given,
    Id,
    Instant,
    Key,
    LongText,
    Money,
    Name,
    ShortText,
    UsedUp,
    Version,
)
from web.listing import Listed, Listing, Price, Text, possible, shown
from web.pages import users_to_choose
from web.rights import EDIT_DEALS, VIEW_DEALS, Person
from web.services import services
from web.sessions import person

operations = Operations("deals")
Currency = Annotated[str, StringConstraints(pattern=CURRENCY), Field(description="ISO 4217")]
StageCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$"), Field(description="a stage of the deal's funnel")
]


class DealsQuery(Listed):
    """Which deals. `query`: words of the title, the customer's name or number; `since` and `until` bound the
    opening; `stuck`: longer in their stage than it allows; `talk`: did anybody talk about it with the customer?"""

    query: Text = ""
    funnel_id: Id | None = None
    stage: StageCode | None = None
    open_only: bool = False
    stuck: bool = False
    talk: Literal["some", "none"] | None = None
    since: Instant | None = None
    until: Instant | None = None
    responsible_id: Id | None = None
    customer_id: Id | None = None


class WantedGoods(Given):
    """Goods of a deal; without a price at what the customer pays by the list."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    price: Price | None = None


class DealFields(Given):
    """What is agreed in a deal. `for_all`: every colleague may work on it; `from_store`: goods, amount and delivery
    are those of an order, also before there is one; with `items` the amount is their sum."""

    kind_of_sale: ShortText | None = None
    probability: Annotated[int, Field(ge=0, le=100, description="per cent")] | None = None
    for_all: bool = False
    from_store: bool = False
    comment: LongText | None = None
    delivery_date: Day | None = None
    delivery_from: Clock | None = None
    delivery_until: Clock | None = None
    items: Annotated[list[WantedGoods], Field(default_factory=list, max_length=MOST_LINES)]


class NewDeal(DealFields):
    """A chance to sell. Nobody named: the one who opens it is responsible; no funnel or stage named: the first.
    A lost stage needs a `lost_reason_id`; `call_id`: the call in which it is opened, which is linked to it."""

    title: Name
    customer_id: Id
    currency: Currency
    amount: Price = Decimal(0)
    funnel_id: Id | None = None
    stage: StageCode | None = None
    lost_reason_id: Id | None = None
    responsible_id: Id | None = None
    call_id: UUID | None = None
    key: Key = None
    draft: UsedUp = None


class DealChange(DealFields):
    """What shall be different; what is absent stays, `items` replaces all. What `owned` names is not typed. A stage
    that goes with a status of orders takes them along. A lost stage needs a `lost_reason_id`."""

    version: Version
    title: Name = ""
    funnel_id: Id | None = None
    stage: StageCode | None = None
    lost_reason_id: Id | None = None
    amount: Price = Decimal(0)
    responsible_id: Id | None = None
    call_id: UUID | None = None
    key: Key = None
    draft: UsedUp = None


class DealAnswer(Answer):
    """A deal; with orders its amount is the sum of theirs. `version` must be sent back with a change; `owned`:
    the fields that can not be typed, with the reason; after `stuck_at` it is stuck in its stage."""

    id: int
    title: str
    funnel_id: int
    funnel: str
    stage: str
    stage_label: str
    kind: str = Field(description="open, won or lost")
    stage_since: datetime
    stuck_at: datetime | None
    lost_reason_id: int | None
    lost_reason: str | None
    owned: dict[str, str]
    open: bool
    amount: Money
    currency: str
    customer_id: int
    customer_name: str = Field(validation_alias="customer")
    e164: str | None
    responsible_id: int | None
    responsible: str | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    kind_of_sale: str | None
    probability: int | None
    for_all: bool
    from_store: bool
    comment: str | None
    delivery_date: date | None
    delivery_from: Clock | None
    delivery_until: Clock | None
    goods: int = Field(description="lines of goods that are wanted while there is no order")
    orders: int
    calls: int
    talk_s: float
    last_call_at: datetime | None

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know decorated properties
    @property
    def display(self) -> str | None:
        return shown(self.e164)


class GoodsAnswer(Answer):
    """One line of goods; `list_price`: what it cost this customer by the list when it was agreed."""

    product_id: int
    sku: str
    name: str
    quantity: int
    price: Money
    list_price: Money
    sum: Money


class WholeDeal(DealAnswer):
    """A deal with its goods; once there is an order, they are the order's."""

    items: list[GoodsAnswer]


class StepAnswer(Answer):
    """One step of a deal, in the words of that day; `until` is when it went on."""

    id: int
    funnel: str
    from_stage: str | None
    to_stage: str
    reason: str | None
    user_id: int | None
    user: str | None
    call_id: UUID | None
    created_at: datetime
    until: datetime | None


class ColleagueAnswer(Answer):
    """Somebody who may be responsible for a deal."""

    id: int
    name: str


class DealChoices(Answer):
    """What a deal is chosen from besides `GET /funnels`: colleagues, and kinds of sale that were typed before."""

    colleagues: list[ColleagueAnswer]
    kinds: list[str]


@operations.get("/deal-choices", right=EDIT_DEALS)
async def get_deal_choices(request: web.Request) -> DealChoices:
    """What the form of a deal offers."""
    async with services(request).db.begin() as session:
        colleagues = [ColleagueAnswer(id=id_, name=name) for id_, name in await users_to_choose(session)]
        return DealChoices(colleagues=colleagues, kinds=await kinds_of_sale(session))


@operations.get("/deals", right=VIEW_DEALS, errors=(404,))
async def get_deals(request: web.Request, query: DealsQuery) -> Listing[DealAnswer]:
    """Deals, newest first."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await list_deals(session, now=parts.now(), **query.model_dump())
        return Listing[DealAnswer].model_validate(found)


@operations.get("/deals/{deal_id}", right=VIEW_DEALS)
async def get_deal(request: web.Request, deal_id: Id) -> WholeDeal:
    """One deal."""
    async with services(request).db.begin() as session:
        return WholeDeal.model_validate(await load_deal(session, deal_id))


@operations.get("/deals/{deal_id}/steps", right=VIEW_DEALS)
async def get_steps(request: web.Request, deal_id: Id) -> list[StepAnswer]:
    """The way of a deal through its stages, the newest step first: who, when, in which call."""
    async with services(request).db.begin() as session:
        await load_deal(session, deal_id)
        return [StepAnswer.model_validate(it) for it in await list_steps(session, deal_id)]


@operations.post("/deals", right=EDIT_DEALS, errors=(404, 409))
async def post_deal(request: web.Request, body: NewDeal) -> WholeDeal:
    """Open a deal. 404 for an unknown customer, funnel or call, 409 for an unknown colleague, stage or product, and for
    prices lower than this role may give. The same sent again with the same `key` opens nothing."""
    parts = services(request)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        made = await opened(session, body, at=parts.now(), who=person(request), call_id=call_id)
        await use_up(session, person(request).user_id, body.draft)
        answer = WholeDeal.model_validate(await load_deal(session, made.id))
    await tell_desk(parts, call_id)
    return answer


async def opened(
    session: AsyncSession, body: NewDeal, *, at: datetime, who: Person, call_id: UUID | None = None
) -> Deal:
    """The deal as it was asked for; whoever opens it is responsible unless another is named."""
    given = body.model_dump(exclude={"items", "call_id", "draft"})
    given |= {"responsible_id": body.responsible_id or who.user_id, "call_id": call_id}
    with possible():
        goods = wanted_goods(body.items)
        made = await create_deal(session, at=at, items=goods, user_id=who.user_id, role=who.role, **given)
    await session.flush()
    return made


def wanted_goods(items: list[WantedGoods]) -> list[GoodsWanted]:
    """The lines in the words of the service."""
    return [GoodsWanted(**dict(it)) for it in items]


@operations.patch("/deals/{deal_id}", right=EDIT_DEALS, errors=(409,))
async def patch_deal(request: web.Request, deal_id: Id, body: DealChange) -> WholeDeal:
    """Change a deal. 409 when `version` is stale, for what is not the deal's to say (`owned`), for a deal lost
    without a reason, for one closed without a conversation where its funnel asks for one, for prices lower than this
    role may give, and when the goods of an order that would follow are not there."""
    parts, who = services(request), person(request)
    changes = body.model_dump(exclude_unset=True, exclude={"version", "call_id", "items", "key", "draft"})
    if "items" in body.model_fields_set:
        changes["items"] = wanted_goods(body.items)
    async with parts.db.begin() as session:
        if body.key is not None and await sent_key.done_for(session, "deal", body.key) is not None:
            return WholeDeal.model_validate(await load_deal(session, deal_id))
        with possible():
            await update_deal(
                session,
                deal_id,
                version=body.version,
                changes=changes,
                at=parts.now(),
                user_id=who.user_id,
                role=who.role,
                call_id=body.call_id,
            )
        await session.flush()
        if body.key is not None:
            await sent_key.remember(session, body.key, deal_id)
        await use_up(session, who.user_id, body.draft)
        return WholeDeal.model_validate(await load_deal(session, deal_id))
