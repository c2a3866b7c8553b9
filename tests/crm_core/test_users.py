"""The people who work here."""

from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from crm_core import audit
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.keys import search_key, words_query
from crm_core.user import (
    Passwords,
    create_user,
    extension_owners,
    find_by_login,
    list_users,
    map_extension,
    unmap_extension,
    update_user,
)

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_a_password_fits_only_itself_and_nobody_has_none() -> None:
    passwords = Passwords(QUICK)
    kept = await passwords.hash("correct horse")
    assert await passwords.fits(kept, "correct horse")
    assert not await passwords.fits(kept, "wrong horse")
    assert not await passwords.fits(None, "nobody")
    assert not await passwords.fits("not a hash", "x")
    with pytest.raises(Invalid):
        await passwords.hash("")


async def test_a_login_is_one_person_in_any_case_of_letters(shop: Any) -> None:
    async with shop.begin() as session:
        with pytest.raises(Conflict):
            await create_user(session, login="ANNA", name="Another Anna")
        found = await find_by_login(session, "Anna")
        assert found is not None and found.id == shop.anna
        assert [it.login for it in await list_users(session)] == ["anna", "oleg"]


@pytest.mark.parametrize(
    "fields",
    [{"login": "a b"}, {"login": ""}, {"role": "king"}, {"timezone": "Mars/Base"}, {"timezone": "../x"}],
)
async def test_an_account_that_makes_no_sense_is_refused(shop: Any, fields: dict[str, Any]) -> None:
    async with shop.begin() as session:
        with pytest.raises(Invalid):
            await create_user(session, **{"login": "new", "name": "New", **fields})


async def test_a_telephone_belongs_to_one_active_person(shop: Any) -> None:
    async with shop.begin() as session:
        await map_extension(session, pbx="main", extension="1001", user_id=shop.anna)
        moved = await map_extension(session, pbx="main", extension="1001", user_id=shop.oleg)
        await map_extension(session, pbx="main", extension="1002", user_id=shop.oleg)
        assert await extension_owners(session) == {("main", "1001"): shop.oleg, ("main", "1002"): shop.oleg}
        await unmap_extension(session, moved.id)
        assert await extension_owners(session) == {("main", "1002"): shop.oleg}
        await update_user(session, shop.oleg, active=False, role="senior", name="Oleg B.")
        assert await extension_owners(session) == {}
        with pytest.raises(NotFound):
            await unmap_extension(session, moved.id)
        with pytest.raises(Invalid):
            await map_extension(session, pbx="main", extension="10\r\n01", user_id=shop.anna)


async def test_what_somebody_did_stays_written(shop: Any) -> None:
    async with shop.begin() as session:
        await audit.record(
            session, user_id=shop.anna, action="recording.listen", object_kind="recording", object_id=7,
            call_id=shop.call, detail={"seconds": 12}, address="127.0.0.1",
        )  # fmt: skip
    async with shop.begin() as session:
        entry = (await session.scalars(select(audit.AuditEntry))).one()
        assert (entry.action, entry.object_id, entry.detail) == ("recording.listen", "7", {"seconds": 12})


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Marta Zielińska", "marta zielinska"),
        ("Łódź–Bałuty", "lodz baluty"),
        ("Jürgen Groß", "jurgen gross"),
        ("Юрій Їжакевич", "юрій їжакевич"),
        ('O\'Neil, "Bob" <VIP>', "o neil bob vip"),
        ("Æsa Øst_by", "aesa ost by"),
        ("🌻", ""),
    ],
)
def test_a_name_is_found_without_its_accents(name: str, key: str) -> None:
    assert search_key(name) == key


def test_words_never_become_operators_of_the_search() -> None:
    assert words_query("a & !b | (c:*)") == "a:* & b:* & c:*"
    assert words_query(" '%_ ") is None
