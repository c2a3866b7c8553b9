"""Web forms that make leads: which site may send them, what they ask, who gets what comes."""

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.lead_rows import LeadForm
from crm_core.shop import Shop
from crm_core.user import User

EDITABLE = frozenset(("name", "origin", "fields", "responsible_id", "role", "active", "shop_id"))
MOST_FIELDS = 20
KEY = r"^[A-Za-z0-9_-]{16,64}$"


async def create_form(session: AsyncSession, **fields: Any) -> LeadForm:
    """Add a form; `fields` are those of `EDITABLE`. Its key can not be guessed. Raises `Invalid`."""
    form = LeadForm(key=secrets.token_urlsafe(18), name="", fields=[], active=True, version=1)
    await _apply(session, form, fields)
    session.add(form)
    await session.flush()
    return form


async def update_form(
    session: AsyncSession, form_id: int, *, version: int, changes: Mapping[str, Any]
) -> LeadForm:
    """Change the fields in `changes`. Raises `NotFound`, `Invalid`, `Conflict` when `version` is stale."""
    form = await session.get(LeadForm, form_id, with_for_update=True)
    if form is None:
        raise NotFound("There is no such form.")
    if form.version != version:
        raise Conflict(f"The form “{form.name}” was changed by somebody else meanwhile.")
    await _apply(session, form, changes)
    form.version += 1
    await session.flush()
    return form


async def form_of(session: AsyncSession, key: str) -> LeadForm:
    """The active form with this key. Raises `NotFound`."""
    found = await session.scalar(select(LeadForm).where(LeadForm.key == key, LeadForm.active))
    if found is None:
        raise NotFound("There is no such form.")
    return found


async def list_forms(session: AsyncSession) -> Sequence[LeadForm]:
    """Every form, by name."""
    return (await session.scalars(select(LeadForm).order_by(LeadForm.name, LeadForm.id))).all()


def checked_origin(written: str | None) -> str | None:
    """A site as a browser names it: "https://shop.example"; None for none. Raises `Invalid`. Pure."""
    if not (written or "").strip():
        return None
    parts = urlsplit((written or "").strip())
    host = re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", parts.netloc)
    if parts.scheme not in ("http", "https") or not host or parts.path.strip("/") or parts.query:
        raise Invalid("Write the site as https://shop.example, without a page.", "origin")
    return f"{parts.scheme}://{parts.netloc.lower()}"


async def _apply(session: AsyncSession, form: LeadForm, changes: Mapping[str, Any]) -> None:
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A form has no field {min(strangers)[:40]!r} to change.", min(strangers))
    given = dict(changes)
    if "name" in given:
        given["name"] = " ".join((given["name"] or "").split())[:60]
    if "origin" in given:
        given["origin"] = checked_origin(given["origin"])
    if "fields" in given:
        given["fields"] = list(dict.fromkeys(it.strip()[:60] for it in given["fields"] if it.strip()))
        if len(given["fields"]) > MOST_FIELDS:
            raise Invalid(f"A form asks at most {MOST_FIELDS} things more.", "fields")
    if "shop_id" in given and await session.get(Shop, given["shop_id"]) is None:
        raise Invalid(f"There is no shop {given['shop_id']}.", "shop_id")
    if given.get("responsible_id") is not None and await session.get(User, given["responsible_id"]) is None:
        raise Invalid(f"There is no user {given['responsible_id']}.", "responsible_id")
    for field, value in given.items():
        setattr(form, field, value)
    if not form.name:
        raise Invalid("A form needs a name.", "name")
    if form.responsible_id is None and form.role is None:
        raise Invalid("Say who gets what comes: somebody, or a group.", "responsible_id")
