"""The doctor's pages: for administrators only; findings, test calls as they come, pieces to copy."""

from datetime import timedelta
from urllib.parse import quote

from asterisk.snippets import KINDS
from tests.web import shop


async def test_the_page_says_what_is_wrong_and_what_to_write(client_of) -> None:
    page = await (await (await client_of("admin")).get("/doctor")).text()
    assert "No switchboard is configured: no call will ever be seen." in page
    assert "AMI_USERNAME = &#34;callcenter&#34;" in page
    assert "The secret key is set" in page or "The secret key was made here" in page
    assert "k" * 40 not in page  # the key itself


async def test_only_an_administrator_may_ask(client_of) -> None:
    for role in ("operator", "supervisor", "manager"):
        browser = await client_of(role)
        for path in ("/doctor", "/doctor/calls", "/doctor/pieces"):
            assert (await browser.get(path)).status == 403
        assert (await browser.post("/doctor/calls", data={"number": "+48512345678"})).status == 403


async def test_the_next_call_is_awaited_and_then_told(client_of, database, people, clock) -> None:
    browser = await client_of("admin")
    answer = await browser.post("/doctor/calls", data={}, allow_redirects=False)
    assert answer.status == 303
    watching = answer.headers["Location"]
    assert "No call yet" in await (await browser.get(watching)).text()
    clock.move(seconds=30)
    await shop.furnish(database, name="Marta <b>Zielińska</b>")
    call = await shop.add_call(database, talked=people["operator"], started_at=clock.at)
    clock.move(minutes=5)
    told = await (await browser.get(f"{watching}&part=calls")).text()
    assert str(call) in told and "<html" not in told
    assert "Seen as a call from outside." in told
    assert "No recording is found." in told  # the call is over for long
    assert "<b>Zieli" not in told


async def test_a_call_before_the_moment_is_not_told(client_of, database, people, clock) -> None:
    await shop.add_call(database, talked=people["operator"], started_at=clock.at - timedelta(hours=1))
    browser = await client_of("admin")
    since = quote((clock.at - timedelta(minutes=1)).isoformat())
    assert "No call yet" in await (await browser.get(f"/doctor/calls?since={since}")).text()


async def test_a_click_dials_from_the_administrators_own_phone(client_of, live, people) -> None:
    browser = await client_of("admin")
    answer = await browser.post("/doctor/calls", data={"number": "+48512345678"}, allow_redirects=False)
    assert answer.status == 303
    (dialled,) = live.calls.values()
    assert (dialled["to"], dialled["user_id"]) == ("+48512345678", people["admin"])


async def test_nonsense_in_the_address_is_no_reason_to_fail(client_of) -> None:
    browser = await client_of("admin")
    for since in ("", "yesterday", "9999-01-01", "2026-11-20T11:00"):
        assert (await browser.get(f"/doctor/calls?since={since}")).status == 200
    assert (await browser.get("/doctor/pieces?kind=3cx")).status == 404


async def test_every_kind_of_switchboard_has_its_pieces(client_of) -> None:
    browser = await client_of("admin")
    for kind in KINDS:
        page = await (await browser.get(f"/doctor/pieces?kind={kind}")).text()
        assert "[callcenter-dial]" in page and "CHANGE-ME" in page


async def test_the_status_page_shows_the_way_to_those_who_may_go_it(client_of) -> None:
    assert 'href="/doctor"' in await (await (await client_of("admin")).get("/status")).text()
    assert 'href="/doctor"' not in await (await (await client_of("supervisor")).get("/status")).text()
