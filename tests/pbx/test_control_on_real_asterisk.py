"""Call control on a real Asterisk: what the operator presses is what the phones hear, and what the record says."""

import asyncio
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from asterisk.visit import visit
from callcenter.target import Target
from crm_core.call_act import ActKind
from crm_core.db import Database
from crm_core.errors import Conflict, Forbidden
from tests.patience import PATIENCE_S
from tests.pbx.middle import SALES, Middle, until
from tests.pbx.phone import Call
from tests.pbx.sound import tone
from tests.pbx.tree import Tree


async def hears(listener: Call, speaker: Call, hertz: float = 611) -> bool:
    """Whether a tone spoken into one telephone comes out of the other."""
    before = len(listener.heard)
    speaker.say(tone(hertz, 0.8))
    await asyncio.sleep(1.1)
    return len(set(listener.heard[before:])) > 20  # a tone has many values, silence one or two


@pytest.mark.parametrize("line", [SALES, "74951230003"])
async def test_a_customer_on_hold_hears_music_and_is_taken_back(
    pbx: Tree, database: Database, tmp_path: Path, line: str
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk(line)
        await house.act("1001", call, ActKind.HOLD)
        await house.sees("1001", "held", stage="hold")
        before = len(customer.heard)
        await asyncio.sleep(1.5)
        assert len(set(customer.heard[before:])) > 20  # the music of the house
        assert not await hears(anna, customer)
        with pytest.raises(Conflict, match="on hold"):
            await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(user_id=house.people["1002"]))
        await house.act("1001", call, ActKind.RESUME)
        await house.sees("1001", "talking", stage=None)
        assert await hears(anna, customer)
        customer.hang_up()
        row = await house.row()
        assert (row.result, row.operator_extension, row.transfers) == ("answered", "1001", [])
        assert row.hold_s > 2.1 and row.talk_s > 1
        acts = await house.acts()
    assert [(a.kind, a.refused is None) for a in acts] == [
        ("hold", True),
        ("blind_transfer", False),
        ("resume", True),
    ]


async def test_hanging_up_with_the_customer_on_hold_ends_his_call_too(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        await house.act("1001", call, ActKind.HOLD)
        await house.act("1001", call, ActKind.HANG_UP)
        await asyncio.wait_for(customer.ended.wait(), PATIENCE_S)
        await asyncio.wait_for(anna.ended.wait(), PATIENCE_S)


async def test_who_lays_the_receiver_down_on_hold_is_called_back_with_the_customer(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        await house.act("1001", call, ActKind.HOLD)
        await house.sees("1001", "held", stage="hold")
        anna.hang_up()
        again = await house.rings("1001")
        await again.answer()
        await house.sees("1001", "talking", stage=None)
        assert await hears(again, customer)
        customer.hang_up()
        row = await house.row()
    assert (row.operator_extension, row.transfers) == ("1001", [])


async def test_a_customer_who_hangs_up_on_hold_frees_the_operator(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        await house.act("1001", call, ActKind.HOLD)
        customer.hang_up()
        await asyncio.wait_for(anna.ended.wait(), PATIENCE_S)
        row = await house.row()
    assert row.ended_by == "remote"


async def test_a_call_is_given_to_a_colleague_at_once(pbx: Tree, database: Database, tmp_path: Path) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk(SALES)
        with pytest.raises(Forbidden):
            await house.act("1002", call, ActKind.PARK)
        await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(user_id=house.people["1002"]))
        await asyncio.wait_for(anna.ended.wait(), PATIENCE_S)
        boris = await house.rings("1002")
        await house.sees("1002", "ringing")
        await boris.answer()
        await house.sees("1002", "talking")
        await house.sees("1001", "watching")
        assert await hears(boris, customer)
        customer.hang_up()
        row = await house.row()
        acts = await house.acts()
    assert row.operator_extension == "1002"
    assert [(t["kind"], t["from"], t["to"], t["result"]) for t in row.transfers] == [
        ("blind", "1001", "1002", "answered")
    ]
    assert [(a.kind, a.target, a.user_id) for a in acts if a.refused is None] == [
        ("blind_transfer", "1002", house.people["1001"])
    ]


async def test_an_extension_that_does_not_exist_costs_no_customer(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        with pytest.raises(Conflict, match="does not know 99"):
            await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(to="99"))
        with pytest.raises(Conflict, match="does not know nobody"):
            await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(queue="nobody"))
        assert await hears(anna, customer)


async def test_a_call_is_sent_to_a_queue_and_to_a_number_outside(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, _, call = await house.talk()
        queues = {each["name"]: each for each in await house.attachment.centre.queues(call)}
        assert queues["sales"]["waiting"] == 0 and set(queues) == {"sales", "all", "orders"}
        await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(queue="sales"))
        again = await house.rings("1001")
        again.decline()
        boris = await house.rings("1002")
        await boris.answer()
        await house.sees("1002", "talking")
        await house.act("1002", call, ActKind.BLIND_TRANSFER, Target(to="8 (916) 765-43-21"))
        mobile = await house.rings("trunk")
        await mobile.answer()
        assert await hears(mobile, customer)
        customer.hang_up()
        row = await house.row()
    assert [(t["kind"], t["from"], t["to"]) for t in row.transfers] == [
        ("blind", "1001", "sales"),
        ("blind", "1002", "79167654321"),
    ]


@pytest.mark.parametrize("line", [SALES, "74951230003"])
async def test_a_colleague_is_asked_first_and_gets_the_customer(
    pbx: Tree, database: Database, tmp_path: Path, line: str
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk(line)
        await house.act("1001", call, ActKind.CONSULT, Target(user_id=house.people["1002"]))
        boris = await house.rings("1002")
        await house.sees("1001", "held", stage="ringing", name="Boris")
        await boris.answer()
        await house.sees("1001", "held", stage="talking", name="Boris")
        assert await hears(boris, anna)
        assert not await hears(boris, customer)
        with pytest.raises(Conflict, match="customer waits"):
            await house.act("1001", call, ActKind.HANG_UP)
        await house.act("1001", call, ActKind.COMPLETE)
        await asyncio.wait_for(anna.ended.wait(), PATIENCE_S)
        await house.sees("1002", "talking", stage=None)
        assert await hears(boris, customer)
        await house.sees("1001", "watching")
        customer.hang_up()
        row = await house.row()
        assert house.notices == []
    assert row.operator_extension == "1002"
    assert [(t["kind"], t["from"], t["to"], t["result"]) for t in row.transfers] == [
        ("attended", "1001", "1002", "answered")
    ]


async def test_a_colleague_is_asked_and_the_customer_taken_back(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        await house.act("1001", call, ActKind.CONSULT, Target(to="1002"))
        boris = await house.rings("1002")
        await boris.answer()
        await house.sees("1001", "held", stage="talking")
        await house.act("1001", call, ActKind.CANCEL)
        await asyncio.wait_for(boris.ended.wait(), PATIENCE_S)
        await house.sees("1001", "talking", stage=None)
        assert await hears(anna, customer)
        customer.hang_up()
        row = await house.row()
        assert house.notices == []
    assert (row.operator_extension, row.transfers) == ("1001", [])


async def test_a_colleague_who_declines_sends_the_operator_back_and_it_is_said(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        await house.act("1001", call, ActKind.CONSULT, Target(user_id=house.people["1002"]))
        boris = await house.rings("1002")
        boris.decline()
        await house.sees("1001", "held", stage="failed", name="Boris")
        await house.act("1001", call, ActKind.CANCEL)
        await house.sees("1001", "talking", stage=None)
        await asyncio.sleep(1)
        await house.act("1001", call, ActKind.CONSULT, Target(user_id=house.people["1002"]))
        boris = await house.rings("1002")
        await house.sees("1001", "held", stage="ringing")
        await house.sees("1001", "talking", stage=None)  # atxfernoanswertimeout
        assert house.notices == ["Boris did not answer. The customer is back with you."]
        assert await hears(anna, customer)


async def test_operator_customer_and_colleague_change_over_and_talk_all_three(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        await house.act("1001", call, ActKind.CONSULT, Target(user_id=house.people["1002"]))
        boris = await house.rings("1002")
        await boris.answer()
        await house.sees("1001", "held", stage="talking", with_customer=False)
        await house.act("1001", call, ActKind.SWAP)
        await house.sees("1001", "talking", stage="talking", with_customer=True)
        assert await hears(anna, customer) and not await hears(anna, boris)
        await house.act("1001", call, ActKind.CONFERENCE)
        await house.sees("1001", "talking", stage=None)
        assert await hears(boris, customer) and await hears(anna, customer) and await hears(boris, anna)


async def test_a_customer_is_parked_and_fetched_by_a_colleague(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk(SALES)
        await house.act("1001", call, ActKind.PARK)
        held = await house.sees("1001", "held", slot="701")
        assert held["control"]["parked"]["by"] == "Anna"
        parked = house.attachment.centre.snapshot(house.people["1002"])["parked"]
        assert [(p["id"], p["slot"], p["by"]) for p in parked] == [(str(call), "701", "Anna")]
        await asyncio.wait_for(anna.ended.wait(), PATIENCE_S)  # the slot was told to her by voice
        await house.act("1002", call, ActKind.RETRIEVE)
        boris = await house.rings("1002")
        await house.sees("1002", "ringing")
        await boris.answer()
        await house.sees("1002", "talking", slot=None)
        await house.sees("1001", "watching")
        assert await hears(boris, customer)
        customer.hang_up()
        row = await house.row()
        acts = await house.acts()
    assert row.operator_extension == "1002"
    assert [(t["kind"], t["from"], t["result"]) for t in row.transfers] == [("park", "1001", "answered")]
    assert [(a.kind, a.target) for a in acts] == [("park", "701"), ("retrieve", "701")]


async def test_keys_pressed_on_the_card_reach_the_other_side(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, _, call = await house.talk()
        await house.act("1001", call, ActKind.DTMF, digits="42#")
        await until(lambda: customer.keys == "42#", lambda: f"heard {customer.keys!r}")
        (act,) = await house.acts()
    assert (act.kind, act.target) == ("dtmf", "3")


def loudness(file: Path) -> np.ndarray:
    """How loud each tenth of a second is."""
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getsampwidth()) == (8000, 2)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    whole = samples[: len(samples) // 800 * 800].reshape(-1, 800)
    return np.abs(whole).max(axis=1)


async def test_a_paused_recording_is_really_silent_in_all_its_files(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk(SALES)
        customer.say(tone(440, 8))
        anna.say(tone(880, 8))
        await asyncio.sleep(1.5)
        await house.act("1001", call, ActKind.PAUSE_RECORDING)
        await house.sees("1001", "talking", paused=True)
        with pytest.raises(Conflict, match="paused already"):
            await house.act("1001", call, ActKind.PAUSE_RECORDING)
        await asyncio.sleep(2)
        await house.act("1001", call, ActKind.RESUME_RECORDING)
        await house.sees("1001", "talking", paused=False)
        await asyncio.sleep(1.5)
        customer.hang_up()
        row = await house.row()
        acts = [a for a in await house.acts() if a.kind == "pause_recording" and a.refused is None]
        await asyncio.sleep(0.3)
    (pause,) = acts
    assert pause.ended_at is not None and pause.ended_by == house.people["1001"]
    lasted = (pause.ended_at - pause.at).total_seconds()
    assert lasted > 1.9
    assert row.answered_at is not None
    begins = (pause.at - row.answered_at).total_seconds() * 10  # tenths, as the files are measured
    assert len(row.recordings) == 3
    for path in row.recordings:
        loud = loudness(pbx.root / path.lstrip("/")) > 500
        silent = np.flatnonzero(~loud[5:-3]) + 5  # not the very beginning and end
        spans = np.split(silent, np.flatnonzero(np.diff(silent) > 1) + 1)
        longest = max(spans, key=len)  # a busy machine may swallow a packet of the tone
        assert longest.size == pytest.approx(lasted * 10, abs=6), (path, loud)
        assert longest[0] == pytest.approx(begins, abs=6), (path, loud)


Given = Callable[[Middle, UUID], Awaitable[Call]]


async def at_once(house: Middle, call: UUID) -> Call:
    await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(user_id=house.people["1002"]))
    boris = await house.rings("1002")
    await boris.answer()
    return boris


async def by_a_queue(house: Middle, call: UUID) -> Call:
    await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(queue="all"))
    boris = await house.rings("1002")
    await boris.answer()
    return boris


async def when_asked(house: Middle, call: UUID) -> Call:
    await house.act("1001", call, ActKind.CONSULT, Target(user_id=house.people["1002"]))
    boris = await house.rings("1002")
    await boris.answer()
    await house.sees("1001", "held", stage="talking")
    await house.act("1001", call, ActKind.COMPLETE)
    return boris


async def from_parking(house: Middle, call: UUID) -> Call:
    await house.act("1001", call, ActKind.PARK)
    await house.sees("1001", "held", slot="701")
    await house.act("1002", call, ActKind.RETRIEVE)
    boris = await house.rings("1002")
    await boris.answer()
    return boris


@pytest.mark.parametrize(
    ("way", "given"),
    [("in", by_a_queue), ("in", when_asked), ("in", from_parking), ("out", at_once), ("out", when_asked)],
)
async def test_everybody_is_in_the_recording_of_a_call_that_goes_from_hand_to_hand(
    pbx: Tree, database: Database, tmp_path: Path, way: str, given: Given
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await (house.talk(SALES) if way == "in" else house.dialled())
        await both_say(anna, customer, 1)
        async with visit(pbx.account) as ear:
            boris = await given(house, call)
            await house.sees("1002", "talking")
            assert await ear.heard("MixMonitorStart", 30)  # the desk knows of it before
        await both_say(boris, customer, 2)
        customer.hang_up()
        row = await house.row()
        await asyncio.sleep(0.3)
    assert len(row.recordings) == 3
    for side in ("-agent.wav", "-caller.wav"):
        (path,) = [p for p in row.recordings if p.endswith(side)]
        loud = loudness(pbx.root / path.lstrip("/")) > 5000  # music is quieter
        # deaf to Boris: ten tenths of a second; a busy machine loses packets of his twenty
        assert 20 <= loud.sum() <= 40, (path, loud.astype(int))


async def both_say(one: Call, other: Call, seconds: int) -> None:
    for each in (one, other):
        each.say(tone(880, seconds))
    await until(lambda: not (one.sound and one.sound.speech) and not (other.sound and other.sound.speech))


async def test_a_pause_ends_by_itself_before_the_colleague_gets_the_call(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, _, call = await house.talk(SALES)
        await house.act("1001", call, ActKind.PAUSE_RECORDING)
        await house.act("1001", call, ActKind.BLIND_TRANSFER, Target(user_id=house.people["1002"]))
        boris = await house.rings("1002")
        await boris.answer()
        await house.sees("1002", "talking", paused=False)
        await house.connected("1002")
        await both_say(customer, boris, 3)
        customer.hang_up()
        row = await house.row()
        (pause,) = [a for a in await house.acts() if a.kind == "pause_recording"]
        await asyncio.sleep(0.3)
    assert pause.ended_at is not None and pause.ended_by is None
    assert [(loudness(pbx.root / p.lstrip("/")) > 500).sum() > 10 for p in row.recordings] == [True] * 3


async def test_nothing_is_believed_that_did_not_follow(pbx: Tree, database: Database, tmp_path: Path) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        customer, anna, call = await house.talk()
        await asyncio.to_thread(pbx.cli, "dialplan remove context callcenter-hold")
        try:
            with pytest.raises(Conflict, match="has no extension 00@callcenter-hold"):
                await house.act("1001", call, ActKind.HOLD)
        finally:
            await asyncio.to_thread(pbx.cli, "dialplan reload")
        await house.sees("1001", "talking", stage=None)
        with pytest.raises(Conflict, match="not parked any more"):
            await house.act("1001", call, ActKind.RETRIEVE)
        with pytest.raises(Conflict, match="Nobody is being asked"):
            await house.act("1001", call, ActKind.COMPLETE)
        assert isinstance(call, UUID) and await hears(anna, customer)
