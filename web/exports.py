"""Lists as files: what the page shows, all of it, as CSV or XLSX; written down who took what."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal
from urllib.parse import urlencode

import structlog
from aiohttp import web
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.audit import record
from crm_core.exchange import columns
from crm_core.exchange.export import BITE, Columns, Load, bites
from crm_core.exchange.sheet import Cell, Csv, Sheet, Xlsx
from crm_core.exchange.spool import Spool
from crm_core.read.calls import list_calls
from crm_core.read.customers import list_customers
from crm_core.read.orders import list_orders
from crm_core.read.page import Page
from crm_core.read.products import list_products
from web.api import Operations
from web.calls import CallsQuery, all_calls
from web.customers import CustomersQuery
from web.imports import CSV, XLSX
from web.middleware import visitor_address
from web.orders import OrdersQuery
from web.own import with_tag
from web.products import CatalogueQuery
from web.rights import (
    EXPORT_CALLS,
    EXPORT_CUSTOMERS,
    EXPORT_ORDERS,
    EXPORT_PRODUCTS,
    VIEW_CALLS,
    VIEW_CUSTOMERS,
    VIEW_ORDERS,
    VIEW_PRODUCTS,
    VIEW_PURCHASES,
    require,
)
from web.services import services
from web.sessions import person

operations = Operations("exports")
FILES = f"{CSV}, {XLSX}"
Format = Literal["csv", "xlsx"]
Read = Callable[..., Awaitable[Page[Any]]]
MOST_AT_ONCE = 3
_AT_ONCE: web.AppKey[asyncio.Semaphore] = web.AppKey("exports at once", asyncio.Semaphore)
log = structlog.get_logger(__name__)


class CustomersExport(CustomersQuery):
    """Which customers; the file begins at `after` and has no end but the list's."""

    format: Format = "csv"


class OrdersExport(OrdersQuery):
    """Which orders."""

    format: Format = "csv"


class ProductsExport(CatalogueQuery):
    """Which products."""

    format: Format = "csv"


class CallsExport(CallsQuery):
    """Which calls."""

    format: Format = "csv"


@operations.get("/exports/customers", right=EXPORT_CUSTOMERS, errors=(404,), produces=FILES)
async def export_customers(request: web.Request, query: CustomersExport) -> web.StreamResponse:
    """Customers as a file, with all their numbers."""
    require(person(request), VIEW_CUSTOMERS)
    async with services(request).db.begin() as session:
        meant = await columns.people(session)
    return await _send(request, "customers", query, meant, list_customers, _filters(query))


@operations.get("/exports/orders", right=EXPORT_ORDERS, errors=(404,), produces=FILES)
async def export_orders(request: web.Request, query: OrdersExport) -> web.StreamResponse:
    """Orders as a file, a row for each item."""
    require(person(request), VIEW_ORDERS)
    async with services(request).db.begin() as session:
        meant = await columns.sales(session)
    return await _send(request, "orders", query, meant, list_orders, _filters(query))


@operations.get("/exports/products", right=EXPORT_PRODUCTS, errors=(404,), produces=FILES)
async def export_products(request: web.Request, query: ProductsExport) -> web.StreamResponse:
    """Products as a file; what they cost us only for who may know it."""
    who = person(request)
    require(who, VIEW_PRODUCTS)
    async with services(request).db.begin() as session:
        meant = await columns.goods(session, purchases=who.may(VIEW_PURCHASES))
    return await _send(request, "products", query, meant, list_products, _filters(query))


@operations.get("/exports/calls", right=EXPORT_CALLS, errors=(404,), produces=FILES)
async def export_calls(request: web.Request, query: CallsExport) -> web.StreamResponse:
    """Calls as a file; one's own alone without the right to see all."""
    who = person(request)
    require(who, VIEW_CALLS)
    filters = _filters(query)
    filters["unlinked_only"] = filters.pop("unlinked")
    filters["everybody"] = all_calls(who) and not filters.pop("mine")
    tag_id = filters.pop("tag_id")
    async with services(request).db.begin() as session:
        filters["only"] = await with_tag(session, who, tag_id)
    return await _send(request, "calls", query, columns.TALKS, list_calls, filters | {"user_id": who.user_id})


def export_query(filters: BaseModel, **instead: datetime | None) -> str:
    """The filters of a page as the query of its export."""
    said = filters.model_dump(mode="json", exclude_defaults=True, exclude={"after", "limit"}) | instead
    plain = {name: it.isoformat() if isinstance(it, datetime) else it for name, it in said.items()}
    kept = {
        name: str(it).lower() if isinstance(it, bool) else it
        for name, it in plain.items()
        if it not in (None, "")
    }
    return urlencode(kept, doseq=True)


def _filters(query: BaseModel) -> dict[str, Any]:
    return query.model_dump(exclude={"after", "limit", "format"})


async def _send(
    request: web.Request, noun: str, query: Any, meant: Columns, read: Read, filters: Mapping[str, Any]
) -> web.StreamResponse:
    """Send the list while it is read. What breaks on the way breaks the connection: half a file must not look whole.

    The database is read at its own speed into a file, so a slow reader holds no snapshot.
    """
    parts, whole = services(request), False

    async def load(session: AsyncSession, after: str | None) -> Page[Any]:
        return await read(session, **filters, after=after or query.after, limit=BITE)

    asked = query.model_dump(mode="json", exclude_defaults=True, exclude={"limit"}) | {"format": query.format}
    response = web.StreamResponse(headers=_headers(noun, query.format, parts.now()))
    with TemporaryFile(dir=_folder(parts.settings.data_dir)) as file:
        made = _Made(Spool(file), Xlsx() if query.format == "xlsx" else Csv())
        making = asyncio.create_task(_make(request, made, load, meant), name=f"export of {noun}")
        try:
            await made.spool.begun()  # what can be refused is refused before the first byte
            await _note(request, f"{noun[:-1]}.export", asked)
            await response.prepare(request)
            async for piece in made.spool.pieces():
                await response.write(piece)
            whole = True
        except ConnectionError:
            log.info("an export was left by its reader", noun=noun, rows=made.rows)
        except Exception:
            if not response.prepared:
                raise
            log.exception("an export broke off", noun=noun, rows=made.rows)
            if request.transport is not None:
                request.transport.abort()
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            if response.prepared:
                await _note(request, f"{noun[:-1]}.exported", {"rows": made.rows, "whole": whole})
    return response


@dataclass
class _Made:
    """An export as far as it is made."""

    spool: Spool
    sheet: Sheet
    rows: int = 0


async def _make(request: web.Request, made: _Made, load: Load, meant: Columns) -> None:
    """Read the list into the spool; a few exports at a time, so that they never take all connections."""
    above: list[Sequence[Cell]] = [meant.headings]
    try:
        async with (
            request.app[_AT_ONCE],
            aclosing(bites(services(request).db, load, meant)) as found,
        ):
            async for rows in found:
                await made.spool.write(await asyncio.to_thread(made.sheet.rows, above + rows))
                made.rows += len(rows)
                above = []
            await made.spool.write(await asyncio.to_thread(made.sheet.end))
        await made.spool.end()
    except BaseException as error:
        await made.spool.end(error)


def prepare(app: web.Application) -> None:
    """Let some exports be read at a time."""
    app[_AT_ONCE] = asyncio.Semaphore(MOST_AT_ONCE)


def _folder(data_dir: Path) -> Path:
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    return data_dir


def _headers(noun: str, kind: str, at: datetime) -> dict[str, str]:
    return {
        "Content-Type": XLSX if kind == "xlsx" else f"{CSV}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{noun}-{at:%Y-%m-%d}.{kind}"',
        "Cache-Control": "no-store",
    }


async def _note(request: web.Request, action: str, detail: Mapping[str, Any]) -> None:
    async with services(request).db.begin() as session:
        await record(
            session, user_id=person(request).user_id, action=action, object_kind="export", detail=detail,
            address=visitor_address(request),
        )  # fmt: skip
