"""The link, the actions and our own configuration against an Asterisk that is no fake."""

import asyncio
import wave
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from asterisk import actions
from asterisk.ami import ActionRefused, AmiConfig, Link, LinkState, LinkStatus
from asterisk.events import (
    AgentConnected,
    BridgeEntered,
    BridgeMemberListed,
    ChannelHungUp,
    ChannelListed,
    ChannelTagged,
    DialEnded,
    DialStatus,
    Heard,
    LineNamed,
    LinkLost,
    LinkUp,
    MemberAdded,
    MemberPaused,
    MemberRemoved,
    OriginateEnded,
    RecordingNamed,
    Resynced,
    SwitchboardStopped,
)
from tests.patience import PATIENCE_S
from tests.pbx.conftest import Office, office
from tests.pbx.sound import tone
from tests.pbx.tree import HOST, Tree

CUSTOMER = "79161234567"


def loudest_pitch(file: Path) -> int:
    """The strongest frequency in a recording, in Hz, rounded to tens."""
    with wave.open(str(file)) as sound:
        samples = numpy.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
        strength = numpy.abs(numpy.fft.rfft(samples))
        return round(int(strength.argmax()) * sound.getframerate() / len(samples), -1)


async def click(here: Office, number: str, channel_id: str) -> None:
    """Click-to-call for extension 1001."""
    await actions.originate(
        here.link,
        channel="PJSIP/1001",
        exten=number,
        context="callcenter-dial",
        caller_id=number,
        channel_id=channel_id,
        other_channel_id=f"{channel_id}-2",
        variables={"__CALLCENTER_OPERATOR": "1001", "__CALLCENTER_LINE": "74951230001"},
        timeout_s=5,
    )


@pytest.mark.parametrize("challenge", [True, False])
async def test_both_ways_of_logging_in_are_accepted(pbx: Tree, challenge: bool) -> None:
    inbox: asyncio.Queue[Heard] = asyncio.Queue()
    link = Link(replace(pbx.account, challenge=challenge), inbox, lambda status: None)
    task = asyncio.create_task(link.run())
    heard = [(await asyncio.wait_for(inbox.get(), PATIENCE_S)).event]
    while not isinstance(heard[-1], Resynced):
        heard.append((await asyncio.wait_for(inbox.get(), PATIENCE_S)).event)
    assert isinstance(heard[0], LinkUp)
    assert heard[0].uptime_s is not None
    assert link.status.version is not None and link.status.version.startswith("Asterisk ")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("challenge", [True, False])
async def test_a_wrong_password_is_refused_and_shown(pbx: Tree, challenge: bool) -> None:
    account = AmiConfig("lab", HOST, pbx.site.ami_port, "callcenter", "wrong", challenge=challenge)
    told: asyncio.Queue[LinkStatus] = asyncio.Queue()
    link = Link(account, asyncio.Queue(), told.put_nowait)
    task = asyncio.create_task(link.run())
    status = await asyncio.wait_for(told.get(), PATIENCE_S)
    assert status.state is LinkState.REFUSED
    assert "Authentication failed" in status.detail
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_customer_reaches_an_operator_and_both_sides_are_recorded_apart(pbx: Tree) -> None:
    async with office(pbx, "1001") as here:
        customer = await here.phones["trunk"].call("74951230001", caller=CUSTOMER, name="Нина")
        ring = await here.rings("1001")
        ring.ring()
        assert ring.caller == CUSTOMER
        await ring.answer()
        heard = await here.until(AgentConnected)
        customer.say(tone(440, 1))
        ring.say(tone(880, 1))
        await asyncio.sleep(1.2)
        customer.hang_up()
        await asyncio.wait_for(ring.ended.wait(), PATIENCE_S)
        heard += await here.until(ChannelHungUp)
    line = next(event for event in heard if isinstance(event, LineNamed))
    assert (line.line, line.channel.caller_number, line.channel.caller_name) == (
        "74951230001",
        CUSTOMER,
        "Нина",
    )
    named = [event for event in heard if isinstance(event, RecordingNamed) and len(event.paths) == 3]
    assert named[0].uniqueid in named[0].paths[0]
    for path, side, pitch in zip(named[0].paths, ("", "-caller", "-agent"), (None, 440, 880), strict=True):
        assert path.endswith(f"{named[0].uniqueid}{side}.wav")
        assert pitch in (None, loudest_pitch(pbx.root / path.lstrip("/")))


async def test_click_to_call_rings_the_operator_then_the_customer_and_carries_our_mark(pbx: Tree) -> None:
    async with office(pbx, "1001") as here:
        await click(here, CUSTOMER, "cc-answered")
        operator = await here.rings("1001")
        await operator.answer()
        customer = await here.rings("trunk")
        assert customer.caller == "74951230001"
        customer.ring()
        await customer.answer()
        heard = await here.until(BridgeEntered)
        operator.hang_up()
        await asyncio.wait_for(customer.ended.wait(), PATIENCE_S)
    tagged = [event for event in heard if isinstance(event, ChannelTagged)]
    assert {event.tag for event in tagged} == {"cc-answered"}
    outcome = next(event for event in heard if isinstance(event, OriginateEnded))
    assert (outcome.action_id, outcome.success, outcome.channel_uniqueid) == (
        "cc-answered",
        True,
        "cc-answered",
    )
    customers = [event for event in heard if isinstance(event, DialEnded) and event.caller is not None]
    assert customers[0].status is DialStatus.ANSWER


async def test_click_to_call_to_a_busy_customer_says_busy(pbx: Tree) -> None:
    async with office(pbx, "1001") as here:
        await click(here, CUSTOMER, "cc-busy")
        operator = await here.rings("1001")
        await operator.answer()
        customer = await here.rings("trunk")
        customer.decline(486)
        heard = await here.until(DialEnded)
        while heard[-1].caller is None:  # type: ignore[union-attr]  # the last one is a DialEnded
            heard += await here.until(DialEnded)
        assert heard[-1].status is DialStatus.BUSY  # type: ignore[union-attr]
        operator.hang_up()


async def test_click_to_call_without_the_operators_phone_fails_with_our_action_id(pbx: Tree) -> None:
    async with office(pbx) as here:
        await click(here, CUSTOMER, "cc-absent")
        outcome = (await here.until(OriginateEnded))[-1]
        assert isinstance(outcome, OriginateEnded)
        assert (outcome.action_id, outcome.success) == ("cc-absent", False)


async def test_a_link_that_comes_late_hears_of_the_calls_that_are_already_there(pbx: Tree) -> None:
    async with office(pbx, "1001") as here:
        customer = await here.phones["trunk"].call("74951230003", caller=CUSTOMER)
        ring = await here.rings("1001")
        await ring.answer()
        await asyncio.wait_for(customer.answered.wait(), PATIENCE_S)
        for _ in ("customer", "operator"):
            await here.until(BridgeEntered)
        inbox: asyncio.Queue[Heard] = asyncio.Queue()
        late = asyncio.create_task(Link(pbx.account, inbox, lambda status: None).run())
        heard = [(await asyncio.wait_for(inbox.get(), PATIENCE_S)).event]
        while not isinstance(heard[-1], Resynced):
            heard.append((await asyncio.wait_for(inbox.get(), PATIENCE_S)).event)
        listed = [event for event in heard if isinstance(event, ChannelListed)]
        assert len(listed) == 2
        assert len({event.channel.linkedid for event in listed}) == 1
        assert len({event.bridge for event in listed}) == 1
        inside = [event for event in heard if isinstance(event, BridgeMemberListed)]
        assert {event.bridge for event in inside} == {event.bridge for event in listed}
        assert {event.channel for event in inside} == {event.channel for event in listed}
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        customer.hang_up()
        await asyncio.wait_for(ring.ended.wait(), PATIENCE_S)


async def test_members_come_pause_and_go(pbx: Tree) -> None:
    async with office(pbx) as here:
        await actions.queue_add(here.link, "orders", "PJSIP/1001", name="Anna")
        assert isinstance((await here.until(MemberAdded))[-1], MemberAdded)
        await actions.queue_pause(here.link, "PJSIP/1001", paused=True, queue="orders", reason="lunch")
        paused = (await here.until(MemberPaused))[-1]
        assert isinstance(paused, MemberPaused)
        assert (paused.queue, paused.paused, paused.reason) == ("orders", True, "lunch")
        with pytest.raises(ActionRefused, match="Already there"):
            await actions.queue_add(here.link, "orders", "PJSIP/1001", name="Anna")
        await actions.queue_remove(here.link, "orders", "PJSIP/1001")
        assert isinstance((await here.until(MemberRemoved))[-1], MemberRemoved)


async def test_a_restart_of_the_pbx_is_survived(pbx: Tree) -> None:
    async with office(pbx) as here:
        await asyncio.to_thread(pbx.restart)
        heard = await here.until(LinkLost)
        assert any(isinstance(event, SwitchboardStopped) for event in heard)
        heard = await here.until(Resynced)
        up = next(event for event in heard if isinstance(event, LinkUp))
        assert up.uptime_s is not None and up.uptime_s < 10 * PATIENCE_S


async def test_a_pbx_that_is_killed_in_a_call_is_noticed_at_once_and_found_again(pbx: Tree) -> None:
    async with office(pbx, "1001") as here:
        await here.phones["trunk"].call("74951230003", caller=CUSTOMER)
        await here.rings("1001")
        pbx.kill()
        heard = await here.until(LinkLost)
        assert not any(isinstance(event, ChannelHungUp) for event in heard)
        await asyncio.to_thread(pbx.start)
        heard = await here.until(Resynced)
        assert not any(isinstance(event, ChannelListed) for event in heard)
