"""Callbacks: planned by people within the hours of the customer, made by missed calls, tried again, closed by calls."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from crm_core.call_audit import PbxHeard
from crm_core.call_record import merge_calls
from crm_core.callback import Callback, CallbackCall, create_callback, get_callback, snooze, update_callback
from crm_core.callback_calls import Heard, attempted, close_reached, missed
from crm_core.calling_hours import OutsideHours, set_calling
from crm_core.customer import create_customer
from crm_core.dial_lock import EngagedNow, engaged, free, lock
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.missed_rule import Strategy, set_missed_rule
from crm_core.order import ItemWanted, create_order
from crm_core.outbox import OutboxRow
from crm_core.team import save_team
from crm_core.user import User, create_user

STRANGER = "+48999888777"
IN_MOSCOW = "+74951234567"


async def promise(shop: Any, *, minutes: int, **fields: Any) -> int:
    due_at = shop.noon + timedelta(minutes=minutes)
    known = {"number": STRANGER, "country": "PL", "reason": "Refund", "due_at": due_at, **fields}
    async with shop.begin() as session:
        return (await create_callback(session, **known)).id


async def a_call(shop: Any, *, minutes: float = 0, **fields: Any) -> Heard:
    """A call with the stranger that is over and written down."""
    at = shop.noon + timedelta(minutes=minutes)
    written = {key: fields.pop(key) for key in ("direction", "result", "legs") if key in fields}
    call_id = await shop.ring(state="ended", started_at=at, ended_at=at, **written)
    return Heard(call_id=call_id, at=at, **{"number": STRANGER, "customer_id": None, **fields})


async def miss(shop: Any, **fields: Any) -> Callback | None:
    heard = await a_call(shop, **fields)
    async with shop.begin() as session:
        return await missed(session, heard)


async def try_once(shop: Any, **fields: Any) -> list[int]:
    heard = await a_call(shop, direction="outbound", user_id=shop.anna, result="no_answer", **fields)
    async with shop.begin() as session:
        return list(await attempted(session, heard))


async def the(shop: Any, callback_id: int) -> Callback:
    async with shop.begin() as session:
        return await get_callback(session, callback_id)


# --- a missed call ------------------------------------------------------------------------------------------------


async def test_whoever_calls_in_vain_waits_for_one_callback_that_counts_the_calls(shop: Any) -> None:
    first = await miss(shop)
    assert first is not None and first.due_at == shop.noon + timedelta(minutes=10)
    again = await miss(shop, minutes=3)
    assert again is not None and (again.id, again.missed) == (first.id, 2)
    assert again.last_missed_at == shop.noon + timedelta(minutes=3)
    marta = await miss(shop, number="+48601220114", customer_id=shop.marta)
    other_phone = await miss(shop, minutes=1, number="+4915112345678", customer_id=shop.marta)
    assert (
        marta is not None
        and other_phone is not None
        and (other_phone.id, other_phone.missed) == (marta.id, 2)
    )


async def test_a_missed_call_that_is_written_twice_counts_once(shop: Any) -> None:
    heard = await a_call(shop)
    for _ in range(2):
        async with shop.begin() as session:
            await missed(session, heard)
    async with shop.begin() as session:
        [made] = await session.scalars(select(Callback))
    assert made.missed == 1


async def test_what_is_planned_for_another_day_does_not_make_a_missed_caller_wait(shop: Any) -> None:
    later = await promise(shop, minutes=1440, created_by=shop.anna)
    made = await miss(shop)
    assert made is not None and made.id != later


async def test_a_missed_caller_who_was_tried_in_vain_and_calls_again_is_due_at_once(shop: Any) -> None:
    made = await miss(shop)
    assert made is not None
    await try_once(shop, minutes=5)
    assert (await the(shop, made.id)).due_at == shop.noon + timedelta(minutes=35)
    await miss(shop, minutes=8)
    assert (await the(shop, made.id)).due_at == shop.noon + timedelta(minutes=18)


async def test_who_calls_back_follows_the_list_of_the_line(shop: Any) -> None:
    async with shop.begin() as session:
        team = await save_team(session, None, "Returns")
        gone = await create_user(session, login="gone", name="Gone")
        gone.active = False
        wanted = [ItemWanted(product_id=shop.mug, quantity=1)]
        sold = {"customer_id": shop.marta, "shop_id": shop.shop, "items": wanted, "at": shop.noon}
        order = await create_order(session, **sold, user_id=shop.oleg)

    async def whom(*strategies: Strategy, minutes: int, **fields: Any) -> tuple[int | None, int | None]:
        async with shop.begin() as session:
            await session.execute(delete(CallbackCall))
            await session.execute(delete(Callback))
            rule = {"strategies": strategies, "team_id": team.id, "within_minutes": 10}
            await set_missed_rule(session, shop.line, **rule)
        known = {"number": "+48601220114", "customer_id": shop.marta, "line_id": shop.line, **fields}
        made = await miss(shop, minutes=minutes, **known)
        assert made is not None
        return made.assigned_to, made.team_id

    assert await whom(Strategy.ORDER_OWNER, Strategy.TEAM, minutes=1) == (shop.oleg, None)
    async with shop.begin() as session:
        (await session.get_one(type(order), order.id)).manager_id = gone.id
    assert await whom(Strategy.ORDER_OWNER, minutes=2) == (
        shop.oleg,
        None,
    )  # the manager has left, the seller is here
    assert await whom(Strategy.LAST_TALKED, Strategy.TEAM, minutes=3) == (None, team.id)
    await shop.ring(
        state="ended",
        result="answered",
        operator_id=shop.anna,
        answered_at=shop.noon,
        remote_e164="+48601220114",
    )
    assert await whom(Strategy.LAST_TALKED, Strategy.TEAM, minutes=4) == (shop.anna, None)
    assert await whom(Strategy.ANYONE, Strategy.LAST_TALKED, minutes=5) == (None, None)


async def test_a_call_missed_at_night_is_called_back_in_the_morning_of_the_customer(shop: Any) -> None:
    night = (datetime(2026, 11, 21, 23, 30, tzinfo=UTC) - shop.noon).total_seconds() / 60
    made = await miss(shop, minutes=night)
    assert made is not None and made.due_at == datetime(2026, 11, 22, 8, tzinfo=UTC)  # nine o'clock in Warsaw


# --- attempts -----------------------------------------------------------------------------------------------------


async def test_an_attempt_in_vain_moves_the_callback_and_the_last_one_goes_to_the_supervisor(
    shop: Any,
) -> None:
    async with shop.begin() as session:
        session.add(User(login="boss", name="Boss", role="supervisor"))
        await set_calling(session, week=["9:00-20:00"] * 7, repeat_minutes=20, most_attempts=2)
    made = await promise(shop, minutes=0, created_by=shop.anna, assigned_to=shop.anna)
    assert await try_once(shop, minutes=1) == [made]
    once = await the(shop, made)
    assert (once.attempts, once.due_at, once.assigned_to) == (1, shop.noon + timedelta(minutes=21), shop.anna)
    assert await try_once(shop, minutes=22) == [made]
    twice = await the(shop, made)
    assert (twice.attempts, twice.escalated_at is not None) == (2, True)
    async with shop.begin() as session:
        boss = await session.scalar(select(User.id).where(User.login == "boss"))
        notices = (await session.scalars(select(OutboxRow.payload).where(OutboxRow.topic == "notice"))).all()
    assert twice.assigned_to == boss and [it["user_ids"] for it in notices] == [[boss]]


async def test_the_rule_of_one_callback_outranks_that_of_the_house(shop: Any) -> None:
    made = await promise(shop, minutes=0, repeat_minutes=5, most_attempts=9)
    await try_once(shop, minutes=1)
    assert (await the(shop, made)).due_at == shop.noon + timedelta(minutes=6)


async def test_an_attempt_counts_once_also_after_a_crash_and_for_calls_that_become_one(shop: Any) -> None:
    made = await promise(shop, minutes=0)
    heard = await a_call(shop, minutes=1, direction="outbound")
    for _ in range(2):
        async with shop.begin() as session:
            await attempted(session, heard)
    assert (await the(shop, made)).attempts == 1
    survivor = await shop.ring(direction="outbound", state="ended")
    async with shop.begin() as session:
        await merge_calls(session, survivor, heard.call_id)
    async with shop.begin() as session:
        assert await attempted(session, Heard(**{**heard.__dict__, "call_id": survivor})) == []


async def test_the_next_attempt_waits_for_the_morning(shop: Any) -> None:
    evening = (datetime(2026, 11, 21, 19, 50, tzinfo=UTC) - shop.noon).total_seconds() / 60  # 20:50 in Warsaw
    made = await promise(shop, minutes=int(evening))
    await try_once(shop, minutes=evening)
    assert (await the(shop, made)).due_at == datetime(2026, 11, 22, 8, tzinfo=UTC)


async def test_a_call_for_tomorrows_callback_is_its_attempt_only_when_it_was_made_for_it(shop: Any) -> None:
    tomorrow = await promise(shop, minutes=1440, created_by=shop.anna)
    assert await try_once(shop, minutes=1) == []
    assert await try_once(shop, minutes=2, callback_id=tomorrow) == [tomorrow]
    assert (await the(shop, tomorrow)).due_at == shop.noon + timedelta(minutes=1440)


# --- a talk -------------------------------------------------------------------------------------------------------


async def test_a_talk_closes_what_was_missed_and_what_is_due_but_not_a_later_promise(shop: Any) -> None:
    waiting = await promise(shop, minutes=60)
    due = await promise(shop, minutes=10, created_by=shop.anna)
    tomorrow = await promise(shop, minutes=1440, created_by=shop.anna)
    async with shop.begin() as session:
        heard = Heard(call_id=shop.call, number=STRANGER, customer_id=None, at=shop.noon)
        assert sorted(await close_reached(session, heard, outbound=False)) == [waiting, due]
        states = dict((await session.execute(select(Callback.id, Callback.outcome))).all())
        assert states == {waiting: "called_us", due: "called_us", tomorrow: None}


async def test_the_call_in_which_a_callback_was_planned_does_not_keep_it(shop: Any) -> None:
    await promise(shop, minutes=5, source_call_id=shop.call, created_by=shop.anna)
    async with shop.begin() as session:
        heard = Heard(call_id=shop.call, number=STRANGER, customer_id=None, at=shop.noon)
        assert await close_reached(session, heard, outbound=False) == []
        nobody = Heard(call_id=shop.call, number=None, customer_id=None, at=shop.noon)
        assert await close_reached(session, nobody, outbound=False) == []


async def test_a_talk_that_is_written_down_late_leaves_alone_who_called_in_vain_since(shop: Any) -> None:
    made = await miss(shop, minutes=5)
    heard = await a_call(shop, minutes=2, direction="outbound", result="answered")
    async with shop.begin() as session:
        assert await close_reached(session, heard, outbound=True) == []
    assert made is not None and (await the(shop, made.id)).state == "open"


# --- planning -----------------------------------------------------------------------------------------------------


async def test_a_callback_is_moved_given_to_a_team_finished_and_opened_again(shop: Any) -> None:
    made = await promise(shop, minutes=5, assigned_to=shop.anna)
    async with shop.begin() as session:
        team = await save_team(session, None, "Returns")
        later = shop.noon + timedelta(days=1)
        it = await update_callback(session, made, {"due_at": later, "team_id": team.id}, at=shop.noon)
        assert (it.due_at, it.assigned_to, it.team_id, it.done_at) == (later, None, team.id, None)
        done = await update_callback(session, made, {"state": "done"}, at=shop.noon)
        assert (done.done_at, done.outcome) == (shop.noon, "by_hand")
        again = await update_callback(session, made, {"state": "open"}, at=shop.noon)
        assert (again.done_at, again.outcome) == (None, None)
        with pytest.raises(Conflict, match="meanwhile"):
            await update_callback(session, made, {"state": "done"}, at=shop.noon, version=1)


async def test_nobody_is_planned_to_be_called_at_night_and_the_next_moment_is_proposed(shop: Any) -> None:
    with pytest.raises(OutsideHours, match="Europe/Warsaw") as refused:
        await promise(shop, minutes=9 * 60 + 30, created_by=shop.anna)  # 22:30 in Warsaw
    assert refused.value.proposed == datetime(2026, 11, 22, 8, tzinfo=UTC)
    with pytest.raises(
        OutsideHours, match=r"Sat 21 Nov 21:30 there"
    ):  # the same moment is evening in Moscow already
        await promise(shop, minutes=6 * 60 + 30, created_by=shop.anna, number=IN_MOSCOW)
    await promise(shop, minutes=6 * 60 + 30, created_by=shop.anna)
    async with shop.begin() as session:
        far = await create_customer(session, name="Far", country="PL", numbers=["+48601000000"])
        far.timezone = "America/New_York"
    with pytest.raises(OutsideHours, match="America/New_York"):  # seven in the morning there
        await promise(shop, minutes=0, created_by=shop.anna, number="+48601000000", customer_id=far.id)


async def test_a_snooze_goes_to_the_next_allowed_moment_and_keeps_the_note(shop: Any) -> None:
    made = await promise(shop, minutes=0, note="Has a lunch break")
    async with shop.begin() as session:
        it = await snooze(session, made, by=timedelta(hours=10), note="Asked for tomorrow", at=shop.noon)
        assert it.due_at == datetime(2026, 11, 22, 8, tzinfo=UTC)
        assert it.note == "Has a lunch break\nAsked for tomorrow"


@pytest.mark.parametrize(
    "fields",
    [
        {"number": "anonymous"},
        {"reason": " "},
        {"due_at": datetime(2026, 1, 1)},
        {"assigned_to": 1, "team_id": 1},
    ],
)
async def test_a_callback_that_can_not_be_kept_is_refused(shop: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await promise(shop, minutes=5, **fields)


async def test_what_is_not_there_is_said_so(shop: Any) -> None:
    async with shop.begin() as session:
        with pytest.raises(NotFound):
            await update_callback(session, 999, {"state": "done"}, at=shop.noon)


# --- one caller at a time -----------------------------------------------------------------------------------------


async def test_a_customer_is_called_by_one_at_a_time_whatever_number_is_dialled(shop: Any) -> None:
    async def take(user_id: int, call: int, number: str, customer_id: int | None, seconds: float = 0) -> None:
        now = shop.noon + timedelta(seconds=seconds)
        async with shop.begin() as session:
            given = {"number": number, "customer_id": customer_id, "user_id": user_id, "now": now}
            await lock(session, call_id=UUID(int=call), **given)

    await take(shop.anna, 1, "+48601220116", shop.marta)
    for number in ("+48601220116", "+48601220115"):
        with pytest.raises(EngagedNow, match="Anna Kowalska is calling now"):
            await take(shop.oleg, 2, number, shop.marta, seconds=1)
    await take(shop.oleg, 3, STRANGER, None)
    async with shop.begin() as session:
        await free(session, UUID(int=1))
    await take(shop.oleg, 4, "+48601220116", shop.marta, seconds=2)
    await take(shop.anna, 5, "+48601220116", shop.marta, seconds=60)  # the process that dialled is gone


async def test_who_talks_with_a_customer_keeps_colleagues_from_calling_as_long_as_the_switchboard_is_heard(
    shop: Any,
) -> None:
    talk = {"state": "talking", "direction": "inbound", "remote_e164": STRANGER, "answered_at": shop.noon}
    await shop.ring(**talk, operator_id=shop.anna)
    given = {"number": STRANGER, "customer_id": None, "call_id": UUID(int=9), "now": shop.noon}
    with pytest.raises(EngagedNow, match="is talking with them now"):
        async with shop.begin() as session:
            await lock(session, user_id=shop.oleg, **given)
    async with shop.begin() as session:
        await session.merge(PbxHeard(pbx="main", until=shop.noon - timedelta(minutes=5)))
    async with shop.begin() as session:
        assert await engaged(session, numbers=[STRANGER], customer_ids=[], now=shop.noon) == {}
