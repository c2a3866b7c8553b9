"""Missed calls as rows: one entry each, with its place, its queues and who was rung, and one callback."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from asterisk.fake.people import Answer, Caller, Decline, Manual, RingOut
from callcenter.call import from_json
from callcenter.records import Entry, write
from crm_core.call import Call, CallLeg
from crm_core.callback import Callback, State
from crm_core.hours import Holiday
from crm_core.line import Line
from crm_core.line_hours import add_holiday
from crm_core.phone import normalise
from crm_core.queue_visit import QueueVisit, visits_of
from tests.callcenter.conftest import until

IVAN = "+79161234567"
SALES, SUPPORT, DIRECT = "74951230001", "74951230002", "74951230003"
SHORT, OVERFLOWS = "74951230009", "74951230010"
PATIENT = Caller(patience_s=999)


async def the_missed_one(house: Any) -> tuple[Call, list[QueueVisit], list[CallLeg]]:
    """The only call, when it is over and written."""
    await until(lambda: house.attachment.floor.heard and not house.attachment.floor.live)
    (row,) = await house.rows()
    async with house.db.begin() as session:
        legs = await session.scalars(
            select(CallLeg).where(CallLeg.call_id == row.id).order_by(CallLeg.rang_at)
        )
        return row, list(await visits_of(session, row.id)), list(legs)


async def callbacks(house: Any) -> list[Callback]:
    async with house.db.begin() as session:
        return list(await session.scalars(select(Callback).order_by(Callback.id)))


async def test_a_call_that_two_queues_let_go_tells_of_both_and_of_who_did_not_answer(house: Any) -> None:
    house.board.phone("1001").behave(RingOut())
    for extension in ("1002", "1003"):
        house.board.phone(extension).register(False)
    for extension in ("1004", "1005"):
        house.board.phone(extension).behave(Decline(after_s=1, cause=21))
    async with house.attached():
        call = house.board.place_call(IVAN, "Ivan Petrov", OVERFLOWS, caller=Caller(patience_s=12))
        await call.wait()
        row, visits, legs = await the_missed_one(house)
    assert (row.result, row.missed_place, row.queue) == ("abandoned", "queue", "support")
    assert [(it.queue, it.position, it.outcome) for it in visits] == [
        ("sales", 1, "timeout"),
        ("support", 1, "abandoned"),
    ]
    assert visits[0].wait_s > 5.9  # and a busy machine may be late
    assert (legs[0].extension, legs[0].queue, legs[0].result) == ("1001", "sales", "no_answer")
    assert 5 < legs[0].rang_s <= visits[0].wait_s
    assert {it.queue for it in legs[1:]} == {"support"} and legs[1].result == "declined"
    assert len(await callbacks(house)) == 1


async def test_where_nobody_is_signed_in_all_are_busy(house: Any) -> None:
    for extension in ("1002", "1004", "1005"):
        house.board.phone(extension).register(False)
    async with house.attached():
        await house.board.place_call(IVAN, "", SUPPORT, caller=PATIENT).wait()
        row, visits, legs = await the_missed_one(house)
    assert (row.result, row.missed_place, legs) == ("overflow", "all_busy", [])
    assert [(it.queue, it.outcome, it.entered_at, it.wait_s) for it in visits] == [
        ("support", "join_empty", None, 0.0)
    ]


async def test_a_phone_that_rings_out_is_missed_while_ringing(house: Any) -> None:
    async with house.attached():
        house.board.phone("1001").behave(RingOut())
        await house.board.place_call(IVAN, "", DIRECT, caller=Caller(patience_s=5)).wait()
        row, visits, _ = await the_missed_one(house)
    assert (row.missed_place, visits) == ("ringing", [])


async def test_an_answered_call_is_not_missed_anywhere(house: Any) -> None:
    house.board.phone("1001").behave(Answer(after_s=1))
    async with house.attached():
        await house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=3)).wait()
        row, visits, _ = await the_missed_one(house)
    assert (row.result, row.missed_place) == ("answered", None)
    assert [(it.queue, it.outcome) for it in visits] == [("sales", "answered")]


async def close_today(house: Any, did: str) -> None:
    """A holiday on the line, today by its own clock (the shop is in Moscow), before anything is attached."""
    async with house.db.begin() as session:
        line = await session.scalar(select(Line.id).where(Line.did == did))
        today = datetime.now(UTC).astimezone().date()
        for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
            await add_holiday(session, [line], Holiday(day, False, "Stocktaking"))


async def test_a_call_to_a_closed_line_is_after_hours_and_never_abandoned(house: Any) -> None:
    await close_today(house, SALES)
    async with house.attached():
        await house.board.place_call(IVAN, "", SALES, caller=Caller(patience_s=4)).wait()
        row, visits, _ = await the_missed_one(house)
    assert (row.result, row.missed_place) == ("after_hours", "after_hours")
    assert [it.outcome for it in visits] == ["abandoned"]  # what the queue saw stays what it saw
    (promise,) = await callbacks(house)
    assert promise.due_at > datetime.now(UTC) + timedelta(hours=1)  # not before the line opens


async def test_hours_that_are_changed_count_from_the_next_call_on(house: Any) -> None:
    async with house.attached() as middle:
        await close_today(house, SALES)
        await middle.centre.reload_directory()
        await house.board.place_call(IVAN, "", SALES, caller=Caller(patience_s=4)).wait()
        row, _, _ = await the_missed_one(house)
    assert row.result == "after_hours"


async def test_who_is_served_after_hours_was_served(house: Any) -> None:
    await close_today(house, SALES)
    house.board.phone("1001").behave(Answer(after_s=1))
    async with house.attached():
        await house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=2)).wait()
        row, _, _ = await the_missed_one(house)
    assert (row.result, row.missed_place) == ("answered", None)


async def test_one_missed_call_makes_one_callback_however_often_it_is_written(house: Any) -> None:
    house.board.phone("1001").behave(Manual())
    async with house.attached() as middle:
        await house.board.place_call(IVAN, "", SALES, caller=Caller(patience_s=4)).wait()
        row, _, _ = await the_missed_one(house)
        async with house.db.begin() as session:
            await session.execute(update(Callback).values(state=State.DONE))
        entry = Entry(
            call=from_json(row.tracker_state),
            number=normalise(IVAN, country="RU"),
            errand=None,
            directory=middle.desks.directory,
            country="RU",
        )
        async with house.db.begin() as session:  # a late fact: the name of a recording, say
            await write(session, entry, at=datetime.now(UTC), sound=False)
        assert len(await callbacks(house)) == 1
