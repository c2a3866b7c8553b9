"""Lines: the numbers people dial, and the shop each belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Texts
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce
from crm_core.phone import normalise
from crm_core.shop import Shop
from crm_core.user import Extension


class Line(Base):
    """A number that is dialled to reach a shop. `aliases`: other spellings in which a PBX names it.

    `timezone`: of its hours; NULL: the shop's. `makes_leads`: who calls here and is not known becomes a lead.
    """

    __tablename__ = "lines"
    __table_args__ = (
        UniqueConstraint("pbx", "did"),
        Index("ix_lines_aliases", "aliases", postgresql_using="gin"),
        CheckConstraint("did <> ''", name="did_not_empty"),
    )

    id: Mapped[Id]
    pbx: Mapped[str]
    did: Mapped[str]
    name: Mapped[str]
    aliases: Mapped[Texts]
    e164: Mapped[str | None] = mapped_column(index=True)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"), index=True)
    timezone: Mapped[str | None]
    makes_leads: Mapped[Flag]


async def create_line(
    session: AsyncSession,
    *,
    pbx: str,
    did: str,
    name: str,
    country: str,
    shop_id: int | None = None,
    aliases: Sequence[str] = (),
    timezone: str | None = None,
) -> Line:
    """Add a number that people dial. Raises `Invalid` without one, `Conflict` when it is known already."""
    if not did.strip():
        raise Invalid("A line needs the number that is dialled.", "did")
    spoken = _spellings(did.strip(), aliases)
    await _nobody_elses(session, pbx, [did.strip(), *spoken])
    e164 = normalise(did, country=country).e164
    line = Line(pbx=pbx, did=did.strip(), name=name, e164=e164)
    line.aliases, line.shop_id, line.timezone = spoken, await _shop(session, shop_id), _zone(timezone)
    session.add(line)
    await session.flush()
    await announce(session, "line", {"id": line.id})
    return line


async def get_line(session: AsyncSession, line_id: int, *, lock: bool = False) -> Line:
    """The line. Raises `NotFound`."""
    found = await session.get(Line, line_id, with_for_update=lock)
    if found is None:
        raise NotFound(f"There is no line {line_id}.")
    return found


async def update_line(session: AsyncSession, line_id: int, changes: Mapping[str, Any]) -> Line:
    """Change what is in `changes`: name, aliases, shop_id, timezone, makes_leads. Its number stays.

    Raises `NotFound`, `Invalid`, and `Conflict` when another line has one of the aliases.
    """
    line = await get_line(session, line_id, lock=True)
    if "name" in changes:
        if not changes["name"].strip():
            raise Invalid("A line needs a name.", "name")
        line.name = changes["name"].strip()
    if "aliases" in changes:
        spoken = _spellings(line.did, changes["aliases"])
        await _nobody_elses(session, line.pbx, spoken, besides=line.id)
        line.aliases = spoken
    if "shop_id" in changes:
        line.shop_id = await _shop(session, changes["shop_id"])
    if "timezone" in changes:
        line.timezone = _zone(changes["timezone"])
    line.makes_leads = changes.get("makes_leads", line.makes_leads)
    await session.flush()
    await announce(session, "line", {"id": line.id})
    return line


def _spellings(did: str, aliases: Sequence[str]) -> list[str]:
    """The aliases without blanks, doubles and the number itself."""
    return [alias for alias in dict.fromkeys(each.strip() for each in aliases) if alias and alias != did]


async def _nobody_elses(
    session: AsyncSession, pbx: str, numbers: Sequence[str], besides: int | None = None
) -> None:
    """Raise `Conflict` when another line of this switchboard is dialled by one of these numbers."""
    taken = select(Line).where(
        Line.pbx == pbx, or_(Line.did.in_(numbers), Line.aliases.overlap(list(numbers)))
    )
    other = await session.scalar(taken.where(Line.id.is_distinct_from(besides)).limit(1))
    if other is not None:
        spoken = next(it for it in numbers if it in (other.did, *other.aliases))
        raise Conflict(f"{spoken[:40]} is a line already: {other.name}.")


async def _shop(session: AsyncSession, shop_id: int | None) -> int | None:
    if shop_id is not None and await session.get(Shop, shop_id) is None:
        raise Invalid(f"There is no shop {shop_id}.", "shop_id")
    return shop_id


def _zone(name: str | None) -> str | None:
    """`name`, None for none. Raises `Invalid` for one that is no time zone."""
    if name and name not in available_timezones():
        raise Invalid("A time zone is written like Europe/Warsaw.", "timezone")
    return name or None


async def find_line(session: AsyncSession, pbx: str, dialled: str, *, country: str) -> Line | None:
    """The line a PBX means by `dialled`: as written, by an alias, or as the same number written otherwise."""
    e164 = normalise(dialled, country=country).e164
    same_number = Line.e164 == e164 if e164 else false()
    found: Line | None = await session.scalar(
        select(Line)
        .where(Line.pbx == pbx, or_(Line.did == dialled, Line.aliases.contains([dialled]), same_number))
        .order_by((Line.did == dialled).desc(), Line.id)
        .limit(1)
    )
    return found


@dataclass(frozen=True)
class OwnNumbers:
    """Our lines (E.164) and extensions: they can never be a customer's."""

    lines: frozenset[str]
    extensions: frozenset[str]

    def has(self, number: str) -> bool:
        """Whether `number`, E.164 or an extension, is one of ours."""
        return number in self.lines or number in self.extensions


async def own_numbers(session: AsyncSession) -> OwnNumbers:
    """What is ours at this moment."""
    lines = await session.scalars(select(Line.e164).where(Line.e164.is_not(None)))
    extensions = await session.scalars(select(Extension.extension))
    return OwnNumbers(frozenset(it for it in lines if it), frozenset(extensions))


async def list_lines(session: AsyncSession) -> Sequence[tuple[Line, Shop | None]]:
    """Every line with its shop, by name."""
    rows = await session.execute(
        select(Line, Shop).join(Shop, Shop.id == Line.shop_id, isouter=True).order_by(Line.name, Line.id)
    )
    return [(line, shop) for line, shop in rows]
