"""Pictures of products: drawn anew when they come, in a few sizes, by the hash of what came; the first is the main one.

The bytes lie in a folder as those of documents do (`document.place_of`), one file a box. A picture that an import
named by its address is a row without bytes until `picture_fetch` has brought them.
"""

import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from secrets import token_hex

from sqlalchemy import CheckConstraint, ForeignKey, Index, ScalarSelect, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.bounded import run_bounded
from crm_core.db import Base, Id
from crm_core.document import place_of
from crm_core.drawn import BOXES, Drawn
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce
from crm_core.product import Product, get_product

MOST_OF_ONE = 20
MOST_MEMORY = 3 * 2**29
LONGEST_S = 60.0
_LOCK = 20_0042  # of everybody who puts or removes bytes


class Picture(Base):
    """One picture of a product. `address`: where an import says it lies; `due_at`: it is to be fetched then, after
    `tries` that failed for `problem`. Without `digest` there is nothing to show yet."""

    __tablename__ = "product_pictures"
    __table_args__ = (
        CheckConstraint("digest IS NOT NULL OR address IS NOT NULL", name="from_somewhere"),
        Index("ix_product_pictures_of_product", "product_id", "position", "id"),
        Index("ix_product_pictures_digest", "digest"),
        Index("ix_product_pictures_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int]
    digest: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    size: Mapped[int] = mapped_column(server_default="0", default=0)
    address: Mapped[str | None]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default="0", default=0)
    problem: Mapped[str | None]


def main_picture() -> ScalarSelect[int | None]:
    """The id of what is shown of the product of the row; NULL where there is nothing to show."""
    shown = select(Picture.id).where(Picture.product_id == Product.id, Picture.digest.is_not(None))
    return shown.order_by(Picture.position, Picture.id).limit(1).correlate(Product).scalar_subquery()


def file_of(folder: Path, digest: str, box: int) -> Path:
    """Where a picture lies in one of `BOXES`."""
    return place_of(folder, digest).with_name(f"{digest}.{box}.webp")


@asynccontextmanager
async def drawn(came: Path, folder: Path) -> AsyncIterator[tuple[Drawn, Path]]:
    """A file of a stranger as a picture of ours, in a folder that is there for as long as this lasts.

    Raises `Invalid` with a sentence for whoever sent it.
    """
    room = folder / f"new-{token_hex(16)}"
    room.mkdir(mode=0o700, parents=True)
    try:
        arguments = (str(came), str(room), str(MOST_MEMORY))
        well, said = await run_bounded("crm_core.picture_child", *arguments, longest_s=LONGEST_S)
        if not well:
            raise Invalid(said or "The picture needs more memory or time than a picture may.", "file")
        yield Drawn(**json.loads(said)), room
    finally:
        shutil.rmtree(room, ignore_errors=True)


async def put_bytes(session: AsyncSession, folder: Path, found: Drawn, room: Path, *, quota: int) -> None:
    """Let the drawn files lie where they are looked for, until the end of the transaction unwatched by `sweep`.

    `quota`: how many bytes all pictures together may have. Raises `Conflict` when there is no room.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if await used_bytes(session) + found.size > quota:
        raise Conflict(
            f"There is no room for more pictures: {quota // 2**20} MB are used up. Ask the administrator."
        )
    place_of(folder, found.digest).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for box in BOXES:
        (room / f"{box}.webp").replace(file_of(folder, found.digest, box))


async def keep_picture(
    session: AsyncSession,
    folder: Path,
    product_id: int,
    found: Drawn,
    room: Path,
    *,
    quota: int,
    user_id: int | None,
) -> Picture:
    """Add a drawn picture behind the others of a product. Raises `NotFound`, `Conflict`."""
    await get_product(session, product_id, lock=True)
    others = await list_pictures(session, product_id)
    if len(others) >= MOST_OF_ONE:
        raise Conflict(f"There are {MOST_OF_ONE} pictures already; take some away first.")
    if any(it.digest == found.digest for it in others):
        raise Conflict("The product has this picture already.")
    await put_bytes(session, folder, found, room, quota=quota)
    made = Picture(product_id=product_id, position=_behind(others), **vars(found))
    session.add(made)
    await session.flush()
    await _tell(session, product_id, "picture_add", user_id, picture_id=made.id)
    return made


def _behind(others: Sequence[Picture]) -> int:
    return max((it.position for it in others), default=-1) + 1


async def list_pictures(session: AsyncSession, product_id: int) -> Sequence[Picture]:
    """Pictures of a product in their order, those that are still to be fetched among them."""
    mine = select(Picture).where(Picture.product_id == product_id)
    return (await session.scalars(mine.order_by(Picture.position, Picture.id))).all()


async def get_picture(session: AsyncSession, product_id: int, picture_id: int) -> Picture:
    """One picture of a product. Raises `NotFound`."""
    found = await session.get(Picture, picture_id)
    if found is None or found.product_id != product_id:
        raise NotFound("The product has no such picture.")
    return found


async def put_in_order(
    session: AsyncSession, product_id: int, picture_ids: Sequence[int], *, user_id: int | None
) -> None:
    """Let the pictures stand in this order. Raises `NotFound`, and `Conflict` when these are not all of them."""
    await get_product(session, product_id, lock=True)
    known = {it.id: it for it in await list_pictures(session, product_id)}
    if sorted(known) != sorted(picture_ids):
        raise Conflict("The pictures changed meanwhile: look at them again.")
    for place, picture_id in enumerate(picture_ids):
        known[picture_id].position = place
    await session.flush()
    await _tell(session, product_id, "picture_order", user_id, picture_ids=list(picture_ids))


async def remove_picture(
    session: AsyncSession, product_id: int, picture_id: int, *, user_id: int | None
) -> str | None:
    """Take a picture away; its digest, for `forget_bytes` after the commit. Raises `NotFound`."""
    await get_product(session, product_id, lock=True)
    found = await get_picture(session, product_id, picture_id)
    await session.delete(found)
    await session.flush()
    await _tell(session, product_id, "picture_remove", user_id, picture_id=picture_id)
    return found.digest


async def name_pictures(
    session: AsyncSession, product_id: int, addresses: Sequence[str], *, user_id: int | None, at: datetime
) -> bool:
    """Let a product have the pictures that lie at `addresses`: new ones are fetched soon and stand last, those named
    before and not now go, uploaded ones stay. Whether anything is different."""
    known = await list_pictures(session, product_id)
    by_address = {it.address: it for it in known if it.address is not None}
    gone = [it for address, it in by_address.items() if address not in addresses]
    room = MOST_OF_ONE - len(known) + len(gone)
    new = [it for it in dict.fromkeys(addresses) if it not in by_address][: max(0, room)]
    for row in gone:
        await session.delete(row)
    behind = _behind(known)
    for place, address in enumerate(new):
        session.add(Picture(product_id=product_id, position=behind + place, address=address, due_at=at))
    await session.flush()
    if gone or new:
        await _tell(session, product_id, "picture_named", user_id, new=new, gone=[it.address for it in gone])
    return bool(gone or new)


async def _tell(
    session: AsyncSession, product_id: int, what: str, user_id: int | None, **detail: object
) -> None:
    await audit.record(
        session, user_id=user_id, action=f"product.{what}", object_kind="product", object_id=product_id, detail=detail
    )  # fmt: skip
    await announce(session, "product", {"id": product_id})


async def used_bytes(session: AsyncSession) -> int:
    """What all pictures have together."""
    return int(await session.scalar(select(func.coalesce(func.sum(Picture.size), 0))) or 0)


async def forget_bytes(session: AsyncSession, folder: Path, digests: Sequence[str]) -> None:
    """Remove the bytes that no picture has any more."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    used = set(await session.scalars(select(Picture.digest).where(Picture.digest.in_(digests))))
    for digest in set(digests) - used:
        for box in BOXES:
            file_of(folder, digest, box).unlink(missing_ok=True)


async def sweep(session: AsyncSession, folder: Path) -> None:
    """Remove bytes that no picture has: of an import that let it go, or of a row that was not written."""
    lie = sorted({it.name.partition(".")[0] for it in folder.glob("[0-9a-f][0-9a-f]/*")})
    for first in range(0, len(lie), 1000):
        await forget_bytes(session, folder, lie[first : first + 1000])
