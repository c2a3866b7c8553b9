"""Operators sign in, pause, finish their calls and come back: on the simulated switchboard, with a real database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from asterisk import actions
from asterisk.fake.people import Answer, Caller, Decline, RingOut
from crm_core.agent_state import AgentInterval, list_intervals
from crm_core.db import Database
from crm_core.errors import Conflict, NotFound
from crm_core.wrap_up_rule import set_wrap_up_rule
from tests.callcenter.conftest import House, until
from tests.patience import PATIENCE_S

IVAN = "+79161234567"
SALES, DIRECT, ORDERS = "74951230001", "74951230003", "74951230008"


class Desk:
    """What the desk of one operator knows of himself."""

    def __init__(self, house: House, extension: str) -> None:
        self.house, self.extension, self.id = house, extension, house.people[extension]

    @property
    def duty(self):
        return self.house.attachment.centre.duty

    @property
    def agent(self) -> dict:
        return self.duty.describe(self.id)

    @property
    def state(self) -> tuple[str, str | None]:
        return self.agent["state"], self.agent["reason"]

    async def is_(self, state: str, reason: str | None = None, patience_s: float = PATIENCE_S) -> dict:
        wanted = (state, reason)
        await until(lambda: self.state == wanted, f"never {wanted}", patience_s)
        return self.agent

    def queue(self, name: str) -> dict:
        return next(queue for queue in self.agent["queues"] if queue["queue"] == name)

    def paused_on_the_switchboard(self) -> dict[str, tuple[bool, str]]:
        """By queue, as the switchboard itself has it."""
        found = {}
        for queue in self.house.board.pbx.queues.values():
            for member in queue.members:
                if member.extension == self.extension:
                    found[queue.name] = (member.paused, member.pause_reason if member.paused else "")
        return found

    async def log(self) -> list[AgentInterval]:
        await self.house.attachment.recorder.drained()
        now = datetime.now(UTC)
        async with self.house.db.begin() as session:
            day = timedelta(days=1)  # the simulated clock runs ahead
            rows = await list_intervals(session, self.id, since=now - day, until=now + day)
        for one, after in pairwise(rows):
            assert one.to_at == after.from_at, "a gap or an overlap"
        return list(rows)


@pytest.fixture
def anna(house: House) -> Desk:
    return Desk(house, "1001")


async def wrap_up_of(database: Database, seconds: int, queue: str | None = None) -> None:
    async with database.begin() as session:
        await set_wrap_up_rule(session, seconds=seconds, queue=queue)


async def test_a_pause_is_said_when_the_switchboard_has_set_it_in_every_queue(house, anna) -> None:
    async with house.attached():
        await anna.is_("available")
        agent = await anna.duty.pause(anna.id, "lunch")
        assert (agent["state"], agent["reason"], agent["productive"]) == ("paused", "Lunch", False)
        assert anna.paused_on_the_switchboard() == {"sales": (True, "lunch"), "sales-all": (True, "lunch")}
        agent = await anna.duty.ready(anna.id)
        assert agent["state"] == "available"
        assert anna.paused_on_the_switchboard() == {"sales": (False, ""), "sales-all": (False, "")}
        log = await anna.log()
    assert [(row.state, row.reason) for row in log[-3:]] == [
        ("available", None),
        ("paused", "lunch"),
        ("available", None),
    ]
    assert all(row.signed_in for row in log[-3:])


async def test_a_refused_pause_is_no_pause(house, anna) -> None:
    async with house.attached():
        await anna.is_("available")
        for queue in house.board.pbx.queues.values():  # an administrator took her out, and nobody was told
            queue.members[:] = [m for m in queue.members if m.extension != "1001"]
        with pytest.raises(Conflict, match="Interface not found"):
            await anna.duty.pause(anna.id, "lunch")
        assert anna.state == ("available", None)
        assert anna.agent["pauses"] == []
        assert "paused" not in [row.state for row in await anna.log()]


async def test_nothing_is_said_to_be_paused_without_a_link(house, anna) -> None:
    async with house.attached():
        await anna.is_("available")
        house.board.cut()
        with pytest.raises(Conflict, match="link"):
            await anna.duty.pause(anna.id, "lunch")
        assert anna.state == ("available", None)


async def test_in_and_out_of_a_queue(house, anna) -> None:
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached():
        await anna.is_("available")
        assert anna.queue("orders") == {
            "pbx": "main",
            "queue": "orders",
            "member": False,
            "fixed": False,
            "paused": False,
            "reason": None,
            "by_others": False,
            "known": True,
        }
        await anna.duty.sign_in(anna.id, "main", "orders")
        assert anna.queue("orders")["member"]
        await anna.duty.sign_in(anna.id, "main", "orders")  # once more: she is in it
        house.board.place_call(IVAN, "", ORDERS, caller=Caller(talk_s=2))
        await anna.is_("talking")
        await anna.is_("available")
        await anna.duty.sign_out(anna.id, "main", "orders")
        assert not anna.queue("orders")["member"]
        await anna.duty.sign_out(anna.id, "main", "orders")


async def test_what_can_not_be_left_or_joined_is_said(house, anna) -> None:
    async with house.attached():
        await anna.is_("available")
        with pytest.raises(Conflict, match="configuration holds you"):
            await anna.duty.sign_out(anna.id, "main", "sales")
        assert anna.queue("sales")["member"]
        with pytest.raises(NotFound):
            await anna.duty.sign_in(anna.id, "main", "no-such")
        with pytest.raises(NotFound):
            await anna.duty.sign_in(anna.id, "elsewhere", "orders")


async def test_whoever_was_added_behind_our_back_is_found_to_be_in(house, anna) -> None:
    async with house.attached() as attachment:
        await anna.is_("available")
        pbx = house.board.pbx
        pbx.queues["orders"].members.append(
            type(pbx.queues["sales"].members[0])(
                interface="PJSIP/1001", name="Anna", login_at=0, dynamic=True
            )
        )
        agent = await anna.duty.sign_in(anna.id, "main", "orders")
        assert next(q for q in agent["queues"] if q["queue"] == "orders")["member"]
        assert attachment.agents.is_up("main")


async def test_who_signs_in_during_a_pause_is_paused_there_too(house, anna) -> None:
    async with house.attached():
        await anna.is_("available")
        await anna.duty.pause(anna.id, "training")
        await anna.duty.sign_in(anna.id, "main", "orders")
        await until(lambda: anna.paused_on_the_switchboard()["orders"] == (True, "training"))
        assert anna.state == ("paused", "Training")
        await anna.duty.ready(anna.id)
        assert anna.paused_on_the_switchboard()["orders"] == (False, "")


async def test_after_a_queue_call_the_next_one_waits_until_the_outcome_is_given(house, anna) -> None:
    await wrap_up_of(house.db, 60, "sales")
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached() as attachment:
        desk = house.browser("1001")
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=3))
        call = await desk.sees("wrap_up")
        agent = await anna.is_("wrap_up")
        assert agent["call_id"] == call["id"]
        await until(lambda: anna.paused_on_the_switchboard()["sales"] == (True, "WRAPUP"))
        await attachment.centre.finish(UUID(call["id"]))
        await anna.is_("available")
        await until(lambda: anna.paused_on_the_switchboard()["sales"] == (False, ""))
        assert "wrap_up" in [row.state for row in await anna.log()]


async def test_a_wrap_up_ends_by_itself_or_lasts_longer(house, anna) -> None:
    await wrap_up_of(house.db, 1)
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached():
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=2))
        agent = await anna.is_("wrap_up")
        longer = anna.duty.extend_wrap_up(anna.id, 1)["wrap_up"]["until"]
        asked = datetime.fromisoformat(longer) - datetime.fromisoformat(agent["wrap_up"]["until"])
        assert asked == timedelta(seconds=1)
        await anna.is_("available")
        assert timedelta() <= datetime.now(UTC) - datetime.fromisoformat(longer) < timedelta(seconds=0.5)
        with pytest.raises(Conflict, match="no wrap-up"):
            anna.duty.extend_wrap_up(anna.id, 30)


async def test_a_wrap_up_is_not_longer_than_half_an_hour(house, anna) -> None:
    await wrap_up_of(house.db, 1500)
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached():
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=2))
        await anna.is_("wrap_up")
        with pytest.raises(Conflict, match="half an hour"):
            anna.duty.extend_wrap_up(anna.id, 600)
        await anna.duty.finish_wrap_up(anna.id)
        assert anna.state == ("available", None)


async def test_a_direct_call_has_no_wrap_up(house, anna) -> None:
    await wrap_up_of(house.db, 60)
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached():
        house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=2))
        await anna.is_("talking")
        await anna.is_("available")


async def test_lunch_chosen_during_the_wrap_up_begins_after_it_without_a_moment_between(house, anna) -> None:
    await wrap_up_of(house.db, 60)
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached():
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=2))
        await anna.is_("wrap_up")
        agent = await anna.duty.pause(anna.id, "lunch")
        assert agent["state"] == "wrap_up"
        assert [pause["reason"] for pause in agent["pauses"]] == [None, "Lunch"]
        agent = await anna.duty.finish_wrap_up(anna.id)
        assert (agent["state"], agent["reason"]) == ("paused", "Lunch")
        await until(lambda: anna.paused_on_the_switchboard()["sales"] == (True, "lunch"))
        await anna.duty.ready(anna.id)
        assert [row.state for row in await anna.log()][-3:] == ["wrap_up", "paused", "available"]


async def test_a_supervisors_pause_outlasts_the_wrap_up(house, anna) -> None:
    await wrap_up_of(house.db, 60)
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached() as attachment:
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=2))
        await anna.is_("wrap_up")
        await until(lambda: anna.paused_on_the_switchboard()["sales"][0])
        link = attachment.links[0]
        await actions.queue_pause(link, "PJSIP/1001", paused=True, reason="see me")
        await anna.duty.finish_wrap_up(anna.id)
        await anna.is_("paused", "see me")
        assert anna.queue("sales")["by_others"]
        await anna.duty.ready(anna.id)  # not hers to lift
        assert anna.state == ("paused", "see me")
        assert anna.paused_on_the_switchboard()["sales"] == (True, "see me")
        await actions.queue_pause(link, "PJSIP/1001", paused=False)
        await anna.is_("available")


async def test_whom_asterisk_paused_for_letting_it_ring_comes_back_by_saying_so(house, anna) -> None:
    house.board.phone("1001").behave(RingOut())
    async with house.attached():
        await anna.is_("available")
        await anna.duty.sign_in(anna.id, "main", "orders")
        house.board.place_call(IVAN, "", ORDERS, caller=Caller(patience_s=12))
        await until(lambda: anna.queue("orders")["paused"])
        await anna.is_("available")  # sales may still ring her
        assert anna.queue("orders")["reason"] == "Auto-Pause"
        await anna.duty.pause(anna.id, "break")
        await anna.duty.ready(anna.id)
        assert anna.paused_on_the_switchboard()["orders"] == (True, "Auto-Pause")
        await anna.duty.ready(anna.id, auto_pause=True)
        assert anna.paused_on_the_switchboard()["orders"] == (False, "")


async def test_killed_in_the_wrap_up_the_next_process_ends_it_in_time(house, anna) -> None:
    await wrap_up_of(house.db, 8)
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached():
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=2))
        agent = await anna.is_("wrap_up")
        ends = datetime.fromisoformat(agent["wrap_up"]["until"])
        await until(lambda: anna.paused_on_the_switchboard()["sales"][0])
        await house.attachment.recorder.drained()
    async with house.attached():
        assert anna.state == ("wrap_up", None)
        assert anna.agent["wrap_up"]["until"] == agent["wrap_up"]["until"]
        assert anna.agent["since"] == agent["since"]
        await anna.is_("available")
        assert timedelta() < datetime.now(UTC) - ends < timedelta(seconds=20)
        await until(lambda: anna.paused_on_the_switchboard()["sales"] == (False, ""))
        await anna.log()


async def test_killed_in_a_pause_and_started_again_she_is_still_at_lunch(house, anna) -> None:
    async with house.attached():
        await anna.is_("available")
        await anna.duty.pause(anna.id, "lunch")
        since = anna.agent["since"]
        await house.attachment.recorder.drained()
    async with house.attached() as attachment:
        assert anna.state == ("paused", "Lunch")
        await until(lambda: attachment.agents.is_up("main"))
        assert (anna.state, anna.agent["since"]) == (("paused", "Lunch"), since)
        await anna.duty.ready(anna.id)
        assert anna.paused_on_the_switchboard()["sales"] == (False, "")


async def test_a_pause_lifted_while_nobody_listened_is_over(house, anna) -> None:
    async with house.attached() as attachment:
        await anna.is_("available")
        await anna.duty.pause(anna.id, "lunch")
        house.board.cut()
        for queue in house.board.pbx.queues.values():
            for member in queue.members:
                member.paused = False  # from her phone, while the link was down
        await until(lambda: not attachment.agents.is_up("main"))
        await until(lambda: attachment.agents.is_up("main"))
        await anna.is_("available")
        assert anna.agent["pauses"] == []


async def test_a_wrap_up_that_ends_while_the_link_is_down_is_lifted_when_it_is_back(house, anna) -> None:
    await wrap_up_of(house.db, 1)
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached() as attachment:
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=2))
        await anna.is_("wrap_up")
        await until(lambda: anna.paused_on_the_switchboard()["sales"][0])
        house.board.cut()
        await until(lambda: attachment.agents.is_up("main"))
        await anna.is_("available")
        await until(lambda: anna.paused_on_the_switchboard()["sales"] == (False, ""))


async def test_a_phone_that_is_unplugged_is_offline_and_the_log_says_when(house, anna) -> None:
    async with house.attached():
        await anna.is_("available")
        house.board.phone("1001").register(False)
        await anna.is_("offline")
        house.board.phone("1001").register(True)
        await anna.is_("available")
        assert [row.state for row in await anna.log()][-3:] == ["available", "offline", "available"]


async def test_a_declined_ring_is_a_ring_and_nothing_more(house, anna) -> None:
    house.board.phone("1001").behave(Decline(after_s=1))
    house.board.phone("1002").behave(Answer(after_s=1))
    async with house.attached():
        await anna.is_("available")
        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=3))
        await anna.is_("ringing")
        await anna.is_("available")
        boris = Desk(house, "1002")
        await boris.is_("talking")
        await boris.is_("available")
        assert [row.state for row in await boris.log()][-4:] == [
            "available",
            "ringing",
            "talking",
            "available",
        ]


async def test_what_colleagues_see_is_what_they_do(house, anna) -> None:
    async with house.attached() as attachment:
        await anna.is_("available")
        told: list[dict] = []
        attachment.centre.subscribe(house.people["1002"], told.append)
        await anna.duty.pause(anna.id, "lunch")

        def seen() -> list[tuple]:
            changed = [who for m in told if m["type"] == "colleagues" for who in m["changed"]]
            return [(who["state"], who["reason"], who["phones"][0]["extension"]) for who in changed]

        await until(lambda: ("paused", "Lunch", "1001") in seen())
        snapshot = attachment.centre.snapshot(house.people["1002"])
        assert [who["name"] for who in snapshot["colleagues"]] == ["Anna", "Boris", "Clara"]


@pytest.fixture(autouse=True)
def tells_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callcenter.colleagues.TELL_EVERY_S", 0.01)
