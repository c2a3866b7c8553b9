"""Working time: what a day comes to, who is at work, and what is kept of corrections."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm_core.agent_state import log_state
from crm_core.assignment import colleagues
from crm_core.db import Database
from crm_core.errors import Conflict, Invalid
from crm_core.figure.attendance import Pause, Seen, work_day
from crm_core.figure.period import of_days
from crm_core.pause_reason import create_pause_reason
from crm_core.presence_rule import Facts, at_work
from crm_core.read.attendance import load_attendance, present_now
from crm_core.user import create_user, map_extension
from crm_core.work_time import FORGOTTEN, begin_work, correct_work, end_work, list_corrections

WARSAW = ZoneInfo("Europe/Warsaw")
DAY = date(2026, 11, 20)


def at(text: str, day: date = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=WARSAW)


MIDNIGHTS = (at("00:00"), at("00:00", DAY + timedelta(days=1)))
EVENING = at("23:00")


def hours(number: float) -> int:
    return round(number * 3600)


def test_a_day_is_the_time_at_work_less_the_breaks_within_it() -> None:
    day = work_day(
        DAY,
        MIDNIGHTS,
        Seen(
            works=[(at("09:00"), at("13:00")), (at("14:00"), at("18:00"))],
            life=(at("08:00"), at("20:00")),
            pauses=[
                Pause(at("12:30"), at("14:15"), "lunch", True),  # from the one into the other
                Pause(at("15:00"), at("16:00"), "training", False),
                Pause(at("18:30"), at("19:00"), "smoke", True),  # was home already
            ],
            offline=[(at("17:00"), at("22:00")), (at("17:30"), at("18:30"))],
            phone_s=hours(3),
        ),
        EVENING,
    )
    assert day is not None
    assert (day.began_at, day.ended_at, day.estimated, day.goes_on) == (
        at("09:00"),
        at("18:00"),
        False,
        False,
    )
    assert (day.at_work_s, day.break_s, day.worked_s, day.off_s) == (
        hours(8),
        hours(0.75),
        hours(7.25),
        hours(1),
    )
    assert day.breaks == {"lunch": hours(0.75)}


def test_a_night_shift_is_cut_at_midnight_and_one_that_goes_on_ends_now() -> None:
    night = Seen(works=[(at("22:00"), at("06:00", DAY + timedelta(days=1)))])
    first = work_day(DAY, MIDNIGHTS, night, at("12:00", DAY + timedelta(days=2)))
    assert first is not None and first.at_work_s == hours(2)
    still = work_day(DAY, MIDNIGHTS, Seen(works=[(at("21:30"), None)]), EVENING)
    assert still is not None and (still.at_work_s, still.goes_on) == (hours(1.5), True)


def test_the_day_on_which_the_clock_goes_back_has_an_hour_more() -> None:
    day = date(2026, 10, 25)
    bounds = (at("00:00", day), at("00:00", day + timedelta(days=1)))
    bounds_utc = tuple(it.astimezone(UTC) for it in bounds)
    whole = work_day(day, bounds_utc, Seen(works=[bounds_utc]), at("12:00"))
    assert whole is not None and whole.at_work_s == hours(25)


def test_who_said_nothing_is_told_from_the_first_to_the_last_sign_of_life_and_that_is_said() -> None:
    day = work_day(DAY, MIDNIGHTS, Seen(life=(at("09:10"), at("17:40"))), EVENING)
    assert day is not None and (day.estimated, day.at_work_s) == (True, hours(8.5))
    assert work_day(DAY, MIDNIGHTS, Seen(offline=[(at("00:00"), at("23:00"))]), EVENING) is None


@pytest.mark.parametrize(
    ("signed_in", "has_phone", "reachable", "rests", "there"),
    [
        (None, True, True, False, True),  # nobody says when he works: the telephone tells
        (None, True, False, False, False),
        (None, True, True, True, False),  # a break
        (True, True, True, False, True),
        (True, True, False, False, False),  # said so, and his telephone is off
        (True, False, False, False, True),  # works without a telephone
        (True, True, True, True, False),
        (False, True, True, False, False),  # the telephone is on, he went home
    ],
)
def test_who_is_at_work(
    signed_in: bool | None, has_phone: bool, reachable: bool, rests: bool, there: bool
) -> None:
    facts = Facts(signed_in=signed_in, has_phone=has_phone, reachable=reachable, rests=rests)
    assert at_work(facts) is there


async def test_orders_go_to_who_said_that_he_is_at_work_and_can_be_reached(database: Database) -> None:
    now = datetime.now(UTC)
    async with database.begin() as session:
        anna, boris, clara = [
            (await create_user(session, login=name.lower(), name=name)).id
            for name in ("Anna", "Boris", "Clara")
        ]
        for extension, user_id in (("1001", anna), ("1002", boris)):
            await map_extension(session, pbx="main", extension=extension, user_id=user_id)
            await log_state(
                *(session, user_id, now - timedelta(hours=1)),
                state="available",
                reason=None,
                signed_in=True,
                call_id=None,
            )
        assert await present_now(session) == {anna, boris}
        await begin_work(session, anna, at=now - timedelta(minutes=30))
        await begin_work(session, clara, at=now - timedelta(minutes=20))
        assert await present_now(session) == {anna, clara}  # Boris' telephone alone says nothing any more
        reason = await create_pause_reason(session, label="Mail", productive=True)
        for minutes, code, there in ((10, "lunch", False), (5, reason.code, True)):
            await log_state(
                *(session, anna, now - timedelta(minutes=minutes)),
                state="paused",
                reason=code,
                signed_in=True,
                call_id=None,
            )
            assert (anna in await present_now(session)) is there
        assert {it.name for it in await colleagues(session) if it.present} == {"Anna", "Clara"}
        with pytest.raises(Conflict, match="at work already"):
            await begin_work(session, anna, at=now)
        await end_work(session, anna, at=now)
        with pytest.raises(Conflict, match="not begun"):
            await end_work(session, anna, at=now)
        assert await present_now(session) == {clara}


async def test_a_month_is_told_corrected_with_a_reason_and_a_forgotten_end_does_not_count_for_days(
    database: Database,
) -> None:
    noon = at("12:00", DAY + timedelta(days=1))
    async with database.begin() as session:
        anna = (await create_user(session, login="anna", name="Anna")).id
        boss = (await create_user(session, login="eva", name="Eva")).id
        for start, end, state, reason in (
            ("09:05", "11:00", "talking", None),
            ("11:00", "11:30", "paused", "lunch"),
            ("11:30", "15:10", "wrap_up", None),
        ):
            for moment, said in ((start, state), (end, "available")):
                await log_state(
                    *(session, anna, at(moment)),
                    state=said,
                    reason=reason if said == state else None,
                    signed_in=True,
                    call_id=None,
                )
        month = of_days(DAY.replace(day=1), DAY.replace(day=30), WARSAW)
        (guess,) = await load_attendance(session, month, now=noon)
        assert [(it.estimated, it.at_work_s, it.break_s, it.phone_s) for it in guess.days] == [
            (True, hours(6 + 5 / 60), hours(0.5), hours(1 + 55 / 60))
        ]
        await begin_work(session, anna, at=at("08:55"))
        await begin_work(session, anna, at=noon)  # the next day; she forgot to end
        (told,) = await load_attendance(session, month, now=noon + timedelta(hours=1))
        assert [(it.ended_at, it.estimated, it.goes_on) for it in told.days] == [
            (at("15:10"), False, False),
            (noon + timedelta(hours=1), False, True),
        ]
        first = told.spans[0]
        given = {"by": boss, "at": noon + timedelta(hours=1)}
        with pytest.raises(Conflict, match="meanwhile"):
            await correct_work(
                *(session, anna, first.id),
                began_at=at("08:00"),
                ended_at=at("17:00"),
                reason="Stood at the fair",
                version=first.version - 1,
                **given,
            )
        for wrong, refusal, why in (
            ((None, at("08:30"), at("09:30"), "x"), Conflict, "another time of work"),
            ((first.id, at("09:00"), at("08:00"), "x"), Invalid, "after it began"),
            ((first.id, at("09:00"), at("17:00"), "  "), Invalid, "why"),
            ((first.id, at("09:00"), noon + timedelta(days=1), "x"), Invalid, "future"),
        ):
            span_id, began, ended, reason = wrong
            with pytest.raises(refusal, match=why):
                await correct_work(
                    *(session, anna, span_id), began_at=began, ended_at=ended, reason=reason, **given
                )
        await correct_work(
            *(session, anna, first.id),
            began_at=at("09:00"),
            ended_at=at("17:00"),
            reason="Stood at the fair",
            version=first.version,
            **given,
        )
        (right,) = await load_attendance(session, month, users=[anna], now=noon + timedelta(hours=1))
        assert right.days[0].worked_s == hours(7.5)
        await correct_work(session, anna, first.id, began_at=None, ended_at=None, reason="Twice", **given)
        kept = await list_corrections(session, anna, since=month.since, until=month.until)
    assert [(row.reason, by, row.after is None) for row, by in kept] == [
        ("Twice", "Eva", True),
        ("Stood at the fair", "Eva", False),
        (FORGOTTEN, "Anna", False),
    ]
