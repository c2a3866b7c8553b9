"""From the switchboard's bytes to the desk and the row: stories a supervisor would tell."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from asterisk.fake.people import (
    Answer,
    Caller,
    Customer,
    Decline,
    Manual,
    RingOut,
    busy,
    no_answer,
    no_such_number,
)
from callcenter.control import Act
from crm_core.call import CallLeg
from crm_core.call_act import ActKind
from crm_core.call_link import CallLink
from crm_core.callback import Callback
from crm_core.errors import Conflict, Forbidden, Invalid
from crm_core.order import ItemWanted, create_order
from crm_core.pop import Pop
from crm_core.pop_setting import TOPIC, Mode, PopSettings, save_pop_settings
from tests.callcenter.conftest import picks_up, until

HANG_UP = Act(kind=ActKind.HANG_UP)
IVAN = "+79161234567"
SALES, DIRECT, EVERYBODY = "74951230001", "74951230003", "74951230007"


async def test_the_card_is_there_while_the_phone_rings_and_the_row_when_it_is_over(house) -> None:
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call(IVAN, "Ivan Petrov", SALES, caller=Caller(talk_s=20))
        call = await anna.sees("ringing")
        assert call["remote"]["display"] == "+7 916 123-45-67"
        assert (call["line"]["name"], call["queue"]) == ("Line 1", "sales")
        assert (await anna.card(call))["customer"]["name"] == "Ivan Petrov"
        await house.board.answer("1001")
        await anna.sees("talking")
        await anna.sees("wrap_up")
        assert anna.gone == []  # from the first ring to the outcome the card never left this desk
        (row,) = await house.rows()
        async with house.db.begin() as session:
            legs = (await session.scalars(select(CallLeg))).all()
    assert [(leg.extension, leg.result) for leg in legs] == [("1001", "answered")]
    assert row.id == UUID(call["id"])
    assert (row.direction, row.result, row.state) == ("inbound", "answered", "ended")
    assert (row.operator_id, row.customer_id, row.customer_rule) == (
        house.people["1001"],
        house.customer_id,
        "number",
    )
    assert row.talk_s > 19  # and a busy machine may be late
    assert row.recordings[0].endswith(".wav")


async def test_of_three_phones_that_ring_one_keeps_the_card(house) -> None:
    async with house.attached():
        anna, boris, clara = (house.browser(each) for each in ("1001", "1002", "1003"))
        house.board.place_call(IVAN, "", EVERYBODY)
        for desk in (anna, boris, clara):
            await desk.sees("ringing")
        await house.board.answer("1002")
        await boris.sees("talking")
        await anna.sees()
        await clara.sees()
        assert anna.gone == clara.gone == ["answered_elsewhere"]


async def test_an_unanswered_ring_moves_to_the_next_agent(house) -> None:
    house.board.phone("1001").behave(RingOut())
    async with house.attached():
        anna, boris = house.browser("1001"), house.browser("1002")
        house.board.place_call(IVAN, "", SALES)
        await anna.sees("ringing")
        await boris.sees("ringing")
        assert anna.states == []
        await house.board.answer("1002")
        await boris.sees("talking")
        await house.board.hang_up("1002")
        await boris.sees("wrap_up")
        (row,) = await house.rows()
    assert row.operator_extension == "1002"
    assert row.ended_by == "operator"


async def test_a_caller_who_gives_up_is_missed_once_and_is_to_be_called_back(house) -> None:
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call(IVAN, "", SALES, caller=Caller(patience_s=5))
        await anna.sees("ringing")
        await anna.sees()
        (row,) = await house.rows()
        async with house.db.begin() as session:
            callbacks = (await session.scalars(select(Callback))).all()
    assert row.result == "abandoned"
    assert [(each.number, each.customer_id, each.source_call_id) for each in callbacks] == [
        (IVAN, house.customer_id, row.id)
    ]


async def test_an_anonymous_caller_is_a_call_all_the_same(house) -> None:
    house.board.phone("1001").behave(Answer(after_s=1))
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call("anonymous", "", DIRECT, caller=Caller(talk_s=5))
        call = await anna.sees("talking")
        assert call["remote"]["anonymous"] and call["remote"]["number"] is None
        assert (await anna.card(call))["customer"] is None
        await anna.sees("wrap_up")
        (row,) = await house.rows()
    assert (row.remote_e164, row.customer_id, row.result) == (None, None, "answered")


async def test_our_own_line_that_calls_us_is_nobodys_number(house) -> None:
    house.board.phone("1001").behave(Answer(after_s=1))
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call("+74951230009", "", DIRECT, caller=Caller(talk_s=3))
        call = await anna.sees("talking")
        card = await anna.card(call)
        assert (card["customer"], card["candidates"]) == (None, [])


async def test_a_click_dials_and_every_stage_is_seen(house) -> None:
    house.board.customer_of = lambda number: Customer(answer_s=4, talk_s=10)
    async with house.attached() as attachment:
        anna = house.browser("1001")
        call_id = await attachment.centre.dial(house.people["1001"], IVAN, customer_id=house.customer_id)
        call = await anna.sees("dialling")
        assert (call["id"], call["remote"]["number"], call["click_to_call"]) == (str(call_id), IVAN, True)
        stages: list[str] = []
        attachment.centre.subscribe(
            house.people["1001"], lambda m: stages.append(m["call"]["stage"]) if m["type"] == "call" else None
        )
        await picks_up(house.board, "1001")
        await anna.sees("talking")
        await anna.sees("wrap_up")
        (row,) = await house.rows()
    assert "Ringing at the customer" in stages
    assert (row.id, row.direction, row.click_to_call, row.result) == (call_id, "outbound", True, "answered")
    assert (row.remote_e164, row.customer_id, row.customer_rule) == (IVAN, house.customer_id, "started_from")


@pytest.mark.parametrize(
    ("customer", "code", "result"),
    [
        (busy(), "busy", "busy"),
        (no_such_number(), "no_such_number", "failed"),
        (no_answer(), "no_answer", "no_answer"),
    ],
)
async def test_a_customer_who_is_not_reached_is_said_with_the_true_reason(
    house, customer, code, result
) -> None:
    house.board.customer_of = lambda number: customer
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached() as attachment:
        anna = house.browser("1001")
        await attachment.centre.dial(house.people["1001"], "8 (916) 123-45-67")
        call = await anna.sees("ended")
        assert call["failure"]["code"] == code
        (row,) = await house.rows()
    assert row.result == result


@pytest.mark.parametrize(
    ("behaviour", "registered", "code"),
    [(Decline(), True, "phone_declined"), (Manual(), False, "phone_unreachable")],
)
async def test_an_operator_whose_phone_fails_is_told_so(house, behaviour, registered, code) -> None:
    house.board.phone("1001").behave(behaviour)
    house.board.phone("1001").register(registered)
    async with house.attached() as attachment:
        anna = house.browser("1001")
        await attachment.centre.dial(house.people["1001"], IVAN)
        call = await anna.sees("ended")
        assert call["failure"]["code"] == code
        assert len(await house.rows()) == 1


async def test_what_can_not_be_dialled_is_refused_with_a_reason_and_changes_nothing(house) -> None:
    async with house.attached() as attachment:
        dial = attachment.centre.dial
        with pytest.raises(Invalid):
            await dial(house.people["1001"], "not a number")
        await dial(house.people["1001"], IVAN)
        with pytest.raises(Conflict, match="dialling already"):
            await dial(house.people["1001"], IVAN)
        house.board.cut()
        await until(lambda: not attachment.centre.connected)
        with pytest.raises(Conflict, match="link"):
            await dial(house.people["1002"], IVAN)
        assert len(await house.rows()) == 1


async def test_an_operator_hangs_up_his_own_call_and_nobody_elses(house) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        house.board.place_call(IVAN, "", DIRECT)
        call = await anna.sees("ringing")
        await house.board.answer("1001")
        await anna.sees("talking")
        with pytest.raises(Forbidden):
            await attachment.centre.act(UUID(call["id"]), house.people["1002"], HANG_UP)
        await attachment.centre.act(UUID(call["id"]), house.people["1001"], HANG_UP)
        await anna.sees("wrap_up")


async def test_a_call_of_a_customer_with_one_open_order_is_linked_to_it(house) -> None:
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.db.begin() as session:
        order = await create_order(
            session,
            customer_id=house.customer_id,
            shop_id=house.shop_id,
            items=[
                ItemWanted(product_id=None, quantity=2, price=Decimal("8.90"), name="Blue mug", sku="MG-03")
            ],
            user_id=None,
            at=datetime.now(UTC),
        )
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=3))
        call = await anna.sees("wrap_up")
        await house.rows()
        async with house.db.begin() as session:
            links = (
                await session.scalars(select(CallLink).where(CallLink.call_id == UUID(call["id"])))
            ).all()
    assert [(link.order_id, link.rule) for link in links] == [(order.id, "only_open")]


async def test_every_ring_says_to_whom_the_card_went_and_when_it_was_shown(house) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        house.board.place_call(IVAN, "", DIRECT)
        call = await anna.sees("ringing")
        attachment.centre.shown(house.people["1001"], UUID(call["id"]))
        await house.rows()
        async with house.db.begin() as session:
            (pop,) = (await session.scalars(select(Pop))).all()
    assert (pop.user_id, pop.extension) == (house.people["1001"], "1001")
    assert pop.rang_at is not None and pop.sent_at <= pop.shown_at


# --- what breaks in the middle of a call --------------------------------------------------------------------


async def test_a_cut_link_leaves_the_call_on_the_desk_and_one_row(house) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        call = house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=60))
        first = await anna.sees("ringing")
        await house.board.answer("1001")
        await anna.sees("talking")
        house.board.cut()
        await until(lambda: not attachment.centre.connected)
        await _attached_again(attachment)
        assert anna.states == ["talking"]
        call.hang_up()
        await anna.sees("wrap_up")
        (row,) = await house.rows()
    assert (row.id, row.result, row.complete) == (UUID(first["id"]), "answered", True)


async def test_a_call_that_ends_while_the_link_is_down_is_closed_with_that_reason(house) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        call = house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=60))
        await anna.sees("ringing")
        await house.board.answer("1001")
        await anna.sees("talking")
        house.board.cut()
        call.hang_up()
        await call.wait()
        await _attached_again(attachment)
        await anna.sees("wrap_up")
        (row,) = await house.rows()
    assert (row.result, row.ended_reason, row.complete) == ("answered", "ended while disconnected", False)


async def test_a_killed_switchboard_closes_its_calls(house) -> None:
    async with house.attached() as attachment:
        anna = house.browser("1001")
        house.board.place_call(IVAN, "", DIRECT)
        await anna.sees("ringing")
        await house.board.answer("1001")
        await anna.sees("talking")
        await house.board.restart(abrupt=True)
        await _attached_again(attachment)
        await anna.sees("wrap_up")
        (row,) = await house.rows()
    assert row.ended_at is not None and row.ended_reason is not None


async def test_a_service_killed_in_mid_call_takes_the_call_up_again(house) -> None:
    async with house.attached():
        anna = house.browser("1001")
        call = house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=400))
        first = await anna.sees("ringing")
        await house.board.answer("1001")
        await anna.sees("talking")
        await house.rows()
    async with house.attached():
        anna.open()
        assert anna.states == ["talking"]
        assert anna.calls.keys() == {first["id"]}
        call.hang_up()
        await anna.sees("wrap_up")
        (row,) = await house.rows()
    assert (row.id, row.result, row.operator_extension) == (UUID(first["id"]), "answered", "1001")


async def test_a_call_that_ended_while_the_service_was_dead_is_closed_once(house) -> None:
    async with house.attached():
        anna = house.browser("1001")
        call = house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=400))
        await anna.sees("ringing")
        await house.board.answer("1001")
        await anna.sees("talking")
        await house.rows()
    call.hang_up()
    await call.wait()
    async with house.attached():
        anna.open()
        await anna.sees("wrap_up")
        (row,) = await house.rows()
    assert (row.result, row.ended_reason) == ("answered", "ended while disconnected")


async def test_a_call_that_the_database_never_took_and_that_ended_while_the_service_was_dead_is_closed(
    house,
) -> None:
    async with AsyncExitStack() as stuck, house.attached() as attachment:
        anna = house.browser("1001")
        nobody_writes = await stuck.enter_async_context(house.db.begin())
        await nobody_writes.execute(text("LOCK TABLE calls IN SHARE MODE"))
        call = house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=400))
        await anna.sees("ringing")
        await attachment.recorder.finish(patience_s=0.2)  # into the spool, where it is open
    call.hang_up()
    await call.wait()
    async with house.attached() as attachment:
        await until(lambda: not attachment.floor.live and not attachment.recorder.backlog)
        (row,) = await house.rows()
    assert (row.remote_e164, row.ended_reason) == (IVAN, "ended while disconnected")


async def test_a_talk_without_an_outcome_is_still_on_the_desk_after_a_restart(house) -> None:
    house.board.phone("1001").behave(Answer(after_s=0.5))
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=3))
        await anna.sees("wrap_up")
        await house.rows()
    async with house.attached():
        anna.open()
        await anna.sees("wrap_up")


async def test_how_she_wants_her_cards_is_told_to_all_her_pages_and_to_no_colleague(house) -> None:
    anna, boris = house.people["1001"], house.people["1002"]
    wanted = PopSettings(mode=Mode.ANSWER, volume=20, hide_min=5)
    told: dict[str, list[Any]] = {"one page": [], "her other page": [], "a colleague": []}
    async with house.attached(wait=False) as attachment:
        centre = attachment.centre
        for (_, page), user_id in zip(told.items(), (anna, anna, boris), strict=True):
            centre.subscribe(user_id, page.append)
        async with house.db.begin() as session:
            await save_pop_settings(session, anna, wanted)
        for _ in range(2):  # news that come twice are told once
            await centre.heard(TOPIC, {"user_id": anna})
        pops = [[it["pop"] for it in page if it["type"] == "pop"] for page in told.values()]
        assert pops == [[wanted.told()], [wanted.told()], []]
        assert (centre.snapshot(anna)["pop"], centre.snapshot(boris)["pop"]) == (wanted.told(), None)
    async with house.attached(wait=False) as attachment:  # the next life knows it
        assert attachment.centre.snapshot(anna)["pop"] == wanted.told()


async def _attached_again(attachment) -> None:
    await until(lambda: attachment.centre.connected, "never attached again")
