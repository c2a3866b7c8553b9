"""The card of a caller: everything in one round trip."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import event, text

from crm_core import call_link, draft
from crm_core.call import save_note, set_customer, set_disposition
from crm_core.callback import create_callback
from crm_core.card import load_card, make_ready, read_card
from crm_core.customer import add_note, create_customer
from crm_core.deal import create_deal
from crm_core.order import ItemWanted, create_order, update_order
from crm_core.recording import Recording

MARTA = "+48601220114"


async def card(shop: Any, **given: Any) -> dict[str, Any]:
    asked = {"e164": MARTA, "customer_id": None, "call_id": shop.call, "now": shop.noon, **given}
    async with shop.begin() as session:
        return await load_card(session, **asked)


async def test_an_unknown_number_has_an_empty_card(shop: Any) -> None:
    assert await card(shop, e164="+48999999999", call_id=uuid4()) == {
        "customer": None, "candidates": [], "orders": [], "deals": [], "calls": [], "tasks": [], "notes": [],
        "links": [], "note": {"text": "", "version": 0, "saved_at": None}, "draft": None, "disposition": None,
        "cart": None, "visits": [], "focus": [], "promises": [], "forecast": [], "read_at": shop.noon.isoformat(),
        "baton": None,
    }  # fmt: skip


async def test_an_anonymous_caller_is_nobody(shop: Any) -> None:
    for nobody in (None, ""):
        assert (await card(shop, e164=nobody))["customer"] is None


async def test_the_only_owner_is_the_customer(shop: Any) -> None:
    found = await card(shop)
    assert found["candidates"] == []
    assert found["customer"] | {"numbers": 0} == {
        "id": shop.marta, "name": "Marta Zielińska", "vip": False, "bad": False, "tags": [], "email": None,
        "city": "Kraków", "country": "PL", "address": None, "timezone": "Europe/Warsaw", "note": None,
        "source": None, "numbers": 0,
        "totals": {"orders": 0, "sum": "0.00", "currency": None, "last_at": None},
    }  # fmt: skip
    assert [(it["e164"], it["display"]) for it in found["customer"]["numbers"]] == [
        (MARTA, "+48 601 220 114")
    ]


async def test_of_several_owners_nobody_is_taken_before_somebody_chose(shop: Any) -> None:
    async with shop.begin() as session:
        piotr = await create_customer(session, name="Piotr", country="PL", numbers=[MARTA])
    shared = await card(shop)
    assert shared["customer"] is None
    assert [(it["name"], it["reason"]) for it in shared["candidates"]] == [
        ("Marta Zielińska", "has this number"), ("Piotr", "has this number"),
    ]  # fmt: skip
    async with shop.begin() as session:
        await set_customer(session, shop.call, piotr.id, rule="chosen", user_id=shop.anna, at=shop.noon)
    next_time = await card(shop, call_id=uuid4())
    assert next_time["customer"]["name"] == "Piotr"
    assert [it["name"] for it in next_time["candidates"]] == ["Piotr", "Marta Zielińska"]
    assert (await card(shop, customer_id=shop.marta))["customer"]["name"] == "Marta Zielińska"


async def test_the_card_shows_what_was_bought_said_promised_and_typed(shop: Any) -> None:
    earlier = await shop.ring(
        customer_id=shop.marta, started_at=shop.noon - timedelta(days=3), state="ended", result="answered",
        ended_at=shop.noon - timedelta(days=3), operator_id=shop.oleg, talk_s=252.0,
    )  # fmt: skip
    async with shop.begin() as session:
        deal = await create_deal(
            session,
            title="Kitchen refresh",
            customer_id=shop.marta,
            currency="EUR",
            at=shop.noon,
            stage="offer",
        )
        done = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.kettle, 1)],
            user_id=shop.anna, at=shop.noon - timedelta(days=9), status="done",
        )  # fmt: skip
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=shop.anna, call_id=shop.call,
            items=[ItemWanted(shop.mug, 2), ItemWanted(shop.lamp, 1)], at=shop.noon, tracking="DPD 1-99",
        )  # fmt: skip
        await create_callback(
            session, number=MARTA, country="PL", due_at=shop.noon - timedelta(hours=1), reason="Refund",
            customer_id=shop.marta, assigned_to=shop.anna,
        )  # fmt: skip
        await add_note(session, shop.marta, "gate code 14B", user_id=shop.oleg, at=shop.noon)
        await save_note(session, shop.call, "two blue mugs", version=0, user_id=shop.anna, at=shop.noon)
        await draft.save_draft(session, shop.call, shop.anna, {"items": [1]}, at=shop.noon)
        await call_link.link(session, shop.call, deal_id=deal.id, rule="chosen", user_id=shop.anna)
        await set_disposition(session, shop.call, "order_placed", user_id=shop.anna, at=shop.noon)
        session.add(Recording(call_id=earlier, pbx="pbx", path="x.wav", side="mix", state="ready"))
    found = await card(shop)
    assert found["customer"]["totals"] == {
        "orders": 2, "sum": "177.30", "currency": "EUR", "last_at": "2026-11-21T12:00:00+00:00",
    }  # fmt: skip
    first, second = found["orders"]
    assert (first["number"], first["open"], first["total"], first["items"]) == (
        order.number, True, "137.80", "2 × Blue mug 0.3 l, Lampa Żyrandol",
    )  # fmt: skip
    assert (second["number"], second["status_label"], second["open"]) == (done.number, "Done", False)
    assert [(it["title"], it["stage_label"], it["open"]) for it in found["deals"]] == [
        ("Kitchen refresh", "Offer", True)
    ]
    assert [(it["id"], it["operator"], it["talk_s"], it["recorded"]) for it in found["calls"]] == [
        (str(earlier), "Oleg Bondar", 252.0, True)
    ]
    assert [(it["reason"], it["overdue"], it["assigned_to"]) for it in found["tasks"]] == [
        ("Refund", True, "Anna Kowalska")
    ]
    assert [(it["text"], it["author"]) for it in found["notes"]] == [("gate code 14B", "Oleg Bondar")]
    assert [(it["kind"], it["label"], it["role"]) for it in found["links"]] == [
        ("order", "A-1002", "created"), ("deal", "Kitchen refresh", "discussed"),
    ]  # fmt: skip
    assert found["note"] == {"text": "two blue mugs", "version": 1, "saved_at": "2026-11-21T12:00:00+00:00"}
    assert found["draft"] == {"items": [1], "version": 1, "user_id": shop.anna}
    assert found["disposition"] == "order_placed"


async def test_closed_orders_are_few_and_open_ones_come_first(shop: Any) -> None:
    async with shop.begin() as session:
        for day in range(8):
            order = await create_order(
                session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(None, 1, name="x")],
                user_id=None, at=shop.noon - timedelta(days=day),
            )  # fmt: skip
            if day != 7:
                await update_order(
                    session, order.id, version=1, changes={"status": "done"}, user_id=None, at=shop.noon
                )
    found = await card(shop)
    assert [it["open"] for it in found["orders"]] == [True] + [False] * 5
    assert found["customer"]["totals"]["orders"] == 8


async def test_a_card_is_one_round_trip(shop: Any) -> None:
    statements: list[str] = []

    def count(*given: Any) -> None:
        statements.append(given[2])

    event.listen(shop.db.engine.sync_engine, "before_cursor_execute", count)
    async with shop.db.engine.connect() as connection:
        await load_card(connection, e164=MARTA, customer_id=None, call_id=shop.call, now=shop.noon)
    assert len(statements) == 1


async def test_a_caller_without_a_customer_still_has_a_past(shop: Any) -> None:
    stranger = "+48999888777"
    earlier = await shop.ring(remote_e164=stranger, started_at=shop.noon - timedelta(days=1))
    now = await shop.ring(remote_e164=stranger)
    async with shop.begin() as session:
        await create_callback(
            session,
            number=stranger,
            country="PL",
            due_at=shop.noon + timedelta(hours=1),
            reason="Missed call",
        )
    found = await card(shop, e164=stranger, call_id=now)
    assert [it["id"] for it in found["calls"]] == [str(earlier)]
    assert [(it["reason"], it["overdue"]) for it in found["tasks"]] == [("Missed call", False)]


async def test_every_way_to_a_card_is_open_before_the_first_call(shop: Any) -> None:
    await make_ready(shop.db.reader)
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND query LIKE '%WITH known AS%'"
    )
    async with shop.begin() as session:
        used = await session.scalar(text(asked))
    assert used == 10


async def test_a_phone_that_rings_gets_the_same_card_by_a_shorter_way(shop: Any) -> None:
    asked = {"e164": MARTA, "customer_id": None, "call_id": shop.call, "now": shop.noon}
    assert await read_card(shop.db.reader, **asked) == await card(shop)
    stranger = asked | {"e164": None, "call_id": uuid4()}
    assert (await read_card(shop.db.reader, **stranger))["customer"] is None
