"""Leads: what a form brings, who hears of it, what is thrown away and taken back, what it becomes."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_core import lead, lead_form
from crm_core.customer import Customer, create_customer
from crm_core.deal_rows import Deal
from crm_core.errors import Conflict, Invalid
from crm_core.lead_rows import Lead
from crm_core.outbox import OutboxRow
from crm_core.read.leads import list_interests, load_lead, who_it_may_be

STRANGER = "+48501222333"


async def sent(shop: Any, **given: Any) -> int:
    """What somebody typed into the form of the shop's site; the lead's id."""
    async with shop.begin() as session:
        form = await session.scalar(select(lead_form.LeadForm)) or await lead_form.create_form(
            session, name="Call me", shop_id=shop.shop, origin="https://Shop.example/", fields=["Colour"],
            responsible_id=shop.anna,
        )  # fmt: skip
        usual = {"name": "Nina", "phone": "501 222 333", "message": "A red kettle, please", "answers": {}}
        return int((await lead.lead_from_form(session, form, at=shop.noon, **usual | given)).id)


async def test_a_form_brings_a_lead_that_is_told_to_its_manager(shop: Any) -> None:
    made = await sent(shop, answers={"Colour": "red", "Admin": "yes"}, email=" nina@example.com ")
    async with shop.begin() as session:
        row = await load_lead(session, made)
        assert (row.source, row.e164, row.email, row.answers, row.responsible) == (
            "Form: Call me", STRANGER, "nina@example.com", {"Colour": "red"}, "Anna Kowalska",
        )  # fmt: skip
        told = (await session.scalars(select(OutboxRow).where(OutboxRow.topic == "notice"))).one()
        assert told.payload["user_ids"] == [shop.anna]
        assert (told.payload["text"], told.payload["address"]) == (
            "New lead: Nina · Form: Call me", f"/leads?open={made}",
        )  # fmt: skip
    with pytest.raises(Invalid, match="how to reach you"):
        await sent(shop, phone=" ", email="")
    nonsense = await sent(shop, phone="call me maybe")
    async with shop.begin() as session:
        assert (await load_lead(session, nonsense)).e164 is None


async def test_a_lead_is_checked_handed_over_thrown_away_and_taken_back(shop: Any) -> None:
    made = await sent(shop)
    by: dict[str, Any] = {"user_id": shop.anna, "at": shop.noon}
    async with shop.begin() as session:
        await lead.put_item(session, made, shop.kettle, 2, **by)
        await lead.put_item(session, made, shop.mug, 1, **by)
        await lead.put_item(session, made, shop.mug, 0, **by)
        assert [(it.sku, it.quantity) for it in await list_interests(session, made)] == [("KT-10-RD", 2)]
        changes = {"state": "processing", "responsible_id": shop.oleg}
        version = (await load_lead(session, made)).version
        await lead.update_lead(session, made, version=version, changes=changes, country="PL", **by)
        with pytest.raises(Conflict, match="somebody else"):
            await lead.update_lead(session, made, version=version, changes={}, country="PL", **by)
        told = await session.scalars(
            select(OutboxRow).where(OutboxRow.topic == "notice").order_by(OutboxRow.id)
        )
        assert [it.payload["user_ids"] for it in told] == [[shop.anna], [shop.oleg]]
        for _ in range(2):
            await lead.junk(session, made, **by)
        with pytest.raises(Conflict, match="thrown away"):
            await lead.qualify(session, made, country="PL", **by)
        for _ in range(2):
            await lead.restore(session, made, **by)
        assert (await load_lead(session, made)).state == "processing"


async def test_a_lead_becomes_one_customer_and_one_deal_however_often_it_is_pressed(shop: Any) -> None:
    made = await sent(shop)
    by: dict[str, Any] = {"user_id": shop.oleg, "at": shop.noon, "country": "PL"}
    async with shop.begin() as session:
        await lead.put_item(session, made, shop.kettle, 2, user_id=shop.oleg, at=shop.noon)

    async def press() -> tuple[int, int]:
        async with shop.begin() as session:
            customer, deal = await lead.qualify(session, made, **by)
            return customer.id, deal.id

    pressed = set(await asyncio.gather(*(press() for _ in range(4))))
    assert len(pressed) == 1
    ((customer_id, deal_id),) = pressed
    async with shop.begin() as session:
        customer, deal = await session.get_one(Customer, customer_id), await session.get_one(Deal, deal_id)
        assert (customer.name, customer.source, customer.numbers[0].e164) == (
            "Nina",
            "Form: Call me",
            STRANGER,
        )
        assert (deal.title, str(deal.amount), deal.responsible_id) == (
            "A red kettle, please",
            "79.00",
            shop.anna,
        )
        assert await session.scalar(select(func.count()).select_from(Deal)) == 1
        with pytest.raises(Conflict, match="become a customer"):
            await lead.junk(session, made, user_id=None, at=shop.noon)


async def test_whoever_is_known_is_found_and_of_several_one_must_be_chosen(shop: Any) -> None:
    by: dict[str, Any] = {"user_id": shop.oleg, "at": shop.noon, "country": "PL"}
    known, mailed = await sent(shop, phone="601220114"), await sent(shop, phone="", email="P@Example.com")
    async with shop.begin() as session:
        piotr = await create_customer(session, name="Piotr", country="PL", email="p@example.com")
        assert (await lead.qualify(session, known, **by))[0].id == shop.marta
        assert [it.name for it in await who_it_may_be(session, await load_lead(session, mailed))] == ["Piotr"]
        assert (await lead.qualify(session, mailed, **by))[0].id == piotr.id
        await create_customer(session, name="Olek", country="PL", numbers=["601220114"])
    shared = await sent(shop, phone="601220114")
    async with shop.begin() as session:
        with pytest.raises(Conflict, match="Say which"):
            await lead.qualify(session, shared, **by)
        assert (await lead.qualify(session, shared, customer_id=shop.marta, **by))[0].id == shop.marta


async def test_callers_at_the_same_moment_make_one_lead(shop: Any) -> None:
    async with shop.begin() as session:
        line = await session.get_one(lead.Line, shop.line)
        line.makes_leads = True

    async def over() -> None:
        call = await shop.ring(remote_e164=STRANGER, remote_raw="501222333", line_id=shop.line)
        async with shop.begin() as session:
            await lead.lead_from_call(
                session, e164=STRANGER, call_id=call, line_id=shop.line, name=None, at=shop.noon
            )

    await asyncio.gather(*(over() for _ in range(4)))
    async with shop.begin() as session:
        (made,) = await session.scalars(select(Lead))
        customer, _ = await lead.qualify(session, made.id, user_id=shop.oleg, at=shop.noon, country="PL")
        assert customer.name == "+48 501 222 333"


@pytest.mark.parametrize(
    ("written", "site"),
    [("https://Shop.Example/", "https://shop.example"), ("http://a:8080", "http://a:8080"), (" ", None)],
)
def test_a_site_is_written_as_browsers_name_it(written: str, site: str | None) -> None:
    assert lead_form.checked_origin(written) == site


@pytest.mark.parametrize(
    "wrong", ["shop.example", "ftp://x", "https://x/page", "https://x?y", "javascript:x", "https://u:p@x"]
)
def test_what_is_no_site_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid, match="https://shop"):
        lead_form.checked_origin(wrong)
