"""A supervisor on a colleague's call: what rings, what is shown and written, what is refused, what a crash leaves."""

import pytest
from sqlalchemy import select

from asterisk.fake.people import Caller, Decline
from callcenter.control.ear import visit_of
from crm_core.agent_state import AgentInterval
from crm_core.call import Call
from crm_core.errors import Conflict, Forbidden, NotFound
from crm_core.listening import Mode, list_heard, tell_operators
from tests.callcenter.conftest import IVAN, until

SALES = "74951230001"


async def talk(house):
    """Anna talks with Ivan, for long; his call as she sees it, and its id."""
    anna = house.browser("1001")
    house.board.place_call(IVAN, "Ivan Petrov", SALES, caller=Caller(talk_s=9000, patience_s=9000))
    await anna.sees("ringing")
    await house.board.answer("1001")
    call = await anna.sees("talking")
    await until(lambda: anna.calls[call["id"]]["answered_at"], "never connected")
    return anna, house.attachment.floor.calls()[0].id


def hears(house, extension: str):
    return house.attachment.centre.snapshot(house.people[extension])["listening"]


async def begins(house, extension: str, mode: str) -> None:
    """His telephone rings, he picks it up, and hears."""
    await until(lambda: house.board.pbx.by_device.get(f"PJSIP/{extension}"), "it does not ring")
    await house.board.answer(extension)
    await until(lambda: (hears(house, extension) or {}).get("mode") == mode, f"{hears(house, extension)}")


async def spans(house, call):
    await house.attachment.recorder.drained()
    async with house.db.begin() as session:
        return await list_heard(session, call_id=call)


async def test_a_supervisor_listens_changes_the_mode_and_leaves_and_it_stays_one_call(house) -> None:
    async with house.attached() as it:
        anna, call = await talk(house)
        centre, boris = it.centre, house.people["1002"]
        await centre.listen(call, boris, Mode.LISTEN, whose=frozenset((house.people["1001"],)))
        with pytest.raises(Conflict, match="still rings"):
            await centre.listen(call, boris, Mode.BARGE, whose=None)
        await begins(house, "1002", "listen")
        assert anna.calls[str(call)]["control"]["heard_by"] == [{"name": "Boris", "mode": "listen"}]
        await centre.listen(call, boris, Mode.WHISPER, whose=None)
        assert anna.calls[str(call)]["control"]["heard_by"] == [{"name": "Boris", "mode": "whisper"}]
        agent = next(one for one in centre.colleagues() if one["id"] == boris)
        assert (agent["state"], agent["reason"]) == ("paused", "Listening")
        assert it.floor.live == 1 and house.browser("1002").calls == {}
        await centre.stop_listening(call, boris)
        assert hears(house, "1002") is None and anna.calls[str(call)]["control"]["heard_by"] == []
        await house.board.hang_up("1001")
        await anna.sees("wrap_up")
        assert [row.id for row in await house.rows()] == [call]
        told = await spans(house, call)
        async with house.db.begin() as session:
            did = set(
                await session.scalars(select(AgentInterval.state).where(AgentInterval.user_id == boris))
            )
    assert [(one.mode, one.listener, one.operator, one.told) for one in told] == [
        ("listen", "Boris", "Anna", True),
        ("whisper", "Boris", "Anna", True),
    ]
    assert told[0].ended_at == told[1].began_at and told[1].ended_at is not None
    assert "talking" not in did and "paused" in did


async def test_what_can_not_be_listened_to_is_refused_with_the_reason_and_nothing_rings(house) -> None:
    async with house.attached() as it:
        anna, call = await talk(house)
        centre, people = it.centre, house.people
        boris = people["1002"]
        with pytest.raises(Conflict, match="in this call yourself"):
            await centre.listen(call, people["1001"], Mode.LISTEN, whose=None)
        with pytest.raises(Forbidden, match="not in your team"):
            await centre.listen(call, boris, Mode.LISTEN, whose=frozenset((people["1003"],)))
        with pytest.raises(Conflict, match="not listening"):
            await centre.stop_listening(call, boris)
        house.board.phone("1002").register(False)
        await until(lambda: it.agents.device("main", "1002") == "unavailable")
        with pytest.raises(Conflict, match="not registered"):
            await centre.listen(call, boris, Mode.LISTEN, whose=None)
        house.board.phone("1002").register(True)
        await until(lambda: it.agents.device("main", "1002") == "idle")
        house.board.phone("1002").behave(Decline())
        said: list[str] = []
        centre.subscribe(boris, lambda m: said.append(m["text"]) if m["type"] == "notice" else None)
        await centre.listen(call, boris, Mode.LISTEN, whose=None)
        await until(lambda: said and hears(house, "1002") is None, "a declined call is not told")
        assert said == ["Your telephone could not be reached, or the call was declined there."]
        await house.board.hang_up("1001")
        await anna.sees("wrap_up")
        await until(lambda: it.floor.live == 0)
        with pytest.raises(NotFound, match="over"):
            await centre.listen(call, boris, Mode.LISTEN, whose=None)
        assert await spans(house, call) == [] and len(await house.rows()) == 1
    assert visit_of("callcenter-listen-nonsense") is None


async def test_a_taken_over_customer_is_the_supervisors_call_also_when_our_process_died_while_he_listened(
    house,
) -> None:
    async with house.db.begin() as session:
        await tell_operators(session, False)
    async with house.attached() as it:
        anna, call = await talk(house)
        await it.centre.listen(call, house.people["1002"], Mode.LISTEN, whose=None)
        await begins(house, "1002", "listen")
        assert anna.calls[str(call)]["control"]["heard_by"] == []  # the house does not tell
        await it.recorder.drained()
    async with house.attached() as it:
        anna, boris = house.browser("1001"), house.browser("1002")
        await anna.sees("talking")
        assert hears(house, "1002")["mode"] == "listen" and boris.calls == {}
        await until(
            lambda: (
                len(it.floor.calls()) == 1
                and it.floor.calls()[0].talking
                and it.agents.device("main", "1002")
            )
        )
        await it.centre.take_over(call, house.people["1002"], whose=None)
        await boris.sees("talking")
        await anna.sees("watching")
        await until(lambda: (boris.cards[str(call)].get("baton") or {}).get("giver"), "the card did not move")
        assert hears(house, "1002") is None
        await house.board.hang_up("1002")
        await boris.sees("wrap_up")
        (row,) = await house.rows()
        told = await spans(house, call)
        async with house.db.begin() as session:
            assert len((await session.scalars(select(Call.id))).all()) == 1
    assert (row.id, row.operators, row.operator_extension) == (call, ["1001", "1002"], "1002")
    assert [(one.mode, one.told) for one in told] == [("listen", False), ("take_over", False)]
