"""Who sits at which phone, and which numbers are ours: read from the database, kept in memory.

The pop must not wait for look-ups that change once a week; a new `Directory` is loaded when one of
its tables changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.hours import Hours
from crm_core.line import Line
from crm_core.line_hours import load_hours
from crm_core.shop import Shop
from crm_core.user import Extension, User


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Somebody with a telephone. `phones` are (pbx, extension), the first one is dialled from; `line_id`: the line
    shown to customers unless their order says another."""

    id: int
    name: str
    role: str
    phones: tuple[tuple[str, str], ...]
    line_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class LineEntry:
    """A number people dial, with the shop it belongs to. `aliases`: how a PBX may name it otherwise."""

    id: int
    number: str
    name: str
    shop_id: int | None
    shop: str | None
    currency: str | None
    country: str | None
    hours: Hours | None = None  # None: always open
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Operators by id and by phone, lines by the number dialled, our own numbers."""

    operators: Mapping[int, Operator]
    by_phone: Mapping[tuple[str, str], int]
    lines: Mapping[tuple[str, str], LineEntry]
    own_numbers: frozenset[str]

    def operator_at(self, pbx: str, extension: str | None) -> Operator | None:
        """The operator whose phone this is."""
        user_id = self.by_phone.get((pbx, extension or ""))
        return None if user_id is None else self.operators[user_id]

    def line(self, pbx: str, number: str | None) -> LineEntry | None:
        """The line that was dialled, under its own number or an alias."""
        return self.lines.get((pbx, number or ""))

    def lines_of(self, pbx: str) -> list[LineEntry]:
        """Every line of one PBX, the oldest first."""
        found = {entry.id: entry for (of, _), entry in self.lines.items() if of == pbx}
        return [found[line_id] for line_id in sorted(found)]


EMPTY = Directory(operators={}, by_phone={}, lines={}, own_numbers=frozenset())


async def load_directory(session: AsyncSession) -> Directory:
    """Read the directory; inactive people have no phones."""
    operators, by_phone = await _people(session)
    lines: dict[tuple[str, str], LineEntry] = {}
    own: set[str] = set()
    hours = await load_hours(session)
    rows = await session.execute(
        select(Line, Shop).outerjoin(Shop, Shop.id == Line.shop_id).order_by(Line.id)
    )
    for line, shop in rows:
        entry = LineEntry(
            id=line.id,
            number=line.did,
            name=line.name,
            shop_id=line.shop_id,
            shop=shop.name if shop else None,
            currency=shop.currency if shop else None,
            country=shop.country if shop else None,
            hours=hours.get(line.id),
            aliases=tuple(line.aliases),
        )
        for number in (line.did, *line.aliases):
            lines[line.pbx, number] = entry
        own |= {line.e164} if line.e164 else set()
    return Directory(operators=operators, by_phone=by_phone, lines=lines, own_numbers=frozenset(own))


async def _people(session: AsyncSession) -> tuple[dict[int, Operator], dict[tuple[str, str], int]]:
    by_phone: dict[tuple[str, str], int] = {}
    phones: dict[int, list[tuple[str, str]]] = {}
    query = select(Extension, User).join(User, User.id == Extension.user_id).where(User.active)
    for extension, user in await session.execute(query.order_by(Extension.id)):
        by_phone[extension.pbx, extension.extension] = user.id
        phones.setdefault(user.id, []).append((extension.pbx, extension.extension))
    people = await session.scalars(select(User).where(User.active))
    operators = {
        user.id: Operator(
            id=user.id,
            name=user.name,
            role=user.role,
            phones=tuple(phones.get(user.id, ())),
            line_id=user.line_id,
        )
        for user in people
    }
    return operators, by_phone
