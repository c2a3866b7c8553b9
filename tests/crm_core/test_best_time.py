"""When a customer is likely to answer: by his own history, within the hours, where there is room."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.best_time import STEP, Try, propose, slot
from crm_core.hours import Hours, read_spans

NOW = datetime(2026, 11, 20, 12, 7, tzinfo=UTC)  # a Friday
WARSAW = Hours(ZoneInfo("Europe/Warsaw"), (read_spans("9:00-20:00"),) * 7)
ZONES = st.sampled_from(["Europe/Warsaw", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"])
TRIES = st.lists(
    st.builds(
        Try, st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 20), timezones=st.just(UTC)), st.booleans()
    ),
    max_size=40,
)
PLANNED = st.dictionaries(
    st.integers(0, 400).map(lambda step: slot(NOW) + STEP * step), st.integers(0, 4), max_size=60
)


def evening(days_ago: int, *, answered: bool) -> Try:
    return Try(
        datetime(2026, 11, 20, 16, 30, tzinfo=UTC) - timedelta(days=days_ago), answered
    )  # 17:30 in Warsaw


def test_who_answers_in_the_evening_is_called_in_the_evening() -> None:
    tries = [evening(day, answered=day != 3) for day in range(1, 6)]
    tries += [Try(each.at - timedelta(hours=6), answered=False) for each in tries]
    best = propose(tries, hours=WARSAW, now=NOW, planned={}, room=1)[0]
    assert (best.answered, best.tried, best.from_hour, best.to_hour) == (4, 5, 17, 19)
    assert best.at.astimezone(WARSAW.zone).hour == 17


def test_of_whom_nothing_is_known_is_called_soon() -> None:
    first = propose([], hours=WARSAW, now=NOW, planned={}, room=1)[0]
    assert (first.at, first.tried) == (datetime(2026, 11, 20, 12, 30, tzinfo=UTC), 0)


@settings(deadline=None, max_examples=50)
@given(TRIES, ZONES, PLANNED, st.integers(1, 4))
def test_what_is_proposed_is_allowed_ahead_apart_and_has_room(
    tries: list[Try], zone: str, planned: dict[datetime, int], room: int
) -> None:
    hours = Hours(ZoneInfo(zone), WARSAW.week)
    found = propose(tries, hours=hours, now=NOW, planned=planned, room=room)
    for place, one in enumerate(found):
        assert one.at > NOW and hours.is_open(one.at) and planned.get(one.at, 0) < room
        assert all(abs(one.at - other.at) >= timedelta(hours=2) for other in found[:place])
        local = [(each.at.astimezone(hours.zone).hour, each.answered) for each in tries]
        within = [answered for hour, answered in local if one.from_hour <= hour < one.to_hour]
        assert (one.tried, one.answered) == (len(within), sum(within))
    assert [one.chance for one in found] == sorted((one.chance for one in found), reverse=True)


@settings(deadline=None, max_examples=50)
@given(TRIES)
def test_an_answer_more_never_makes_its_hour_less_likely(tries: list[Try]) -> None:
    def chance(known: list[Try]) -> float:
        return max(
            one.chance
            for one in propose(known, hours=WARSAW, now=NOW, planned={}, room=1, most=200)
            if one.at.astimezone(WARSAW.zone).hour == 17
        )

    seventeen = {one.at for one in propose(tries, hours=WARSAW, now=NOW, planned={}, room=1, most=200)}
    if any(at.astimezone(WARSAW.zone).hour == 17 for at in seventeen):
        more = [*tries, evening(1, answered=True)]
        later = {one.at for one in propose(more, hours=WARSAW, now=NOW, planned={}, room=1, most=200)}
        if any(at.astimezone(WARSAW.zone).hour == 17 for at in later):
            assert chance(more) >= chance(tries)
