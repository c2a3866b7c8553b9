"""Signing in, staying signed in, being signed out."""

from dataclasses import replace

from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from sqlalchemy import func, select, update

from crm_core.audit import AuditEntry
from crm_core.db import Database
from crm_core.sign_in import LoginAttempt, SignInSession
from crm_core.user import Role, User, create_user
from web.app import build_app
from web.sessions import COOKIE_NAME, digest
from web.tidy import tidy

PASSWORD = "correct horse"


def cookie(browser) -> str:
    return browser.session.cookie_jar.filter_cookies(browser.make_url("/"))[COOKIE_NAME].value


async def attempt(browser, login: str = "operator", password: str = PASSWORD, **extra):
    return await browser.post("/api/v1/session", json={"login": login, "password": password, **extra})


async def test_whoever_signs_in_is_known_from_then_on(client, people) -> None:
    answer = await attempt(client)
    assert answer.status == 200
    me = await (await client.get("/api/v1/me")).json()
    assert (me["login"], me["role"], me["extensions"]) == ("operator", "operator", ["1001"])
    assert me["rights"]["recordings.hear"] == "OWN"
    assert "users.view" not in me["rights"]


async def test_the_login_is_the_same_in_any_case(client, people) -> None:
    assert (await attempt(client, login=" Operator")).status == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client, people) -> None:
    written = (await attempt(client)).headers["Set-Cookie"]
    assert "HttpOnly" in written and "SameSite=Lax" in written
    assert "Secure" not in written  # plain http; see test_settings for https


async def test_the_database_never_holds_the_cookie_itself(client, people, database: Database) -> None:
    await attempt(client)
    async with database.begin() as session:
        ids = (await session.scalars(select(SignInSession.id))).all()
    assert ids == [digest(cookie(client))]


async def test_a_wrong_password_and_an_unknown_login_are_refused_with_the_same_words(client, people) -> None:
    wrong, unknown = await attempt(client, password="no"), await attempt(client, login="nobody")
    assert wrong.status == unknown.status == 401
    first, second = await wrong.json(), await unknown.json()
    assert first["detail"] == second["detail"] == "Login or password is wrong."
    assert wrong.content_type == "application/problem+json"


async def test_someone_who_left_can_not_sign_in(client, people, database: Database) -> None:
    async with database.begin() as session:
        await session.execute(update(User).where(User.login == "operator").values(active=False))
    assert (await attempt(client)).status == 401


async def test_guessing_one_account_is_stopped_until_the_window_ends(client, people, clock) -> None:
    for _ in range(5):
        assert (await attempt(client, password="guess")).status == 401
    stopped = await attempt(client)  # the right password does not help any more
    assert stopped.status == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= 300
    assert (await attempt(client, login="manager")).status == 200
    clock.move(minutes=6)
    assert (await attempt(client)).status == 200


async def test_a_right_password_forgives_the_wrong_ones_before_it(client, people) -> None:
    for _ in range(3):
        for _ in range(4):
            assert (await attempt(client, password="typo")).status == 401
        assert (await attempt(client)).status == 200


async def test_trying_many_accounts_from_one_address_is_stopped(client, people, monkeypatch) -> None:
    monkeypatch.setattr("web.sign_in.PER_ADDRESS", 6)
    for number in range(6):
        assert (await attempt(client, login=f"guess{number}")).status == 401
    assert (await attempt(client, login="guess7")).status == 429


async def test_signing_in_gives_a_new_session_and_ends_the_old_one(client, people) -> None:
    await attempt(client)
    planted = cookie(client)
    await attempt(client, login="manager")
    assert cookie(client) != planted
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies({COOKIE_NAME: planted})
    assert (await client.get("/api/v1/me")).status == 401


async def test_a_session_id_made_up_by_somebody_else_is_not_taken_over(client, people) -> None:
    client.session.cookie_jar.update_cookies({COOKIE_NAME: "planted-by-an-attacker"})
    await attempt(client)
    assert cookie(client) != "planted-by-an-attacker"


async def test_signing_out_revokes_the_session_in_every_tab(client_of) -> None:
    browser = await client_of("operator")
    kept = cookie(browser)
    assert (await browser.delete("/api/v1/session")).status == 204
    browser.session.cookie_jar.update_cookies({COOKIE_NAME: kept})
    refused = await browser.get("/api/v1/me")
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_session_ends_with_the_working_day(client_of, clock) -> None:
    browser = await client_of("operator")
    clock.move(hours=9.9)
    assert (await browser.get("/api/v1/me")).status == 200
    clock.move(hours=0.2)
    assert (await browser.get("/api/v1/me")).status == 401


async def test_a_bearer_token_serves_a_program_and_sets_no_cookie(client, people) -> None:
    answer = await attempt(client, bearer=True)
    token = (await answer.json())["token"]
    assert "Set-Cookie" not in answer.headers
    assert (await client.get("/api/v1/me")).status == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/api/v1/me", headers=headers)).status == 200
    assert (await client.delete("/api/v1/session", headers=headers)).status == 204
    assert (await client.get("/api/v1/me", headers=headers)).status == 401


async def test_an_old_cheap_hash_is_replaced_when_its_owner_signs_in(client, people, database) -> None:
    await attempt(client)
    async with database.begin() as session:
        kept = await session.scalar(select(User.password_hash).where(User.login == "operator"))
    assert not PasswordHasher().check_needs_rehash(kept)
    assert (await attempt(client)).status == 200


async def test_every_sign_in_and_every_refusal_is_in_the_audit_log(client, people, database) -> None:
    await attempt(client, password="no")
    await attempt(client)
    async with database.begin() as session:
        query = select(AuditEntry.action, AuditEntry.user_id, AuditEntry.address).order_by(AuditEntry.id)
        rows = (await session.execute(query)).all()
    assert rows == [
        ("sign_in_refused", None, "127.0.0.1"),
        ("sign_in", people["operator"], "127.0.0.1"),
    ]


async def test_the_form_signs_in_without_script_and_goes_where_one_wanted_to_go(client, people) -> None:
    asked = await client.get("/metrics")
    assert asked.status == 200
    form = {"login": "operator", "password": PASSWORD, "next": "/calls?day=today"}
    answer = await client.post("/login", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/calls?day=today")
    assert (await client.get("/api/v1/me")).status == 200


async def test_the_form_never_sends_people_to_another_site(client, people) -> None:
    for hostile in ("https://evil.example/", "//evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a=b"):
        form = {"login": "operator", "password": PASSWORD, "next": hostile}
        answer = await client.post("/login", data=form, allow_redirects=False)
        assert answer.headers["Location"] == "/"


async def test_the_form_says_how_the_first_account_is_made_until_there_is_one(client, database) -> None:
    how = "callcenter user add NAME --role admin"
    assert how in await (await client.get("/login")).text()
    async with database.begin() as session:
        await create_user(session, login="anna", name="Anna", role=Role.ADMIN)
    assert how not in await (await client.get("/login")).text()


async def test_the_form_keeps_the_login_and_says_what_is_wrong(client, people) -> None:
    form = {"login": "<script>operator", "password": "no"}
    answer = await client.post("/login", data=form)
    page = await answer.text()
    assert answer.status == 401
    assert "Login or password is wrong." in page
    assert "&lt;script&gt;operator" in page and "<script>operator" not in page


async def test_logging_out_by_the_form_leads_back_to_it(client_of, database) -> None:
    browser = await client_of("operator")
    answer = await browser.post("/logout", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    async with database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(SignInSession)) == 0


async def test_over_https_the_cookie_never_travels_in_the_clear(services, people) -> None:
    settings = services.settings.model_copy(update={"public_url": "https://crm.example.com"})
    app = build_app(replace(services, settings=settings))
    async with TestServer(app) as server, TestClient(server) as browser:
        answer = await attempt(browser)
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_what_has_run_out_is_tidied_away(server, client, people, database, clock) -> None:
    await attempt(client, password="no")
    await attempt(client, login="manager")
    clock.move(hours=11)
    await tidy(server.app)
    async with database.begin() as session:
        for table in (SignInSession, LoginAttempt):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
