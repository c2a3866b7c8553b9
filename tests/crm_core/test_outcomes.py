"""Trees of outcomes, what they ask for at the end of a call, and the calls that wait to be linked."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_core.call import set_customer, set_disposition
from crm_core.call_link import link, unlink
from crm_core.callback import Callback
from crm_core.customer import create_customer
from crm_core.errors import Conflict, Invalid
from crm_core.order import ItemWanted, create_order
from crm_core.outcome import HOUSE, OutcomeWanted, add_tree, change_tree, choices, chosen, get_tree, labels
from crm_core.read.suggestions import Candidate, ranked, suggest
from crm_core.unlinked import by_operator, count_waiting, explain
from crm_core.wrap_up import PlanCallback, wrap_up
from tests.crm_core.conftest import NOON

TALKED = {"state": "ended", "result": "answered", "talk_s": 60.0}


async def test_a_line_has_outcomes_of_its_own_in_groups(shop: Any) -> None:
    async with shop.begin() as session:
        made = await add_tree(session, name="Trade customers")
        assert (
            await chosen(session, "complaint_or_return")
        ).label == "Complaint or return"  # a copy, with its own codes
        wanted = [
            OutcomeWanted(label="Trouble"),
            OutcomeWanted(label="Damaged", parent="Trouble", needs_note=True, about=("complaint",)),
            OutcomeWanted(label="Sold"),
        ]
        changes = {"outcomes": wanted, "line_ids": [shop.line]}
        changed = await change_tree(session, made.id, version=made.version, changes=changes)
        assert changed.line_ids == [shop.line]
        assert list((await choices(session)).values())[-2:] == ["Trouble › Damaged", "Sold"]
        with pytest.raises(Invalid, match="group"):
            await chosen(session, "trouble")
        assert (await labels(session))[
            "complaint_or_return"
        ] == "Complaint or return"  # calls that have it keep its name
        with pytest.raises(Invalid):
            await chosen(session, "complaint_or_return")
        with pytest.raises(Conflict):
            await change_tree(session, made.id, version=1, changes={})
        ring = [OutcomeWanted(label="A", parent="B"), OutcomeWanted(label="B", parent="A")]
        with pytest.raises(Invalid, match="in itself"):
            await change_tree(session, made.id, version=2, changes={"outcomes": ring})
        with pytest.raises(Invalid):
            await change_tree(session, HOUSE, version=1, changes={"line_ids": [shop.line]})


async def test_a_call_is_wrapped_up_in_one_step_and_again_changes_nothing(shop: Any) -> None:
    ended = await shop.ring(**TALKED, remote_e164="+48601220114", ended_at=shop.noon)
    later = PlanCallback(due_at=shop.noon + timedelta(hours=2), reason="Say where it is")
    async with shop.begin() as session:
        house = await get_tree(session, HOUSE)
        wanted = [
            OutcomeWanted(label=one.label, code=one.code, needs_note=one.code == "complaint", needs_next=True)
            for one in house.outcomes
        ]
        await change_tree(session, HOUSE, version=1, changes={"outcomes": wanted})
    said: dict[str, Any] = {"code": "complaint", "user_id": shop.anna, "at": shop.noon, "country": "PL"}
    for field, given in (("note", {}), ("next_step", {"note": "Broken lid"})):
        with pytest.raises(Invalid) as refused:
            async with shop.begin() as session:
                await wrap_up(session, ended, **said, **given)
        assert refused.value.field == field
    for _ in range(2):
        async with shop.begin() as session:
            call = await wrap_up(session, ended, **said, note="Broken lid", next_step=later)
            assert (call.disposition, call.note) == ("complaint", "Broken lid")
            made = (await session.scalars(select(Callback))).all()
            assert len(made) == 1


async def test_a_conversation_waits_until_it_is_linked_or_explained(shop: Any) -> None:
    unknown = await shop.ring(**TALKED, ended_at=shop.noon, operator_id=shop.anna)
    known = await shop.ring(**TALKED, ended_at=shop.noon, operator_id=shop.anna, customer_id=shop.marta)
    await shop.ring(**(TALKED | {"result": "no_answer"}), ended_at=shop.noon)
    async with shop.begin() as session:
        order = await create_order(
            session,
            customer_id=shop.marta,
            shop_id=shop.shop,
            items=[ItemWanted(product_id=shop.mug, quantity=1)],
            user_id=None,
            at=shop.noon,
        )
        assert [(row[1], row[2]) for row in await by_operator(session)] == [("Anna Kowalska", 2)]
        first = (await suggest(session, [known]))[known][0]
        assert (first.kind, first.id, first.why) == ("order", order.id, "it is open")
        made = await link(session, known, order_id=order.id, rule="chosen", user_id=shop.anna)
        assert await count_waiting(session) == 1
        await unlink(session, known, made.id, user_id=shop.anna, at=shop.noon)
        assert await count_waiting(session, frozenset({shop.anna})) == 2
        await set_disposition(session, known, "not_interested", user_id=shop.anna, at=shop.noon)
        assert await count_waiting(session) == 1  # this outcome asks for no link
        await explain(session, unknown, "A wrong number")
        assert await count_waiting(session) == 0
        await explain(session, unknown, "")
        other = await create_customer(session, name="Jan", country="PL")
        await set_customer(session, unknown, other.id, rule="chosen", user_id=None, at=shop.noon)
        assert await count_waiting(session) == 1  # whose it was is known, what about is not


def test_what_was_open_in_the_card_is_suggested_before_what_is_merely_open() -> None:
    def order(id_: int, **facts: Any) -> Candidate:
        known = {"kind": "order", "label": str(id_), "detail": "", "open": False, "moved_at": NOON} | facts
        return Candidate(id=id_, **known)

    shown = ranked([order(1), order(2, open=True), order(3, guessed=0.7), order(4, looked_at=True)], NOON)
    assert [one.id for one in shown] == [4, 3, 2, 1]
