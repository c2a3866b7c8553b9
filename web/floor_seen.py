"""What of the board somebody may see. Pure.

How far `floor.view` reaches decides whose rows; what stands in them follows the other rights: customers and orders only
where one may see them, a colleague's call only where calls reach that far, figures only where figures do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web.rights import VIEW_CALLS, VIEW_CUSTOMERS, VIEW_FIGURES, VIEW_FLOOR, VIEW_ORDERS, Person

Row = Mapping[str, Any]
Whose = frozenset[int] | None
INSIDE = ("owners", "pbxs")
_HIDDEN = {"number": "", "name": "", "customer_id": None, "vip": False, "order": None}


@dataclass(frozen=True)
class Sight:
    """Whose rows, calls, orders and figures (None: everybody's); `names`: of customers. Equal for people who see the
    same."""

    floor: Whose
    calls: Whose
    orders: Whose
    figures: Whose
    names: bool


def sight_of(who: Person) -> Sight:
    """How far this person sees."""
    return Sight(
        floor=who.whose(VIEW_FLOOR),
        calls=who.whose(VIEW_CALLS),
        orders=who.whose(VIEW_ORDERS),
        figures=who.whose(VIEW_FIGURES),
        names=who.may(VIEW_CUSTOMERS),
    )


def seen(part: str, row: Row, sight: Sight) -> Row | None:
    """The row as it may be seen; None when it may not."""
    owners = row["owners"]
    if sight.floor is not None and sight.floor.isdisjoint(owners):
        return None
    shown = {key: value for key, value in row.items() if key not in INSIDE}
    if part == "operators":
        shown["call"] = _call(row["call"], row["id"], sight)
        if not _within(sight.figures, owners):
            shown["today"] = None
    elif part == "waiting":
        return shown if sight.names else shown | _HIDDEN
    elif "today" in row and sight.figures is not None:
        shown["today"] = None
    return shown


def _call(call: Row | None, operator: int, sight: Sight) -> Row | None:
    if call is None:
        return None
    if not _within(sight.calls, (operator,)) or not sight.names:
        return {**call, **_HIDDEN}
    order = call["order"]
    if order is None or not _within(sight.orders, order["owners"]):
        return {**call, "order": None}
    return {**call, "order": {"id": order["id"], "number": order["number"]}}


def _within(whose: Whose, owners: Any) -> bool:
    return whose is None or not whose.isdisjoint(owners)
