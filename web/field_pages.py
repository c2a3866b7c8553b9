"""Fields of one's own on pages: the panel of a customer, order, deal or call, and where they are defined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import CustomField, FieldOf, get_values, list_fields
from crm_core.custom_value import FieldKind, Value
from web import custom_fields
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_FIELDS
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
