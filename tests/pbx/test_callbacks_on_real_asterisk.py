"""A missed call on a real Asterisk: it becomes a callback, the customer is called and reached, and it is closed."""

from pathlib import Path

import pytest
from sqlalchemy import select

from crm_core.callback import Callback, CallbackCall
from crm_core.db import Database
from crm_core.dial_lock import EngagedNow
from tests.pbx.middle import ANNAS, CUSTOMER, Middle, until
from tests.pbx.tree import Tree


async def the_callback(house: Middle) -> Callback:
    await until(lambda: not house.attachment.floor.live, "the call is not over")
    await house.attachment.recorder.drained()
    async with house.db.begin() as session:
        return (await session.scalars(select(Callback))).one()


async def test_a_missed_caller_is_called_back_by_one_and_reached(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        caller = await house.phones["trunk"].call(ANNAS, caller=CUSTOMER)
        await house.rings("1001")
        caller.hang_up()
        waiting = await the_callback(house)
        assert (waiting.number, waiting.state, waiting.missed) == (f"+{CUSTOMER}", "open", 1)

        customer, _, reached = await house.dialled(callback_id=waiting.id)
        with pytest.raises(EngagedNow, match=r"Anna is (calling|talking with them) now"):
            await house.attachment.centre.dial(house.people["1002"], f"+{CUSTOMER}")
        customer.hang_up()
        closed = await the_callback(house)
        assert (closed.outcome, closed.closed_by_call_id) == ("reached", reached)
        async with house.db.begin() as session:
            calls = (await session.scalars(select(CallbackCall).order_by(CallbackCall.at))).all()
        assert [(it.role, it.result) for it in calls] == [("missed", "no_answer"), ("attempt", "answered")]
        assert calls[1].user_id == house.people["1001"]
