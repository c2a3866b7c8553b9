"""Calls on the simulated switchboard: queues, phones, click-to-call, recordings."""

import wave
from pathlib import Path

import pytest

from asterisk.fake import (
    Answer,
    Caller,
    Manual,
    NoCall,
    RingOut,
    Switchboard,
    lab,
    no_answer,
    no_such_number,
)
from tests.asterisk.manager import DIRECT, SALES, SUPPORT, Manager, until


async def test_click_to_call_keeps_our_channel_id_and_passes_our_variable_on(
    board: Switchboard, ami: Manager
) -> None:
    response = await ami.originate("+79261112233", ChannelId="callcenter-1", OtherChannelId="callcenter-1-2")
    assert response["Message"] == "Originate successfully queued"
    answer = await ami.message(Event="OriginateResponse", ActionID=response["ActionID"])
    assert (answer["Response"], answer["Reason"], answer["Uniqueid"]) == ("Success", "4", "callcenter-1")
    end = await ami.message(Event="DialEnd", Uniqueid="callcenter-1", DialStatus="ANSWER")
    assert end["DestLinkedid"] == "callcenter-1"
    sets = [(each["Uniqueid"], each["Variable"]) for each in ami.events("VarSet") if each["Value"] == "abc"]
    assert sets == [("callcenter-1", "__CALLCENTER_CALL"), (end["DestUniqueid"], "__CALLCENTER_CALL")]


async def test_click_to_call_to_a_customer_who_does_not_answer(board: Switchboard, ami: Manager) -> None:
    board.customer_of = lambda number: no_answer()
    await ami.originate("+79261112233")
    assert (await ami.message(Event="DialEnd", DialStatus="NOANSWER"))["DestCallerIDNum"] == "+79261112233"
    await until(lambda: not board.pbx.channels)


async def test_click_to_call_from_a_phone_that_is_not_there(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").register(False)
    await ami.originate("+79261112233")
    assert (await ami.message(Event="OriginateResponse"))["Response"] == "Failure"
    assert not ami.events("Newchannel")


async def test_bad_originates_are_refused(ami: Manager) -> None:
    assert (await ami.ask("Originate"))["Message"] == "Channel not specified"
    assert (await ami.ask("Originate", Channel="1001"))["Message"] == "Invalid channel"
    assert (await ami.ask("Originate", Channel="PJSIP/1001"))["Response"] == "Error"


async def test_linear_queue_that_nobody_answers_lets_the_caller_go(board: Switchboard, ami: Manager) -> None:
    for extension in ("1002", "1004", "1005"):
        board.phone(extension).behave(RingOut())
    call = board.place_call("+7916", "Patient", SUPPORT, caller=Caller(patience_s=999))
    await ami.message(Event="Hangup", Uniqueid=call.uniqueid)
    rang = [each["Interface"] for each in ami.events("AgentCalled")]
    assert rang[:4] == ["PJSIP/1002", "PJSIP/1004", "PJSIP/1005", "PJSIP/1002"]
    assert [each["Value"] for each in ami.events("VarSet") if each["Variable"] == "QUEUESTATUS"] == [
        "TIMEOUT"
    ]
    assert len(ami.events("QueueCallerAbandon")) == 1  # Asterisk 22 says so for a timeout too


async def test_a_queue_without_anybody_may_refuse_callers(board: Switchboard, ami: Manager) -> None:
    for extension in ("1002", "1004", "1005"):
        board.phone(extension).register(False)
    call = board.place_call("+7916", "Early", SUPPORT)
    await ami.message(Event="Hangup", Uniqueid=call.uniqueid)
    assert not ami.events("QueueCallerJoin", "QueueCallerAbandon")
    assert [each["Value"] for each in ami.events("VarSet") if each["Variable"] == "QUEUESTATUS"] == [
        "JOINEMPTY"
    ]


async def test_a_caller_waits_until_an_operator_is_free_and_the_first_come_is_served_first(
    board: Switchboard, ami: Manager
) -> None:
    for extension in ("1002", "1003"):
        board.phone(extension).register(False)
    calls = [board.place_call(f"+7916000000{n}", f"C{n}", SALES, caller=Caller(talk_s=5)) for n in range(3)]
    for call in calls:
        await ami.message(Event="Hangup", Uniqueid=call.uniqueid)
    assert [each["CallerIDName"] for each in ami.events("AgentConnect")] == ["C0", "C1", "C2"]
    assert [each["Position"] for each in ami.events("QueueCallerJoin")] == ["1", "2", "3"]


async def test_a_person_presses_the_buttons_of_a_manual_phone(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Manual())
    with pytest.raises(NoCall):
        await board.answer("1001")
    call = board.place_call("+79161234567", "Ivan", DIRECT, caller=Caller(talk_s=900))
    await ami.message(Event="DialState", DialStatus="RINGING")
    await board.answer("1001")
    await ami.message(Event="BridgeEnter", BridgeNumChannels="2")
    await board.hold("1001")
    await ami.message(Event="Hold")
    await board.hold("1001", False)
    await ami.message(Event="Unhold")
    await board.hang_up("1001")
    await call.wait()
    assert (await ami.message(Event="HangupRequest"))["Channel"].startswith("PJSIP/1001-")
    second = board.place_call("+79161234567", "Ivan", DIRECT)
    await ami.message(Event="DialBegin", Uniqueid=second.uniqueid)
    await until(lambda: board.pbx.devices["PJSIP/1001"] == "BUSY")
    await board.decline("1001")
    assert (await ami.message(Event="DialEnd", Uniqueid=second.uniqueid))["DialStatus"] == "BUSY"
    await second.wait()


async def test_ami_can_hang_up_redirect_and_transfer(board: Switchboard, ami: Manager) -> None:
    call = board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    connected = await ami.message(Event="AgentConnect")
    await ami.message(Event="BridgeEnter", Uniqueid=call.uniqueid)
    moved = await ami.ask("BlindTransfer", Channel=connected["DestChannel"], Exten="1004")
    assert moved["Response"] == "Success"
    assert (await ami.message(Event="AgentComplete"))["Reason"] == "transfer"
    assert (await ami.message(Event="BlindTransfer"))["Extension"] == "1004"
    await ami.message(Event="DialEnd", DialStatus="ANSWER", DestCallerIDNum="1004")
    await until(lambda: len(board.pbx.bridges) == 1 and call.channel.bridge is not None)
    back = await ami.ask(
        "Redirect", Channel=call.channel.name, Context="from-internal", Exten="1005", Priority=1
    )
    assert back["Response"] == "Success"
    await ami.message(Event="DialEnd", DialStatus="ANSWER", DestCallerIDNum="1005")
    await ami.ask("Hangup", Channel=call.channel.name, Cause=21)
    await call.wait()
    assert (await ami.message(Event="Hangup", Uniqueid=call.uniqueid))["Cause"] == "21"
    assert (await ami.ask("Hangup", Channel="PJSIP/none-1"))["Message"] == "No such channel"
    assert not board.pbx.channels and not board.pbx.bridges


async def test_unknown_lines_and_numbers_end_as_unallocated(board: Switchboard, ami: Manager) -> None:
    with pytest.raises(LookupError):
        board.place_call("+7916", "", "999")
    with pytest.raises(LookupError):
        board.phone("9999")
    board.customer_of = lambda number: no_such_number()
    board.phone("1001").gives_up_s = 1
    call = board.dial("1001", "+79990000000")
    await ami.message(Event="Hangup", Uniqueid=call.uniqueid)
    assert (await ami.message(Event="DialEnd"))["DialStatus"] == "NOANSWER"
    assert [each["Cause"] for each in ami.events("Hangup")] == ["1", "1"]


def seconds_of(path: Path) -> float:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return file.getnframes() / 8000


async def test_a_talk_is_recorded_in_three_files_as_long_as_it_lasted(tmp_path: Path) -> None:
    async with Switchboard(lab(tmp_path), speed=50) as board:
        call = board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=9), dialogue="new-order")
        await call.wait()
        paths = sorted(tmp_path.rglob("*.wav"))
        stem = f"-{call.uniqueid}"
        assert [path.name[path.name.index(stem) + len(stem) :] for path in paths] == [
            "-agent.wav", "-caller.wav", ".wav",
        ]  # fmt: skip
        assert paths[0].relative_to(tmp_path).parts[:3] == tuple(f"{board.clock.now():%Y/%m/%d}".split("/"))
        lengths = [seconds_of(path) for path in paths]
        assert lengths == [lengths[0]] * 3 and 9 <= lengths[0] < 15  # a busy machine may be late
        assert len({path.read_bytes() for path in paths}) == 3


async def test_a_recording_grows_with_an_unfinished_header_and_is_completed_at_the_end(
    tmp_path: Path,
) -> None:
    async with Switchboard(lab(tmp_path), speed=50) as board:
        call = board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
        await until(lambda: any(path.stat().st_size > 100_000 for path in tmp_path.rglob("*.wav")))
        path = next(each for each in tmp_path.rglob("*.wav") if each.stem.endswith(call.uniqueid))
        assert seconds_of(path) == 0
        call.hang_up()
        await call.wait()
        assert path.stat().st_size == 44 + round(16000 * seconds_of(path))


async def test_a_call_nobody_answered_leaves_empty_files(tmp_path: Path) -> None:
    async with Switchboard(lab(tmp_path), speed=50) as board:
        await board.place_call("+79161234567", "Ivan", SALES, caller=Caller(patience_s=0.5)).wait()
        assert [path.stat().st_size for path in tmp_path.rglob("*.wav")] == [44, 44, 44]


async def test_who_was_answered_does_not_give_up_any_more(board: Switchboard) -> None:
    board.phone("1001").behave(Answer(after_s=0.1))
    call = board.place_call("+7916", "Talkative", DIRECT, caller=Caller(patience_s=2, talk_s=6))
    began = board.pbx.clock.time()
    await call.wait()
    assert board.pbx.clock.time() - began >= 6
