"""Other sites, hostile requests and plain mistakes: refused clearly, and nothing changes."""

import re
from io import BytesIO

import pytest
from sqlalchemy import func, select

from crm_core.user import User
from tests.web.conftest import ROLES
from web.middleware import mask_numbers

NEW_USER = {"login": "vera", "name": "Vera", "role": "operator", "password": "long enough"}


async def users(database) -> int:
    async with database.begin() as session:
        return await session.scalar(select(func.count()).select_from(User))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    ],
)
async def test_a_change_asked_for_by_another_site_is_refused(client_of, database, headers) -> None:
    admin = await client_of("admin")
    answer = await admin.post("/api/v1/users", json=NEW_USER, headers=headers)
    assert answer.status == 403
    assert answer.content_type == "application/problem+json"
    assert await users(database) == len(ROLES)


async def test_a_change_from_our_own_page_is_taken(client_of) -> None:
    admin = await client_of("admin")
    own = {"Sec-Fetch-Site": "same-origin"}
    assert (await admin.post("/api/v1/users", json=NEW_USER, headers=own)).status == 201
    old_browser = {"Origin": str(admin.make_url("/")).rstrip("/")}
    other = NEW_USER | {"login": "petro"}
    assert (await admin.post("/api/v1/users", json=other, headers=old_browser)).status == 201


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"login": "vera"}', "application/json", 422),
        (b'{"login": 1, "name": true, "role": "king", "password": []}', "application/json", 422),
        (b"login=vera", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (BytesIO(b"[" + b" " * 1_100_000), "application/json", 413),
    ],
)
async def test_a_malformed_body_is_refused_and_changes_nothing(
    client_of, database, body, content_type, status
) -> None:
    admin = await client_of("admin")
    answer = await admin.post("/api/v1/users", data=body, headers={"Content-Type": content_type})
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    said = await answer.json()
    assert said["status"] == status and said["title"] and said["detail"]
    assert await users(database) == len(ROLES)


async def test_an_unknown_field_is_named_in_the_refusal(client_of) -> None:
    admin = await client_of("admin")
    answer = await admin.post("/api/v1/users", json=NEW_USER | {"is_admin": True})
    assert answer.status == 422
    assert [error["field"] for error in (await answer.json())["errors"]] == ["is_admin"]


async def test_a_refusal_never_repeats_what_was_sent(client_of) -> None:
    admin = await client_of("admin")
    answer = await admin.post("/api/v1/users", json=NEW_USER | {"password": "s3cret"})
    assert answer.status == 422
    assert "s3cret" not in await answer.text()


async def test_nul_characters_do_not_reach_the_database(client_of) -> None:
    admin = await client_of("admin")
    answer = await admin.post("/api/v1/users", json=NEW_USER | {"name": "Ve\0ra \\u0000"})
    assert answer.status == 201
    assert (await answer.json())["name"] == "Vera \\u0000"


@pytest.mark.parametrize("role", ["operator", "senior", "supervisor", "manager"])
async def test_only_an_admin_sees_and_makes_users(client_of, database, role) -> None:
    browser = await client_of(role)
    assert (await browser.get("/api/v1/users")).status == 403
    assert (await browser.post("/api/v1/users", json=NEW_USER)).status == 403
    assert (await browser.patch("/api/v1/users/1", json={"role": "admin"})).status == 403
    extension = {"pbx": "pbx", "extension": "1002", "user_id": 1}
    assert (await browser.post("/api/v1/extensions", json=extension)).status == 403
    assert await users(database) == len(ROLES)


@pytest.mark.parametrize("path", ["/users", "/extensions", "/me", "/session", "/recordings/1/audio"])
async def test_without_signing_in_there_is_nothing_to_see(client, path) -> None:
    answer = await client.get(f"/api/v1{path}")
    assert answer.status == 401
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/users/../../etc/passwd", 404),
        ("PUT", "/api/v1/users", 405),
        ("PATCH", "/api/v1/users/x", 404),
        ("PATCH", "/api/v1/users/99999999999999999999", 404),
        ("PATCH", "/api/v1/users/0", 404),
    ],
)
async def test_wrong_addresses_answer_as_problems(client_of, method, path, status) -> None:
    admin = await client_of("admin")
    answer = await admin.request(method, path, json={})
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    if status == 405:
        assert "POST" in answer.headers["Allow"]


async def test_a_bug_answers_500_and_tells_nothing(client_of, monkeypatch) -> None:
    async def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the secret is swordfish")

    admin = await client_of("admin")
    monkeypatch.setattr("web.sign_in.extensions_of", broken)
    answer = await admin.get("/api/v1/me")
    assert answer.status == 500
    assert "swordfish" not in await answer.text()
    assert (await answer.json())["request_id"] == answer.headers["X-Request-Id"]


async def test_outside_the_api_a_refusal_is_a_page(client) -> None:
    answer = await client.get("/no-such-page")
    assert (answer.status, answer.content_type) == (404, "text/html")
    page = await answer.text()
    assert "Not Found" in page and "Traceback" not in page


async def test_every_answer_carries_the_safety_headers(client) -> None:
    for path in ("/healthz", "/login", "/api/v1/me", "/nothing", "/static/app.css", "/static/nothing.css"):
        headers = (await client.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


async def test_pages_may_open_the_push_port_of_their_own_host_only(client) -> None:
    answer = await client.get("/healthz", headers={"Host": "crm.example:8080"})
    sources = re.search(r"connect-src ([^;]*)", answer.headers["Content-Security-Policy"])
    assert sources is not None and "ws://crm.example:8081" in sources.group(1)
    hostile = await client.get("/healthz", headers={"Host": "a; script-src *"})
    assert "script-src *" not in hostile.headers.get("Content-Security-Policy", "")


async def test_static_files_are_asked_for_again_or_kept_for_ever(client) -> None:
    plain = await client.get("/static/app.css")
    assert (plain.status, plain.headers["Cache-Control"]) == (200, "no-cache")
    again = await client.get("/static/app.css", headers={"If-None-Match": plain.headers["ETag"]})
    assert again.status == 304
    versioned = await client.get("/static/app.css?v=abc")
    assert "immutable" in versioned.headers["Cache-Control"]
    assert (await client.get("/static/..%2fsettings.py")).status in (403, 404)


def test_logs_keep_only_the_last_two_digits_of_a_number() -> None:
    assert mask_numbers("/search/+380 44 123-45-67") == "/search/+*** ** ***-**-67"
    assert mask_numbers("/api/v1/users/17") == "/api/v1/users/17"
    call = "/api/v1/calls/d0e46e4b-1234-5d83-83fb-27171f426b72/note"
    assert mask_numbers(call) == call
