"""How times and sums are said."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.say import duration, exact, instant, money, zone_of

NOW = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-20, "just now"),
        (20, "now"),
        (-125, "2 min ago"),
        (7300, "in 2 hr"),
        (-20_000, "14:56"),
        (-90_000, "yesterday 19:30"),
        (80_000, "tomorrow 18:43"),
        (-9_000_000, "9 Aug 17:30"),
        (-90_000_000, "15 Jan 2024"),
    ],
)
def test_an_instant_is_told_as_people_say_it_in_their_own_zone(seconds: int, said: str) -> None:
    assert instant(NOW + timedelta(seconds=seconds), NOW, WARSAW) == said


def test_the_exact_instant_is_on_hover() -> None:
    assert exact(NOW, WARSAW) == "Sat 21 Nov 2026, 20:30:00 CET"


def test_an_unknown_zone_is_utc() -> None:
    assert [str(zone_of(name)) for name in (None, "", "Mars/Base", "../etc")] == ["UTC"] * 4


def test_seconds_are_said_as_a_telephone_shows_them() -> None:
    assert [duration(s) for s in (0, 59.9, 161, 3725, None, -3)] == [
        "0:00",
        "0:59",
        "2:41",
        "1:02:05",
        "",
        "0:00",
    ]


@given(st.floats(0, 10**6))
def test_a_duration_can_be_read_back(seconds: float) -> None:
    total = 0
    for part in duration(seconds).split(":"):
        total = total * 60 + int(part)
    assert total == int(seconds)


def test_a_sum_carries_its_currency() -> None:
    said = [money(Decimal("1284.5"), code) for code in ("EUR", "PLN", "GBP", None)]
    assert said == ["€1,284.50", "PLN\u00a01,284.50", "£1,284.50", "1,284.50"]
    assert money(None, "EUR") == ""
