"""Figures: what they come to, and that they add up however one looks at them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.figure.coaching import stand, wilson
from crm_core.figure.count import count, total
from crm_core.figure.figure import BY_CODE, FIGURES
from crm_core.figure.period import By, Period, clock_key, of_days, quarters
from crm_core.figure.rows import Call, Made, Moved, Order, Rows, Span, Visit
from crm_core.figure.rules import Rules, Target
from crm_core.figure.tally import NOTHING, SECOND, Tally
from tests.crm_core.happenings import NOW, RULES, happenings, period

WARSAW = ZoneInfo("Europe/Warsaw")
MONDAY = of_days(date(2026, 11, 16), date(2026, 11, 16), WARSAW)
TEN = datetime(2026, 11, 16, 10, tzinfo=WARSAW)
randoms = st.randoms(use_true_random=False)


def value(code: str, tally: Tally) -> Decimal | None:
    (found,) = BY_CODE[code].of(tally)
    return found.value


def call(id_: int = 1, **facts: object) -> Call:
    known = {"started_at": TEN, "direction": "inbound", "result": "answered", "talk_s": 60.0, "hold_s": 0.0}
    return Call(id=id_, **{**known, **facts})


def counted(rows: Rows, where: Period = MONDAY, now: datetime = NOW, **rules: object) -> Tally:
    return total(count(rows, where, By.ALL, Rules(now=now, **rules)).values())


@settings(max_examples=60, deadline=None)
@given(random=randoms)
def test_what_the_rows_of_a_table_say_adds_up_to_what_they_say_together(random: Random) -> None:
    rows, where = happenings(random), period(random)
    together = total(count(rows, where, By.ALL, RULES).values())
    for by in By:
        assert total(count(rows, where, by, RULES).values()) == together
    middle = where.since + random.random() * (where.until - where.since)
    halves = (replace(where, until=middle), replace(where, since=middle))
    assert total(total(count(rows, half, By.DAY, RULES).values()) for half in halves) == together


@settings(max_examples=60, deadline=None)
@given(random=randoms)
def test_neither_the_order_of_rows_nor_where_a_span_is_cut_changes_anything(random: Random) -> None:
    rows, where, by = happenings(random), period(random), random.choice(list(By))
    shuffled = replace(rows, **{name: random.sample(list(it), len(it)) for name, it in vars(rows).items()})
    assert count(shuffled, where, by, RULES) == count(rows, where, by, RULES)
    cut = [part for span in rows.spans for part in split(random, span)]
    assert count(replace(rows, spans=cut), where, by, RULES) == count(rows, where, by, RULES)


def split(random: Random, span: Span) -> list[Span]:
    whole = (span.until - span.since) // timedelta(microseconds=1)
    middle = span.since + timedelta(microseconds=random.randint(0, whole))
    return [span._replace(until=middle), span._replace(since=middle)]


@settings(max_examples=60, deadline=None)
@given(random=randoms)
def test_every_figure_is_its_numerator_over_its_denominator_or_nothing(random: Random) -> None:
    for tally in count(happenings(random), period(random), By.OPERATOR, RULES).values():
        for figure in FIGURES:
            for found in figure.of(tally):
                assert (found.value is None) == (found.denominator == 0)
                if figure.unit == "share" and found.value is not None:
                    assert 0 <= found.value <= 1, figure.code


def test_without_anything_there_is_no_figure_rather_than_a_nought() -> None:
    divided = [figure for figure in FIGURES if figure.bottom and not figure.money]
    assert [figure.code for figure in divided if value(figure.code, NOTHING) is not None] == []
    assert value("aht", NOTHING) is None
    assert value("inbound", NOTHING) == 0


def test_the_formulas_of_a_morning() -> None:
    """Four came to the queue: answered after 5 s and 30 s, gone after 3 s and after 40 s; one talk was held."""
    stays = [(1, 5.0, "answered"), (2, 30.0, "answered"), (3, 3.0, "abandoned"), (4, 40.0, "abandoned")]
    answered = [call(1, wait_s=5.0, talk_s=100.0, hold_s=20.0), call(2, wait_s=30.0, givers=(7,))]
    gone = [call(n, result="abandoned", missed_place="queue", talk_s=0.0) for n in (3, 4)]
    rows = Rows(
        calls=[*answered, *gone],
        visits=[Visit(id_, "sales", wait, outcome) for id_, wait, outcome in stays],
        spans=[
            Span(7, "talking", None, 1, TEN, TEN + timedelta(seconds=160)),
            Span(7, "wrap_up", None, 1, TEN + timedelta(seconds=160), TEN + timedelta(seconds=200)),
            Span(7, "available", None, None, TEN + timedelta(seconds=200), TEN + timedelta(seconds=400)),
            Span(7, "paused", "lunch", None, TEN + timedelta(seconds=400), TEN + timedelta(seconds=500)),
        ],
    )
    tally = counted(rows)
    assert value("aht", tally) == Decimal(100 + 20 + 60 + 40) / 2
    assert value("asa", tally) == Decimal("17.5")
    assert value("service_level", tally) == Decimal(1) / 3  # the caller of 3 s is left out
    assert value("service_level_answered", tally) == Decimal(1) / 2
    assert value("service_level_strict", tally) == Decimal(1) / 4
    assert (value("abandonment", tally), value("answer_rate", tally)) == (Decimal("0.5"), Decimal("0.5"))
    assert value("transfers", tally) == Decimal(1) / 3
    assert (value("occupancy", tally), value("utilisation", tally)) == (Decimal("0.5"), Decimal("0.4"))
    assert tally.pauses == {"lunch": 100 * SECOND}
    assert value("service_level", counted(rows, targets={"sales": Target(30, 0)})) == Decimal("0.5")


def test_who_calls_again_was_not_helped_and_whoever_is_too_recent_is_not_judged() -> None:
    two_days = timedelta(days=2)
    rows = Rows(
        calls=[call(1, number="+1"), call(2, number="+1", started_at=TEN + two_days), call(3, number="+2")]
    )
    where = replace(MONDAY, until=MONDAY.until + timedelta(days=7))
    later = counted(rows, where, TEN + timedelta(days=9))
    assert (value("fcr", later), value("repeats", later)) == (Decimal(2) / 3, Decimal(1) / 3)
    sooner = counted(rows, where, TEN + timedelta(days=8))
    assert (sooner.judged, value("fcr", sooner)) == (2, Decimal("0.5"))


def test_whom_we_missed_is_recovered_by_a_talk_in_time_whoever_called() -> None:
    missed = {"result": "abandoned", "missed_place": "queue"}
    back = {"direction": "outbound", "started_at": TEN + timedelta(hours=23), "number": "+1"}
    late = {"direction": "outbound", "started_at": TEN + timedelta(hours=25), "number": "+2"}
    rows = Rows(
        calls=[
            call(1, number="+1", **missed),
            call(2, number="+2", **missed),
            call(3, **back),
            call(4, **late),
        ]
    )
    assert value("recovery", counted(rows)) == Decimal("0.5")


def test_an_order_belongs_to_one_call_and_its_money_to_the_minutes_of_all() -> None:
    """Made in the first call, confirmed in the second: it is the first one's. The third sold nothing and talked."""
    paid = Order(1, "done", "EUR", Decimal("60.00"), Decimal("60.00"), Decimal("5.00"), Decimal("25.00"))
    lost = Order(2, "cancelled", "EUR", Decimal("90.00"), Decimal(0), Decimal(0), None)
    rows = Rows(
        calls=[call(1), call(2), call(3)],
        made=[Made(1, 1, 1, True), Made(2, 2, 3, True)],
        moved=[Moved(1, 1, 2, "new", "confirmed")],
        orders=[paid, lost],
    )
    tally = counted(rows)
    assert (value("conversion", tally), value("paid", tally)) == (Decimal(1) / 3, Decimal(1))
    assert (value("revenue_minute", tally), value("margin_minute", tally)) == (Decimal(20), Decimal(10))


def test_a_call_over_midnight_counts_where_it_began_and_a_shift_where_the_time_was() -> None:
    night = MONDAY.until - timedelta(minutes=10)
    over = Span(7, "talking", None, 1, night, night + timedelta(minutes=30))
    rows = Rows(calls=[call(1, started_at=night, talk_s=1800.0)], spans=[over])
    tuesday = Period(MONDAY.until, MONDAY.until + timedelta(days=1), WARSAW)
    assert (counted(rows).talk_us, counted(rows).talking_us) == (1800 * SECOND, 600 * SECOND)
    assert (counted(rows, tuesday).talk_us, counted(rows, tuesday).talking_us) == (0, 1200 * SECOND)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_day_on_which_the_clock_is_changed_has_all_its_hours(day: date, hours: int) -> None:
    where = of_days(day, day, WARSAW)
    shift = Rows(
        spans=[Span(7, "available", None, None, where.since - timedelta(1), where.until + timedelta(1))]
    )
    by_hour = count(shift, where, By.HOUR, RULES)
    assert sum(it.available_us for it in by_hour.values()) == hours * 3600 * SECOND
    assert by_hour.get(2, NOTHING).available_us == (hours - 23) * 3600 * SECOND
    assert set(count(shift, where, By.DAY, RULES)) == {day}


@settings(max_examples=60, deadline=None)
@given(random=randoms)
def test_a_quarter_of_an_hour_lies_in_one_hour_of_the_clock(random: Random) -> None:
    where = period(random)
    pieces = list(quarters(where.since, where.until))
    assert sum((until - since for since, until in pieces), timedelta()) == where.until - where.since
    for since, until in pieces[:: max(1, len(pieces) // 50)]:
        last = (until - timedelta(microseconds=1)).astimezone(UTC)
        for by in (By.HOUR, By.DAY):
            assert clock_key(by, since, where.zone) == clock_key(by, last, where.zone)


def sales(talk_s: int, answered: int, sold: int) -> Tally:
    return Tally(answered_in=answered, timed=answered, talk_us=talk_s * answered * SECOND, sold=sold)


def test_long_talk_and_low_conversion_is_said_only_when_it_is_not_chance() -> None:
    team = {1: sales(200, 400, 120), 2: sales(220, 400, 130), 3: sales(500, 400, 60)}
    assert [(it.key, it.flagged) for it in stand(team)] == [(3, True), (1, False), (2, False)]
    few = {1: sales(200, 10, 3), 2: sales(220, 10, 3), 3: sales(500, 10, 1)}
    assert not any(it.flagged for it in stand(few))
    quick = {**team, 3: sales(100, 400, 60)}  # sells less, but keeps nobody long
    assert not any(it.flagged for it in stand(quick))
    assert (stand({1: team[1]})[0].flagged, stand({})) == (False, [])


@given(hits=st.integers(0, 300), misses=st.integers(0, 300))
def test_the_interval_of_a_share_holds_it_and_narrows_with_the_calls(hits: int, misses: int) -> None:
    low, high = wilson(hits, hits + misses)
    assert 0 <= low <= high <= 1
    if hits + misses:
        assert low <= hits / (hits + misses) <= high
        wider = wilson(hits * 4, (hits + misses) * 4)
        assert wider[1] - wider[0] < high - low


def test_the_paper_defines_every_figure_in_the_words_of_the_page() -> None:
    paper = (Path(__file__).parents[2] / "docs" / "figures.md").read_text()
    assert [it.code for it in FIGURES if f"| {it.name} | {it.formula} |" not in paper] == []
