"""The database's own refusals: two people at once, a connection that is cut under a request."""

import pytest
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from web.app import build_app
from web.errors import refusal_for


@pytest.fixture
def request_(services):
    return make_mocked_request("POST", "/api/v1/users", app=build_app(services))


async def refused(database, request_, statement: str) -> int:
    with pytest.raises(DBAPIError) as failed:
        async with database.begin() as session:
            await session.execute(text(statement))
    return refusal_for(request_, failed.value).status


async def test_two_people_at_once_is_a_conflict_and_not_a_fault(database, people, request_) -> None:
    again = "INSERT INTO users (login, name, role) VALUES ('OPERATOR', 'Second', 'operator')"
    assert await refused(database, request_, again) == 409
    nobody = "INSERT INTO extensions (pbx, extension, user_id) VALUES ('pbx', '1009', 4242)"
    assert await refused(database, request_, nobody) == 409


async def test_a_connection_that_is_cut_is_an_outage(database, request_) -> None:
    assert await refused(database, request_, "SELECT pg_terminate_backend(pg_backend_pid())") == 503


async def test_a_mistake_of_ours_stays_a_fault(database, request_) -> None:
    assert await refused(database, request_, "SELECT nothing FROM nowhere") == 500
    assert await refused(database, request_, "INSERT INTO users (login) VALUES ('x')") == 500


async def test_after_the_cut_the_next_request_is_served(client_of, database) -> None:
    operator = await client_of("operator")
    async with database.begin() as session:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        others = "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        await session.execute(text(f"{cut} {others}"))
    assert (await operator.get("/api/v1/me")).status == 200
