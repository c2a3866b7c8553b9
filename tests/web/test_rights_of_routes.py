"""Every route × role: what the declared rights promise is what a person of that role meets."""

import re
from uuid import UUID

import pytest

from web.api import PREFIX
from web.app import build_api
from web.nouns import PAGES
from web.rights import RIGHTS, Role, Scope

NOBODY = UUID(int=7)
OPERATIONS = build_api().operations
PLACES = [place for pages in PAGES for place in pages.listed]
# Without a right of their own: signing in and out, who am I, what every form chooses from, one's own export.
FOR_EVERYBODY = {
    "post_session",
    "get_current_session",
    "delete_session",
    "get_me",
    "get_shops",
    "get_lines",
} | {"get_dispositions", "post_form", "get_export_progress"}


def routes() -> list[tuple[str, str, str, int]]:
    """Method, address, right and needed scope of everything that needs a right."""
    found = [
        (one.method, PREFIX + one.path, str(one.right), one.at_least)
        for one in OPERATIONS
        if one.right is not None
    ]
    return found + [(one.method, one.path, str(one.right), one.at_least) for one in PLACES]


def address(path: str) -> str:
    """The path with ids of things that are not there."""
    return re.sub(r"{(\w+)}", lambda found: str(NOBODY) if found[1] == "call_id" else "999999", path)


def scope(role: str, right: str) -> Scope:
    return next((held for known, held in RIGHTS[Role(role)].items() if str(known) == right), Scope.NONE)


def test_every_route_declares_who_may_use_it() -> None:
    without = {one.handler.__name__ for one in OPERATIONS if one.right is None}
    assert without <= FOR_EVERYBODY
    assert all(one.right is not None for one in PLACES)


@pytest.mark.parametrize("role", [str(role) for role in Role])
async def test_a_role_reaches_what_its_rights_reach_and_nothing_else(client_of, role) -> None:
    browser = await client_of(role)
    wrong = []
    for method, path, right, at_least in routes():
        answer = await browser.request(method, address(path), allow_redirects=False)
        permitted = scope(role, right) >= at_least
        if (answer.status == 403) == permitted or answer.status in (401, 500):
            wrong.append((method, path, right, answer.status))
    assert wrong == []


async def test_who_is_not_signed_in_reaches_nothing(client) -> None:
    for method, path, _, _ in routes():
        answer = await client.request(method, address(path), allow_redirects=False)
        if method == "GET" and not path.startswith(PREFIX):
            assert answer.status == 303 and answer.headers["Location"].startswith("/login?next="), path
        else:
            assert answer.status == 401, (method, path)


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("/users", {"admin"}),
        ("/status", {"supervisor", "manager", "admin"}),
        ("/api/v1/users", {"admin"}),
        ("/api/v1/status", {"supervisor", "manager", "admin"}),
        ("/customers", {"operator", "senior", "supervisor", "manager", "admin"}),
    ],
)
async def test_the_doors_that_matter_open_for_whom_they_should(client_of, path, roles) -> None:
    opened = {str(role) for role in Role if (await (await client_of(str(role))).get(path)).status == 200}
    assert opened == roles
