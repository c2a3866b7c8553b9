"""Two cards of one person become one, everything follows, and undoing puts back exactly what was moved."""

import asyncio
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from crm_core.call import Call
from crm_core.callback import create_callback
from crm_core.custom_field import FieldOf, add_field, set_values
from crm_core.custom_value import FieldKind
from crm_core.customer import Customer, add_note, add_number, create_customer, get_customer, update_customer
from crm_core.customer_contact import ContactKind, add_address, add_contact, list_addresses, list_contacts
from crm_core.customer_merge import CustomerMerge, are_different, merge, owned_tables, undo_merge
from crm_core.deal import create_deal
from crm_core.errors import Conflict, Invalid
from crm_core.message import Channel, Direction, keep_message
from crm_core.order import ItemWanted, create_order, update_order
from crm_core.outage import is_collision
from crm_core.promise import make_promise
from crm_core.read.duplicates import likely_twins, list_duplicates
from crm_core.read.tasks import Viewer
from crm_core.read.timeline import load_timeline
from crm_core.task import create_task
from tests.crm_core.conftest import MARTA

PIOTR = "+48601220115"


async def second_card(shop: Any, **fields: Any) -> int:
    """Marta once more, with a number of her husband's, an order, a deal, a call, a promise and a note."""
    async with shop.begin() as session:
        given = {"city": "Kraków", "email": "marta@work.pl", "tags": ["wholesale"]} | fields
        twin = await create_customer(
            session, name="Marta Zielińska", country="PL", numbers=[MARTA, PIOTR], **given
        )
        deal = await create_deal(session, title="Lamp", customer_id=twin.id, currency="EUR", at=shop.noon)
        await create_order(
            session, customer_id=twin.id, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=None, at=shop.noon, deal_id=deal.id,
        )  # fmt: skip
        await create_callback(
            session, number=PIOTR, country="PL", due_at=shop.noon, reason="size", customer_id=twin.id
        )
        await make_promise(
            session, words="Call about the size", due_at=shop.noon + timedelta(days=1), customer_id=twin.id,
            at=shop.noon, made_by=shop.anna,
        )  # fmt: skip
        await add_note(session, twin.id, "two steps to the door", user_id=shop.anna, at=shop.noon)
        wrote = {"channel": Channel.SMS, "direction": Direction.INBOUND, "words": "Is it in yet?"}
        await keep_message(session, twin.id, **wrote, at=shop.noon)
        await add_contact(session, twin.id, kind=ContactKind.TELEGRAM, value="@marta_z")
        await add_address(session, twin.id, address="Long street 5", city="Łódź")
    await shop.ring(customer_id=twin.id, remote_e164=PIOTR)
    return twin.id


async def snapshot(shop: Any) -> dict[str, Any]:
    """Which row of which table belongs to whom, and the fields of all customers."""
    async with shop.begin() as session:
        rows = {
            owned.table.name: {
                (str(key), whose) for key, whose in await session.execute(select(owned.key, owned.column))
            }
            for owned in owned_tables()
        }
        people = await session.execute(select(*[c for c in Customer.__table__.c if c.name != "version"]))
        return {**rows, "people": {row.id: dict(row._mapping) for row in people}}


async def test_everything_follows_and_comes_back_exactly(shop: Any) -> None:
    twin = await second_card(shop, birthday=date(1980, 2, 29), note="rings twice", vip=True)
    async with shop.begin() as session:
        await update_customer(
            session,
            shop.marta,
            version=1,
            changes={"email": "marta@home.pl", "tags": ["loyal"], "note": "old friend"},
        )
        await add_field(session, object_=FieldOf.CUSTOMER, name="Size", kind=FieldKind.TEXT)
        await set_values(session, FieldOf.CUSTOMER, twin, {"size": "M"}, user_id=None, at=shop.noon)
    before = await snapshot(shop)
    async with shop.begin() as session:
        made = (await merge(session, shop.marta, twin, user_id=shop.anna, at=shop.noon)).id
    async with shop.begin() as session:
        stayed = await get_customer(session, twin)
        assert stayed.id == shop.marta
        assert {it.e164 for it in stayed.numbers} == {MARTA, PIOTR}
        assert (stayed.birthday, stayed.vip, stayed.email) == (date(1980, 2, 29), True, "marta@home.pl")
        assert (stayed.tags, stayed.note) == (["loyal", "wholesale"], "old friend\nrings twice")
        assert stayed.custom == {"size": "M"}
        contacts = {(it.kind, it.value) for it in await list_contacts(session, shop.marta)}
        assert contacts == {("telegram", "@marta_z"), ("email", "marta@work.pl")}
        assert [it.address for it in await list_addresses(session, shop.marta)] == ["Long street 5"]
        history = await load_timeline(session, shop.marta, user_id=shop.anna)
        kinds = {item.kind for item in history.rows}
        assert {"order", "deal", "call", "callback", "note", "message"} <= kinds
    async with shop.begin() as session:
        await undo_merge(session, made, user_id=shop.anna, at=shop.noon)
    after = await snapshot(shop)
    assert after == before
    async with shop.begin() as session:
        with pytest.raises(Conflict, match="undone already"):
            await undo_merge(session, made, user_id=shop.anna, at=shop.noon)


async def test_what_came_or_was_changed_after_the_merge_stays_with_who_stayed(shop: Any) -> None:
    twin = await second_card(shop, birthday=date(1980, 2, 29))
    async with shop.begin() as session:
        made = await merge(session, shop.marta, twin, user_id=shop.anna, at=shop.noon)
        await add_note(session, twin, "written to the old card", user_id=shop.anna, at=shop.noon)
        stayed = await get_customer(session, shop.marta)
        await update_customer(
            session,
            shop.marta,
            version=stayed.version,
            changes={"birthday": date(1981, 1, 1), "tags": ["new", "wholesale"]},
        )
    late = await shop.ring(customer_id=twin)  # somebody still knew her by the old id
    async with shop.begin() as session:
        assert (await session.get(Call, late)).customer_id == shop.marta
        await undo_merge(session, made.id, user_id=shop.anna, at=shop.noon)
    async with shop.begin() as session:
        stayed = await get_customer(session, shop.marta)
        assert (stayed.birthday, stayed.tags) == (date(1981, 1, 1), ["new"])
        assert (await session.get(Call, late)).customer_id == shop.marta
        said = [
            item.text for item in (await load_timeline(session, twin, user_id=shop.anna, kind="note")).rows
        ]
        assert said == ["two steps to the door"]


async def test_merges_upon_merges_are_undone_in_turn(shop: Any) -> None:
    twin = await second_card(shop)
    async with shop.begin() as session:
        third = (await create_customer(session, name="M. Zielińska", country="PL")).id
        first = (await merge(session, shop.marta, twin, user_id=None, at=shop.noon)).id
        second = (await merge(session, third, shop.marta, user_id=None, at=shop.noon)).id
        assert (await get_customer(session, twin)).id == third
        assert (await session.get(Customer, twin)).merged_into_id == third  # one step, whoever it was before
        with pytest.raises(Conflict, match="merged into another"):
            await undo_merge(session, first, user_id=None, at=shop.noon)
        for wrong in ((third, twin), (shop.marta, third)):
            with pytest.raises(Conflict, match="merged with somebody"):
                await merge(session, *wrong, user_id=None, at=shop.noon)
        with pytest.raises(Invalid):
            await merge(session, third, third, user_id=None, at=shop.noon)
    async with shop.begin() as session:
        await undo_merge(session, second, user_id=None, at=shop.noon)
        assert (await get_customer(session, twin)).id == shop.marta
        await undo_merge(session, first, user_id=None, at=shop.noon)
        assert (await get_customer(session, twin)).id == twin


async def test_pairs_are_found_by_number_e_mail_and_name_until_somebody_says_they_are_two(shop: Any) -> None:
    twin = await second_card(shop)
    async with shop.begin() as session:
        other = (await create_customer(session, name="Ewa Nowak", country="PL", email="MARTA@work.pl")).id
        third = (await create_customer(session, name="Jan Nowak", country="PL", numbers=[MARTA])).id
        await add_contact(session, third, kind=ContactKind.EMAIL, value="jan@nowak.pl")
    found = {}
    async with shop.begin() as session:
        for kind in ("number", "email", "name"):
            pairs = (await list_duplicates(session, kind)).rows
            found[kind] = [(pair.first.id, pair.second.id, pair.shared) for pair in pairs]
        first_page = await list_duplicates(session, "number", limit=1)
        second_page = await list_duplicates(session, "number", limit=1, after=first_page.next)
        twins = [(pair.second.id, pair.kind) for pair in await likely_twins(session, shop.marta)]
    assert found == {
        "number": [(shop.marta, twin, MARTA), (shop.marta, third, MARTA)],
        "email": [(twin, other, "marta@work.pl")],
        "name": [(shop.marta, twin, "marta zielinska, kraków")],
    }
    assert [pair.second.id for pair in (*first_page.rows, *second_page.rows)] == [twin, third]
    assert second_page.next is None
    assert twins == [(twin, "number"), (third, "number")]
    async with shop.begin() as session:
        await are_different(session, third, shop.marta, user_id=shop.anna)
        pairs = (await list_duplicates(session, "number")).rows
        assert [(pair.first.id, pair.second.id) for pair in pairs] == [(shop.marta, twin)]
        await merge(session, shop.marta, twin, user_id=None, at=shop.noon)
        assert (await list_duplicates(session, "number")).rows == []
        assert [pair.second.id for pair in await likely_twins(session, shop.marta)] == [
            other
        ]  # by the e-mail


async def test_who_calls_while_two_cards_are_merged_is_the_one_who_stays(shop: Any) -> None:
    """Calls, orders and notes for either card, written by fifty others at once with merges and undoings."""
    twin = await second_card(shop)
    written = 0

    async def again(step: Any) -> None:
        while True:  # two transactions in each other's way: one is asked to come again, as the recorder does
            try:
                return await step()
            except DBAPIError as error:
                if not is_collision(error):
                    raise

    async def merge_and_undo(times: int) -> None:
        for n in range(times):

            async def together() -> int:
                async with shop.begin() as session:
                    return (await merge(session, shop.marta, twin, user_id=None, at=shop.noon)).id

            made = await again(together)
            if n < times - 1:

                async def apart(made: Any = made) -> None:
                    async with shop.begin() as session:
                        await undo_merge(session, made, user_id=None, at=shop.noon)

                await again(apart)

    async def write(n: int) -> None:
        nonlocal written
        whose = twin if n % 3 else shop.marta

        async def one() -> None:
            await shop.ring(customer_id=whose, started_at=shop.noon + timedelta(minutes=n))
            async with shop.begin() as session:
                await create_order(
                    session, customer_id=whose, shop_id=shop.shop, user_id=None, at=shop.noon,
                    items=[ItemWanted(None, 1, name="Parcel")],
                )  # fmt: skip
                await add_note(session, whose, f"note {n}", user_id=None, at=shop.noon)

        await again(one)
        written += 1

    await asyncio.gather(merge_and_undo(6), *(write(n) for n in range(50)))
    assert written == 50
    async with shop.begin() as session:
        for owned in owned_tables():
            left = select(func.count()).select_from(owned.table).where(owned.column == twin)
            if not owned.once:  # a number that both had stays behind
                assert await session.scalar(left) == 0, owned.table.name
        merges = (await session.scalars(select(CustomerMerge).order_by(CustomerMerge.id))).all()
        assert [made.undone_at is None for made in merges] == [False] * 5 + [True]
        with suppress(Conflict):
            await add_number(session, twin, "+48601220116", country="PL")
        assert "+48601220116" in {it.e164 for it in (await get_customer(session, shop.marta)).numbers}


async def test_a_history_is_turned_page_by_page_even_when_much_happened_in_one_instant(shop: Any) -> None:
    async with shop.begin() as session:
        for n in range(7):
            at = shop.noon + timedelta(minutes=n // 5)
            await add_note(session, shop.marta, f"note {n}", user_id=shop.anna, at=at)
    seen: list[tuple[str, str]] = []
    after = None
    async with shop.begin() as session:
        while True:
            part = await load_timeline(session, shop.marta, user_id=shop.anna, after=after, limit=2)
            seen += [(item.kind, item.id) for item in part.rows]
            after = part.next
            if after is None:
                break
        whole = await load_timeline(session, shop.marta, user_id=shop.anna)
    assert seen == [(item.kind, item.id) for item in whole.rows]
    assert len(set(seen)) == len(seen) >= 7


async def test_payments_and_tasks_stand_in_the_history_as_far_as_the_reader_may_see_them(shop: Any) -> None:
    async with shop.begin() as session:
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=shop.anna, at=shop.noon,
        )  # fmt: skip
        for version, paid in ((1, "8.90"), (2, "5.00")):
            await update_order(
                session, order.id, version=version, changes={"paid": paid}, user_id=shop.anna, at=shop.noon
            )
        await create_task(
            session, title="Send size M", at=shop.noon, user_id=shop.anna, performer_id=shop.oleg,
            customer_id=shop.marta,
        )  # fmt: skip

    async def told(kind: str, **reader: Any) -> list[Any]:
        async with shop.begin() as session:
            found = await load_timeline(session, shop.marta, user_id=shop.anna, kind=kind, **reader)
            return [(item.title, item.amount) for item in found.rows]

    assert await told("payment") == [(order.number, Decimal("-3.90")), (order.number, Decimal("8.90"))]
    oleg, stranger = (Viewer(user_id=id_, role="operator", everybody=False) for id_ in (shop.oleg, 99))
    assert await told("task", tasks=oleg) == [("Send size M", None)]
    assert await told("task", tasks=stranger) == []


async def test_every_table_of_a_customer_waits_for_a_merge_that_is_being_made(shop: Any) -> None:
    """A table that a later step adds, and forgets, would leave its rows with the card that is gone."""
    async with shop.begin() as session:
        guarded = await session.scalars(
            text(
                "SELECT DISTINCT event_object_table FROM information_schema.triggers"
                " WHERE trigger_name = 'stay_with_survivor_insert'"
            )
        )
    owned = {each.table.name for each in owned_tables()} - {"customers"}  # cards merged into this one
    assert owned <= set(guarded)
