"""A call goes from one desk to the next on the simulated switchboard, whatever way it takes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from asterisk.fake.people import Caller
from callcenter.control import Act
from callcenter.target import Target
from crm_core import draft
from crm_core.call import save_note
from crm_core.call_act import ActKind
from crm_core.errors import Forbidden
from tests.callcenter.conftest import IVAN, until

DIRECT = "74951230003"
KETTLE = {"items": [{"product_id": 1, "name": "Kettle", "quantity": 2}]}


async def act(house: Any, who: str, call: UUID, kind: ActKind, **more: Any) -> None:
    await house.attachment.centre.act(call, house.people[who], Act(kind=kind, **more))


async def talk(house: Any, anna: Any) -> UUID:
    """Ivan talks with Anna, who has begun an order and a note."""
    house.board.place_call(IVAN, "Ivan Petrov", DIRECT, caller=Caller(talk_s=3600, patience_s=3600))
    await anna.sees("ringing")
    await house.board.answer("1001")
    call = UUID((await anna.sees("talking"))["id"])
    await until(
        lambda: anna.calls[str(call)]["answered_at"], "never connected"
    )  # the bridge follows the answer
    await house.attachment.recorder.drained()
    async with house.db.begin() as session:
        at = datetime.now(UTC)
        await draft.save_draft(session, call, house.people["1001"], KETTLE, at=at)
        await save_note(session, call, "wants it today", version=0, user_id=house.people["1001"], at=at)
    return call


def has(house: Any, desk: Any, call: UUID) -> Any:
    """Whether this desk has what Anna typed, as its own."""

    def look() -> bool:
        card = desk.cards.get(str(call)) or {}
        return (
            (card.get("draft") or {}).get("user_id") == desk.user_id
            and card["draft"]["items"] == KETTLE["items"]
            and card["note"]["text"] == "wants it today"
            and card["baton"]["giver"]["id"] == house.people["1001"]
        )

    return look


async def test_a_call_given_away_takes_everything_along_and_the_first_only_watches(house) -> None:
    async with house.attached():
        anna, boris = house.browser("1001"), house.browser("1002")
        call = await talk(house, anna)
        target = Target(user_id=house.people["1002"])
        await act(house, "1001", call, ActKind.BLIND_TRANSFER, target=target, said="the red one")
        await boris.sees("ringing")
        await anna.sees("watching")
        await until(lambda: (boris.cards[str(call)].get("baton") or {}).get("said") == "the red one")
        await house.board.answer("1002")
        await boris.sees("talking")
        await until(has(house, boris, call), "the draft did not come along")
        await anna.sees("watching")
        await until(lambda: (anna.cards[str(call)]["baton"]["taker"] or {}).get("name") == "Boris")
        with pytest.raises(Forbidden):
            await act(house, "1001", call, ActKind.HANG_UP)
        house.attachment.centre.leave(house.people["1002"], call)  # whoever has it can not leave so
        house.attachment.centre.leave(house.people["1001"], call)
        await anna.sees()
        await boris.sees("talking")
        await house.board.hang_up("1002")
        await boris.sees("wrap_up")
        assert anna.states == []


async def test_a_colleague_who_was_asked_goes_on_where_she_stopped(house) -> None:
    async with house.attached():
        anna, boris = house.browser("1001"), house.browser("1002")
        call = await talk(house, anna)
        await act(house, "1001", call, ActKind.CONSULT, target=Target(user_id=house.people["1002"]))
        await boris.sees("ringing")
        await house.board.answer("1002")
        await until(lambda: (anna.calls[str(call)]["control"]["consult"] or {}).get("stage") == "talking")
        await act(house, "1001", call, ActKind.COMPLETE)
        await boris.sees("talking")
        await until(has(house, boris, call), "the draft did not come along")
        await anna.sees("watching")
        await house.board.hang_up("1002")
        await boris.sees("wrap_up")
        await anna.sees()


async def test_a_second_time_in_a_queue_is_a_hand_over_too(house) -> None:
    async with house.attached():
        anna, clara = house.browser("1001"), house.browser("1003")
        call = await talk(house, anna)
        await act(house, "1001", call, ActKind.BLIND_TRANSFER, target=Target(queue="sales-all"))
        await clara.sees("ringing")
        await house.board.answer("1003")
        await clara.sees("talking")
        await until(has(house, clara, call), "the draft did not come along")
        await anna.sees("watching")
