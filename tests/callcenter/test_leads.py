"""An unknown caller becomes a lead where the line makes leads; what must reach somebody appears on his screen."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from asterisk.fake.people import Caller
from crm_core import task
from crm_core.lead_rows import Lead
from crm_core.line import Line
from tests.callcenter.conftest import until
from tests.callcenter.test_missed_calls import IVAN, SALES
from tests.patience import PATIENCE_S

STRANGER = "+79169990011"


async def leads(house: Any) -> list[Lead]:
    await until(lambda: house.attachment.floor.heard and not house.attachment.floor.live)
    await house.rows()
    async with house.db.begin() as session:
        return list(await session.scalars(select(Lead).order_by(Lead.id)))


async def test_an_unknown_caller_becomes_one_lead_where_the_line_makes_leads(house: Any) -> None:
    async with house.attached():

        async def calls(number: str) -> None:
            await house.board.place_call(number, "Nina", SALES, caller=Caller(patience_s=2)).wait()

        await calls(STRANGER)
        assert await leads(house) == []
        async with house.db.begin() as session:
            await session.execute(update(Line).where(Line.did == SALES).values(makes_leads=True))
        await calls(IVAN)  # a customer
        for _ in range(2):
            await calls(STRANGER)
        (lead,) = await leads(house)
    assert (lead.e164, lead.name, lead.source, lead.state) == (STRANGER, "Nina", "Call: Line 1", "new")
    assert lead.call_id is not None and lead.shop_id == house.shop_id


async def test_a_task_that_is_given_appears_on_the_performers_screen(house: Any) -> None:
    async with house.attached() as attached:
        anna: list[dict[str, Any]] = []
        boris: list[dict[str, Any]] = []
        attached.centre.subscribe(house.people["1001"], anna.append)
        attached.centre.subscribe(house.people["1002"], boris.append)

        async def give() -> str:
            async with house.db.begin() as session:
                made = await task.create_task(
                    session,
                    title="Ask about the colour",
                    at=datetime.now(UTC),
                    user_id=house.people["1002"],
                    performer_id=house.people["1001"],
                )
            return f"/tasks/{made.id}"

        given = [await give()]
        while not (told := [it for it in anna if it["type"] == "notice"]):
            # The reader of news hears what comes from the moment it listens, and nobody says when that is.
            await asyncio.sleep(0.2)
            given.append(await give())
            assert len(given) < PATIENCE_S / 0.2, "no notice ever came"
    assert told[0] == {
        "type": "notice", "level": "info", "text": "New task: Ask about the colour", "address": told[0]["address"],
    }  # fmt: skip
    assert told[0]["address"] in given
    assert [it for it in boris if it["type"] == "notice"] == []
