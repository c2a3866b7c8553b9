"""Files of orders, customers and tasks in the API: kept, listed, given out as what they are, taken away."""

import asyncio
import hashlib
import mimetypes
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import document
from crm_core.audit import record
from crm_core.document import LARGEST, Document
from crm_core.errors import NotFound
from crm_core.read.tasks import load_task
from crm_core.task_rows import Kind
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id
from web.listing import possible
from web.middleware import visitor_address
from web.rights import EDIT_CUSTOMERS, EDIT_ORDERS, EDIT_TASKS, VIEW_CUSTOMERS, VIEW_ORDERS, VIEW_TASKS
from web.services import services
from web.sessions import person
from web.tasks import viewer
from web.uploads import receive_body

operations = Operations("documents")
OCTETS = "application/octet-stream"
FileName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE)]
# What a browser may be told a file is; whatever else it claims to be, it is bytes.
SAFE = frozenset(
    (
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/heic",
        "application/pdf",
        "text/plain",
        "text/csv",
    )
)

FILES = ", ".join((OCTETS, *sorted(SAFE)))


class NewDocument(Given):
    """What the file is called."""

    filename: FileName


class DocumentAnswer(Answer):
    """A file: who put it there and how many bytes it has."""

    id: int
    name: str
    size: int
    user_id: int | None
    user_name: str | None = Field(validation_alias="user")
    created_at: datetime


Documents = list[DocumentAnswer]


@operations.get("/orders/{order_id}/documents", right=VIEW_ORDERS)
async def get_order_documents(request: web.Request, order_id: Id) -> Documents:
    """The files of an order."""
    return await _listed(request, "order", order_id)


@operations.post("/orders/{order_id}/documents", right=EDIT_ORDERS, errors=(409,), accepts=OCTETS)
async def post_order_document(request: web.Request, order_id: Id, query: NewDocument) -> DocumentAnswer:
    """Keep a file of at most 25 MB with an order. 409 when there is no room."""
    return await _received(request, "order", order_id, query.filename)


@operations.get("/orders/{order_id}/documents/{document_id}", right=VIEW_ORDERS, produces=FILES)
async def get_order_document(request: web.Request, order_id: Id, document_id: Id) -> web.StreamResponse:
    """The file itself."""
    return await _given_out(request, "order", order_id, document_id)


@operations.delete("/orders/{order_id}/documents/{document_id}", right=EDIT_ORDERS)
async def delete_order_document(request: web.Request, order_id: Id, document_id: Id) -> None:
    """Take a file away; that it was there stays."""
    await take_away(request, "order", order_id, document_id)


@operations.get("/customers/{customer_id}/documents", right=VIEW_CUSTOMERS)
async def get_customer_documents(request: web.Request, customer_id: Id) -> Documents:
    """The files of a customer."""
    return await _listed(request, "customer", customer_id)


@operations.post("/customers/{customer_id}/documents", right=EDIT_CUSTOMERS, errors=(409,), accepts=OCTETS)
async def post_customer_document(request: web.Request, customer_id: Id, query: NewDocument) -> DocumentAnswer:
    """Keep a file of at most 25 MB with a customer. 409 when there is no room."""
    return await _received(request, "customer", customer_id, query.filename)


@operations.get("/customers/{customer_id}/documents/{document_id}", right=VIEW_CUSTOMERS, produces=FILES)
async def get_customer_document(request: web.Request, customer_id: Id, document_id: Id) -> web.StreamResponse:
    """The file itself."""
    return await _given_out(request, "customer", customer_id, document_id)


@operations.delete("/customers/{customer_id}/documents/{document_id}", right=EDIT_CUSTOMERS)
async def delete_customer_document(request: web.Request, customer_id: Id, document_id: Id) -> None:
    """Take a file away; that it was there stays."""
    await take_away(request, "customer", customer_id, document_id)


@operations.get("/tasks/{task_id}/documents", right=VIEW_TASKS)
async def get_task_documents(request: web.Request, task_id: Id) -> Documents:
    """The files of a task."""
    return await _listed(request, "task", task_id)


@operations.post("/tasks/{task_id}/documents", right=EDIT_TASKS, errors=(409,), accepts=OCTETS)
async def post_task_document(request: web.Request, task_id: Id, query: NewDocument) -> DocumentAnswer:
    """Keep a file of at most 25 MB with a task. 409 when there is no room."""
    return await _received(request, "task", task_id, query.filename)


@operations.get("/tasks/{task_id}/documents/{document_id}", right=VIEW_TASKS, produces=FILES)
async def get_task_document(request: web.Request, task_id: Id, document_id: Id) -> web.StreamResponse:
    """The file itself; of a courier's task also those of its order."""
    return await _given_out(request, "task", task_id, document_id)


@operations.delete("/tasks/{task_id}/documents/{document_id}", right=EDIT_TASKS)
async def delete_task_document(request: web.Request, task_id: Id, document_id: Id) -> None:
    """Take a file away; that it was there stays."""
    await take_away(request, "task", task_id, document_id)


async def keep(request: web.Request, kind: str, object_id: int, came: Path, name: str) -> Document:
    """Keep a file that was received in the folder of documents. Raises `NotFound`, `Refusal` 409."""
    parts, who = services(request), person(request)
    try:
        digest = await asyncio.to_thread(_digest, came)
        async with parts.db.begin() as session:
            await _reached(request, session, kind, object_id)
            with possible():
                made = await document.keep_document(
                    session, parts.settings.documents_dir, came, kind=kind, object_id=object_id, name=name,
                    digest=digest, quota=parts.settings.documents_mb * 2**20, user_id=who.user_id, at=parts.now(),
                )  # fmt: skip
            await _note(request, session, made, "add")
            return made
    finally:
        came.unlink(missing_ok=True)


async def take_away(request: web.Request, kind: str, object_id: int, document_id: int) -> None:
    """Take a file away, and its bytes where no other has the same. Raises `NotFound`."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await _one(request, session, kind, object_id, document_id)
        if found.kind != kind:
            raise NotFound("There is no such file.")
        await document.take_away(session, found.id, user_id=person(request).user_id, at=parts.now())
        await _note(request, session, found, "remove")
    async with parts.db.begin() as session:
        await document.forget_bytes(session, parts.settings.documents_dir, [found.digest])


async def _listed(request: web.Request, kind: str, object_id: int) -> Documents:
    async with services(request).db.begin() as session:
        await _reached(request, session, kind, object_id)
        found = (await document.list_documents(session, kind, [object_id]))[object_id]
        return [DocumentAnswer.model_validate(it) for it in found]


async def _received(request: web.Request, kind: str, object_id: int, name: str) -> DocumentAnswer:
    came = await receive_body(request, services(request).settings.documents_dir, LARGEST)
    made = await keep(request, kind, object_id, came, name)
    said = {name: getattr(made, name) for name in ("id", "name", "size", "user_id", "created_at")}
    return DocumentAnswer.model_validate(said | {"user": person(request).name})


async def _given_out(request: web.Request, kind: str, object_id: int, document_id: int) -> web.StreamResponse:
    parts = services(request)
    async with parts.db.begin() as session:
        found = await _one(request, session, kind, object_id, document_id)
        await _note(request, session, found, "read")
    place = document.place_of(parts.settings.documents_dir, found.digest)
    if not place.exists():
        raise NotFound("The bytes of this file are not here any more.")
    guessed = mimetypes.guess_type(found.name)[0]
    headers = {
        "Content-Type": guessed if guessed in SAFE else OCTETS,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return web.FileResponse(place, headers=headers)


async def _one(
    request: web.Request, session: AsyncSession, kind: str, object_id: int, document_id: int
) -> Document:
    """The file, when it is this thing's; of a courier's task also its order's. Raises `NotFound`."""
    order_id = await _reached(request, session, kind, object_id)
    found = await document.get_document(session, document_id)
    if (found.kind, found.object_id) not in ((kind, object_id), ("order", order_id)):
        raise NotFound("There is no such file.")
    return found


async def _reached(request: web.Request, session: AsyncSession, kind: str, object_id: int) -> int | None:
    """Is it there for this person? Orders and customers were looked for within reach (`web.reach`), tasks are here.

    The order that a courier's task is about. Raises `NotFound`.
    """
    if kind == "task":
        right = VIEW_TASKS if request.method == "GET" else EDIT_TASKS
        task = await load_task(session, viewer(request, right), object_id)
        return task.order_id if task.kind == Kind.COURIER else None
    await document.require_thing(session, kind, object_id)
    return None


async def _note(request: web.Request, session: AsyncSession, found: Document, verb: str) -> None:
    detail = {"document_id": found.id, "name": found.name, "size": found.size}
    await record(
        session, user_id=person(request).user_id, action=f"{found.kind}.document_{verb}", object_kind=found.kind,
        object_id=found.object_id, detail=detail, address=visitor_address(request),
    )  # fmt: skip


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
