"""Fields of one's own in the API: defined by administrators, filled by whoever may edit the thing itself."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import custom_field as service
from crm_core.custom_field import MOST_OPTIONS, FieldOf
from crm_core.custom_value import LONGEST, FieldKind, Value
from web.api import Operations
from web.calls import own_call
from web.fields import VISIBLE, Answer, Given, Id, Version
from web.listing import possible
from web.noted import note
from web.rights import (
    EDIT_CALLS,
    EDIT_CUSTOMERS,
    EDIT_DEALS,
    EDIT_FIELDS,
    EDIT_ORDERS,
    VIEW_CUSTOMERS,
    VIEW_DEALS,
    VIEW_ORDERS,
)
from web.services import services
from web.sessions import person

operations = Operations("custom fields")
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Option = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=VISIBLE)]
Options = Annotated[list[Option], Field(max_length=MOST_OPTIONS)]
GivenValue = Annotated[str, StringConstraints(max_length=LONGEST)] | bool | int | float | list[Option] | None


class CustomFieldAnswer(Answer):
    """A field; `code` names it among the values and never changes. Not active: not shown, values are kept."""

    id: int
    object: FieldOf
    code: str
    name: str
    kind: FieldKind
    options: list[str]
    position: int
    active: bool
    version: int


class NewCustomField(Given):
    """A field to define; its kind can not be changed later. `options`: of choice and choices."""

    object: FieldOf
    name: Label
    kind: FieldKind
    options: Annotated[Options, Field(default_factory=list)]


class CustomFieldChange(Given):
    """What shall be different; what is absent stays. An option taken away stays where it was chosen."""

    version: Version
    name: Label | None = None
    options: Options | None = None
    position: Annotated[int, Field(ge=0, le=10_000)] | None = None
    active: bool | None = None


class ValuesGiven(Given):
    """Values by the code of their field; null empties one, those not named stay."""

    values: dict[str, GivenValue]


class ValuesAnswer(Answer):
    """All values of the thing: numbers as text ("12.5"), days as "2026-01-31"."""

    values: dict[str, Value]


@operations.get("/custom-fields", right=VIEW_CUSTOMERS)
async def get_custom_fields(request: web.Request) -> list[CustomFieldAnswer]:
    """Every field in its order."""
    async with services(request).db.begin() as session:
        return [CustomFieldAnswer.model_validate(it) for it in await service.list_fields(session)]


@operations.post("/custom-fields", right=EDIT_FIELDS, errors=(409,))
async def post_custom_field(request: web.Request, body: NewCustomField) -> CustomFieldAnswer:
    """Define a field. 409 when the name is taken, or a choice has no options."""
    async with services(request).db.begin() as session:
        with possible():
            made = await service.add_field(
                session, object_=body.object, **body.model_dump(exclude={"object"})
            )
        await note(session, request, "custom_field.add", made.id, name=made.name, kind=made.kind)
        return CustomFieldAnswer.model_validate(made)


@operations.patch("/custom-fields/{field_id}", right=EDIT_FIELDS, errors=(409,))
async def patch_custom_field(
    request: web.Request, field_id: Id, body: CustomFieldChange
) -> CustomFieldAnswer:
    """Change a field. 409 when `version` is stale, the name is taken, or a choice is left without options."""
    changes = body.model_dump(exclude_none=True, exclude={"version"})
    async with services(request).db.begin() as session:
        with possible():
            changed = await service.change_field(session, field_id, version=body.version, changes=changes)
        await note(session, request, "custom_field.change", field_id, **changes)
        return CustomFieldAnswer.model_validate(changed)


@operations.get("/customers/{customer_id}/custom", right=VIEW_CUSTOMERS)
async def get_customer_values(request: web.Request, customer_id: Id) -> ValuesAnswer:
    """The values of a customer's fields."""
    return await _read(request, FieldOf.CUSTOMER, customer_id)


@operations.get("/orders/{order_id}/custom", right=VIEW_ORDERS)
async def get_order_values(request: web.Request, order_id: Id) -> ValuesAnswer:
    """The values of an order's fields."""
    return await _read(request, FieldOf.ORDER, order_id)


@operations.get("/deals/{deal_id}/custom", right=VIEW_DEALS)
async def get_deal_values(request: web.Request, deal_id: Id) -> ValuesAnswer:
    """The values of a deal's fields."""
    return await _read(request, FieldOf.DEAL, deal_id)


@operations.get("/calls/{call_id}/custom", right=EDIT_CALLS, errors=(503,))
async def get_call_values(request: web.Request, call_id: UUID) -> ValuesAnswer:
    """The values of a call's fields; an operator those of his own calls."""
    return await _read(request, FieldOf.CALL, call_id)


@operations.patch("/customers/{customer_id}/custom", right=EDIT_CUSTOMERS, errors=(409,))
async def patch_customer_values(request: web.Request, customer_id: Id, body: ValuesGiven) -> ValuesAnswer:
    """Fill a customer's fields. 409 for a field that there is not, or a value that does not fit it."""
    return await _fill(request, FieldOf.CUSTOMER, customer_id, body)


@operations.patch("/orders/{order_id}/custom", right=EDIT_ORDERS, errors=(409,))
async def patch_order_values(request: web.Request, order_id: Id, body: ValuesGiven) -> ValuesAnswer:
    """Fill an order's fields. 409 as for customers."""
    return await _fill(request, FieldOf.ORDER, order_id, body)


@operations.patch("/deals/{deal_id}/custom", right=EDIT_DEALS, errors=(409,))
async def patch_deal_values(request: web.Request, deal_id: Id, body: ValuesGiven) -> ValuesAnswer:
    """Fill a deal's fields. 409 as for customers."""
    return await _fill(request, FieldOf.DEAL, deal_id, body)


@operations.patch("/calls/{call_id}/custom", right=EDIT_CALLS, errors=(409, 503))
async def patch_call_values(request: web.Request, call_id: UUID, body: ValuesGiven) -> ValuesAnswer:
    """Fill a call's fields; an operator those of his own calls. 409 as for customers."""
    return await _fill(request, FieldOf.CALL, call_id, body)


async def _read(request: web.Request, object_: FieldOf, id_: int | UUID) -> ValuesAnswer:
    async with services(request).db.begin() as session:
        if isinstance(id_, UUID):
            id_ = await own_call(request, session, id_)
        return ValuesAnswer(values=dict(await service.get_values(session, object_, id_)))


async def _fill(request: web.Request, object_: FieldOf, id_: int | UUID, body: ValuesGiven) -> ValuesAnswer:
    parts = services(request)
    async with parts.db.begin() as session:
        if isinstance(id_, UUID):
            id_ = await own_call(request, session, id_)
        with possible():
            values = await service.set_values(
                session, object_, id_, body.values, user_id=person(request).user_id, at=parts.now()
            )
        return ValuesAnswer(values=dict(values))
