"""Which of our numbers the customer sees: never the one of another shop."""

import pytest

from callcenter.directory import LineEntry
from callcenter.shown_line import LineNeeded, Occasion, named_line, shown_line
from crm_core.errors import Invalid

POLAND, GERMANY, BRITAIN = 1, 2, 3


def line(line_id: int, number: str, name: str, shop_id: int | None) -> LineEntry:
    return LineEntry(
        id=line_id,
        number=number,
        name=name,
        shop_id=shop_id,
        shop=None,
        currency=None,
        country=None,
        aliases=(number.removeprefix("+"),),
    )


SALES = line(11, "+48223071120", "Poland shop", POLAND)
SUPPORT = line(12, "+48223071129", "Poland support", POLAND)
BERLIN = line(13, "+493023125140", "Germany shop", GERMANY)
HOUSE = line(14, "+48220000000", "Switchboard", None)
LINES = [SALES, SUPPORT, BERLIN]

# What is known, the lines there are, the line that is shown.
TABLE = [
    ("the order's shop", Occasion(shop_id=GERMANY), LINES, BERLIN),
    ("the first of a shop's lines", Occasion(shop_id=POLAND), LINES, SALES),
    ("the caller's own among the shop's", Occasion(shop_id=POLAND, own=12), LINES, SUPPORT),
    ("the caller's own of another shop does not count", Occasion(shop_id=GERMANY, own=12), LINES, BERLIN),
    ("the missed line among the shop's", Occasion(shop_id=POLAND, own=11, missed_on=12), LINES, SUPPORT),
    ("a shop without a line shows the house's", Occasion(shop_id=BRITAIN, own=11), [*LINES, HOUSE], HOUSE),
    ("and none of another shop's", Occasion(shop_id=BRITAIN, own=11), LINES, None),
    ("the line by which he called", Occasion(missed_on=13, own=11), LINES, BERLIN),
    ("the caller's own", Occasion(own=12, usual=13), LINES, SUPPORT),
    ("the only line there is", Occasion(), [BERLIN], BERLIN),
    ("no line is known", Occasion(), [], None),
    ("one's own line is on another switchboard", Occasion(own=99), [BERLIN], BERLIN),
]


@pytest.mark.parametrize(
    ("about", "lines", "shown"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_line_follows_from_what_is_known(about, lines, shown) -> None:
    assert shown_line(lines, about) == shown


def test_where_nothing_says_it_somebody_is_asked_and_the_likeliest_stands_first() -> None:
    with pytest.raises(LineNeeded) as asked:
        shown_line(LINES, Occasion(usual=12))
    assert asked.value.lines == (SUPPORT, BERLIN, SALES)


def test_a_named_line_is_ours_and_of_the_right_shop() -> None:
    assert named_line(LINES, "48223071129", POLAND) == "+48223071129"
    assert named_line(LINES, "+493023125140", None) == "+493023125140"
    with pytest.raises(Invalid, match="none of our lines"):
        named_line(LINES, "+15550100", None)
    with pytest.raises(Invalid, match="another shop"):
        named_line(LINES, "+493023125140", POLAND)


def test_while_no_lines_are_known_the_named_one_is_taken() -> None:
    assert named_line([], "+15550100", GERMANY) == "+15550100"
