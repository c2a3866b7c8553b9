"""Fields of one's own on pages: the panel of a customer, order, deal or call, and where they are defined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import CustomField, FieldOf, get_values, list_fields
from crm_core.custom_value import FieldKind, Value
from crm_core.errors import Conflict, Invalid
from web import custom_fields
from web.errors import Refusal
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_CALLS, EDIT_CUSTOMERS, EDIT_DEALS, EDIT_FIELDS, EDIT_ORDERS
from web.services import services

pages = Pages()
KINDS = {
    FieldKind.TEXT: "text",
    FieldKind.NUMBER: "number",
    FieldKind.DATE: "day",
    FieldKind.YES_NO: "yes or no",
    FieldKind.CHOICE: "one of several",
    FieldKind.CHOICES: "some of several",
}
OBJECTS = {
    FieldOf.CUSTOMER: "Customers",
    FieldOf.ORDER: "Orders",
    FieldOf.DEAL: "Deals",
    FieldOf.CALL: "Calls",
}
PREFIX = "custom."


@dataclass(frozen=True, kw_only=True)
class CustomPanel:
    """What `custom_panel.html` shows; `address` is where its form goes."""

    fields: Sequence[CustomField]
    values: Mapping[str, Value]
    address: str


async def panel_of(session: AsyncSession, object_: FieldOf, id_: int | UUID) -> CustomPanel:
    """The fields of one thing with their values."""
    fields = await list_fields(session, object_, active=True)
    values = await get_values(session, object_, id_) if fields else {}
    return CustomPanel(fields=fields, values=values, address=f"/{object_}s/{id_}/custom")


@pages.post("/customers/{customer_id}/custom", right=EDIT_CUSTOMERS)
async def fill_customer(request: web.Request) -> web.Response:
    """Fill the fields of a customer."""
    id_ = number_in(request, "customer_id")
    return await _fill(request, custom_fields.patch_customer_values, id_)


@pages.post("/orders/{order_id}/custom", right=EDIT_ORDERS)
async def fill_order(request: web.Request) -> web.Response:
    """Fill the fields of an order."""
    return await _fill(request, custom_fields.patch_order_values, number_in(request, "order_id"))


@pages.post("/deals/{deal_id}/custom", right=EDIT_DEALS)
async def fill_deal(request: web.Request) -> web.Response:
    """Fill the fields of a deal."""
    return await _fill(request, custom_fields.patch_deal_values, number_in(request, "deal_id"))


@pages.post("/calls/{call_id}/custom", right=EDIT_CALLS)
async def fill_call(request: web.Request) -> web.Response:
    """Fill the fields of a call."""
    try:
        call_id = UUID(request.match_info["call_id"])
    except ValueError:
        raise web.HTTPNotFound from None
    return await _fill(request, custom_fields.patch_call_values, call_id)


async def _fill(request: web.Request, act: Any, id_: int | UUID) -> web.Response:
    back = request.path.removesuffix("/custom")
    form = await request.post()
    values: dict[str, Any] = {}
    for name in dict.fromkeys(form):
        if name.startswith(PREFIX):
            said = [part for part in form.getall(name) if isinstance(part, str) and part]
            several = form.get(f"several.{name}") is not None
            values[name.removeprefix(PREFIX)] = said if several else (said[0] if said else None)
    try:
        await act(request, id_, custom_fields.ValuesGiven(values=values))
    except (Conflict, Invalid, Refusal) as refusal:
        flash = Flash("bad", str(refusal))
        return render(request, "refused.html", {"back": back}, flash=flash)
    return go(f"{back}#own-fields", "saved")


@pages.get("/fields", right=EDIT_FIELDS)
async def show_fields(request: web.Request) -> web.Response:
    """Every field by what it belongs to, with a form for a new one."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        fields = await list_fields(session)
    context = {
        "groups": [
            (code, said, [it for it in fields if it.object == code]) for code, said in OBJECTS.items()
        ],
        "objects": list(OBJECTS.items()),
        "kinds": KINDS,
        "with_options": (FieldKind.CHOICE, FieldKind.CHOICES),
    }
    return render(request, "fields.html", context, flash=flash, typed=typed)


@pages.post("/fields", right=EDIT_FIELDS)
async def add_field(request: web.Request) -> web.Response:
    """Define a field."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(custom_fields.NewCustomField, typed, options=_lines(typed))
        made = await custom_fields.post_custom_field(request, body)
        return go(f"/fields#field-{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/fields/{field_id}", right=EDIT_FIELDS)
async def change_field(request: web.Request) -> web.Response:
    """Rename a field, move it, change its options, hide it."""
    field_id = number_in(request, "field_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        options = {"options": _lines(typed)} if "options" in typed else {}
        body = checked(custom_fields.CustomFieldChange, typed, active=typed.get("active") == "yes", **options)
        await custom_fields.patch_custom_field(request, field_id, body)
        return go(f"/fields#field-{field_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _lines(typed: Mapping[str, str]) -> list[str]:
    return [line.strip() for line in typed.get("options", "").splitlines() if line.strip()]
