"""What we ask of the PBX is done by a real one: seen by the phones, not only by its answer."""

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from asterisk import actions
from asterisk.ami import ActionRefused
from asterisk.events import BridgeEntered, ChannelHeld, ChannelUnheld, Parked
from tests.patience import PATIENCE_S
from tests.pbx.conftest import Office, office
from tests.pbx.phone import Call
from tests.pbx.sound import tone
from tests.pbx.tree import Tree

CUSTOMER = "79161234567"


class Talk:
    """A customer and Anna (1001) who talk, with the names of their channels."""

    def __init__(self, here: Office, customer: Call, anna: Call, channels: dict[str, str]) -> None:
        self.here, self.customer, self.anna = here, customer, anna
        self.customer_channel = channels["trunk"]
        self.anna_channel = channels["1001"]

    async def enters(self, channel: str) -> None:
        """Wait until a channel whose name begins so is in a bridge."""
        entered = (await self.here.until(BridgeEntered))[-1]
        while not (isinstance(entered, BridgeEntered) and entered.channel.name.startswith(channel)):
            entered = (await self.here.until(BridgeEntered))[-1]

    async def rings(self, extension: str) -> Call:
        return await self.here.rings(extension)


@asynccontextmanager
async def talk(pbx: Tree, *others: str) -> AsyncIterator[Talk]:
    async with office(pbx, "1001", *others) as here:
        customer = await here.phones["trunk"].call("74951230003", caller=CUSTOMER)
        anna = await here.rings("1001")
        await anna.answer()
        channels: dict[str, str] = {}
        while len(channels) < 2:
            entered = (await here.until(BridgeEntered))[-1]
            assert isinstance(entered, BridgeEntered)
            channels[entered.channel.name.partition("/")[2].rpartition("-")[0]] = entered.channel.name
        yield Talk(here, customer, anna, channels)


async def ended(call: Call) -> str:
    await asyncio.wait_for(call.ended.wait(), PATIENCE_S)
    return call.ended_by


async def test_hanging_up_one_channel_ends_the_call_for_both(pbx: Tree) -> None:
    async with talk(pbx) as now:
        await actions.hang_up(now.here.link, now.anna_channel)
        assert await ended(now.anna) == "them"
        assert await ended(now.customer) == "them"
        with pytest.raises(ActionRefused, match="No such channel"):
            await actions.hang_up(now.here.link, now.anna_channel)


async def test_a_redirected_customer_reaches_the_other_phone_and_the_first_is_free(pbx: Tree) -> None:
    async with talk(pbx, "1002") as now:
        await actions.redirect(now.here.link, now.customer_channel, exten="1002", context="from-internal")
        boris = await now.rings("1002")
        assert boris.caller == CUSTOMER
        await boris.answer()
        assert await ended(now.anna) == "them"
        now.customer.hang_up()
        assert await ended(boris) == "them"


async def test_an_attended_transfer_joins_the_customer_with_the_one_who_was_asked(pbx: Tree) -> None:
    async with talk(pbx, "1002") as now:
        await actions.atxfer(now.here.link, now.anna_channel, exten="1002", context="from-internal")
        boris = await now.rings("1002")
        await boris.answer()
        await now.enters("PJSIP/1002-")
        await asyncio.sleep(0.3)  # they speak; the halves of the Local channel between them settle
        now.anna.hang_up()
        assert not now.customer.ended.is_set()
        now.customer.say(tone(600, 1))
        await asyncio.sleep(1.5)
        assert len(set(bytes(boris.heard))) > 4  # a tone, not silence
        now.customer.hang_up()
        assert await ended(boris) == "them"


async def test_a_parked_customer_waits_in_a_slot_and_is_fetched_from_it(pbx: Tree) -> None:
    async with talk(pbx, "1002") as now:
        await actions.park(now.here.link, now.customer_channel, back_to=now.anna_channel)
        parked = (await now.here.until(Parked))[-1]
        assert isinstance(parked, Parked)
        fetching = await now.here.phones["1002"].call(parked.slot)
        await asyncio.wait_for(fetching.answered.wait(), PATIENCE_S)
        now.customer.hang_up()
        assert await ended(fetching) == "them"


async def test_a_customer_is_put_on_hold_and_taken_back(pbx: Tree) -> None:
    async with talk(pbx) as now:
        await now.anna.hold()
        assert isinstance((await now.here.until(ChannelHeld))[-1], ChannelHeld)
        await now.anna.hold(False)
        assert isinstance((await now.here.until(ChannelUnheld))[-1], ChannelUnheld)


async def test_a_recording_asked_for_in_the_call_is_written_and_can_be_silenced(pbx: Tree) -> None:
    async with talk(pbx) as now:
        link, channel = now.here.link, now.customer_channel
        await actions.mix_monitor(
            link, channel, mix="asked/a.wav", received="asked/r.wav", sent="asked/s.wav"
        )
        now.customer.say(tone(440, 3))
        await asyncio.sleep(1)
        await actions.mix_monitor_mute(link, channel, muted=True)
        await asyncio.sleep(1)
        await actions.mix_monitor_mute(link, channel, muted=False)
        await asyncio.sleep(0.5)
        now.customer.hang_up()
        await ended(now.anna)
        await asyncio.sleep(0.2)
    with wave.open(str(pbx.recordings / "asked/a.wav")) as sound:
        seconds = sound.getnframes() / sound.getframerate()
        samples = memoryview(sound.readframes(sound.getnframes())).cast("h")
    assert seconds > 2
    silent = sum(abs(sample) < 50 for sample in samples[8000 : 2 * 8000])
    assert silent > 4000  # the second second, as exactly as a busy machine keeps time
    assert sum(abs(sample) > 1000 for sample in samples[:8000]) > 4000


async def test_keys_pressed_for_somebody_are_accepted(pbx: Tree) -> None:
    async with talk(pbx) as now:
        await actions.play_dtmf(now.here.link, now.customer_channel, "12#")


async def test_a_variable_of_a_channel_is_read(pbx: Tree) -> None:
    async with talk(pbx) as now:
        link = now.here.link
        assert await actions.get_var(link, "FROM_DID", channel=now.customer_channel) == "74951230003"
        assert await actions.get_var(link, "ASTSPOOLDIR") == "/var/spool/asterisk"
        assert await actions.get_var(link, "NO_SUCH_THING", channel=now.customer_channel) == ""
