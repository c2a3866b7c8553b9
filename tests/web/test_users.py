"""The administrator hires, changes and dismisses people, and hands out telephones."""

import pytest
from sqlalchemy import select

from crm_core.audit import AuditEntry

VERA = {
    "login": "vera",
    "name": "Vera",
    "role": "operator",
    "password": "long enough",
    "timezone": "Europe/Kyiv",
}


async def hire(admin, **changes):
    answer = await admin.post("/api/v1/users", json=VERA | changes)
    return answer, await answer.json()


async def test_a_new_user_can_sign_in_at_once_and_the_password_never_comes_back(client_of, client) -> None:
    admin = await client_of("admin")
    answer, user = await hire(admin)
    assert answer.status == 201
    assert user["timezone"] == "Europe/Kyiv" and "password" not in str(user)
    credentials = {"login": "vera", "password": "long enough"}
    assert (await client.post("/api/v1/session", json=credentials)).status == 200
    listed = await (await admin.get("/api/v1/users")).json()
    assert "argon2" not in str(listed) and [u["login"] for u in listed][-1] == "vera"


@pytest.mark.parametrize("login", ["vera", "VERA", "Operator"])
async def test_a_login_is_given_once_in_whatever_case(client_of, login) -> None:
    admin = await client_of("admin")
    await hire(admin)
    answer, problem = await hire(admin, login=login)
    assert answer.status == 409 and login in problem["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"login": ""},
        {"login": "two words"},
        {"login": "<script>"},
        {"name": "   "},
        {"role": "king"},
        {"password": "short"},
        {"timezone": "../etc/passwd"},
        {"active": "yes"},
    ],
)
async def test_a_user_that_makes_no_sense_is_refused(client_of, wrong) -> None:
    admin = await client_of("admin")
    answer, problem = await hire(admin, **wrong)
    assert answer.status == 422
    assert problem["errors"][0]["field"] == next(iter(wrong))


async def test_a_time_zone_that_is_none_is_refused(client_of) -> None:
    answer, problem = await hire(await client_of("admin"), timezone="Mars/Base")
    assert (answer.status, problem["errors"][0]["field"]) == (409, "timezone")


async def test_a_dismissed_user_is_signed_out_everywhere(client_of, people) -> None:
    admin, operator = await client_of("admin"), await client_of("operator")
    assert (await operator.get("/api/v1/me")).status == 200
    change = await admin.patch(f"/api/v1/users/{people['operator']}", json={"active": False})
    assert (change.status, (await change.json())["active"]) == (200, False)
    assert (await operator.get("/api/v1/me")).status == 401


async def test_a_new_password_signs_the_old_sessions_out(client_of, people, client) -> None:
    admin, operator = await client_of("admin"), await client_of("operator")
    change = {"password": "another one"}
    assert (await admin.patch(f"/api/v1/users/{people['operator']}", json=change)).status == 200
    assert (await operator.get("/api/v1/me")).status == 401
    credentials = {"login": "operator", "password": "another one"}
    assert (await client.post("/api/v1/session", json=credentials)).status == 200


async def test_a_new_role_counts_from_the_next_request(client_of, people) -> None:
    admin, operator = await client_of("admin"), await client_of("operator")
    await admin.patch(f"/api/v1/users/{people['operator']}", json={"role": "supervisor"})
    me = await (await operator.get("/api/v1/me")).json()
    assert (me["role"], me["rights"]["status.view"]) == ("supervisor", "ALL")


@pytest.mark.parametrize("change", [{"active": False}, {"role": "operator"}])
async def test_the_last_administrator_can_not_lock_everybody_out(client_of, people, change) -> None:
    admin = await client_of("admin")
    answer = await admin.patch(f"/api/v1/users/{people['admin']}", json=change)
    assert answer.status == 409
    assert (await (await admin.get("/api/v1/me")).json())["role"] == "admin"


async def test_an_unknown_user_is_not_found(client_of) -> None:
    admin = await client_of("admin")
    assert (await admin.patch("/api/v1/users/4242", json={"name": "X"})).status == 404


async def test_a_telephone_goes_from_one_person_to_another(client_of, people) -> None:
    admin, operator = await client_of("admin"), await client_of("operator")
    assert (await (await operator.get("/api/v1/me")).json())["extensions"] == ["1001"]
    given = {"pbx": "pbx", "extension": "1001", "user_id": people["senior"]}
    answer = await admin.post("/api/v1/extensions", json=given)
    assert answer.status == 201
    assert (await (await operator.get("/api/v1/me")).json())["extensions"] == []
    (listed,) = await (await admin.get("/api/v1/extensions")).json()
    assert listed["user_id"] == people["senior"]
    assert (await admin.delete(f"/api/v1/extensions/{listed['id']}")).status == 204
    assert await (await admin.get("/api/v1/extensions")).json() == []
    assert (await admin.delete(f"/api/v1/extensions/{listed['id']}")).status == 404


async def test_a_telephone_needs_a_person(client_of, database) -> None:
    admin = await client_of("admin")
    answer = await admin.post("/api/v1/extensions", json={"pbx": "pbx", "extension": "1002", "user_id": 4242})
    assert answer.status == 404


async def test_who_changed_whom_is_in_the_audit_log(client_of, people, database) -> None:
    admin = await client_of("admin")
    await admin.patch(f"/api/v1/users/{people['senior']}", json={"name": "Olha", "password": "a new secret"})
    async with database.begin() as session:
        query = select(AuditEntry).where(AuditEntry.action == "user.change")
        (entry,) = await session.scalars(query)
    assert (entry.user_id, entry.object_id) == (people["admin"], str(people["senior"]))
    assert entry.detail == {"fields": ["name", "password_hash"]}
