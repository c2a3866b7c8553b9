"""Which card stands on whose desk, told by what the browsers are sent."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from asterisk.events import ChannelState, DialStatus
from callcenter.agent import Shift
from callcenter.agents import Agents
from callcenter.call import Call, Channel, Direction, EndedBy, Kind, LegResult, Result, Talk
from callcenter.desks import Desks
from callcenter.directory import Directory, LineEntry, Operator
from callcenter.errand import Errand
from crm_core.phone import Number
from tests.patience import PATIENCE_S

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANNA, OLEG = 1, 2
LINE = LineEntry(
    id=1,
    number="+48223071120",
    name="Poland shop",
    shop_id=1,
    shop="Blue Kettle",
    currency="EUR",
    country="PL",
)
HOUSE = Directory(
    operators={
        ANNA: Operator(id=ANNA, name="Anna", role="operator", phones=(("main", "1001"),)),
        OLEG: Operator(id=OLEG, name="Oleg", role="operator", phones=(("main", "1002"), ("main", "2002"))),
    },
    by_phone={("main", "1001"): ANNA, ("main", "1002"): OLEG, ("main", "2002"): OLEG},
    lines={("main", "+48223071120"): LINE},
    own_numbers=frozenset({"+48223071120"}),
)


def phone(extension: str, **facts: Any) -> Channel:
    return Channel(
        uniqueid=f"u{extension}",
        name=f"PJSIP/{extension}-00000001",
        kind=Kind.EXTENSION,
        extension=extension,
        state=ChannelState.RINGING,
        born_at=NOON,
        dialled_at=NOON,
        **facts,
    )


def rings(*extensions: str, **facts: Any) -> Call:
    return Call(
        pbx="main",
        linkedids=("1.0",),
        root="1.0",
        started_at=NOON,
        direction=Direction.INBOUND,
        remote_number="+48601220114",
        line="+48223071120",
        channels={f"u{e}": phone(e, rang_at=NOON) for e in extensions},
        **facts,
    )


def answered(call: Call, by: str) -> Call:
    channels = {
        key: channel._replace(
            rung_until=NOON,
            result=LegResult.ANSWERED if channel.extension == by else LegResult.ELSEWHERE,
        )
        for key, channel in call.channels.items()
    }
    return call.evolve(channels=channels, talks=(Talk(by, None, NOON, None),))


def ended(call: Call) -> Call:
    at = NOON + timedelta(minutes=3)
    talks = tuple(talk._replace(to_at=at) for talk in call.talks)
    return call.evolve(talks=talks, ended_at=at, settled=Result.ANSWERED if talks else Result.ABANDONED)


class Browser:
    """Keeps what it was sent, and the desk as a page would draw it from that."""

    def __init__(self, desks: Desks, user_id: int) -> None:
        self.got: list[dict[str, Any]] = []
        self.leave = desks.subscribe(user_id, self.got.append)
        self.calls = {entry["call"]["id"]: entry["call"] for entry in desks.snapshot(user_id)["calls"]}

    @property
    def states(self) -> list[str]:
        calls = dict(self.calls)
        for message in self.got:
            if message["type"] == "call":
                calls[message["call"]["id"]] = message["call"]
            elif message["type"] == "call_gone":
                calls.pop(message["id"], None)
        return [call["state"] for call in calls.values()]

    @property
    def reasons(self) -> list[str]:
        return [message["reason"] for message in self.got if message["type"] == "call_gone"]


class Shop:
    """A database that answers, answers late, or does not answer."""

    def __init__(self) -> None:
        self.card: dict[str, Any] = {"customer": {"id": 7, "name": "Marta"}, "candidates": []}
        self.down = False
        self.read = 0
        self.popped: list[int] = []
        self.shown: list[int] = []

    async def read_card(self, call: Call, number: Number) -> dict[str, Any]:
        self.read += 1
        if self.down:
            raise ConnectionError("no database")
        return dict(self.card)


@pytest.fixture
def shop() -> Shop:
    return Shop()


class Forgetful:
    """A book of shifts for tests that are about calls."""

    def log(self, user_id: int, shift: Shift) -> None:
        pass

    def save(self, user_id: int, shift: Shift, at: datetime) -> None:
        pass


@pytest.fixture
async def desks(shop: Shop) -> AsyncIterator[Desks]:
    desks = Desks(
        agents=Agents(rules={}, book=Forgetful(), now=lambda: NOON),
        read_card=shop.read_card,
        number_of=lambda call: Number(
            raw=call.remote_number, e164=call.remote_number, display=call.remote_number or ""
        ),
        now=lambda: NOON,
        popped=lambda call, user, at, forecast: shop.popped.append(user),
        shown=lambda call, user, at: shop.shown.append(user),
    )
    desks.use_directory(HOUSE)
    yield desks
    desks.close()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_everybody_whose_phone_rings_gets_the_card_and_nobody_else(desks: Desks, shop: Shop) -> None:
    anna, oleg = Browser(desks, ANNA), Browser(desks, OLEG)
    desks.changed(rings("1001"), None)
    await settled()
    assert anna.states == ["ringing"]
    assert oleg.states == []
    assert (
        anna.got[-1]["card"]["customer"]["name"] == "Marta"
        or anna.got[-2]["card"]["customer"]["name"] == "Marta"
    )
    assert shop.popped == [ANNA]


async def test_the_answer_takes_the_card_from_the_others_at_once_and_says_who_has_it(desks: Desks) -> None:
    anna, oleg = Browser(desks, ANNA), Browser(desks, OLEG)
    call = rings("1001", "1002")
    desks.changed(call, None)
    await settled()
    desks.changed(answered(call, "1001"), None)
    assert anna.states == ["talking"]
    assert oleg.states == []
    assert oleg.reasons == ["answered_elsewhere"]
    assert [m["by"] for m in oleg.got if m["type"] == "call_gone"] == [{"id": ANNA, "name": "Anna"}]


async def test_the_next_agent_gets_the_card_when_his_phone_rings(desks: Desks) -> None:
    anna, oleg = Browser(desks, ANNA), Browser(desks, OLEG)
    desks.changed(rings("1001"), None)
    await settled()
    later = NOON + timedelta(seconds=20)
    silent, ringing = phone("1001", rang_at=NOON, rung_until=later), phone("1002", rang_at=later)
    desks.changed(rings().evolve(channels={"u1001": silent, "u1002": ringing}), None)
    await settled()
    assert anna.states == []
    assert oleg.states == ["ringing"]
    assert oleg.got[-1]["call"]["rang_at"] == later.isoformat()  # his own telephone did not ring before
    assert anna.reasons == ["rang_elsewhere"]


async def test_a_caller_who_hangs_up_has_given_up_although_the_phones_fall_silent_first(desks: Desks) -> None:
    anna = Browser(desks, ANNA)
    call = rings("1001")
    desks.changed(call, None)
    await settled()
    desks.changed(rings(hanger=EndedBy.REMOTE), None)
    assert anna.states == []
    assert anna.reasons == ["abandoned"]


async def test_a_call_that_moves_on_before_its_card_was_read_leaves_no_ghost(desks: Desks) -> None:
    anna = Browser(desks, ANNA)
    desks.changed(rings("1001"), None)
    desks.changed(ended(rings()), None)
    await settled()
    assert anna.states == []
    assert desks.snapshot(ANNA)["calls"] == []


async def test_two_phones_of_one_operator_show_one_card(desks: Desks) -> None:
    oleg = Browser(desks, OLEG)
    desks.changed(rings("1002", "2002"), None)
    await settled()
    desks.changed(rings("2002"), None)  # one of the two stops ringing
    assert oleg.states == ["ringing"]


async def test_whoever_opens_the_desk_later_finds_the_call_in_the_snapshot(desks: Desks) -> None:
    desks.changed(answered(rings("1001"), "1001"), None)
    await settled()
    assert Browser(desks, ANNA).states == ["talking"]


async def test_a_talk_that_is_over_waits_on_the_desk_for_its_outcome(desks: Desks) -> None:
    anna = Browser(desks, ANNA)
    call = answered(rings("1001"), "1001")
    desks.changed(call, None)
    await settled()
    desks.changed(ended(call), None)
    assert anna.states == ["wrap_up"]
    desks.forget(call.id, "finished")
    assert anna.states == []


async def test_without_a_database_the_call_is_shown_and_the_card_follows(desks: Desks, shop: Shop) -> None:
    shop.down = True
    anna = Browser(desks, ANNA)
    desks.changed(rings("1001"), None)
    await settled()
    assert anna.states == ["ringing"]
    shop.down = False
    async with asyncio.timeout(PATIENCE_S):
        while not any(m["type"] == "call" and m["card"] for m in anna.got):
            await asyncio.sleep(0.02)


async def test_a_colleague_who_edits_the_customer_changes_the_card_on_the_desk(
    desks: Desks, shop: Shop
) -> None:
    anna = Browser(desks, ANNA)
    desks.changed(answered(rings("1001"), "1001"), None)
    await settled()
    shop.card = {"customer": {"id": 7, "name": "Marta Zielińska"}, "candidates": []}
    desks.customer_changed(7)
    await settled()
    assert [m for m in anna.got if m["type"] == "call"][-1]["card"]["customer"]["name"] == "Marta Zielińska"


async def test_calls_among_ourselves_pop_up_nowhere(desks: Desks) -> None:
    anna = Browser(desks, ANNA)
    desks.changed(rings("1001").evolve(direction=Direction.INTERNAL), None)
    await settled()
    assert anna.states == []


async def test_a_failed_click_to_call_says_why(desks: Desks) -> None:
    anna = Browser(desks, ANNA)
    dialled = Call(
        pbx="main", linkedids=("c.1",), root="c.1", started_at=NOON, direction=Direction.OUTBOUND,
        remote_number="+48601220114", dialler="1001", originated=True,
    )  # fmt: skip
    errand = Errand(user_id=ANNA, number="+48601220114")
    desks.changed(dialled, errand)
    await settled()
    assert anna.states == ["dialling"]
    customer = Channel(
        uniqueid="c.2", name="PJSIP/trunk-2", kind=Kind.TRUNK, extension=None, state=ChannelState.DOWN,
        born_at=NOON, dialled_at=NOON, dial_status=DialStatus.BUSY, cause=17, gone_at=NOON,
    )  # fmt: skip
    picked_up = dialled.originate._replace(agent_answered_at=NOON)
    tone = dialled.evolve(channels={"c.2": customer}, originate=picked_up)
    desks.changed(tone, errand)  # his phone plays a busy tone; the desk says why at once
    assert anna.states == ["dialling"]
    assert [m for m in anna.got if m["type"] == "call"][-1]["call"]["failure"]["code"] == "busy"
    over = dialled.evolve(channels={"c.2": customer}, originate=picked_up, ended_at=NOON, settled=Result.BUSY)
    desks.changed(over, errand)
    assert anna.states == ["ended"]
    assert [m for m in anna.got if m["type"] == "call"][-1]["call"]["failure"]["code"] == "busy"


async def test_a_browser_says_that_it_showed_the_card_only_if_it_was_sent_one(
    desks: Desks, shop: Shop
) -> None:
    Browser(desks, ANNA)
    call = rings("1001")
    desks.changed(call, None)
    await settled()
    desks.shown(ANNA, call.id)
    desks.shown(OLEG, call.id)
    assert shop.shown == [ANNA]


async def test_three_hundred_desks_hear_the_same_in_the_same_order(desks: Desks) -> None:
    heard: dict[int, list[list[int]]] = {user_id: [] for user_id in range(100, 400)}
    for user_id, messages in heard.items():
        desks.subscribe(user_id, lambda message, to=messages: to.append(message["product_ids"]))
    desks.stock_moved([1])
    desks.stock_moved([2])
    async with asyncio.timeout(PATIENCE_S):
        while not all(len(messages) == 2 for messages in heard.values()):
            await asyncio.sleep(0)
    assert set(map(str, heard.values())) == {"[[1], [2]]"}
