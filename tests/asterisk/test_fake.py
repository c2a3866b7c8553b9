"""The simulated switchboard: its wire, its answers, its calls, and how it breaks."""

import asyncio
import contextlib
import hashlib
import random
import re
import socket
import time
import wave
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from asterisk.fake import (
    Answer,
    Caller,
    Customer,
    Decline,
    Manual,
    NoCall,
    RingOut,
    Switchboard,
    busy,
    lab,
    no_answer,
    no_such_number,
    wire,
)
from asterisk.fake.__main__ import main, read_arguments
from asterisk.fake.traffic import Person, run_traffic
from asterisk.fake.wire import parse

SALES, SUPPORT, DIRECT, EVERYBODY, HURRIED = (f"7495123000{n}" for n in (1, 2, 3, 7, 9))


class Manager:
    """A manager connection that keeps every message."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[dict[str, str]] = []
        self.ended = asyncio.Event()
        self._n = 0

    async def __aenter__(self) -> "Manager":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.banner = await self._reader.readline()
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._task

    async def _listen(self) -> None:
        try:
            while True:
                block = (await self._reader.readuntil(b"\r\n\r\n")).decode()
                self.messages.append(dict(re.findall(r"^([^:\r\n]+): ?([^\r\n]*)", block, re.M)))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.set()

    async def ask(self, action: str, *more: str, **headers: object) -> dict[str, str]:
        """Send an action and return its response."""
        self._n += 1
        ident = f"t-{self._n}"
        lines = [f"Action: {action}", f"ActionID: {ident}", *more]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.message(ActionID=ident)

    async def ask_list(self, action: str, **headers: object) -> list[dict[str, str]]:
        """Send a list action and return its items."""
        response = await self.ask(action, **headers)
        assert response["EventList"] == "start"
        end = await self.message(ActionID=response["ActionID"], EventList="Complete")
        items = [m for m in self.messages if m.get("ActionID") == response["ActionID"] and "Event" in m]
        assert int(end["ListItems"]) == len(items) - 1
        return items[:-1]

    async def login(self, username: str = "crm", secret: str = "crm-secret") -> dict[str, str]:
        return await self.ask("Login", Username=username, Secret=secret)

    async def message(self, **wanted: str) -> dict[str, str]:
        """Wait for a message with these headers."""
        async with asyncio.timeout(15):
            while True:
                for each in self.messages:
                    if wanted.items() <= each.items():
                        return each
                await asyncio.sleep(0.001)

    def events(self, *names: str) -> list[dict[str, str]]:
        return [each for each in self.messages if each.get("Event") in names]


@pytest_asyncio.fixture
async def board() -> AsyncIterator[Switchboard]:
    async with Switchboard(lab(), speed=100) as switchboard:
        yield switchboard


@pytest_asyncio.fixture
async def ami(board: Switchboard) -> AsyncIterator[Manager]:
    async with Manager(board.port) as manager:
        assert (await manager.login())["Response"] == "Success"
        yield manager


async def until(check: object, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not check():  # type: ignore[operator]  # any callable of a test
            await asyncio.sleep(0.001)


# ---- the wire


async def test_greets_like_asterisk_22_and_says_fully_booted_after_login(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        assert manager.banner == b"Asterisk Call Manager/11.0.0\r\n"
        response = await manager.login()
        assert response["Message"] == "Authentication accepted"
        booted = await manager.message(Event="FullyBooted")
        assert booted["Status"] == "Fully Booted" and "Uptime" in booted


async def test_login_by_md5_challenge(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        challenge = (await manager.ask("Challenge", AuthType="MD5"))["Challenge"]
        key = hashlib.md5(f"{challenge}crm-secret".encode()).hexdigest()
        assert (await manager.ask("Login", AuthType="MD5", Username="crm", Key=key))["Response"] == "Success"


async def test_wrong_secret_is_refused_and_the_connection_closed(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        refusal = await manager.login(secret="guess")
        assert (refusal["Response"], refusal["Message"]) == ("Error", "Authentication failed")
        await asyncio.wait_for(manager.ended.wait(), 5)


async def test_nothing_can_be_asked_before_login(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        assert (await manager.ask("CoreShowChannels"))["Message"] == "Permission denied"


async def test_ping_logoff_and_an_action_that_does_not_exist(ami: Manager) -> None:
    assert (await ami.ask("Ping"))["Ping"] == "Pong"
    refusal = await ami.ask("MakeCoffee")
    assert refusal["Message"].startswith("Invalid/unknown command: MakeCoffee.")
    assert (await ami.ask("Logoff"))["Response"] == "Goodbye"
    await asyncio.wait_for(ami.ended.wait(), 5)


async def test_a_frugal_account_gets_no_dialplan_events_and_may_not_send_digits(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        await manager.login("crm-lite")
        await board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=1)).wait()
        await manager.message(Event="Cdr")
        assert not manager.events("VarSet", "Newexten")
        assert manager.events("AgentConnect", "BridgeEnter")
        assert (await manager.ask("Events", EventMask="off"))["Events"] == "Off"


async def test_events_carry_a_timestamp_only_where_the_site_switched_them_on(ami: Manager) -> None:
    assert float((await ami.message(Event="FullyBooted"))["Timestamp"]) > 1.6e9
    async with Switchboard(lab(timestamps=False)) as other, Manager(other.port) as manager:
        await manager.login()
        assert "Timestamp" not in await manager.message(Event="FullyBooted")


@given(
    st.dictionaries(
        st.text("abcXYZ-", min_size=1), st.text(st.characters(blacklist_characters="\r\n")), max_size=5
    )
)
def test_any_action_that_fits_the_grammar_is_read(headers: dict[str, str]) -> None:
    block = "".join(f"{key}: {value}\r\n" for key, value in headers.items()).encode("utf-8", "replace")
    found = parse(block)
    assert found.keys() == {key.strip().lower() for key in headers}


async def test_garbage_on_the_wire_harms_nobody(board: Switchboard, ami: Manager) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", board.port)
    writer.write(b"\x00\xff\xfe: x\r\n\r\n" + b"A" * 100_000)
    await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert (await ami.ask("Ping"))["Response"] == "Success"


async def test_a_reader_that_does_not_read_is_dropped(
    board: Switchboard, ami: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "STALLED_BYTES", 100_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", board.port, limit=1000)
    writer.write(b"Action: Login\r\nUsername: crm\r\nSecret: crm-secret\r\n\r\n")
    await until(lambda: len(board.pbx.listeners) == 2 and not reader.at_eof())
    async with asyncio.timeout(15):
        while len(board.pbx.listeners) == 2:
            board.pbx.say("UserEvent", f"Text: {'x' * 30_000}\r\n")
            await asyncio.sleep(0.001)
    writer.close()
    assert (await ami.ask("Ping"))["Response"] == "Success"


async def test_a_callers_name_can_not_become_another_event(board: Switchboard, ami: Manager) -> None:
    board.place_call("+7916", "Eve\r\nEvent: Shutdown", SALES, caller=Caller(patience_s=0.1))
    born = await ami.message(Event="Newchannel")
    assert born["CallerIDName"] == "Eve  Event: Shutdown"


# ---- what it answers


async def test_listings_show_the_call_that_is_going_on(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=1))
    board.phone("1002").behave(RingOut())
    board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="BridgeEnter", BridgeNumChannels="2")
    for extension in ("1003", "1002"):
        board.phone(extension).register(False)
    board.place_call("+79161234568", "Next", SALES)
    await ami.message(Event="QueueCallerJoin", CallerIDName="Next")
    channels = await ami.ask_list("CoreShowChannels")
    assert [each["ChannelStateDesc"] for each in channels] == ["Up", "Up", "Up"]
    bridges = await ami.ask_list("BridgeList")
    inside = await ami.ask_list("BridgeInfo", BridgeUniqueid=bridges[0]["BridgeUniqueid"])
    assert {each["Channel"] for each in inside} == {each["Channel"] for each in channels if each["BridgeId"]}
    assert (await ami.ask("BridgeInfo", BridgeUniqueid="none"))["Response"] == "Error"
    entries = [
        each for each in await ami.ask_list("QueueStatus", Queue="sales") if each["Event"] == "QueueEntry"
    ]
    assert [(each["CallerIDName"], each["Position"]) for each in entries] == [("Next", "1")]
    sales = next(each for each in await ami.ask_list("QueueSummary") if each["Queue"] == "sales")
    assert (sales["LoggedIn"], sales["Available"], sales["Callers"]) == ("1", "0", "1")
    devices = {each["Device"]: each["State"] for each in await ami.ask_list("DeviceStateList")}
    assert (devices["PJSIP/1001"], devices["PJSIP/1002"]) == ("BUSY", "UNAVAILABLE")
    assert len(await ami.ask_list("Status")) == 3
    assert (await ami.ask("Status", Channel="PJSIP/none"))["Message"] == "No such channel"


async def test_members_are_added_paused_and_removed(board: Switchboard, ami: Manager) -> None:
    member = {"Queue": "orders", "Interface": "PJSIP/1004"}
    assert (await ami.ask("QueueAdd", MemberName="Dmitry", **member))["Message"] == "Added interface to queue"
    assert (await ami.ask("QueueAdd", **member))["Message"] == "Unable to add interface: Already there"
    assert (await ami.ask("QueuePause", Paused="true", Reason="lunch", **member))["Response"] == "Success"
    paused = await ami.message(Event="QueueMemberPause")
    assert (paused["Paused"], paused["PausedReason"], paused["MemberName"]) == ("1", "lunch", "Dmitry")
    await ami.ask("QueuePause", Interface="PJSIP/1004", Paused="false")
    await until(lambda: len(ami.events("QueueMemberPause")) == 3)  # orders and support
    assert (await ami.ask("QueueRemove", **member))["Response"] == "Success"
    assert (await ami.ask("QueueRemove", **member))["Message"] == "Unable to remove interface: Not there"
    refusal = await ami.ask("QueueRemove", Queue="sales", Interface="PJSIP/1001")
    assert refusal["Message"] == "Unable to remove interface: Member not dynamic"
    assert (await ami.ask("QueuePause", Interface="PJSIP/9", Paused="1"))["Message"] == "Interface not found"


async def test_a_paused_member_is_not_rung(board: Switchboard, ami: Manager) -> None:
    await ami.ask("QueuePause", Queue="sales", Interface="PJSIP/1001", Paused="true")
    board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=1))
    assert (await ami.message(Event="AgentConnect"))["Interface"] == "PJSIP/1002"


async def test_an_agent_who_lets_it_ring_is_paused_where_the_queue_says_so(
    board: Switchboard, ami: Manager
) -> None:
    await ami.ask("QueueAdd", Queue="orders", Interface="PJSIP/1001")
    board.phone("1001").behave(RingOut())
    call = board.place_call("+79161234567", "Ivan", "74951230008", caller=Caller(patience_s=10))
    assert (await ami.message(Event="QueueMemberPause"))["PausedReason"] == "Auto-Pause"
    await call.wait()


async def test_variables_are_read_and_set(board: Switchboard, ami: Manager) -> None:
    call = board.place_call("+79161234567", "Ivan", SALES)
    await ami.message(Event="QueueCallerJoin")
    got = await ami.ask("Getvar", Channel=call.channel.name, Variable="MIXMONITOR_FILENAME")
    assert got["Value"].startswith("/var/spool/asterisk/monitor/")
    await ami.ask("Setvar", Channel=call.channel.name, Variable="ORDER", Value="4572")
    assert (await ami.ask("Getvar", Channel=call.uniqueid, Variable="ORDER"))["Value"] == "4572"
    assert (await ami.ask("PlayDTMF", Channel=call.channel.name, Digit="5"))["Response"] == "Success"
    assert (await ami.message(Event="DTMFEnd"))["Digit"] == "5"
    assert (await ami.ask("PlayDTMF", Channel=call.channel.name, Digit="55"))["Response"] == "Error"


# ---- calls


async def originate(ami: Manager, number: str, phone: str = "PJSIP/1001", **more: object) -> dict[str, str]:
    return await ami.ask("Originate", "Variable: __CALLCENTER_CALL=abc", "Variable: __CALLCENTER_OPERATOR=1001",
                         Channel=phone, Context="callcenter-dial", Exten=number, Priority=1,
                         CallerID=number, Timeout=6000, Async="true", **more)  # fmt: skip


async def test_click_to_call_keeps_our_channel_id_and_passes_our_variable_on(
    board: Switchboard, ami: Manager
) -> None:
    response = await originate(ami, "+79261112233", ChannelId="callcenter-1", OtherChannelId="callcenter-1-2")
    assert response["Message"] == "Originate successfully queued"
    answer = await ami.message(Event="OriginateResponse", ActionID=response["ActionID"])
    assert (answer["Response"], answer["Reason"], answer["Uniqueid"]) == ("Success", "4", "callcenter-1")
    end = await ami.message(Event="DialEnd", Uniqueid="callcenter-1", DialStatus="ANSWER")
    assert end["DestLinkedid"] == "callcenter-1"
    sets = [(each["Uniqueid"], each["Variable"]) for each in ami.events("VarSet") if each["Value"] == "abc"]
    assert sets == [("callcenter-1", "__CALLCENTER_CALL"), (end["DestUniqueid"], "__CALLCENTER_CALL")]


async def test_click_to_call_to_a_customer_who_does_not_answer(board: Switchboard, ami: Manager) -> None:
    board.customer_of = lambda number: no_answer()
    await originate(ami, "+79261112233")
    assert (await ami.message(Event="DialEnd", DialStatus="NOANSWER"))["DestCallerIDNum"] == "+79261112233"
    await until(lambda: not board.pbx.channels)


async def test_click_to_call_from_a_phone_that_is_not_there(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").register(False)
    await originate(ami, "+79261112233")
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


# ---- recordings


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
        assert path.stat().st_size == 44 + 16000 * seconds_of(path)


async def test_a_call_nobody_answered_leaves_empty_files(tmp_path: Path) -> None:
    async with Switchboard(lab(tmp_path), speed=50) as board:
        await board.place_call("+79161234567", "Ivan", SALES, caller=Caller(patience_s=0.5)).wait()
        assert [path.stat().st_size for path in tmp_path.rglob("*.wav")] == [44, 44, 44]


# ---- breaking


async def test_a_cut_connection_leaves_the_calls_alone(board: Switchboard, ami: Manager) -> None:
    call = board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="AgentConnect")
    board.cut()
    await asyncio.wait_for(ami.ended.wait(), 5)
    async with Manager(board.port) as again:
        await again.login()
        assert len(await again.ask_list("CoreShowChannels")) == 2
    assert not call.over


async def test_a_restart_hangs_everything_up_says_shutdown_and_counts_from_zero(
    board: Switchboard, ami: Manager
) -> None:
    board.phone("1002").behave(Decline())
    call = board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="AgentConnect")
    await board.restart(down_s=1)
    await asyncio.wait_for(ami.ended.wait(), 5)
    assert call.over and len(ami.events("Hangup")) == 2
    assert ami.messages[-1]["Event"] == "Shutdown" and ami.messages[-1]["Restart"] == "True"
    async with Manager(board.port) as again:
        await again.login()
        assert int((await again.message(Event="FullyBooted"))["Uptime"]) < 60
        fresh = board.place_call("+79161234567", "Ivan", SALES)
        assert fresh.uniqueid.endswith(".0") and fresh.channel.name.endswith("-00000000")


async def test_a_killed_switchboard_says_nothing(board: Switchboard, ami: Manager) -> None:
    board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="AgentConnect")
    await board.restart(down_s=1, abrupt=True)
    await asyncio.wait_for(ami.ended.wait(), 5)
    assert not ami.events("Hangup", "Shutdown")
    async with Manager(board.port) as again:
        await again.login()
        assert await again.ask_list("CoreShowChannels") == []


async def test_nothing_is_left_running_when_it_stops() -> None:
    before = asyncio.all_tasks()
    board = Switchboard(lab())
    await board.start()
    async with Manager(board.port) as manager:
        await manager.login()
        board.place_call("+79161234567", "Ivan", SALES)
        await manager.message(Event="AgentCalled")
        await board.stop()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    with socket.create_server(("127.0.0.1", board.port)):
        pass  # the port is free again


# ---- whatever happens

CUSTOMERS = (busy(), no_answer(), no_such_number(), Customer(talk_s=2), Customer(talk_s=3, hangs_up=False))
BEHAVIOURS = (
    Manual(),
    Answer(after_s=0.5),
    RingOut(),
    Decline(after_s=0.3),
    Decline(after_s=0.1, rings=False),
)


async def anything(board: Switchboard, ami: Manager, dice: random.Random) -> None:
    """Do one thing out of all that callers, operators and programs can do, sensible or not."""
    extension, number = dice.choice(list(board.pbx.phones)), dice.choice(("+79990000000", "1002", "555"))
    channel = dice.choice([each.name for each in board.pbx.channels.values()] or ["PJSIP/none"])
    place = {"Channel": channel, "Context": dice.choice(("from-internal", "nowhere")), "Exten": number}
    caller = Caller(
        patience_s=dice.uniform(0.1, 20), talk_s=dice.uniform(0.1, 5), hangs_up=dice.random() < 0.5
    )
    match dice.randrange(13):
        case 0 | 1 | 2:
            board.place_call(number, "X", dice.choice(board.config.lines).did, caller=caller)
        case 3:
            board.phone(extension).behave(dice.choice(BEHAVIOURS))
        case 4:
            await board.answer(extension)
        case 5:
            await board.hang_up(extension)
        case 6:
            await board.hold(extension, dice.random() < 0.5)
        case 7:
            board.dial(extension, number)
        case 8:
            await ami.ask("Hangup", Channel=channel)
        case 9:
            await ami.ask(dice.choice(("Redirect", "BlindTransfer")), Priority=1, **place)
        case 10:
            await originate(ami, "+79261112233")
        case 11:
            await originate(ami, "+79261112233", phone=f"Local/{extension}@c2c-agent/n")
        case 12:
            board.phone(extension).register(dice.random() < 0.7)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_and_programs_do_every_channel_ends_and_every_bridge_is_left(
    board: Switchboard, ami: Manager, seed: int
) -> None:
    dice = random.Random(seed)
    board.customer_of = lambda number: dice.choice(CUSTOMERS)
    for _ in range(60):
        with contextlib.suppress(LookupError):  # a button that makes no sense now
            await anything(board, ami, dice)
        await board.clock.sleep(dice.uniform(0, 1.5))
    await until(lambda: not board.pbx.channels)
    await ami.ask("Ping")
    for begins, ends, key in (
        ("Newchannel", "Hangup", "Uniqueid"),
        ("BridgeEnter", "BridgeLeave", "Uniqueid"),
        ("BridgeCreate", "BridgeDestroy", "BridgeUniqueid"),
        ("QueueCallerJoin", "QueueCallerLeave", "Uniqueid"),
    ):
        one, other = ([each[key] for each in ami.events(event)] for event in (begins, ends))
        assert sorted(one) == sorted(other)
    assert not board.pbx.tasks and not board.pbx.bridges
    assert not any(
        queue.waiting or any(m.in_call for m in queue.members) for queue in board.pbx.queues.values()
    )


# ---- load, traffic, command line


async def test_it_keeps_up_with_fifty_calls_a_second() -> None:
    names = {f"{2000 + n}": f"Operator {n}" for n in range(300)}
    config = lab()
    queue = replace(config.queues[3], members=tuple(names))
    extensions = tuple(replace(config.extensions[0], number=n, name=name) for n, name in names.items())
    async with Switchboard(replace(config, extensions=extensions, queues=(queue,), noise=False)) as board:
        for number in names:
            board.phone(number).behave(Answer(after_s=0.1))
        async with Manager(board.port) as manager:
            await manager.login()
            started = time.monotonic()
            calls = []
            for n in range(50):
                calls.append(board.place_call(f"+7916{n:07}", f"C{n}", SALES, caller=Caller(talk_s=0.2)))
                await asyncio.sleep(max(0, started + (n + 1) / 50 - time.monotonic()))
            for call in calls:
                await asyncio.wait_for(call.wait(), 5)
            await until(lambda: len(manager.events("AgentComplete")) == 50)
            assert time.monotonic() - started < 8  # 1.3 s when the machine is idle


async def test_traffic_comes_by_itself_and_leaves_one_phone_to_a_person(
    board: Switchboard, ami: Manager
) -> None:
    people = [Person(number=f"+7916123456{n}", name=f"P{n}", did=SALES) for n in range(5)]
    task = asyncio.create_task(run_traffic(board, people, manual=["1001"], every_s=(1, 3), seed=7))
    await until(lambda: len(ami.events("AgentConnect")) >= 3 and ami.events("OriginateResponse", "DialEnd"))
    task.cancel()
    assert board.phone("1001").manual
    assert {each["Interface"] for each in ami.events("AgentConnect")} <= {"PJSIP/1002", "PJSIP/1003"}
    with pytest.raises(ValueError):
        await run_traffic(board, [])


def test_command_line_says_when_the_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "can not listen" in capsys.readouterr().err
    assert read_arguments(["--every", "5"]).every == 5


def test_customers_and_callers_are_plain_facts() -> None:
    assert Customer().cause == 0 and Caller().hangs_up
