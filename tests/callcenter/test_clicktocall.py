"""How a number is dialled on a switchboard, and why an outgoing call failed."""

import pytest

from callcenter.clicktocall import Dialplan


@pytest.mark.parametrize(
    ("prefix", "number", "dialled"),
    [
        ("+", "+48601220114", "+48601220114"),
        ("", "+48601220114", "48601220114"),
        ("9810", "+48601220114", "981048601220114"),
        ("00", "1002", "1002"),  # a colleague is not abroad
    ],
)
def test_a_number_is_dialled_as_the_switchboard_wants_it(prefix: str, number: str, dialled: str) -> None:
    assert Dialplan(prefix=prefix).number(number) == dialled
