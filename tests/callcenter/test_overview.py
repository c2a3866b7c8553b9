"""The supervisor's board: what it shows while calls come and go, and that its day is the day of the figures."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from asterisk.fake.people import Answer, Caller, RingOut
from callcenter.overview.day import BYS, numbers
from crm_core.alert import acknowledge, list_alerts
from crm_core.alert_rule import AlertRule, Kind, list_rules, remove_rule
from crm_core.call import Call
from crm_core.errors import NotFound
from crm_core.figure.period import By
from crm_core.order import ItemWanted, create_order
from crm_core.queue_visit import QueueVisit
from crm_core.read.day import tallies_before, usual_arrivals
from crm_core.read.notices import list_notices
from crm_core.user import Role, create_user
from tests.callcenter.conftest import until

IVAN, PETRA = "+79161234567", "+79031112233"
SALES = "74951230001"


async def counted_anew(house, day) -> dict:
    """The same day as the database counts it, once all is written."""
    await house.rows()
    async with house.db.begin() as session:
        later = datetime.now(UTC) + timedelta(minutes=1)
        found = await tallies_before(session, day.period, day.rules, before=later)
    return {place: dict(numbers(tally)) for place, tally in found.items() if numbers(tally)}


def kept(day) -> dict:
    """What the board counted as calls came, without what came to nothing."""
    found = {
        (by, key): {n: v for n, v in day.counts(by, key).items() if v} for by in BYS for key in day.keys(by)
    }
    return {place: counts for place, counts in found.items() if counts}


def rounded(found: dict) -> dict:
    """Times to the millisecond: a column of the database keeps no more than a float does."""
    return {
        place: {n: round(v / 1000) if n.endswith("_us") else v for n, v in counts.items()}
        for place, counts in found.items()
    }


async def test_the_board_follows_a_call_and_its_day_is_that_of_the_figures(house) -> None:
    house.board.phone("1001").behave(Answer(after_s=1))
    house.board.phone("1002").behave(RingOut())
    async with house.attached() as attachment:
        board, anna = attachment.overview, house.people["1001"]
        told: list[dict] = []
        board.subscribe(told.append)

        def row(part: str, id_) -> dict:
            return board.snapshot()[part].get(id_) or {}

        house.board.place_call(IVAN, "", SALES, caller=Caller(talk_s=4000))
        await until(lambda: row("operators", anna).get("state") == "talking")
        await until(lambda: row("operators", anna)["call"]["name"] == "Ivan Petrov")
        petra = house.board.place_call(PETRA, "Petra", SALES, caller=Caller(patience_s=4000))
        await until(lambda: board.snapshot()["waiting"])
        (waits,) = board.snapshot()["waiting"].values()
        assert (waits["queue"], waits["number"], waits["name"]) == ("sales", "+7 903 111-22-33", "Petra")
        assert waits["owners"] == sorted(house.people.values())
        talk = UUID(row("operators", anna)["call"]["id"])
        async with house.db.begin() as session:
            order = await create_order(
                session,
                customer_id=house.customer_id,
                shop_id=house.shop_id,
                items=[ItemWanted(product_id=None, quantity=2, price=Decimal("8.90"), name="Mug", sku="M")],
                user_id=anna,
                call_id=talk,
                at=datetime.now(UTC),
            )
        await until(lambda: row("operators", anna)["today"]["orders"] == 1)
        assert row("operators", anna)["call"]["order"]["number"] == order.number
        assert row("operators", anna)["today"]["sums"] == {"EUR": "17.80"}
        petra.hang_up()
        await until(
            lambda: row("queues", "sales")["today"]["short"] + row("queues", "sales")["today"]["abandoned"]
        )
        await house.board.hang_up("1001")
        await until(lambda: row("house", "all")["today"]["talk_s"] > 0)
        assert not board.snapshot()["waiting"]
        assert rounded(kept(board.book.day)) == rounded(await counted_anew(house, board.book.day))
        shown = {part: dict(rows) for part, rows in board.snapshot().items()}
        seen: dict = {part: {} for part in shown}
        for changes in told:
            for part, rows in changes.items():
                seen[part] |= rows
        for part, rows in shown.items():
            assert {id_: it for id_, it in seen[part].items() if it is not None}.items() <= rows.items()
    async with house.attached() as attachment:  # another process begins where this one was
        again = attachment.overview
        assert rounded(kept(again.book.day)) == rounded(await counted_anew(house, again.book.day))
        await until(
            lambda: (again.snapshot()["operators"].get(anna) or {"today": {}})["today"].get("orders") == 1
        )


async def test_a_supervisor_is_told_once_of_a_queue_in_which_nobody_is(house) -> None:
    async with house.db.begin() as session:
        await session.execute(delete(AlertRule).where(AlertRule.kind != Kind.NO_OPERATOR))
        await session.execute(update(AlertRule).values(bound=1))
        boss = await create_user(session, login="boss", name="Boss", role=Role.SUPERVISOR)
    for extension in house.people:
        house.board.phone(extension).register(False)

    async def told() -> list[str]:
        async with house.db.begin() as session:
            return [it.text for it in (await list_notices(session, boss.id)).rows]

    async with house.attached() as attachment:
        house.board.place_call(IVAN, "", SALES, caller=Caller(patience_s=40_000))
        await until(lambda: attachment.overview.snapshot()["alerts"])
        (row,) = attachment.overview.snapshot()["alerts"].values()
        assert (row["about"], row["of"], row["owners"]) == ("queue", "sales", sorted(house.people.values()))
        assert await told() == ["sales: nobody is there to take calls"]
    async with house.attached() as attachment:  # the next process knows of it, and tells nobody again
        watchman = attachment.watchman
        await until(lambda: attachment.overview.snapshot()["alerts"])
        await watchman.look()
        assert len(await told()) == 1
        async with house.db.begin() as session:
            await acknowledge(session, row["id"], user_id=boss.id, whose=None, at=datetime.now(UTC))
        await until(lambda: attachment.overview.snapshot()["alerts"][row["id"]]["acked_by"] == "Boss")
        async with house.db.begin() as session:
            (rule,) = await list_rules(session)
            await remove_rule(session, rule.id)
        await until(lambda: not attachment.overview.snapshot()["alerts"])
        async with house.db.begin() as session:
            (logged,) = (await list_alerts(session)).rows
    assert (logged.rule_id, logged.acked_name) == (None, "Boss")
    assert logged.cleared_at >= logged.raised_at


async def test_what_if_is_told_from_the_calls_of_today_and_of_the_weeks_before(house) -> None:
    now = datetime.now(UTC)
    async with house.db.begin() as session:
        for week in range(3):
            for n in range(12):
                at = now - timedelta(weeks=week, minutes=4 * n + 1)
                made = Call(
                    id=uuid4(), pbx="main", linkedid=f"{week}.{n}", linkedids=[f"{week}.{n}"], direction="inbound",
                    state="ended", started_at=at, ended_at=at + timedelta(seconds=130), result="answered",
                    queue="sales", wait_s=10, talk_s=100, hold_s=20, complete=True,
                )  # fmt: skip
                session.add(made)
                await session.flush()
                session.add(
                    QueueVisit(
                        call_id=made.id, uniqueid=f"{week}.{n}", queue="sales", began_at=at, entered_at=at,
                        left_at=at + timedelta(seconds=10), wait_s=10.0, outcome="answered",
                    )
                )  # fmt: skip
        usual = await usual_arrivals(
            session, ["sales"], now=now, step_s=600, back=timedelta(hours=1), ahead=timedelta(hours=3)
        )
    assert usual == {"sales": (12.0, [0.0] * 18)}  # of the two weeks of which something is known
    async with house.attached() as attachment:
        anna = house.people["1001"]
        await until(lambda: attachment.overview.snapshot()["operators"].get(anna, {}).get("queues"))
        if attachment.overview.book.day.counts(By.QUEUE, "sales").get("timed", 0) < 5:
            return  # it is just after midnight: the calls were yesterday's
        told = await attachment.centre.what_if(anna, 30)
        assert (told["callers_an_hour"], told["handle_s"], told["present"]) == (12, 120, True)
        assert 0 <= told["without_him"] <= told["with_him"] <= 1
        with pytest.raises(NotFound):
            await attachment.centre.what_if(10**6, 30)
