"""What an order adds up to, whatever is in it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.discount_limit import Sold, check_limit
from crm_core.errors import Invalid
from crm_core.order_total import NOTHING, Off, OrderLine, Sums, add_up, margin, off, share_off

PRICES = st.decimals("0", "999.99", places=2)
PERCENT = st.decimals("0", "100", places=2).map(lambda it: Off(percent=it))
OFFS = st.one_of(st.just(NOTHING), PERCENT, PRICES.map(lambda it: Off(amount=it)))
LINES = st.lists(st.builds(OrderLine, st.integers(1, 50), PRICES, OFFS), max_size=8)
CENT = Decimal("0.01")


@given(LINES, OFFS, OFFS, PRICES, PRICES)
def test_the_parts_add_up_to_the_cent_and_nothing_is_below_zero(
    lines: list[OrderLine], discount: Off, coupon: Off, minimum: Decimal, delivery: Decimal
) -> None:
    sums = add_up(lines, discount=discount, coupon=coupon, coupon_minimum=minimum, delivery=delivery)
    assert sums.total == sums.goods - sums.discount - sums.coupon + sums.delivery
    assert sums.goods == sum((line.sum for line in lines), Decimal(0))
    parts = (sums.gross, sums.goods, sums.discount, sums.coupon, sums.sold, sums.total)
    assert all(part >= 0 and part == part.quantize(CENT) for part in parts)
    assert sums.total >= delivery and sums.goods <= sums.gross
    assert sums.coupon == 0 or sums.goods - sums.discount >= minimum


@given(st.lists(st.tuples(st.integers(1, 50), PRICES), max_size=8), PRICES)
def test_without_discounts_it_is_what_school_arithmetic_says(
    items: list[tuple[int, Decimal]], delivery: Decimal
) -> None:
    cents = sum(pieces * int(price * 100) for pieces, price in items) + int(delivery * 100)
    assert add_up([OrderLine(*it) for it in items], delivery=delivery).total == Decimal(cents) / 100


def test_each_discount_is_rounded_once_and_half_a_cent_goes_up() -> None:
    lines = [OrderLine(3, Decimal("0.35"), Off(percent=Decimal(10)))] * 2  # 1.05 - 0.105
    sums = add_up(lines, discount=Off(percent=Decimal(5)), coupon=Off(amount=Decimal(1)))
    assert (sums.goods, sums.discount, sums.coupon) == (Decimal("1.88"), Decimal("0.09"), Decimal(1))
    assert sums.total == Decimal("0.79")


def test_a_discount_is_per_cent_or_an_amount() -> None:
    for percent, amount in ((101, 0), ("-1", 0), ("NaN", 0), (5, 5), (0, "x")):
        with pytest.raises(Invalid):
            off(percent, amount, "discount")


def test_the_margin_is_known_when_every_cost_is() -> None:
    assert margin(Decimal(100), [(2, Decimal(30)), (1, Decimal("5.50"))]) == Decimal("34.50")
    assert margin(Decimal(100), [(2, Decimal(30)), (1, None)]) is None
    assert share_off(Decimal(0), Decimal(5)) == 0


def sold(*lines: tuple[str, int, str], discount: str = "0") -> tuple[list[Sold], Sums]:
    """Articles that cost 10 by the list: key, pieces, the price they are sold at."""
    rows = [Sold(key, key, Decimal(10), OrderLine(pieces, Decimal(price))) for key, pieces, price in lines]
    return rows, add_up([it.line for it in rows], discount=Off(percent=Decimal(discount)))


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (sold(), sold(("mug", 1, "9.00")), None),
        (sold(), sold(("mug", 1, "12.00")), None),
        (sold(), sold(("mug", 1, "8.99")), "mug would be 10.1 % below its price; you may give at most 10 %"),
        (sold(), sold(("mug", 1, "9.00"), discount="5"), "Together this is 14.5 %"),
        (sold(), sold(("mug", 1, "10.00"), discount="10"), None),
        (sold(("mug", 2, "5.00")), sold(("mug", 1, "5.00")), None),
        (sold(("mug", 2, "5.00")), sold(("mug", 3, "5.00")), "mug would be 50 %"),
        (sold(("mug", 2, "5.00")), sold(("mug", 2, "4.90")), "mug would be 51 %"),
        (sold(("mug", 1, "10"), discount="40"), sold(("mug", 9, "10"), discount="40"), None),
        (sold(("mug", 1, "10"), discount="40"), sold(("mug", 1, "10"), discount="41"), "Together"),
    ],
)  # fmt: skip
def test_whoever_may_give_ten_per_cent_gives_ten(
    before: tuple[list[Sold], Sums], after: tuple[list[Sold], Sums], refused: str | None
) -> None:
    if refused is None:
        check_limit(*before, *after, Decimal(10))
        return
    with pytest.raises(Invalid, match=refused):
        check_limit(*before, *after, Decimal(10))
