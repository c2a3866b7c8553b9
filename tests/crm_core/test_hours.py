"""When a line is open: weekdays, nights, holidays, and the two days of the year that are not 24 hours long."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.errors import Invalid
from crm_core.hours import DAY, Holiday, Hours, Span, read_spans

WARSAW = ZoneInfo("Europe/Warsaw")
SHOP = (*(read_spans("9:00-18:00") for _ in range(5)), read_spans("10:00-14:00"), ())
NIGHT = ((), (), (), (), read_spans("22:00-06:00"), (), ())  # Friday night
EVERY_NIGHT = tuple(read_spans("22:00-06:00") for _ in range(7))


def at(text: str, fold: int = 0) -> datetime:
    """An instant by the clock on the wall in Warsaw."""
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-11-20 08:59:59", False),  # a Friday
        ("2026-11-20 09:00", True),
        ("2026-11-20 17:59:59", True),
        ("2026-11-20 18:00", False),
        ("2026-11-21 13:00", True),  # Saturday
        ("2026-11-21 14:00", False),
        ("2026-11-22 12:00", False),  # Sunday
    ],
)
def test_a_line_is_open_in_its_weekly_hours_by_its_own_clock(when: str, is_open: bool) -> None:
    assert Hours(WARSAW, SHOP).is_open(at(when)) is is_open


def test_a_line_without_weekly_hours_is_always_open_but_on_holidays() -> None:
    hours = Hours(WARSAW, None, (Holiday(date(2026, 12, 25), True, "Christmas"),))
    assert hours.is_open(at("2026-11-22 03:00"))
    assert not hours.is_open(at("2031-12-25 23:59"))
    assert hours.next_opening(at("2026-12-25 12:00")) == at("2026-12-26 00:00")


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    hours = Hours(WARSAW, NIGHT)
    assert [
        hours.is_open(at(f"2026-11-{day}")) for day in ("20 21:59", "20 22:00", "21 05:59", "21 06:00")
    ] == [
        False,
        True,
        True,
        False,
    ]
    assert not hours.is_open(at("2026-11-20 05:00"))  # the night from Thursday


def test_a_holiday_closes_its_own_hours_and_lets_the_night_before_end() -> None:
    hours = Hours(WARSAW, EVERY_NIGHT, (Holiday(date(2026, 11, 21), False, "Inventory"),))
    assert hours.is_open(at("2026-11-21 05:00"))  # began on Friday
    assert not hours.is_open(at("2026-11-21 23:00"))
    assert not hours.is_open(at("2026-11-22 05:00"))
    assert hours.is_open(at("2026-11-22 23:00"))


def test_a_short_day_of_one_year_outranks_the_holiday_of_every_year() -> None:
    short = Holiday(date(2026, 12, 24), False, "Open in the morning", Span(9 * 60, 12 * 60))
    hours = Hours(WARSAW, SHOP, (Holiday(date(2020, 12, 24), True, "Christmas Eve"), short))
    assert hours.is_open(at("2026-12-24 11:00")) and not hours.is_open(at("2026-12-24 13:00"))
    assert not hours.is_open(at("2027-12-24 11:00"))


def test_in_the_night_that_repeats_an_hour_both_are_open() -> None:
    hours = Hours(WARSAW, EVERY_NIGHT)  # 25 October 2026: 03:00 becomes 02:00
    assert hours.is_open(at("2026-10-25 02:30", fold=0)) and hours.is_open(at("2026-10-25 02:30", fold=1))
    opened = at("2026-10-24 22:00")
    seconds = sum(hours.is_open(opened + timedelta(minutes=m)) * 60 for m in range(12 * 60))
    assert seconds == 9 * 3600  # one more than on other nights


def test_in_the_night_that_loses_an_hour_the_line_closes_an_hour_sooner() -> None:
    hours = Hours(WARSAW, EVERY_NIGHT)  # 29 March 2026: 02:00 becomes 03:00
    opened = at("2026-03-28 22:00")
    assert sum(hours.is_open(opened + timedelta(minutes=m)) for m in range(12 * 60)) == 7 * 60


def test_hours_stay_where_they_are_on_the_wall_when_the_clock_is_moved() -> None:
    hours = Hours(WARSAW, tuple(read_spans("9:00-18:00") for _ in range(7)))
    assert hours.next_opening(at("2026-10-24 20:00")) == datetime(2026, 10, 25, 8, tzinfo=UTC)
    assert hours.next_opening(at("2026-10-23 20:00")) == datetime(2026, 10, 24, 7, tzinfo=UTC)


def test_a_line_that_opens_in_the_hour_that_is_lost_opens_after_it() -> None:
    hours = Hours(WARSAW, tuple(read_spans("2:30-8:00") for _ in range(7)))
    assert hours.next_opening(at("2026-03-29 01:00")) == at("2026-03-29 03:30")


def test_a_line_that_never_opens_has_no_next_opening() -> None:
    assert Hours(WARSAW, ((),) * 7).next_opening(at("2026-11-21 12:00")) is None


def test_hours_are_written_as_people_write_them() -> None:
    assert read_spans("9:00-13:00, 14:00 – 18:00") == (Span(540, 780), Span(840, 1080))
    assert read_spans("") == ()
    assert read_spans("24h") == read_spans("00:00-24:00") == (Span(0, DAY),)
    assert [str(span) for span in read_spans("22:00-6:00")] == ["22:00–06:00"]
    assert str(read_spans("24h")[0]) == "00:00–24:00"


@pytest.mark.parametrize(
    "text",
    [
        "nine to six",
        "9-18",
        "25:00-26:00",
        "9:60-10:00",
        "9:00-12:00, 11:00-13:00",
        "9:00-9:00",
        "24:00-3:00",
    ],
)
def test_hours_that_can_not_be_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(Invalid):
        read_spans(text)


weeks = st.lists(
    st.tuples(st.integers(0, DAY - 1), st.integers(30, DAY)).map(lambda s: (Span(s[0], s[0] + s[1]),)),
    min_size=7,
    max_size=7,
)


@given(weeks, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))
def test_the_line_is_open_at_its_next_opening_and_not_before(
    week: list[tuple[Span, ...]], now: datetime
) -> None:
    hours = Hours(WARSAW, week)
    opens = hours.next_opening(now)
    assert opens is not None and opens >= now and hours.is_open(opens)
    if opens > now:
        halves = (now + (opens - now) * k / 7 for k in range(7))
        lost = {(3, 29)}  # within the hour that the clock jumps over, "before" has no meaning
        assert opens.astimezone(WARSAW).timetuple()[1:3] in lost or not any(map(hours.is_open, halves))


@given(st.text(max_size=30))
def test_any_text_is_hours_or_refused(text: str) -> None:
    try:
        spans = read_spans(text)
    except Invalid:
        return
    assert read_spans(", ".join(map(str, spans))) == spans
