"""Who calls: customers, the numbers they share, and what was remembered."""

from datetime import timedelta
from typing import Any

import pytest

from crm_core.call import set_customer
from crm_core.customer import (
    add_note,
    add_number,
    create_customer,
    find_owners,
    get_customer,
    remember_choice,
    remove_number,
    update_customer,
)
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.line import find_line, own_numbers
from crm_core.order import ItemWanted, create_order

MARTA = "+48601220114"


async def relative(shop: Any, name: str) -> int:
    """One more customer with Marta's number."""
    async with shop.begin() as session:
        return (await create_customer(session, name=name, country="PL", numbers=["+48 601 220 114"])).id


async def owners(shop: Any, e164: str | None = MARTA) -> list[tuple[str, str]]:
    async with shop.begin() as session:
        return [(it.name, it.reason) for it in await find_owners(session, e164)]


async def test_the_only_owner_of_a_number_is_found(shop: Any) -> None:
    assert await owners(shop) == [("Marta Zielińska", "has this number")]


async def test_owners_are_ranked_with_the_reason(shop: Any) -> None:
    piotr, ewa = await relative(shop, "Piotr Zieliński"), await relative(shop, "Ewa Zielińska")
    spoken = await shop.ring(customer_id=piotr, answered_at=shop.noon, state="talking")
    async with shop.begin() as session:
        await create_order(
            session, customer_id=ewa, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=None, at=shop.noon - timedelta(days=30),
        )  # fmt: skip
    assert await owners(shop) == [
        ("Ewa Zielińska", "order A-1001 is open"),
        ("Piotr Zieliński", "spoke with us on 2026-11-21"),
        ("Marta Zielińska", "has this number"),
    ]
    async with shop.begin() as session:
        await set_customer(session, spoken, shop.marta, rule="chosen", user_id=shop.anna, at=shop.noon)
    assert (await owners(shop))[0] == ("Marta Zielińska", "chosen the last time")


async def test_nobody_owns_an_empty_number_or_a_line_of_ours(shop: Any) -> None:
    assert await owners(shop, None) == []
    assert await owners(shop, "") == []
    assert await owners(shop, "+48223071120") == []


@pytest.mark.parametrize("number", ["22 307 11 20", "+48223071120"])
async def test_our_own_line_never_becomes_a_customers_number(shop: Any, number: str) -> None:
    async with shop.begin() as session:
        with pytest.raises(Invalid, match="a line of ours"):
            await add_number(session, shop.marta, number, country="PL")


async def test_what_is_ours_is_known_in_every_writing(shop: Any) -> None:
    async with shop.begin() as session:
        ours = await own_numbers(session)
        assert ours.has("+48223071120") and not ours.has(MARTA)
        for dialled in ("48223071120", "s", "1120", "+48 22 307 11 20", "0048223071120"):
            line = await find_line(session, "main", dialled, country="PL")
            assert line is not None and line.id == shop.line
        assert await find_line(session, "other", "48223071120", country="PL") is None
        assert await find_line(session, "main", "", country="PL") is None


async def test_a_number_is_kept_once_however_often_it_is_given(shop: Any) -> None:
    async with shop.begin() as session:
        await add_number(session, shop.marta, "601220114", country="PL")
        await add_number(session, shop.marta, "+49 151 12345678", country="PL", label="work")
    async with shop.begin() as session:
        numbers = (await get_customer(session, shop.marta)).numbers
        assert [(it.e164, it.label) for it in numbers] == [(MARTA, None), ("+4915112345678", "work")]


@pytest.mark.parametrize("number", ["", "anonymous", "112", "test.user"])
async def test_what_is_no_number_is_refused(shop: Any, number: str) -> None:
    async with shop.begin() as session:
        with pytest.raises(Invalid, match="not a telephone number"):
            await add_number(session, shop.marta, number, country="PL")


async def test_a_number_taken_away_finds_nobody_and_its_choice_is_forgotten(shop: Any) -> None:
    async with shop.begin() as session:
        await remember_choice(session, MARTA, shop.marta, user_id=None, at=shop.noon)
        number = (await get_customer(session, shop.marta)).numbers[0]
        await remove_number(session, shop.marta, number.id)
        with pytest.raises(NotFound):
            await remove_number(session, shop.marta, number.id)
    assert await owners(shop) == []


async def test_two_colleagues_do_not_overwrite_each_other(shop: Any) -> None:
    async with shop.begin() as session:
        changed = await update_customer(
            session, shop.marta, version=1, changes={"vip": True, "city": " Łódź "}
        )
        assert (changed.version, changed.city) == (2, "Łódź")
    async with shop.begin() as session:
        with pytest.raises(Conflict):
            await update_customer(session, shop.marta, version=1, changes={"bad": True})


@pytest.mark.parametrize("changes", [{"name": "  "}, {"id": 7}, {"version": 9}, {"merged_into_id": 1}])
async def test_what_may_not_be_changed_is_refused(shop: Any, changes: dict[str, Any]) -> None:
    async with shop.begin() as session:
        with pytest.raises(Invalid):
            await update_customer(session, shop.marta, version=1, changes=changes)


async def test_a_hostile_name_is_only_a_name(shop: Any) -> None:
    name = "<script>alert(1)</script> O'Neil\"; DROP TABLE customers; --"
    async with shop.begin() as session:
        made = await create_customer(session, name=name, country="GB", numbers=["+44 20 7946 0958"])
        assert (await find_owners(session, "+442079460958"))[0].name == name == made.name


async def test_a_note_is_kept_and_an_empty_one_refused(shop: Any) -> None:
    async with shop.begin() as session:
        note = await add_note(session, shop.marta, " gate code 14B ", user_id=shop.anna, at=shop.noon)
        assert note.text == "gate code 14B"
        with pytest.raises(Invalid):
            await add_note(session, shop.marta, " ", user_id=shop.anna, at=shop.noon)
