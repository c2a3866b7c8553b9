"""Tags of calls by what was said in them: "return", "price", "complaint".

A tag is the words that make it, looked for in the index of phrases when somebody asks: so it holds for the calls of
last year from the moment it is kept, and for a call from the moment its text is there.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from crm_core.db import Base, Flag, Id, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound, Stale
from crm_core.read.sound import Said
from crm_core.recording import PhraseSide
from crm_core.said_words import Wanted, says, wanted

MOST, MOST_WORDS = 60, 60


class PhraseTag(Base):
    """One tag. `words`: any of these makes it, with commas or line ends between; `side`: who must say it (None: any).

    `care`: it stands out, as a complaint should.
    """

    __tablename__ = "phrase_tags"
    __table_args__ = (UniqueConstraint("name"), one_of("side", PhraseSide))

    id: Mapped[Id]
    name: Mapped[str]
    words: Mapped[str]
    side: Mapped[str | None]
    care: Mapped[Flag]
    version: Mapped[Version]

    @property
    def alternatives(self) -> list[Wanted]:
        """What is looked for: any of it."""
        return [it for part in re.split(r"[,;\n]", self.words) if (it := wanted(part)).query]


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """A tag that a call has: how often, and the second at which it was said first."""

    id: int
    name: str
    care: bool
    times: int
    first_s: float


def tags_of(phrases: Sequence[Said], tags: Iterable[PhraseTag]) -> list[Tagged]:
    """The tags that what was said in a call makes."""
    found = []
    for tag in tags:
        asked = tag.alternatives
        hits = [
            it for it in phrases if tag.side in (None, it.side) and any(says(it.text, one) for one in asked)
        ]
        if hits:
            first = min(it.start_s for it in hits)
            found.append(Tagged(id=tag.id, name=tag.name, care=tag.care, times=len(hits), first_s=first))
    return found


async def list_tags(session: AsyncSession) -> Sequence[PhraseTag]:
    """Every tag by its name."""
    return (await session.scalars(select(PhraseTag).order_by(PhraseTag.name))).all()


async def create_tag(session: AsyncSession, *, name: str, words: str, **more: object) -> PhraseTag:
    """Add a tag. Raises `Invalid` without a word to look for, `Conflict` for a name in use."""
    known = await list_tags(session)
    if len(known) >= MOST:
        raise Conflict(f"There are {MOST} tags already. Take one away first.")
    tag = PhraseTag()
    session.add(_written(tag, known, {"name": name, "words": words, **more}))
    await session.flush()
    return tag


async def update_tag(session: AsyncSession, tag_id: int, *, version: int, **changes: object) -> PhraseTag:
    """Change what is given. Raises `NotFound`, `Invalid`, `Conflict`, `Stale` when it was changed since `version`."""
    tag = await _tag(session, tag_id)
    if tag.version != version:
        raise Stale("Somebody changed this tag meanwhile; look again.", tag.version)
    with session.no_autoflush:
        _written(tag, await list_tags(session), changes)
    tag.version += 1
    await session.flush()
    return tag


async def remove_tag(session: AsyncSession, tag_id: int) -> PhraseTag:
    """Take a tag away, from every call. Raises `NotFound`."""
    tag = await _tag(session, tag_id)
    await session.delete(tag)
    return tag


async def _tag(session: AsyncSession, tag_id: int) -> PhraseTag:
    tag = await session.get(PhraseTag, tag_id, with_for_update=True)
    if tag is None:
        raise NotFound(f"There is no tag {tag_id}.")
    return tag


def _written(tag: PhraseTag, known: Sequence[PhraseTag], changes: dict[str, object]) -> PhraseTag:
    for name, value in changes.items():
        setattr(tag, name, value)
    tag.name = " ".join(tag.name.split())
    if any(it.name.casefold() == tag.name.casefold() and it is not tag for it in known):
        raise Conflict(f"There is already a tag {tag.name!r}.")
    if not 1 <= len(tag.alternatives) <= MOST_WORDS:
        raise Invalid(f"Say which words make the tag: 1 to {MOST_WORDS}, with commas between.", "words")
    return tag
