"""Sums of money: decimals in whole cents, never floats."""

from decimal import ROUND_HALF_UP, Decimal

from crm_core.errors import Invalid

HIGHEST = Decimal("9999999.99")
_CENT = Decimal("0.01")


def money(value: Decimal | int | str, field: str) -> Decimal:
    """A sum in whole cents. Raises `Invalid` for what is no sum, negative or absurdly high."""
    try:
        amount = Decimal(value).quantize(_CENT, ROUND_HALF_UP)
    except (ArithmeticError, ValueError, TypeError):
        raise Invalid("This is not a sum of money.", field) from None
    if not amount.is_finite() or not 0 <= amount <= HIGHEST:
        raise Invalid(f"A sum is between 0 and {HIGHEST}.", field)
    return amount
