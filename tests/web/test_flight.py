"""The time line of a call: who may see what of it, and what leaves the house."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from callcenter.flight.tape import Said
from callcenter.replay import replay
from crm_core.audit import AuditEntry
from crm_core.flight import load_tapes
from crm_core.pop import log_pop, log_shown
from tests.web import flight, shop
from web.tidy import tidy

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
async def call(database, people):
    """A call of the operator's, as a real switchboard told of one; the card was sent and shown."""
    said = flight.said_in("a")
    id_ = await shop.add_call(database, talked=people["operator"], started_at=said[0].at)
    await flight.keep(database, id_, said)
    async with database.begin() as session:
        rings = next(i for i, each in enumerate(said) if b"ChannelState: 5" in each.block)
        sent_at = said[rings].at + timedelta(milliseconds=4)
        await log_pop(session, id_, people["operator"], extension="1001", rang_at=sent_at, sent_at=sent_at)
        await log_shown(session, id_, people["operator"], at=sent_at + timedelta(milliseconds=70))
    return id_


async def test_a_supervisor_reads_how_a_call_went_from_the_first_ring_to_the_last_word(
    client_of, call
) -> None:
    browser = await client_of("supervisor")
    body = await (await browser.get(f"/api/v1/calls/{call}/timeline")).json()
    told = [step["text"] for step in body["steps"]]
    assert (body["kept"], body["whole"]) == (True, True)
    wanted = [
        "+79161234567 calls 74951230001",
        "Waits in queue sales, at place 1",
        "Operator (1001): the phone rings",
        "The card is sent to Operator",
        "Operator (1001) answers",
        "+79161234567 hangs up",
    ]
    places = [told.index(sentence) for sentence in wanted]
    assert places == sorted(places)
    assert all(step["raw"] is None for step in body["steps"])
    details = await (await browser.get(f"/api/v1/calls/{call}/timeline?details=true")).json()
    assert len(details["steps"]) > len(body["steps"])
    assert "Event: QueueCallerJoin" in "".join(step["raw"] or "" for step in details["steps"])


async def test_an_operator_sees_his_own_call_in_words_and_no_colleagues(client_of, call) -> None:
    own, colleague = await client_of("operator"), await client_of("senior")
    body = await (await own.get(f"/api/v1/calls/{call}/timeline?details=true")).json()
    assert body["steps"] and all(step["raw"] is None and step["text"] for step in body["steps"])
    page = await own.get(f"/calls/{call}/timeline?details=true")
    text = await page.text()
    assert page.status == 200 and "<pre" not in text and "Export" not in text
    assert (await own.get(f"/api/v1/calls/{call}/export")).status == 403
    assert (await colleague.get(f"/api/v1/calls/{call}/timeline")).status == 403
    assert (await colleague.get(f"/calls/{call}/timeline")).status == 403


async def test_an_export_replays_and_is_written_down(client_of, database, call, tmp_path) -> None:
    browser = await client_of("supervisor")
    answer = await browser.get(f"/api/v1/calls/{call}/export")
    body = await answer.read()
    assert answer.status == 200 and f"call-{call}.ami" in answer.headers["Content-Disposition"]
    assert b"9161234567" not in body and "Иван".encode() not in body
    file = tmp_path / "call.ami"
    file.write_bytes(body)
    (facts,) = replay([file])
    assert (facts["result"], facts["queue"], facts["operator"]) == ("answered", "sales", "1001")
    async with database.begin() as session:
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.call_id == call))).all()
    assert [entry.action for entry in entries] == ["export_flight"]


async def test_what_was_not_kept_is_said_so_and_can_not_be_exported(client_of, database, people) -> None:
    id_ = await shop.add_call(database, talked=people["operator"])
    browser = await client_of("supervisor")
    assert "is not kept" in await (await browser.get(f"/calls/{id_}/timeline")).text()
    refused = await browser.get(f"/api/v1/calls/{id_}/export")
    assert refused.status == 404 and "Nothing is kept" in (await refused.json())["detail"]
    assert (await browser.get("/calls/nonsense/timeline")).status == 404


async def test_a_caller_with_a_hostile_name_shows_as_text(client_of, database, people) -> None:
    id_ = await shop.add_call(database, talked=people["operator"], remote_name=HOSTILE)
    block = (
        f"Event: Newchannel\r\nChannel: PJSIP/trunk-00000001\r\nChannelState: 4\r\nUniqueid: 1.1\r\n"
        f"Linkedid: 1.1\r\nCallerIDNum: {HOSTILE}%(x)s\r\nCallerIDName: {HOSTILE}\r\nExten: {HOSTILE}"
    )
    await flight.keep(database, id_, [Said(datetime(2026, 11, 20, 12, tzinfo=UTC), block.encode())])
    text = await (await (await client_of("admin")).get(f"/calls/{id_}/timeline?details=true")).text()
    assert HOSTILE not in text and "&lt;script&gt;alert(1)" in text


async def test_tapes_are_forgotten_after_their_days(client_of, database, server, call, clock) -> None:
    clock.at = datetime.now(UTC)
    await tidy(server.app)
    async with database.begin() as session:
        assert await load_tapes(session, call)
    clock.move(days=31)
    await tidy(server.app)
    async with database.begin() as session:
        assert not await load_tapes(session, call)
