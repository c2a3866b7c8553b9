"""Which of our numbers a customer sees when we call him (row C3): never the one of another shop.

In this order: the line that was named; a line of the order's (or deal's, or callback's) shop; the line by which the
customer called whom we call back; the caller's own line; the only one there is; else somebody must say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger

from callcenter.directory import LineEntry
from callcenter.errand import Errand
from callcenter.links import Target
from crm_core.errors import Conflict, Invalid


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What a call is about, as far as it says which line to show. Ids of lines; None where nothing is known."""

    shop_id: int | None = None
    missed_on: int | None = None  # the call to be returned came by this line
    own: int | None = None  # of whoever calls
    usual: int | None = None  # the customer's last call went by this line: a proposal, not a reason


class LineNeeded(Conflict):
    """Several lines are possible and nothing says which; `lines`, the likeliest first."""

    def __init__(self, lines: Sequence[LineEntry]) -> None:
        super().__init__("Choose the line that the customer shall see.")
        self.lines = tuple(lines)


def named_line(lines: Sequence[LineEntry], named: str, shop_id: int | None) -> str:
    """The number of the line that was named. Raises `Invalid` for one that is not ours or is another shop's.

    While no lines are known at all, whatever was named is taken.
    """
    if not lines:
        return named
    found = next((each for each in lines if named in (each.number, *each.aliases)), None)
    if found is None:
        raise Invalid(f"{named} is none of our lines; there are {_listed(lines)}.", "line")
    if shop_id is not None and found.shop_id not in (None, shop_id):
        fitting = [each for each in lines if each.shop_id in (None, shop_id)]
        raise Invalid(
            f"{named} is the line of another shop; this order's has {_listed(fitting) or 'none'}.", "line"
        )
    return found.number


def shown_line(lines: Sequence[LineEntry], about: Occasion) -> LineEntry | None:
    """The line to show; None when the switchboard's own number is shown. `lines`: of one switchboard, by id.

    Raises `LineNeeded` when somebody must say.
    """
    if about.shop_id is not None:
        return _of_shop(lines, about)
    for wanted in (about.missed_on, about.own):
        if wanted is not None and (found := _by_id(lines, wanted)):
            return found
    if len(lines) > 1:
        raise LineNeeded(sorted(lines, key=lambda each: (each.id != about.usual, each.name, each.id)))
    return lines[0] if lines else None


def _of_shop(lines: Sequence[LineEntry], about: Occasion) -> LineEntry | None:
    """Of the shop's own lines, else of those that belong to no shop: the missed one, the caller's own, the first."""
    fitting = [each for each in lines if each.shop_id == about.shop_id]
    fitting = fitting or [each for each in lines if each.shop_id is None]
    known = (_by_id(fitting, wanted) for wanted in (about.missed_on, about.own) if wanted is not None)
    return next((each for each in known if each), fitting[0] if fitting else None)


def _by_id(lines: Sequence[LineEntry], line_id: int) -> LineEntry | None:
    return next((each for each in lines if each.id == line_id), None)


def _listed(lines: Sequence[LineEntry]) -> str:
    return ", ".join(f"{each.number} ({each.name})" for each in lines)


async def occasion_of(session: AsyncSession, errand: Errand, own: int | None) -> Occasion:
    """What the database knows about it, in one statement. A deal has a shop when all its orders are of one."""
    target = errand.target or Target()
    asked = {
        "customer": errand.customer_id,
        "order": target.order_id,
        "deal": target.deal_id,
        "callback": errand.callback_id,
    }
    row = (await session.execute(_OCCASION, asked)).one()
    return Occasion(shop_id=row.shop_id, missed_on=row.missed_on, own=own, usual=row.usual)


_OCCASION = text("""
    WITH promise AS (SELECT * FROM callbacks WHERE id = :callback),
    sold AS (
        SELECT min(shop_id) AS shop_id FROM orders
        WHERE deal_id = coalesce(:deal, (SELECT deal_id FROM promise)) HAVING min(shop_id) = max(shop_id)
    )
    SELECT
        coalesce(
            (SELECT shop_id FROM orders WHERE id = coalesce(:order, (SELECT order_id FROM promise))),
            (SELECT shop_id FROM sold)
        ) AS shop_id,
        (SELECT k.line_id FROM calls k JOIN promise ON k.id = promise.source_call_id) AS missed_on,
        (
            SELECT k.line_id FROM calls k
            WHERE k.customer_id = coalesce(:customer, (SELECT customer_id FROM promise)) AND k.line_id IS NOT NULL
            ORDER BY k.started_at DESC LIMIT 1
        ) AS usual
""").bindparams(*(bindparam(name, type_=BigInteger) for name in ("customer", "order", "deal", "callback")))
