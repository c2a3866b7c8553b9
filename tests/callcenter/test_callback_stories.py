"""Callbacks on a whole house: who calls in vain is called until he is reached, by one at a time."""

import asyncio
from typing import Any

from sqlalchemy import select

from asterisk.fake.people import Answer, Caller, Customer, no_answer
from crm_core.callback import Callback, CallbackCall
from crm_core.calling_hours import set_calling
from crm_core.dial_lock import DialLock, EngagedNow
from tests.callcenter.conftest import IVAN, until

SALES = "74951230001"


async def the_callback(house: Any) -> Callback:
    await until(lambda: not house.attachment.floor.live)
    await house.attachment.recorder.drained()
    async with house.db.begin() as session:
        return (await session.scalars(select(Callback))).one()


async def roles(house: Any) -> list[tuple[str, str | None]]:
    async with house.db.begin() as session:
        found = select(CallbackCall.role, CallbackCall.result).order_by(CallbackCall.at)
        return [(role, result) for role, result in await session.execute(found)]


async def dialled(house: Any, call_id: Any) -> None:
    """The call of this click is over."""
    await until(lambda: house.attachment.centre.errand(call_id) is None)


async def test_who_calls_in_vain_twice_waits_for_one_callback_until_he_is_reached(house) -> None:
    house.board.phone("1001").behave(Answer(after_s=0.5))
    house.board.customer_of = lambda number: no_answer()
    async with house.db.begin() as session:  # at whatever hour this runs
        await set_calling(session, week=["24h"] * 7, repeat_minutes=30, most_attempts=3)
    async with house.attached() as middle:
        for _ in range(2):
            house.board.phone("1001").register(False)
            await house.board.place_call(IVAN, "", SALES, caller=Caller(patience_s=4)).wait()
        waiting = await the_callback(house)
        assert (waiting.number, waiting.customer_id, waiting.missed) == (IVAN, house.customer_id, 2)

        house.board.phone("1001").register(True)
        anna, dial = house.people["1001"], middle.centre.dial
        await dialled(house, await dial(anna, IVAN, callback_id=waiting.id))
        tried = await the_callback(house)
        assert (tried.state, tried.attempts) == ("open", 1) and tried.due_at > waiting.due_at

        house.board.customer_of = lambda number: Customer(answer_s=1, talk_s=3)
        reached = await dial(anna, IVAN, callback_id=waiting.id)
        await dialled(house, reached)
        closed = await the_callback(house)
        assert (closed.outcome, closed.closed_by_call_id) == ("reached", reached)
        talks = [
            ("missed", "abandoned"),
            ("missed", "abandoned"),
            ("attempt", "no_answer"),
            ("attempt", "answered"),
        ]
        assert await roles(house) == talks


async def test_two_who_press_in_the_same_second_make_one_call_and_the_other_is_told_who_calls(house) -> None:
    house.board.customer_of = lambda number: Customer(answer_s=1, talk_s=3)
    async with house.attached() as middle:
        dial, people = middle.centre.dial, [house.people["1001"], house.people["1002"]]
        told = await asyncio.gather(*(dial(each, IVAN) for each in people), return_exceptions=True)
        refused = [each for each in told if isinstance(each, EngagedNow)]
        [call_id] = [each for each in told if not isinstance(each, BaseException)]
        assert len(refused) == 1 and str(refused[0]) in ("Anna is calling now.", "Boris is calling now.")
        winner, loser = people if isinstance(told[1], EngagedNow) else people[::-1]
        extension = next(each for each, id_ in house.people.items() if id_ == winner)
        await until(lambda: house.attachment.centre.live_call(call_id))
        await house.board.answer(extension)
        await dialled(house, call_id)
        assert len(await house.rows()) == 1
        async with house.db.begin() as session:
            assert (await session.scalars(select(DialLock))).all() == []
        again = await dial(loser, IVAN)  # the line is free again
        assert again != call_id
