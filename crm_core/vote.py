"""The customer's vote on a call: 1 to 5, once, by the keys of his telephone or on a page that only he was given.

A page is opened by a word that nobody can guess and that is not kept: the table has its sha256. It is one call's, dies
with the vote and with time, and asking for another one takes the place of the first.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call
from crm_core.db import Base, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.leads_of import leads_of
from crm_core.line import Line
from crm_core.notice import notify
from crm_core.outbox import announce
from crm_core.shop import Shop
from crm_core.user import Role, User

LASTS = timedelta(days=7)
LOW = 2  # stars at which supervisors are told
LONGEST_COMMENT = 1000


class VoteWay(StrEnum):
    """How the customer voted."""

    PHONE = "phone"
    LINK = "link"


class CallVote(Base):
    """What the customer said of a call: `stars` 1 (bad) to 5; `operator_id` talked with him."""

    __tablename__ = "call_votes"
    __table_args__ = (
        one_of("way", VoteWay),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars_range"),
        Index("ix_call_votes_operator", "operator_id", text("voted_at DESC")),
        Index("ix_call_votes_voted_at", text("voted_at DESC")),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    stars: Mapped[int]
    way: Mapped[str]
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    comment: Mapped[str] = mapped_column(server_default="", default="")
    voted_at: Mapped[datetime]


class VoteLink(Base):
    """The page on which the customer of a call may vote. `digest`: sha256 of the word in its address."""

    __tablename__ = "vote_links"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class Invited(NamedTuple):
    """The call whose customer opens his page: when it was, and the shop he called."""

    call_id: UUID
    call_at: datetime
    shop: str | None
    timezone: str | None
    voted: bool


async def keep_vote(
    session: AsyncSession,
    call_id: UUID,
    *,
    stars: int,
    way: VoteWay,
    operator_id: int | None,
    at: datetime,
    comment: str = "",
) -> bool:
    """Keep the vote on a call, once; False when there is one. Supervisors are told of a low one."""
    values = {"call_id": call_id, "stars": stars, "way": str(way), "operator_id": operator_id, "voted_at": at}
    made = insert(CallVote).values(**values, comment=comment[:LONGEST_COMMENT]).on_conflict_do_nothing()
    if await session.scalar(made.returning(CallVote.call_id)) is None:
        return False
    news = {"id": str(call_id), "call_id": str(call_id)}
    await announce(session, "call", news)
    if stars <= LOW:
        name = await session.scalar(select(User.name).where(User.id == operator_id))
        said = f"A customer gave {stars} of 5 for a call" + (f" with {name}." if name else ".")
        leads = await leads_of(session, operator_id or 0, "reviews", "view", roles=(Role.SUPERVISOR,))
        await notify(session, leads, said, address=f"/calls/{call_id}", level="warning")
    return True


async def invite(
    session: AsyncSession, call_id: UUID, *, user_id: int | None, at: datetime
) -> tuple[str, datetime]:
    """A word that opens the page of this call's vote, and until when; the one before opens nothing any more.

    Raises `Invalid` for a call in which nobody talked, `Conflict` when the customer has voted.
    """
    call = await session.get_one(Call, call_id)
    if call.answered_at is None:
        raise Invalid("Nobody talked in this call, so there is nothing to vote on.", "call_id")
    if await session.get(CallVote, call_id) is not None:
        raise Conflict("The customer has voted already.")
    word, until = secrets.token_urlsafe(24), at + LASTS
    values = {"digest": _digest(word), "expires_at": until, "made_by": user_id}
    link = insert(VoteLink).values(call_id=call_id, **values)
    await session.execute(link.on_conflict_do_update(index_elements=[VoteLink.call_id], set_=values))
    return word, until


async def invited(session: AsyncSession, word: str, *, at: datetime) -> Invited:
    """What the page that this word opens is about. Raises `NotFound` for one that opens nothing, or no more."""
    query = (
        select(VoteLink.call_id, Call.started_at, Shop.name, Shop.timezone, CallVote.call_id.is_not(None))
        .join(Call, Call.id == VoteLink.call_id)
        .outerjoin(Line, Line.id == Call.line_id)
        .outerjoin(Shop, Shop.id == Line.shop_id)
        .outerjoin(CallVote, CallVote.call_id == VoteLink.call_id)
        .where(VoteLink.digest == _digest(word), VoteLink.expires_at > at)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("This page is not there any more.")
    return Invited(*row)


async def vote_by_word(session: AsyncSession, word: str, *, stars: int, comment: str, at: datetime) -> None:
    """The customer votes on his page, once. Raises `NotFound`, `Invalid`, `Conflict` when he has."""
    if not 1 <= stars <= 5:
        raise Invalid("Choose 1 to 5.", "stars")
    about = await invited(session, word, at=at)
    operator = await session.scalar(select(Call.operator_id).where(Call.id == about.call_id))
    kept = await keep_vote(
        session,
        about.call_id,
        stars=stars,
        way=VoteWay.LINK,
        operator_id=operator,
        at=at,
        comment=" ".join(comment.split()),
    )
    if not kept:
        raise Conflict("You have voted already. Thank you.")


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode(errors="replace")).digest()
