"""What the simulated switchboard answers when a program asks."""

import pytest

from asterisk.fake import (
    Answer,
    Caller,
    RingOut,
    Switchboard,
)
from asterisk.fake.actions import ACTIONS
from tests.asterisk.manager import SALES, Manager, until


async def test_listings_show_the_call_that_is_going_on(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=1))
    for extension in ("1003", "1002"):  # nobody else may get the first call, however slow the machine is
        board.phone(extension).register(False)
    board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="BridgeEnter", BridgeNumChannels="2")
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


KEYS = (
    "Channel", "Exten", "Context", "Priority", "Queue", "Interface", "Paused", "Penalty", "Variable", "Value",
    "Digit", "File", "State", "Cause", "Timeout", "Async", "CallerID", "ChannelId", "BridgeUniqueid", "EventMask",
)  # fmt: skip


@pytest.mark.parametrize(
    "value", ["", "x", "-1", "9" * 400, "../../etc", "²", "PJSIP/1001", "channel", "sales", "yes"]
)
async def test_every_action_answers_whatever_it_is_given(
    board: Switchboard, ami: Manager, value: str
) -> None:
    call = board.place_call("+79161234567", "Ivan", SALES)
    given = dict.fromkeys(KEYS, call.channel.name if value == "channel" else value)
    for action in sorted(ACTIONS):
        answer = await ami.ask(action, **given)
        assert answer["Response"] in ("Success", "Error"), action
        await ami.ask("Events", EventMask="on")
