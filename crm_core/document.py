"""Files kept with an order, a task or a customer: their bytes by their hash in a folder, everything else in a row.

A file that came twice lies there once. Whoever writes or removes bytes holds one lock, so that what a row names is
there; a row that was taken away stays as a trace of what it was, who put it there and who took it away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from crm_core.customer import Customer
from crm_core.db import Base, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.order_rows import Order
from crm_core.user import User

LARGEST = 25 * 1024 * 1024
MOST_OF_ONE = 200
LONGEST_NAME = 200
KINDS = ("order", "task", "customer")
_LOCK = 20_0020  # of everybody who writes or removes bytes
_THERE = text("deleted_at IS NULL")
DELETER = aliased(User)


class Document(Base):
    """A file with exactly one thing. `digest`: SHA-256 of its bytes, by which they are found in the folder."""

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint("num_nonnulls(order_id, task_id, customer_id) = 1", name="of_one_thing"),
        CheckConstraint("name <> ''", name="name_not_empty"),
        CheckConstraint("size > 0", name="size_positive"),
        *(Index(f"ix_documents_{kind}_id", f"{kind}_id", "id") for kind in KINDS),
        Index("ix_documents_digest", "digest", postgresql_where=_THERE),
    )

    id: Mapped[Id]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    name: Mapped[str]
    size: Mapped[int]
    digest: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    @property
    def kind(self) -> str:
        """What it is with: order, task or customer."""
        return next(kind for kind in KINDS if getattr(self, f"{kind}_id") is not None)

    @property
    def object_id(self) -> int:
        """The id of that."""
        found: int = getattr(self, f"{self.kind}_id")
        return found


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """A file in a list: what it is called, how long it is, who put it there; `deleted_at`: a trace alone."""

    id: int
    name: str
    size: int
    user_id: int | None
    user: str | None
    created_at: datetime
    deleted_at: datetime | None
    deleter: str | None


def place_of(folder: Path, digest: str) -> Path:
    """Where the bytes with this SHA-256 lie."""
    return folder / digest[:2] / digest


async def used_bytes(session: AsyncSession) -> int:
    """What all files that were not taken away have together."""
    used = select(func.coalesce(func.sum(Document.size), 0)).where(Document.deleted_at.is_(None))
    return int(await session.scalar(used) or 0)


async def keep_document(
    session: AsyncSession,
    folder: Path,
    came: Path,
    *,
    kind: str,
    object_id: int,
    name: str,
    digest: str,
    quota: int,
    user_id: int | None,
    at: datetime,
) -> Document:
    """Keep the received file `came`, which is in `folder`'s file system, with one thing.

    `quota`: how many bytes all files together may have. Raises `Invalid` for an empty name, `Conflict` when there is
    no room or the thing has too many.
    """
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name or name.strip(".") == "":
        raise Invalid("The file needs a name.", "filename")
    size = came.stat().st_size
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    there = Document.deleted_at.is_(None)
    if await used_bytes(session) + size > quota:
        raise Conflict(
            f"There is no room for more files: {quota // 2**20} MB are used up. Ask the administrator."
        )
    mine = getattr(Document, f"{kind}_id") == object_id
    if (await session.scalar(select(func.count()).where(mine, there)) or 0) >= MOST_OF_ONE:
        raise Conflict(f"There are {MOST_OF_ONE} files here already; take some away first.")
    place = place_of(folder, digest)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    came.replace(place)
    made = Document(
        **{f"{kind}_id": object_id}, name=name, size=size, digest=digest, user_id=user_id, created_at=at
    )
    session.add(made)
    await session.flush()
    return made


async def require_thing(session: AsyncSession, kind: str, object_id: int) -> None:
    """Raises `NotFound` when there is no such order or customer."""
    id_ = {"order": Order.id, "customer": Customer.id}[kind]
    if await session.scalar(select(id_).where(id_ == object_id)) is None:
        raise NotFound(f"There is no such {kind}.")


async def get_document(session: AsyncSession, document_id: int, *, lock: bool = False) -> Document:
    """The file that is still there. Raises `NotFound`."""
    found = await session.get(Document, document_id, with_for_update=lock, populate_existing=lock)
    if found is None or found.deleted_at is not None:
        raise NotFound("There is no such file.")
    return found


async def take_away(
    session: AsyncSession, document_id: int, *, user_id: int | None, at: datetime
) -> Document:
    """Take a file away; that it was there stays. `forget_bytes` after the commit. Raises `NotFound`."""
    found = await get_document(session, document_id, lock=True)
    found.deleted_at, found.deleted_by = at, user_id
    return found


async def forget_bytes(session: AsyncSession, folder: Path, digests: Sequence[str]) -> None:
    """Remove the bytes that no file has any more."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    query = select(Document.digest).where(Document.deleted_at.is_(None), Document.digest.in_(digests))
    for digest in set(digests) - set(await session.scalars(query)):
        place_of(folder, digest).unlink(missing_ok=True)


async def sweep(session: AsyncSession, folder: Path) -> None:
    """Remove bytes that no file has: of one whose row was not written, because the process died between."""
    lie = [it.name for it in folder.glob("[0-9a-f][0-9a-f]/*")]
    for first in range(0, len(lie), 1000):
        await forget_bytes(session, folder, lie[first : first + 1000])


async def list_documents(
    session: AsyncSession, kind: str, object_ids: Sequence[int], *, traces: bool = False
) -> dict[int, list[DocumentRow]]:
    """The files of each of these orders, tasks or customers, the first one first; with `traces` also those gone."""
    about = getattr(Document, f"{kind}_id")
    names = [column for column in Document.__table__.c if column.name in DocumentRow.__annotations__]
    query = (
        select(about.label("about"), *names, User.name.label("user"), DELETER.name.label("deleter"))
        .outerjoin(User, User.id == Document.user_id)
        .outerjoin(DELETER, DELETER.id == Document.deleted_by)
        .where(about.in_(object_ids))
        .order_by(Document.id)
    )
    found: dict[int, list[DocumentRow]] = {id_: [] for id_ in object_ids}
    for row in await session.execute(query if traces else query.where(Document.deleted_at.is_(None))):
        said = dict(row._mapping)
        found[said.pop("about")].append(DocumentRow(**said))
    return found
