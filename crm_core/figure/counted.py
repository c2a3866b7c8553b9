"""What is counted of facts that do not add up: each thing once, the middle of times; and figures told of them. Pure.

In:      a `Counted` for each row and one for all of them together, which is counted by itself
Units:   times are whole microseconds
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crm_core.figure.figure import Figure, Group, Side, Unit, Value
from crm_core.figure.tally import Sums


@dataclass(frozen=True)
class Spread:
    """How long something took: how many times are known, the middle one, what 9 of 10 do not exceed, all of them."""

    times: int = 0
    median_us: int = 0
    late_us: int = 0
    whole_us: int = 0


@dataclass(frozen=True)
class Counted:
    """By the names of what is counted. What is not there is nought."""

    counts: Mapping[str, int] = field(default_factory=dict)
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    sums: Mapping[str, Sums] = field(default_factory=dict)

    def of(self, name: str) -> int:
        return self.counts.get(name, 0)

    def spread(self, name: str) -> Spread:
        return self.spreads.get(name, Spread())

    def money(self, name: str) -> Sums:
        return self.sums.get(name, {})

    def joined(self, other: "Counted") -> "Counted":
        """With what else is counted of the same."""
        return Counted(
            {**self.counts, **other.counts}, {**self.spreads, **other.spreads}, {**self.sums, **other.sums}
        )


class Taken(Figure):
    """A time that so many do not exceed; its numerator is how many times are known."""

    def of(self, tally: Counted) -> list[Value]:
        spread = tally.spread(self.code.rpartition("_")[0])
        if not spread.times:
            return [Value(None, 0)]
        told = Figure.of(self, tally)[0]
        return [Value(told.value, spread.times)]


def side(says: str, name: str) -> Side:
    """So many of what is counted under this name, and their list."""
    return Side(says, lambda it: it.of(name), (name,))


def number(code: str, name: str, formula: str, group: Group = Group.SALES) -> Figure:
    """How many; they are counted under the code of the figure."""
    return Figure(
        code=code, name=name, group=group, unit=Unit.COUNT, formula=formula, top=side(name.lower(), code)
    )


def pieces(code: str, name: str, formula: str, listed: str) -> Figure:
    """How many pieces; `listed`: what is counted of those in which they are."""
    return Figure(
        code=code, name=name, group=Group.SALES, unit=Unit.COUNT, formula=formula,
        top=Side(name.lower(), lambda it: it.of(code), (listed,)),
    )  # fmt: skip


def share(code: str, name: str, formula: str, top: Side, bottom: Side, group: Group = Group.SALES) -> Figure:
    """One part of another."""
    return Figure(code=code, name=name, group=group, unit=Unit.SHARE, formula=formula, top=top, bottom=bottom)


def middle(spread: str, name: str, formula: str, listed: str, group: Group = Group.SALES) -> Figure:
    """The time that half of them do not exceed. `listed`: what is counted of those whose time is known."""
    return Taken(
        code=f"{spread}_median", name=name, group=group, unit=Unit.SECONDS, formula=formula,
        top=Side("times known", lambda it: it.spread(spread).median_us, (listed,)),
    )  # fmt: skip


def late(spread: str, name: str, formula: str, listed: str, group: Group = Group.SALES) -> Figure:
    """The time that nine of ten do not exceed."""
    return Taken(
        code=f"{spread}_late", name=name, group=group, unit=Unit.SECONDS, formula=formula,
        top=Side("times known", lambda it: it.spread(spread).late_us, (listed,)),
    )  # fmt: skip


def cash(
    code: str, name: str, formula: str, listed: str, *, says: str = "", purchases: bool = False
) -> Figure:
    """A sum, each currency by itself; `listed`: what is counted of those that brought it."""
    return Figure(
        code=code, name=name, group=Group.SALES, unit=Unit.MONEY, formula=formula, purchases=purchases,
        top=Side(says or name.lower(), lambda it: it.of(listed), (listed,)), money=lambda it: it.money(code),
    )  # fmt: skip
