"""Orders by when they were placed: how far they came, what they brought, what their source cost. Pure.

An order counts whole on the day it was placed, as it stands by now. What was called off or sent back is in *placed* and
nowhere else but there. By operator it counts for whoever is in charge of it, else for whoever took it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Self

from crm_core.figure.figure import Figure, Group, Side, Unit
from crm_core.figure.tally import Sums, add


@dataclass(frozen=True, kw_only=True)
class Sales:
    """What is counted of orders. Adds up like `Tally`."""

    placed: int = 0
    lost: int = 0  # called off or sent back
    unfinished: int = 0
    kept: int = 0  # all but the lost ones
    confirmed: int = 0  # of these: somebody has begun
    sent: int = 0
    handed: int = 0
    closed: int = 0  # closed well
    full: int = 0  # paid in full
    again: int = 0  # of a customer who had bought before
    turnover: Sums = field(default_factory=dict)  # of the kept ones
    bills: Sums = field(default_factory=dict)  # how many these are
    paid: Sums = field(default_factory=dict)
    margin: Sums = field(default_factory=dict)  # of those paid in full, where every purchase price is known
    cost: Sums = field(default_factory=dict)  # of their source in that time

    def __add__(self, other: Self) -> Self:
        both = {it.name: (getattr(self, it.name), getattr(other, it.name)) for it in fields(self)}
        return type(self)(**{name: add(*pair) for name, pair in both.items()})


def earned(sales: Sales) -> Sums:
    """Margin less cost, in the currencies in which a cost is known."""
    return {name: sales.margin.get(name, Decimal(0)) - cost for name, cost in sales.cost.items()}


_PLACED = Side("orders placed", lambda t: t.placed, ("placed",))
_KEPT = Side("orders, without those called off or sent back", lambda t: t.kept, ("kept",))


def _share(code: str, name: str, formula: str, side: Side, of: Side = _PLACED) -> Figure:
    return Figure(
        code=code, name=name, group=Group.SALES, unit=Unit.SHARE, formula=formula, top=side, bottom=of
    )


SALES_FIGURES: tuple[Figure, ...] = (
    Figure(
        code="placed", name="Orders placed", group=Group.SALES, unit=Unit.COUNT,
        formula="All orders placed in this time.", top=_PLACED,
    ),
    Figure(
        code="turnover", name="Turnover", group=Group.SALES, unit=Unit.MONEY,
        formula="The sums of orders, paid or not, without those called off or sent back.",
        top=_KEPT, money=lambda t: t.turnover,
    ),
    Figure(
        code="bill", name="Average bill", group=Group.SALES, unit=Unit.MONEY,
        formula="Turnover / orders, without those called off or sent back; each currency by itself.",
        top=_KEPT, money=lambda t: t.turnover, money_bottom=lambda t: t.bills,
    ),
    Figure(
        code="received", name="Paid", group=Group.SALES, unit=Unit.MONEY,
        formula="What is paid by now of the orders placed in this time.", top=_PLACED, money=lambda t: t.paid,
    ),
    Figure(
        code="profit", name="Margin", group=Group.SALES, unit=Unit.MONEY, purchases=True,
        formula="What the goods of paid orders brought (without delivery) − what they cost us. Orders of which a"
        " purchase price is not known do not count.",
        top=Side("margin", lambda t: t.full, ("full",)), money=lambda t: t.margin,
    ),
    _share("confirmed", "Confirmed", "Orders that somebody began to work on / orders placed.",
           Side("begun", lambda t: t.confirmed, ("confirmed",))),
    _share("sent", "Sent", "Orders whose parcel left the house / orders placed.",
           Side("sent", lambda t: t.sent, ("sent",))),
    _share("handed", "Handed over", "Orders that the customer has / orders placed.",
           Side("handed over", lambda t: t.handed, ("handed",))),
    _share("full", "Paid in full", "Orders paid in full / orders placed.",
           Side("paid in full", lambda t: t.full, ("full",))),
    _share("unfinished", "Unfinished", "Orders that are still open / orders placed.",
           Side("still open", lambda t: t.unfinished, ("unfinished",))),
    _share("lost", "Called off", "Orders called off or sent back / orders placed.",
           Side("called off or sent back", lambda t: t.lost, ("lost",))),
    _share("again", "Repeat purchases", "Orders of customers who had bought before / orders, without those called off"
           " or sent back.", Side("of customers who had bought before", lambda t: t.again, ("again",)), _KEPT),
    Figure(
        code="cost", name="Cost of the source", group=Group.SALES, unit=Unit.MONEY,
        formula="What the source cost, as entered for its months; of a part of a month as large a part.",
        top=_PLACED, money=lambda t: t.cost,
    ),
    Figure(
        code="cost_order", name="Cost an order", group=Group.SALES, unit=Unit.MONEY,
        formula="Cost of the source / its orders in the same currency, without those called off or sent back.",
        top=_KEPT, money=lambda t: t.cost, money_bottom=lambda t: t.bills,
    ),
    Figure(
        code="roi", name="Return (ROI)", group=Group.SALES, unit=Unit.SHARE, purchases=True,
        formula="(Margin − cost of the source) / cost of the source, where a cost is entered.",
        top=_KEPT, money=earned, money_bottom=lambda t: t.cost,
    ),
)  # fmt: skip
OF_COSTS = ("cost", "cost_order", "roi")
"""Told by source and by month alone: of nothing else is known what it cost."""
SALES_BY_CODE: Mapping[str, Figure] = {figure.code: figure for figure in SALES_FIGURES}
