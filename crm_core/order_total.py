"""What an order adds up to: the one place where it is computed.

Pure. Every part is rounded to the cent once, half up, and the total is the exact sum of the rounded parts, so what
a customer adds up by hand is what he pays. No part is ever below zero: a discount ends where there is nothing left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from crm_core.errors import Invalid
from crm_core.money import money

ZERO = Decimal("0.00")
_CENT, _TENTH, _ALL = Decimal("0.01"), Decimal("0.1"), Decimal(100)


@dataclass(frozen=True)
class Off:
    """A discount: per cent of a sum, or an amount; never both."""

    percent: Decimal = ZERO
    amount: Decimal = ZERO

    def of(self, whole: Decimal) -> Decimal:
        """What it takes off `whole`; never more than that."""
        return min(whole, (whole * self.percent / _ALL).quantize(_CENT, ROUND_HALF_UP) + self.amount)

    def __bool__(self) -> bool:
        return bool(self.percent or self.amount)


NOTHING = Off()


@dataclass(frozen=True)
class OrderLine:
    """So many pieces at a price, less the line's own discount."""

    quantity: int
    price: Decimal
    off: Off = NOTHING

    @property
    def gross(self) -> Decimal:
        return self.quantity * self.price

    @property
    def sum(self) -> Decimal:
        return self.gross - self.off.of(self.gross)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The parts of a total: goods (after the discounts of lines) - discount - coupon + delivery."""

    gross: Decimal
    goods: Decimal
    discount: Decimal
    coupon: Decimal
    delivery: Decimal

    @property
    def sold(self) -> Decimal:
        """What is paid for the goods."""
        return self.goods - self.discount - self.coupon

    @property
    def total(self) -> Decimal:
        return self.sold + self.delivery


def add_up(
    lines: Iterable[OrderLine],
    *,
    discount: Off = NOTHING,
    coupon: Off = NOTHING,
    coupon_minimum: Decimal = ZERO,
    delivery: Decimal = ZERO,
) -> Sums:
    """The parts of an order's total. The discount counts on the goods, the coupon on what is left of them, if that
    reaches its minimum. Raises `Invalid` for a total that is absurdly high."""
    listed = list(lines)
    gross = sum((line.gross for line in listed), ZERO)
    goods = sum((line.sum for line in listed), ZERO)
    taken = discount.of(goods)
    left = goods - taken
    by_coupon = coupon.of(left) if left >= coupon_minimum else ZERO
    sums = Sums(gross=gross, goods=goods, discount=taken, coupon=by_coupon, delivery=delivery)
    money(gross + delivery, "items")
    return sums


def off(percent: Decimal | int | str, amount: Decimal | int | str, field: str) -> Off:
    """A discount as it was asked for. Raises `Invalid` for one that can not be."""
    try:
        share = Decimal(percent).quantize(_CENT, ROUND_HALF_UP)
    except (ArithmeticError, ValueError, TypeError):
        raise Invalid("A discount is a number of per cent.", field) from None
    if not share.is_finite() or not 0 <= share <= _ALL:
        raise Invalid("A discount is between 0 and 100 %.", field)
    asked = Off(share, money(amount, field))
    if asked.percent and asked.amount:
        raise Invalid("A discount is either per cent or an amount, not both.", field)
    return asked


def share_off(whole: Decimal, paid: Decimal) -> Decimal:
    """How many per cent below `whole` somebody pays, one decimal; below zero when he pays more."""
    if whole <= 0:
        return ZERO
    return ((whole - paid) * _ALL / whole).quantize(_TENTH, ROUND_HALF_UP)


def margin(sold: Decimal, costs: Sequence[tuple[int, Decimal | None]]) -> Decimal | None:
    """What stays of what is paid for the goods; `costs` are (pieces, purchase price). None when one is not known."""
    if any(cost is None for _, cost in costs):
        return None
    return sold - sum((pieces * cost for pieces, cost in costs if cost is not None), ZERO)
