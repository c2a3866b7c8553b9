"""What people type into the forms of an order, as the API takes it."""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Invalid
from crm_core.product import Product
from web.forms import checked
from web.order_models import OrderEdit, WantedItem
from web.pages import local_instant
from web.rights import Person

COLUMNS = ("sku", "quantity", "product_id", "name", "price", "line_discount")
_OFF = re.compile(r"([0-9]{1,7}(?:[.,][0-9]{1,2})?) ?(%?)")


def written_off(text: str, field: str) -> dict[str, str]:
    """A discount as people write it, "10 %" or "5.00"; empty is none. Raises `Invalid`."""
    if not text:
        return {"discount_percent": "0", "discount_amount": "0"}
    found = _OFF.fullmatch(text)
    if found is None:
        raise Invalid("Write a discount as 10 % or as a sum such as 5.00.", field)
    number, share = found[1].replace(",", "."), bool(found[2])
    return {"discount_percent": number if share else "0", "discount_amount": "0" if share else number}


def said_off(percent: Any, amount: Any) -> str:
    """The same the other way round, for the field of a form."""
    if percent:
        return f"{percent.normalize():f} %"
    return f"{amount:.2f}" if amount else ""


async def edited(
    session: AsyncSession, request: web.Request, typed: Mapping[str, str], who: Person, shop_id: int
) -> OrderEdit:
    """What the form asks for. After a clash `only` names what this person changed, and a field that he leaves to
    the other (`keep_…` = theirs) is not touched. Raises `Invalid`, `Refusal`."""
    given: dict[str, Any] = dict(typed)
    if typed.get("part") == "items":
        given["items"] = await articles(session, request, shop_id)
        given |= written_off(typed["discount"], "discount") if "discount" in typed else {}
    if typed.get("part") == "state":
        given["needs_call"] = typed.get("needs_call") == "yes"
    if typed.get("promised_at"):
        given["promised_at"] = local_instant(typed["promised_at"], who, "promised_at")
    if "only" in typed:
        mine = set(typed["only"].split())
        left = {name.removeprefix("keep_") for name, kept in typed.items() if kept == "theirs"}
        given = {
            name: it for name, it in given.items() if name in (mine - left) | {"version", "beyond_stock"}
        }
    given["beyond_stock"] = typed.get("beyond_stock") == "yes"
    return checked(OrderEdit, given)


async def articles(session: AsyncSession, request: web.Request, shop_id: int) -> list[WantedItem]:
    """The items of the form, one of each repeated field a line; a line without SKU or quantity is none."""
    form = await request.post()
    columns = {name: [str(value).strip() for value in form.getall(name, [])] for name in COLUMNS}
    lines = [
        {name: values[place] if place < len(values) else "" for name, values in columns.items()}
        for place in range(len(columns["sku"]))
    ]
    kept = [line for line in lines if (line["sku"] or line["name"]) and line["quantity"] not in ("", "0")]
    if not kept:
        raise Invalid("An order needs at least one item.", "items")
    return [await _wanted(session, line, shop_id) for line in kept]


async def _wanted(session: AsyncSession, line: Mapping[str, str], shop_id: int) -> WantedItem:
    """A line that stands in the order keeps its name and price; a new one is found by its SKU."""
    if not (line["quantity"].isascii() and line["quantity"].isdecimal()):
        raise Invalid("A quantity is a whole number.", "quantity")
    given: dict[str, Any] = {"quantity": line["quantity"], **written_off(line["line_discount"], "items")}
    if line["price"]:
        given["price"] = line["price"].replace(",", ".")
    if line["name"]:
        product_id = line["product_id"] if line["product_id"].isdecimal() else None
        return checked(WantedItem, given, product_id=product_id, name=line["name"], sku=line["sku"])
    return checked(WantedItem, given, product_id=await article(session, shop_id, line["sku"], "sku"))


async def article(session: AsyncSession, shop_id: int, sku: str, field: str) -> int:
    """The product of this shop with this SKU. Raises `Invalid` when it has none."""
    query = select(Product.id).where(
        Product.shop_id == shop_id, func.lower(Product.sku) == sku.strip().lower()
    )
    found: int | None = await session.scalar(query)
    if found is None:
        raise Invalid(f"This shop has no article {sku[:60]}.", field)
    return found
