"""Operators' shifts on a real Asterisk: what is said of them is what its queues do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from asterisk import actions
from asterisk.events import Heard, LinkUp, Resynced
from asterisk.resync import resync
from callcenter.agent import Shift
from callcenter.agent_view import Reason, Setup
from callcenter.agents import Agents
from callcenter.call import Rules
from callcenter.clicktocall import Dialplan
from callcenter.directory import Directory, Operator
from callcenter.duty import Duty
from callcenter.tracker import Tracker
from crm_core.errors import Conflict, NotFound
from tests.patience import PATIENCE_S
from tests.pbx.conftest import Office, office
from tests.pbx.phone import Call as PhoneCall
from tests.pbx.tree import Tree

ANNA, SALES, CUSTOMER = 1, "74951230001", "79161234567"
HOUSE = Directory(
    operators={ANNA: Operator(id=ANNA, name="Anna", role="operator", phones=(("lab", "1001"),))},
    by_phone={("lab", "1001"): ANNA},
    lines={},
    own_numbers=frozenset(),
)


class Diary:
    """What would be written into the log of states."""

    def __init__(self) -> None:
        self.states: list[tuple[str, str | None]] = []

    def log(self, user_id: int, shift: Shift) -> None:
        self.states.append((str(shift.standing.state), shift.standing.reason))

    def save(self, user_id: int, shift: Shift, at: datetime) -> None:
        pass


class Desk:
    """Anna's desk, her phone and the queue behind it."""

    def __init__(self, here: Office, *, wrap_up_s: float) -> None:
        def now() -> datetime:
            return datetime.now(UTC)

        self.here, self.diary = here, Diary()
        self.agents = Agents(rules={"lab": Rules()}, book=self.diary, now=now)
        reasons = {"lunch": Reason("Lunch", productive=False)}
        self.agents.use_setup(Setup(reasons=reasons, wrap_up=lambda queue, user_id: wrap_up_s))
        self.agents.use_directory(HOUSE)
        self.duty = Duty(self.agents, {"lab": here.link}, {"lab": Dialplan()}, now=now)
        self.tracker = Tracker()

    async def listen(self) -> None:
        while True:
            heard = await self.here.inbox.get()
            for change in self.tracker.apply(heard):
                self.agents.call_changed(change.after, None)
            self.agents.heard(heard.pbx, heard.event)

    @property
    def state(self) -> str:
        state: str = self.duty.describe(ANNA)["state"]
        return state

    async def until(self, true: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not true():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            shift = self.agents.shift(ANNA)
            raise AssertionError(f"waited in vain: {shift}\n{self.here.scene()}") from None

    async def queue(self, name: str) -> dict[str, str] | None:
        """Anna in this queue, as Asterisk itself says it."""
        items = await self.here.link.request_list("QueueStatus", Queue=name)
        return next((item for item in items if item.get("Location") == "PJSIP/1001"), None)

    async def is_paused(self, name: str, reason: str) -> None:
        """Wait until Asterisk itself says that she is paused there, and why."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                member = await self.queue(name)
                if member is not None and (member["Paused"], member["PausedReason"]) == ("1", reason):
                    return
                await asyncio.sleep(0.05)

    async def customer_calls(self) -> PhoneCall:
        return await self.here.phones["trunk"].call(SALES, caller=CUSTOMER, name="Nina")

    async def stays_silent(self, seconds: float) -> None:
        """Nothing rings at Anna's for so long."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    call = await self.here.phones["1001"].incoming.get()
                    if not call.ended.is_set():
                        return


@asynccontextmanager
async def desk(pbx: Tree, *, wrap_up_s: float = 0) -> AsyncIterator[Desk]:
    async with office(pbx, "1001") as here:
        anna = Desk(here, wrap_up_s=wrap_up_s)
        task = asyncio.create_task(anna.listen())
        try:  # the office has heard the first lists; these are ours
            here.inbox.put_nowait(Heard("lab", LinkUp(datetime.now(UTC), 3600)))
            await resync(here.link)
            here.inbox.put_nowait(Heard("lab", Resynced(datetime.now(UTC))))
            await anna.until(lambda: anna.agents.is_up("lab") and anna.state == "available")
            yield anna
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_in_and_out_of_a_queue_and_what_asterisk_refuses(pbx: Tree) -> None:
    async with desk(pbx) as anna:
        assert await anna.queue("orders") is None
        await anna.duty.sign_in(ANNA, "lab", "orders")
        member = await anna.queue("orders")
        assert member is not None and (member["Membership"], member["Name"]) == ("dynamic", "Anna")
        await anna.duty.sign_in(ANNA, "lab", "orders")  # "Already there" is no refusal
        await anna.duty.sign_out(ANNA, "lab", "orders")
        assert await anna.queue("orders") is None
        with pytest.raises(Conflict, match="configuration holds you"):
            await anna.duty.sign_out(ANNA, "lab", "sales")
        with pytest.raises(NotFound):
            await anna.duty.sign_in(ANNA, "lab", "nowhere")
        anna.agents._boards["lab"].queues |= {"nowhere"}  # deleted a moment ago, and nobody was told
        with pytest.raises(Conflict, match="No such queue"):
            await anna.duty.sign_in(ANNA, "lab", "nowhere")
        assert not any(
            queue["member"] for queue in anna.duty.describe(ANNA)["queues"] if queue["queue"] == "nowhere"
        )


async def test_whom_somebody_else_signed_in_is_found_there(pbx: Tree) -> None:
    async with desk(pbx) as anna:
        await actions.queue_add(anna.here.link, "orders", "PJSIP/1001", name="Anna")
        await anna.until(lambda: any(p.queue == "orders" for p in anna.agents.shift(ANNA).members))
        await actions.queue_remove(anna.here.link, "orders", "PJSIP/1001")
        await anna.until(lambda: all(p.queue != "orders" for p in anna.agents.shift(ANNA).members))


async def test_a_paused_operator_is_not_rung_until_she_is_ready(pbx: Tree) -> None:
    async with desk(pbx) as anna:
        agent = await anna.duty.pause(ANNA, "lunch")
        assert (agent["state"], agent["reason"]) == ("paused", "Lunch")
        await anna.is_paused("sales", "lunch")
        customer = await anna.customer_calls()
        await anna.stays_silent(3)
        assert anna.state == "paused"
        await anna.duty.ready(ANNA)
        ringing = await anna.here.rings("1001")
        ringing.ring()
        await anna.until(lambda: anna.state == "ringing")
        customer.hang_up()
        await anna.until(lambda: anna.state == "available")
    said = [state for state, _ in anna.diary.states]
    assert said[said.index("paused") :][:4] == ["paused", "available", "ringing", "available"]


async def test_the_wrap_up_keeps_the_next_customer_away(pbx: Tree) -> None:
    async with desk(pbx, wrap_up_s=60) as anna:
        first = await anna.customer_calls()
        ringing = await anna.here.rings("1001")
        ringing.ring()
        await ringing.answer()
        await anna.until(lambda: anna.state == "talking")
        await anna.customer_calls()  # waits in the queue while Anna talks
        await asyncio.sleep(0.5)
        first.hang_up()
        await anna.until(lambda: anna.state == "wrap_up")
        await anna.is_paused("sales", "WRAPUP")
        await anna.stays_silent(4)
        assert anna.state == "wrap_up"
        await anna.duty.finish_wrap_up(ANNA)
        await anna.here.rings("1001")


async def test_a_pause_set_on_the_switchboard_is_shown_and_left_alone(pbx: Tree) -> None:
    async with desk(pbx) as anna:
        await actions.queue_pause(anna.here.link, "PJSIP/1001", paused=True, reason="see me")
        await anna.until(lambda: anna.state == "paused")
        agent = await anna.duty.ready(ANNA)
        assert (agent["state"], agent["reason"]) == ("paused", "see me")
        await actions.queue_pause(anna.here.link, "PJSIP/1001", paused=False)
        await anna.until(lambda: anna.state == "available")
