"""Customers in the API: found, read, added, changed; their numbers and notes."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints, computed_field

from crm_core import customer as service
from crm_core import sent_key
from crm_core.custom_value import Value
from crm_core.customer import Sex
from crm_core.mention import write_note
from crm_core.read.customers import CustomerPage, list_customers, load_customer
from web.api import Operations
from web.contacts import AddressAnswer, ContactAnswer, Country, Email
from web.fields import (
    BIGGEST_ID,
    NUMBER,
    Answer,
    Day,
    Given,
    Id,
    Key,
    LongText,
    Money,
    Name,
    ShortText,
    Version,
)
from web.listing import Listed, Listing, Text, possible, shown
from web.rights import EDIT_CUSTOMERS, VIEW_CUSTOMERS, VIEW_PURCHASES, Person
from web.services import services
from web.sessions import person
from web.users import Zone

operations = Operations("customers")
Written = Annotated[
    str,
    StringConstraints(pattern=NUMBER),
    Field(description="a telephone number as people write it"),
]


class CustomerFilters(Given):
    """Which customers. `query`: the beginnings of names, a number or its last digits, an e-mail; `recency` and
    `frequency`: a cell of the matrix."""

    query: Text = ""
    mark: Literal["vip", "bad"] | None = None
    segment_id: Id | None = None
    category: ShortText | None = None
    customer_type: ShortText | None = None
    source: ShortText | None = None
    tag: ShortText | None = None
    manager_id: (
        Annotated[int, Field(ge=0, le=BIGGEST_ID, description="0: nobody looks after them")] | None
    ) = None
    recency: Annotated[int, Field(ge=1, le=5, description="5: bought in the last 30 days")] | None = None
    frequency: Annotated[int, Field(ge=1, le=5, description="1: bought once")] | None = None


class CustomersQuery(CustomerFilters, Listed):
    """Which customers, a page at a time."""


class NumberAnswer(Answer):
    """A number of a customer: as it is dialled, as it is said."""

    id: int
    e164: str
    raw: str
    label: str | None

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know decorated properties
    @property
    def display(self) -> str:
        return shown(self.e164) or self.raw


class CustomerItem(Answer):
    """A customer in a list; `e164` is the first of the numbers, `sum` what was bought in `currency`."""

    id: int
    name: str
    vip: bool
    bad: bool
    email: str | None
    city: str | None
    country: str | None
    tags: list[str]
    e164: str | None
    orders: int
    sum: Money
    currency: str | None
    last_at: datetime | None
    created_at: datetime

    @computed_field  # type: ignore[prop-decorator]
    @property
    def display(self) -> str | None:
        return shown(self.e164)


class TotalsAnswer(Answer):
    """What a customer has been for the shop; cancelled and returned orders do not count."""

    orders: int
    sum: Money
    currency: str | None
    last_at: datetime | None
    calls: int
    talk_s: float
    last_call_at: datetime | None
    average: Money | None = Field(description="of the orders in `currency`")
    first_source: str | None = Field(description="what is written down, else where the person was first met")
    margin: Money | None = Field(
        description="null without the right purchases.view, and when it is not known"
    )
    margin_of: int = Field(description="orders of which the margin is known")


class CustomerAnswer(Answer):
    """One customer with all that is known; `version` must be sent back with a change."""

    id: int
    name: str
    vip: bool
    bad: bool
    email: str | None
    city: str | None
    country: str | None
    address: str | None
    timezone: str | None
    birthday: date | None
    tags: list[str]
    source: str | None
    price_list: str | None
    sex: Sex | None
    category: str | None
    customer_type: str | None
    manager_id: int | None
    manager: str | None
    note: str | None
    custom: dict[str, Value] = Field(description="values of the fields of one's own, by their code")
    version: int
    created_at: datetime
    numbers: list[NumberAnswer]
    contacts: list[ContactAnswer]
    addresses: list[AddressAnswer]
    totals: TotalsAnswer


class CustomerFields(Given):
    """What may be written about a customer; null empties a field."""

    email: Email | None = None
    city: ShortText | None = None
    country: Country | None = None
    address: ShortText | None = None
    timezone: Zone | None = None
    birthday: Day | None = None
    vip: bool = False
    bad: bool = False
    tags: Annotated[list[Name], Field(default_factory=list, max_length=30)]
    source: ShortText | None = None
    note: LongText | None = None
    price_list: Annotated[ShortText | None, Field(description="at whose prices the person buys")] = None
    sex: Sex | None = None
    category: ShortText | None = None
    customer_type: ShortText | None = None
    manager_id: Annotated[Id | None, Field(description="the colleague who looks after the person")] = None


class NewCustomer(CustomerFields):
    """A customer to add."""

    name: Name
    numbers: Annotated[list[Written], Field(default_factory=list, max_length=10)]
    key: Key = None


class CustomerChange(CustomerFields):
    """What shall be different; what is absent stays."""

    version: Version
    name: Name = ""


class NewNumber(Given):
    """A number to add, as people write it."""

    number: Written
    label: ShortText | None = None


class NewNote(Given):
    """Something to remember about a customer."""

    text: Annotated[Name, StringConstraints(max_length=4000)]


class NoteAnswer(Answer):
    """What somebody wrote about a customer."""

    id: int
    text: str
    created_at: datetime
    user_id: int | None


def seen(request: web.Request, customer: CustomerPage) -> CustomerAnswer:
    """The customer as this person may see him: the margin is a right."""
    return CustomerAnswer.model_validate(without_margin(customer, person(request)))


def without_margin(customer: CustomerPage, who: Person) -> CustomerPage:
    """The same without the margin, unless `who` may see it."""
    if who.may(VIEW_PURCHASES):
        return customer
    return replace(customer, totals=replace(customer.totals, margin=None, margin_of=0))


@operations.get("/customers", right=VIEW_CUSTOMERS, errors=(404, 409))
async def get_customers(request: web.Request, query: CustomersQuery) -> Listing[CustomerItem]:
    """Customers by name. 409 when the rules of the segment name a field that there is no more."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            found = await list_customers(session, now=parts.now(), **query.model_dump())
    return Listing[CustomerItem].model_validate(found)


@operations.post("/customers", right=EDIT_CUSTOMERS, errors=(409,))
async def post_customer(request: web.Request, body: NewCustomer) -> CustomerAnswer:
    """Add a customer. 409 for a number that is none or is one of our lines, or when there is no such manager."""
    parts = services(request)
    country = body.country or parts.settings.country
    async with parts.db.begin() as session:
        if (
            body.key is not None
            and (known := await sent_key.done_for(session, "customer", body.key)) is not None
        ):
            return seen(request, await load_customer(session, known))
        with possible():
            made = await service.create_customer(
                session, country=country, **body.model_dump(exclude={"country", "key"})
            )
        await session.flush()
        if body.key is not None:
            await sent_key.remember(session, body.key, made.id)
        return seen(request, await load_customer(session, made.id))


@operations.get("/customers/{customer_id}", right=VIEW_CUSTOMERS)
async def get_customer(request: web.Request, customer_id: Id) -> CustomerAnswer:
    """One customer; of two that were merged, the one that stayed."""
    async with services(request).db.begin() as session:
        return seen(request, await load_customer(session, customer_id))


@operations.patch("/customers/{customer_id}", right=EDIT_CUSTOMERS, errors=(409,))
async def patch_customer(request: web.Request, customer_id: Id, body: CustomerChange) -> CustomerAnswer:
    """Change a customer. 409 when `version` is stale, or there is no such manager."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    async with services(request).db.begin() as session:
        with possible():
            made = await service.update_customer(session, customer_id, version=body.version, changes=changes)
        await session.flush()
        return seen(request, await load_customer(session, made.id))


@operations.post("/customers/{customer_id}/numbers", right=EDIT_CUSTOMERS, errors=(409,))
async def post_number(request: web.Request, customer_id: Id, body: NewNumber) -> NumberAnswer:
    """Give a customer one more number; one they have already comes back. 409 for one that is none or ours."""
    country = services(request).settings.country
    async with services(request).db.begin() as session:
        with possible():
            made = await service.add_number(
                session, customer_id, body.number, country=country, label=body.label
            )
        return NumberAnswer.model_validate(made)


@operations.delete("/customers/{customer_id}/numbers/{number_id}", right=EDIT_CUSTOMERS)
async def delete_number(request: web.Request, customer_id: Id, number_id: Id) -> None:
    """Take a number from a customer."""
    async with services(request).db.begin() as session:
        await service.remove_number(session, customer_id, number_id)


@operations.post("/customers/{customer_id}/notes", right=EDIT_CUSTOMERS)
async def post_note(request: web.Request, customer_id: Id, body: NewNote) -> NoteAnswer:
    """Write something down about a customer; colleagues named in it (@login) are told."""
    parts = services(request)
    async with parts.db.begin() as session:
        made = await write_note(
            session, customer_id, body.text, user_id=person(request).user_id, at=parts.now()
        )
        return NoteAnswer.model_validate(made)
