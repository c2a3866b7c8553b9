"""What the switchboard said about a call, from its bytes to the row and out again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from asterisk.fake.people import Caller
from callcenter.call import Rules, call_id
from callcenter.control import Act
from callcenter.flight.export import export
from callcenter.flight.tape import Said, unpack
from callcenter.replay import replay
from crm_core.call_act import ActKind
from crm_core.flight import forget_tapes, load_tapes
from tests.callcenter.conftest import picks_up, until

IVAN = "+79161234567"
SALES = "74951230001"


async def said_about(house, id_: UUID) -> list[list[Said]]:
    async with house.db.begin() as session:
        return [unpack(tape.packed) for tape in await load_tapes(session, id_)]


def kinds(said: list[Said]) -> list[str]:
    return [each.headers.get("Event", each.headers.get("Action", "")) for each in said]


async def test_a_call_that_is_over_is_kept_with_all_that_was_said_about_it(house, tmp_path) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        house.board.place_call(IVAN, "Ivan Petrov", SALES, caller=Caller(talk_s=4))
        await anna.sees("ringing")
        await house.board.answer("1001")
        await anna.sees("wrap_up")
        await until(lambda: not attachment.floor.live)
        attachment.box.hand_over(datetime.now(UTC))
        (row,) = await house.rows()
    (said,) = await said_about(house, row.id)
    assert kinds(said)[0] == "Newchannel" and kinds(said)[-1] == "Hangup"
    assert {"QueueCallerJoin", "DialBegin", "AgentConnect", "BridgeEnter"} <= set(kinds(said))
    file = tmp_path / "call.ami"
    file.write_bytes(export([said], lines=[SALES], rules=Rules()))
    (facts,) = replay([file])
    assert (facts["operator"], facts["result"], facts["line"]) == ("1001", "answered", SALES)
    assert facts["remote_number"] == "+79165550001"
    assert abs(facts["talk_s"] - row.talk_s) < 0.05


async def test_a_click_to_call_is_kept_with_what_we_asked_for(house) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        id_ = await attachment.centre.dial(house.people["1001"], "+79165550001")
        await anna.sees("dialling")
        await picks_up(house.board, "1001")
        await anna.sees("talking")
        await attachment.centre.act(id_, house.people["1001"], Act(kind=ActKind.HANG_UP))
        await anna.sees("wrap_up")
        await until(lambda: not attachment.floor.live)
        attachment.box.hand_over(datetime.now(UTC))
        await attachment.recorder.drained()
    (said,) = await said_about(house, id_)
    assert "Originate" in kinds(said) and "Hangup" in kinds(said)
    asked = next(each for each in said if each.block.startswith(b"Action: Originate")).headers
    assert asked["Exten"].endswith("79165550001") and asked["Answer"]
    assert not any(b"crm-secret" in each.block for each in said)


async def test_a_process_that_stops_in_a_call_leaves_the_first_part_and_the_next_one_the_rest(house) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        house.board.place_call(IVAN, "Ivan Petrov", SALES, caller=Caller(talk_s=60))
        await anna.sees("ringing")
        await house.board.answer("1001")
        call = await anna.sees("talking")
        attachment.box.close()
        await attachment.recorder.drained()
    async with house.attached() as attachment:
        anna = house.browser("1001")
        await anna.sees("talking")
        await house.board.hang_up("1001")
        await anna.sees("wrap_up")
        await until(lambda: not attachment.floor.live)
        attachment.box.hand_over(datetime.now(UTC))
        await attachment.recorder.drained()
    first, rest = await said_about(house, UUID(call["id"]))
    assert kinds(first)[0] == "Newchannel" and "Hangup" in kinds(rest)
    async with house.db.begin() as session:
        assert [tape.whole for tape in await load_tapes(session, UUID(call["id"]))] == [True, False]


async def test_what_is_old_is_deleted(house) -> None:
    async with house.attached() as attachment:
        house.board.place_call(IVAN, "", SALES, caller=Caller(patience_s=10))
        anna = house.browser("1001")
        await anna.sees("ringing")
        await until(lambda: not attachment.floor.live)
        attachment.box.hand_over(datetime.now(UTC))
        (row,) = await house.rows()
    assert await said_about(house, row.id)
    async with house.db.begin() as session:
        assert await forget_tapes(session, before=datetime.now(UTC) - timedelta(days=30)) == 0
        assert await forget_tapes(session, before=datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert await said_about(house, row.id) == []


def test_the_same_linkedid_on_two_switchboards_is_two_calls() -> None:
    assert call_id("warsaw", "1795.1") != call_id("kyiv", "1795.1")
