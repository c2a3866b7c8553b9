"""Real phones, a real Asterisk, our configuration, link and tracker: what the phones did is what the call says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from asterisk import actions
from asterisk.capture import capture
from asterisk.events import Event, Resynced
from callcenter.call import Call, CallState, Direction, EndedBy, LegResult, Result, report
from callcenter.replay import replay
from callcenter.tracker import Tracker
from tests.patience import PATIENCE_S
from tests.pbx.conftest import Office, office
from tests.pbx.phone import Call as PhoneCall
from tests.pbx.tree import Tree

CUSTOMER = "79161234567"
SALES, EVERYBODY, ANNA = "74951230001", "74951230002", "74951230003"


class NotOneCall(Exception):
    """There is no call yet, or there are several."""


class Story:
    """What the tracker makes of it while the phones act."""

    def __init__(self, here: Office) -> None:
        self.here = here
        self.tracker = Tracker()
        self.ended: list[Call] = []
        self.heard: list[Event] = []
        self._news = asyncio.Event()

    async def listen(self) -> None:
        while True:
            heard = await self.here.inbox.get()
            self.heard.append(heard.event)
            changes = self.tracker.apply(heard)
            self.ended += [change.after for change in changes if change.after.state is CallState.ENDED]
            self._news.set()

    async def until(self, true: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self._holds(true):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            calls = [(call.state, report(call)) for call in self.tracker.calls.values()]
            raise AssertionError(f"waited in vain; calls: {calls}\n{self.here.scene()}") from None

    @staticmethod
    def _holds(true: Callable[[], object]) -> bool:
        try:
            return bool(true())
        except NotOneCall:
            return False  # not yet

    async def the_end(self) -> Call:
        """The only call, when it has ended."""
        await self.until(lambda: self.ended and not self.tracker.calls)
        assert len({call.id for call in self.ended}) == 1
        return self.ended[-1]

    @property
    def call(self) -> Call:
        """The only live call."""
        if len(self.tracker.calls) != 1:
            raise NotOneCall(len(self.tracker.calls))
        return next(iter(self.tracker.calls.values()))

    def talks(self, caller: str) -> bool:
        """Whether that caller speaks with somebody."""
        calls = self.tracker.calls.values()
        return any(call.remote_number == caller and call.state is CallState.TALKING for call in calls)

    async def customer_calls(self, line: str) -> PhoneCall:
        return await self.here.phones["trunk"].call(line, caller=CUSTOMER, name="Нина")

    async def rings(self, extension: str) -> PhoneCall:
        call = await self.here.rings(extension)
        call.ring()
        return call


@asynccontextmanager
async def story(pbx: Tree, *extensions: str) -> AsyncIterator[Story]:
    async with office(pbx, *extensions) as here:
        told = Story(here)
        task = asyncio.create_task(told.listen())
        try:
            yield told
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def rang(call: Call) -> dict[str | None, LegResult | None]:
    return {leg.extension: leg.result for leg in call.legs if leg.extension}


async def test_an_answered_queue_call(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        customer = await now.customer_calls(SALES)
        anna = await now.rings("1001")
        await now.until(lambda: now.call.state is CallState.RINGING and now.call.ringing == {"1001"})
        await anna.answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        await asyncio.sleep(0.5)
        customer.hang_up()
        call = await now.the_end()
    assert (call.direction, call.line, call.queue) == (Direction.INBOUND, SALES, "sales")
    assert (call.remote_number, call.remote_name) == (CUSTOMER, "Нина")
    assert (call.result, call.operator, call.ended_by) == (Result.ANSWERED, "1001", EndedBy.REMOTE)
    assert 0.4 < call.talk_s < PATIENCE_S
    assert len(call.recordings) == 3


async def test_everybody_rings_and_one_answers(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002", "1003") as now:
        await now.customer_calls(EVERYBODY)
        phones = [await now.rings(extension) for extension in ("1001", "1002", "1003")]
        await now.until(lambda: now.call.ringing == {"1001", "1002", "1003"})
        await phones[1].answer()
        await now.until(lambda: now.call.state is CallState.TALKING and not now.call.ringing)
        phones[1].hang_up()
        call = await now.the_end()
    assert (call.operator, call.ended_by) == ("1002", EndedBy.OPERATOR)
    assert rang(call) == {
        "1001": LegResult.ELSEWHERE,
        "1002": LegResult.ANSWERED,
        "1003": LegResult.ELSEWHERE,
    }


async def test_a_customer_who_gives_up_while_it_rings(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        customer = await now.customer_calls(EVERYBODY)
        await now.rings("1001")
        await now.until(lambda: now.call.state is CallState.RINGING)
        customer.hang_up()
        call = await now.the_end()
    assert (call.result, call.ended_by) == (Result.ABANDONED, EndedBy.REMOTE)
    assert rang(call)["1001"] is LegResult.CANCELLED


async def test_one_declines_and_the_next_answers(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002") as now:
        customer = await now.customer_calls(SALES)
        first, second = ("1001", "1002")
        await now.until(lambda: any(c.extension for c in now.call.live_channels))
        if not any(c.extension == first for c in now.call.live_channels):
            first, second = second, first  # the queue remembers whom it rang last
        (await now.rings(first)).decline(486)
        await (await now.rings(second)).answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        customer.hang_up()
        call = await now.the_end()
    assert rang(call)[first] is LegResult.DECLINED
    assert (call.operator, rang(call)[second]) == (second, LegResult.ANSWERED)


async def test_hold_is_not_talk(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        customer = await now.customer_calls(ANNA)
        anna = await now.rings("1001")
        await anna.answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        await anna.hold()
        await now.until(lambda: now.call.state is CallState.HELD)
        await asyncio.sleep(0.5)
        await anna.hold(False)
        await now.until(lambda: now.call.state is CallState.TALKING)
        customer.hang_up()
        call = await now.the_end()
    assert 0.4 < call.hold_s < PATIENCE_S


async def test_a_redirected_customer_stays_one_call(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002") as now:
        customer = await now.customer_calls(ANNA)
        await (await now.rings("1001")).answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        channel = next(c.name for c in now.call.live_channels if c.extension is None)
        await actions.redirect(now.here.link, channel, exten="1002", context="from-internal")
        await (await now.rings("1002")).answer()
        await now.until(lambda: now.call.operator == "1002")
        customer.hang_up()
        call = await now.the_end()
    assert call.operators == ("1001", "1002")


async def test_an_attended_transfer_stays_one_call(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002") as now:
        customer = await now.customer_calls(ANNA)
        anna = await now.rings("1001")
        await anna.answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        channel = next(c.name for c in now.call.live_channels if c.extension == "1001")
        await actions.atxfer(now.here.link, channel, exten="1002", context="from-internal")
        boris = await now.rings("1002")
        await boris.answer()
        await now.until(lambda: rang(now.call).get("1002") is LegResult.ANSWERED)
        anna.hang_up()
        await asyncio.wait_for(anna.ended.wait(), PATIENCE_S)
        await now.until(lambda: now.call.talking == {"1002"})
        await asyncio.sleep(0.5)
        customer.hang_up()
        call = await now.the_end()
    assert (call.operator, call.result) == ("1002", Result.ANSWERED)
    assert [(t.kind, t.sender, t.target) for t in call.transfers] == [("attended", "1001", "1002")]


async def test_click_to_call(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        await actions.originate(
            now.here.link,
            channel="PJSIP/1001",
            exten=f"+{CUSTOMER}",
            context="callcenter-dial",
            caller_id=f"+{CUSTOMER}",
            channel_id="story-click",
            other_channel_id="story-click-2",
            variables={"__CALLCENTER_OPERATOR": "1001"},
        )
        anna = await now.rings("1001")
        await anna.answer()
        customer = await now.rings("trunk")
        assert customer.caller == "74951230000"
        await customer.answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        anna.hang_up()
        call = await now.the_end()
    assert (call.direction, call.click_to_call, call.tag) == (Direction.OUTBOUND, True, "story-click")
    assert (call.linkedid, call.operator, call.result) == ("story-click", "1001", Result.ANSWERED)
    assert (call.remote_number or "").removeprefix("+") == CUSTOMER


async def test_an_operator_dials_by_hand_and_the_customer_is_busy(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        anna = await now.here.phones["1001"].call(CUSTOMER)
        (await now.rings("trunk")).decline(486)
        await now.until(lambda: now.tracker.calls)
        await asyncio.sleep(0.3)
        anna.hang_up()
        call = await now.the_end()
    assert (call.direction, call.result, call.remote_number) == (Direction.OUTBOUND, Result.BUSY, CUSTOMER)


async def test_two_operators_talk_among_themselves(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002") as now:
        anna = await now.here.phones["1001"].call("1002")
        await (await now.rings("1002")).answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        anna.hang_up()
        call = await now.the_end()
    assert (call.direction, call.result) == (Direction.INTERNAL, Result.ANSWERED)


async def test_a_call_that_outlives_the_lost_link_goes_on_and_one_that_ended_meanwhile_is_closed(
    pbx: Tree,
) -> None:
    async with story(pbx, "1001", "1002") as now:
        staying = await now.customer_calls(ANNA)
        await (await now.rings("1001")).answer()
        leaving = await now.here.phones["1002"].call(CUSTOMER)
        await (await now.rings("trunk")).answer()
        await now.until(lambda: sum(c.state is CallState.TALKING for c in now.tracker.calls.values()) == 2)
        assert now.here.link.protocol is not None
        now.here.link.protocol.transport.abort()
        leaving.hang_up()
        await now.until(lambda: sum(isinstance(event, Resynced) for event in now.heard) == 1)
        assert [call.remote_number for call in now.ended] == [CUSTOMER]
        assert now.ended[0].ended_reason == "ended while disconnected"
        assert now.call.state is CallState.TALKING
        staying.hang_up()
        await now.until(lambda: not now.tracker.calls)
    assert now.ended[-1].ended_by is EndedBy.REMOTE


async def test_calls_of_a_killed_pbx_are_over(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        await now.customer_calls(ANNA)
        await (await now.rings("1001")).answer()
        await now.until(lambda: now.call.state is CallState.TALKING)
        pbx.kill()
        await asyncio.to_thread(pbx.start)
        call = await now.the_end()
    assert call.ended_reason == "ended while disconnected"
    assert call.result is Result.ANSWERED


async def test_a_capture_replays_to_the_calls_that_were_seen_live(pbx: Tree, tmp_path: Path) -> None:
    out = tmp_path / "day.ami"
    async with story(pbx, "1001", "1002") as now:
        connected = asyncio.Event()
        recorder = asyncio.create_task(capture(pbx.account, out, on_status=lambda status: connected.set()))
        await asyncio.wait_for(connected.wait(), PATIENCE_S)
        for line, extension in ((EVERYBODY, "1002"), (ANNA, "1001")):
            customer = await now.customer_calls(line)
            await (await now.rings(extension)).answer()
            await now.until(lambda: now.call.state is CallState.TALKING)
            customer.hang_up()
            await now.until(lambda: not now.tracker.calls)
        await now.here.empty()
        await asyncio.sleep(0.3)
        recorder.cancel()
        await asyncio.gather(recorder, return_exceptions=True)
    assert len(now.ended) >= 2
    live = {call.id: report(call) for call in now.ended}
    assert list(replay([out], [out.with_suffix(".chunks.jsonl")])) == list(live.values())


async def test_twelve_customers_and_three_operators_are_never_mixed_up(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002", "1003") as now:
        truth: dict[str, str] = {}  # customer -> extension, as the phones saw it

        async def serve(call: PhoneCall, extension: str) -> None:
            await call.answer()
            await now.until(lambda: now.talks(call.caller) or call.ended.is_set())
            await asyncio.sleep(0.3)
            if not call.ended.is_set():
                truth[call.caller] = extension
                call.hang_up()

        async def work(extension: str) -> None:
            while True:
                await serve(await now.rings(extension), extension)

        shifts = [asyncio.create_task(work(extension)) for extension in ("1001", "1002", "1003")]
        trunk = now.here.phones["trunk"]
        numbers = [f"7916000{number:04}" for number in range(12)]
        for number in numbers:
            await trunk.call(SALES, caller=number)
        async with asyncio.timeout(60):
            while len(now.ended) < len(numbers) or now.tracker.calls:
                await asyncio.sleep(0.1)
        for shift in shifts:
            shift.cancel()
        await asyncio.gather(*shifts, return_exceptions=True)
    assert {call.remote_number: call.operator for call in now.ended} == truth
    assert set(truth) == set(numbers)
    assert all(call.result is Result.ANSWERED and call.ended_by is EndedBy.OPERATOR for call in now.ended)
    assert not [report(call) for call in now.ended if call.talk_s < 0.2 or len(call.recordings) != 3]
    assert len({path for call in now.ended for path in call.recordings}) == 36
