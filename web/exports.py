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
from crm_core.read.calls import count_calls, list_calls
from crm_core.read.customers import count_wanted, list_customers
from crm_core.read.orders import count_orders, list_orders
from crm_core.read.page import Page
from crm_core.read.products import count_products, list_products
from web import export_progress
from web.api import Operations
from web.calls import CallsQuery, all_calls
from web.customers import CustomersQuery
from web.export_progress import Count, FollowKey, Progress, State, counting, follow
from web.fields import Given
from web.imports import CSV, XLSX
from web.middleware import visitor_address
from web.orders import OrdersQuery
from web.own import heard_so
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
LOOK_AGAIN_S = 0.5
_AT_ONCE: web.AppKey[asyncio.Semaphore] = web.AppKey("exports at once", asyncio.Semaphore)
log = structlog.get_logger(__name__)


class AsFile(Given):
    """How it goes out."""

    format: Format = "csv"
    follow: FollowKey | None = None


class CustomersExport(CustomersQuery, AsFile):
    """Which customers; the file begins at `after` and has no end but the list's."""


class OrdersExport(OrdersQuery, AsFile):
    """Which orders."""


class ProductsExport(CatalogueQuery, AsFile):
    """Which products."""


class CallsExport(CallsQuery, AsFile):
    """Which calls."""


@operations.get("/exports/customers", right=EXPORT_CUSTOMERS, errors=(404,), produces=FILES)
async def export_customers(request: web.Request, query: CustomersExport) -> web.StreamResponse:
    """Customers as a file, with all their numbers."""
    require(person(request), VIEW_CUSTOMERS)
    async with services(request).db.begin() as session:
        meant = await columns.people(session)
    listed = _List("customers", list_customers, count_wanted)
    return await _send(request, listed, query, meant, _filters(query))


@operations.get("/exports/orders", right=EXPORT_ORDERS, errors=(404,), produces=FILES)
async def export_orders(request: web.Request, query: OrdersExport) -> web.StreamResponse:
    """Orders as a file, a row for each item."""
    require(person(request), VIEW_ORDERS)
    async with services(request).db.begin() as session:
        meant = await columns.sales(session)
    listed = _List("orders", list_orders, count_orders)
    return await _send(request, listed, query, meant, _filters(query))


@operations.get("/exports/products", right=EXPORT_PRODUCTS, errors=(404,), produces=FILES)
async def export_products(request: web.Request, query: ProductsExport) -> web.StreamResponse:
    """Products as a file; what they cost us only for who may know it."""
    who = person(request)
    require(who, VIEW_PRODUCTS)
    async with services(request).db.begin() as session:
        meant = await columns.goods(session, purchases=who.may(VIEW_PURCHASES))
    listed = _List("products", list_products, count_products)
    return await _send(request, listed, query, meant, _filters(query))


@operations.get("/exports/calls", right=EXPORT_CALLS, errors=(404,), produces=FILES)
async def export_calls(request: web.Request, query: CallsExport) -> web.StreamResponse:
    """Calls as a file; one's own alone without the right to see all."""
    who = person(request)
    require(who, VIEW_CALLS)
    filters = _filters(query)
    filters["unlinked_only"] = filters.pop("unlinked")
    filters["everybody"] = all_calls(who) and not filters.pop("mine")
    tag_id, manner = filters.pop("tag_id"), filters.pop("manner")
    async with services(request).db.begin() as session:
        filters["only"] = await heard_so(session, who, tag_id, manner)
    filters["user_id"] = who.user_id
    return await _send(request, _List("calls", list_calls, count_calls), query, columns.TALKS, filters)


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
    return query.model_dump(exclude={"after", "limit", "format", "follow"})


@dataclass(frozen=True)
class _List:
    """A list, and how many there are in it."""

    noun: str
    read: Read
    count: Callable[..., Awaitable[int]]


async def _send(
    request: web.Request, listed: _List, query: Any, meant: Columns, filters: Mapping[str, Any]
) -> web.StreamResponse:
    """Send the list while it is read. What breaks on the way breaks the connection: half a file must not look whole.

    The database is read at its own speed into a file, so a slow reader holds no snapshot.
    """
    parts, noun = services(request), listed.noun
    ended = State.FAILED

    async def load(session: AsyncSession, after: str | None) -> Page[Any]:
        found = await listed.read(session, **filters, after=after or query.after, limit=BITE)
        made.fresh = len(found.rows)
        return found

    async def count(session: AsyncSession) -> int:
        return await listed.count(session, **filters)

    asked = query.model_dump(mode="json", exclude_defaults=True, exclude={"limit", "follow"})
    asked["format"] = query.format
    counted = count if query.follow and not query.after else None
    response = web.StreamResponse(headers=_headers(noun, query.format, parts.now()))
    with TemporaryFile(dir=_folder(parts.settings.data_dir)) as file:
        sheet = Xlsx() if query.format == "xlsx" else Csv()
        made = _Made(Spool(file), sheet, follow(request, query.follow))
        making = asyncio.create_task(_make(request, made, load, meant, counted), name=f"export of {noun}")
        try:
            await _begun(request, made.spool)  # what can be refused is refused before the first byte
            await _note(request, f"{noun[:-1]}.export", asked)
            await response.prepare(request)
            async for piece in made.spool.pieces():
                await response.write(piece)
                made.progress.sent += len(piece)
            ended = State.DONE
        except asyncio.CancelledError:
            ended = State.LEFT
            raise
        except ConnectionError:
            ended = State.LEFT
            log.info("an export was left by its reader", noun=noun, rows=made.rows)
        except Exception:
            if not response.prepared:
                raise
            log.exception("an export broke off", noun=noun, rows=made.rows)
            if request.transport is not None:
                request.transport.abort()
        finally:
            made.progress.come_to(ended)
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            if response.prepared:
                await _note(
                    request, f"{noun[:-1]}.exported", {"rows": made.rows, "whole": ended is State.DONE}
                )
    return response


async def _begun(request: web.Request, spool: Spool) -> None:
    """Wait for the first bytes. Raises `ConnectionResetError` when the reader leaves before."""
    begun, left = asyncio.create_task(spool.begun()), asyncio.create_task(_left(request))
    try:
        await asyncio.wait((begun, left), return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            raise ConnectionResetError("left before the first row")
        await begun
    finally:
        for task in (begun, left):
            task.cancel()
        await asyncio.gather(begun, left, return_exceptions=True)


async def _left(request: web.Request) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(LOOK_AGAIN_S)


@dataclass
class _Made:
    """An export as far as it is made; `fresh` rows of the list were just read."""

    spool: Spool
    sheet: Sheet
    progress: Progress
    fresh: int = 0
    rows: int = 0


async def _make(request: web.Request, made: _Made, load: Load, meant: Columns, count: Count | None) -> None:
    """Read the list into the spool; a few exports at a time, so that they never take all connections."""
    above: list[Sequence[Cell]] = [meant.headings]
    db, progress = services(request).db, made.progress
    try:
        async with request.app[_AT_ONCE]:
            progress.come_to(State.WRITING)
            async with counting(db, progress, count), aclosing(bites(db, load, meant)) as found:
                async for rows in found:
                    piece = await asyncio.to_thread(made.sheet.rows, above + rows)
                    made.rows += len(rows)
                    progress.written += made.fresh
                    await made.spool.write(piece)
                    above = []
                await made.spool.write(await asyncio.to_thread(made.sheet.end))
        progress.size = made.spool.size
        progress.come_to(State.SENDING)
        await made.spool.end()
    except BaseException as error:
        await made.spool.end(error)


def prepare(app: web.Application) -> None:
    """Let some exports be read at a time, and tell how far they are."""
    export_progress.prepare(app)
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
