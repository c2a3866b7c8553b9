"""Goods out of a supplier's file: what each column means, and each row put in or refused with its reason."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from crm_core import audit
from crm_core.db import Base, Id
from crm_core.errors import Conflict, Invalid, NotFound, Refused
from crm_core.goods_file import PARAMETER, Row, Table
from crm_core.product import Product, create_product, update_product
from crm_core.stock import Warehouse, main_warehouse, set_on_hand

FIELDS = ("sku", "name", "barcode", "price", "purchase_price", "stock", "family")
PROPERTY = "property:"
# Headings that say by themselves what they are.
KNOWN = {
    "sku": ("sku", "article", "article number", "vendorcode", "артикул", "код"),
    "name": ("name", "product", "title", "model", "наименование", "название", "назва"),
    "barcode": ("barcode", "ean", "ean13", "gtin", "штрихкод", "штрих-код"),
    "price": ("price", "retail price", "цена", "ціна", "ценазаединицу"),
    "purchase_price": ("purchase price", "purchase_price", "cost", "закупочная цена"),
    "stock": ("stock", "quantity", "count", "on hand", "количество", "остаток", "кількість"),
    "family": ("family", "group_id"),
}


class ImportMapping(Base):
    """What the columns of a supplier's file mean, kept under a name: heading -> field or `property:…`."""

    __tablename__ = "import_mappings"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[Id]
    name: Mapped[str]
    columns: Mapped[dict[str, Any]]


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not put in, and why."""

    row: Row
    reason: str


@dataclass
class Outcome:
    """What became of a file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


def guess_columns(headings: Sequence[str]) -> dict[str, str]:
    """The columns that can be told by their headings; the first of two with one meaning. Pure."""
    meant: dict[str, str] = {}
    for heading in headings:
        known = heading.casefold().strip()
        place = next((name for name, words in KNOWN.items() if known in words), None)
        if place is not None and place not in meant.values():
            meant[heading] = place
        elif heading.startswith(PARAMETER) and heading != PARAMETER:
            meant[heading] = PROPERTY + heading.removeprefix(PARAMETER)
    if "sku" not in meant.values() and "id" in headings:
        meant["id"] = "sku"
    return meant


def check_columns(columns: Mapping[str, str], headings: Sequence[str]) -> None:
    """Raises `Invalid` for an unknown field, a heading that is not there, or when no row could be recognised."""
    for heading, meaning in columns.items():
        if meaning not in FIELDS and not (meaning.startswith(PROPERTY) and meaning != PROPERTY):
            listed = ", ".join(FIELDS)
            raise Invalid(f"{meaning[:60]!r} is no field of a product: {listed} or property:NAME.", "mapping")
        if heading not in headings:
            raise Invalid(f"The file has no column {heading[:60]!r}.", "mapping")
    if not {"sku", "barcode"} & set(columns.values()):
        raise Invalid("Say which column is the sku or the barcode: by it products are recognised.", "mapping")


async def save_mapping(session: AsyncSession, name: str, columns: Mapping[str, str]) -> None:
    """Keep what columns mean under a name, in place of what was kept under it."""
    kept = insert(ImportMapping).values(name=name, columns=dict(columns))
    await session.execute(
        kept.on_conflict_do_update(index_elements=["name"], set_={"columns": kept.excluded.columns})
    )


async def load_mapping(session: AsyncSession, name: str) -> dict[str, str]:
    """What was kept under a name. Raises `NotFound`."""
    found = await session.scalar(select(ImportMapping).where(ImportMapping.name == name))
    if found is None:
        raise NotFound(f"There is no mapping {name[:60]!r}; say the columns once and they are kept under it.")
    return dict(found.columns)


async def find_warehouse(session: AsyncSession, shop_id: int, name: str | None) -> int:
    """The shop's warehouse of this name, its first one without a name. Raises `NotFound`."""
    if name is None:
        return await main_warehouse(session, shop_id)
    found: int | None = await session.scalar(
        select(Warehouse.id).where(Warehouse.shop_id == shop_id, Warehouse.name == name)
    )
    if found is None:
        raise NotFound(f"The shop has no warehouse {name[:60]!r}.")
    return found


async def import_goods(
    session: AsyncSession,
    table: Table,
    columns: Mapping[str, str],
    *,
    shop_id: int,
    warehouse: str | None = None,
    user_id: int | None,
    at: datetime,
    dry_run: bool = False,
) -> Outcome:
    """Put in every row that can be: a known SKU or barcode changes the product, an unknown one makes it.

    A refused row changes nothing and keeps no other out. The caller owns the transaction; `dry_run`: all is done
    and undone. Raises `Invalid`, `NotFound` before any row is looked at.
    """
    check_columns(columns, table.columns)
    outcome, seen = Outcome(), dict[int, int]()
    whole = await session.begin_nested()
    place = await find_warehouse(session, shop_id, warehouse)
    for row in table.rows:
        step = await session.begin_nested()
        try:
            await _put(session, row, columns, outcome, seen, shop_id, place, user_id, at)
            await step.commit()
        except Refused as refused:
            await step.rollback()
            outcome.refused.append(RefusedRow(row, str(refused)))
    counts = {name: getattr(outcome, name) for name in ("created", "updated", "unchanged")}
    detail = {**counts, "refused": len(outcome.refused), "shop_id": shop_id}
    await audit.record(
        session, user_id=user_id, action="product.import", object_kind="product", detail=detail
    )
    await session.flush()
    await (whole.rollback() if dry_run else whole.commit())
    return outcome


async def _put(
    session: AsyncSession, row: Row, columns: Mapping[str, str], outcome: Outcome, seen: dict[int, int],
    shop_id: int, place: int, user_id: int | None, at: datetime,
) -> None:  # fmt: skip
    given = read_row(row, columns)
    pieces = given.pop("stock", None)
    product = await _known(session, shop_id, given)
    if product is not None and product.id in seen:
        raise Conflict(f"The same product stands in row {seen[product.id]} already.")
    if product is None:
        if not {"sku", "name", "price"} <= given.keys():
            raise Invalid("This is a new product: it needs a SKU, a name and a price.")
        made = await create_product(session, shop_id=shop_id, user_id=user_id, at=at, **given)
        product_id, what = made.id, "created"
    else:
        product_id, was = product.id, (product.version, product.stock)
        codes = [*product.barcodes, *given.get("barcodes", ())]
        changes = given | {"barcodes": codes, "properties": product.properties | given.get("properties", {})}
        by: dict[str, Any] = {"user_id": user_id, "at": at}
        product = await update_product(session, product_id, version=None, changes=changes, **by)
        what = "unchanged" if product.version == was[0] else "updated"
    if pieces is not None:
        before = 0 if product is None else product.stock
        after = (await set_on_hand(session, product_id, place, pieces, user_id=user_id)).stock
        what = "updated" if what == "unchanged" and after != before else what
    seen[product_id] = row.place
    setattr(outcome, what, getattr(outcome, what) + 1)


async def _known(session: AsyncSession, shop_id: int, given: Mapping[str, Any]) -> Product | None:
    ours = select(Product).where(Product.shop_id == shop_id)
    if "sku" in given:
        found: Product | None = await session.scalar(ours.where(Product.sku == given["sku"]))
        return found
    if not given.get("barcodes"):
        raise Invalid("There is neither a SKU nor a barcode.")
    several = (await session.scalars(ours.where(Product.barcodes.overlap(given["barcodes"])).limit(2))).all()
    if len(several) > 1:
        raise Conflict("These barcodes are of several products.")
    return several[0] if several else None


def read_row(row: Row, columns: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a row; empty cells say nothing. Pure. Raises `Invalid` for what is no sum or number."""
    given: dict[str, Any] = {}
    for heading, meaning in columns.items():
        cell = row.cells.get(heading, "")
        if not cell:
            continue
        if meaning.startswith(PROPERTY):
            given.setdefault("properties", {})[meaning.removeprefix(PROPERTY)] = cell
        elif meaning == "barcode":
            given["barcodes"] = [code for code in re.split(r"[,;\s]+", cell) if code]
        elif meaning in ("price", "purchase_price"):
            given[meaning] = _sum(cell, heading)
        elif meaning == "stock":
            given[meaning] = _pieces(cell, heading)
        else:
            given[meaning] = cell
    return given


def _sum(cell: str, heading: str) -> Decimal:
    """A sum as suppliers write it: 1 234,50 or 1234.5."""
    written = re.sub(r"\s", "", cell)
    if not re.fullmatch(r"[0-9]+([.,][0-9]+)?", written, re.ASCII):
        raise Invalid(f"{heading}: {cell[:40]!r} is no sum.")
    return Decimal(written.replace(",", "."))


def _pieces(cell: str, heading: str) -> int:
    try:
        pieces = Decimal(re.sub(r"\s", "", cell).replace(",", "."))
        if pieces != int(pieces):
            raise ValueError
        return int(pieces)
    except (InvalidOperation, ValueError, OverflowError):
        raise Invalid(f"{heading}: {cell[:40]!r} is no number of pieces.") from None


def refused_csv(table: Table, refused: Sequence[RefusedRow]) -> str:
    """The refused rows as they came, each with its place and reason; a spreadsheet runs nothing in them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_plain(name) for name in ("row", "reason", *table.columns)])
    for it in refused:
        cells = [it.row.cells.get(name, "") for name in table.columns]
        writer.writerow([it.row.place, *map(_plain, (it.reason, *cells))])
    return out.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
