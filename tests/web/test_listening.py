"""Listening through the API and the pages: who may, whom, and what is kept of it."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select

from crm_core.audit import AuditEntry
from crm_core.listening import Mode, Span, begin_span, end_span
from crm_core.team import save_role, save_team
from crm_core.user import User
from tests.web import shop


def at(call, what: str = "") -> str:
    return f"/api/v1/calls/{call}/listening{what}"


async def test_whoever_may_listens_changes_leaves_and_takes_over_and_the_journal_knows(
    client_of, people, live, database
) -> None:
    call = await live.dial(people["operator"], "+79161234567")
    eva, senior = await client_of("supervisor"), await client_of("senior")
    assert (await senior.post(at(call), json={"mode": "listen"})).status == 403
    assert (await eva.post(at(call), json={"mode": "shout"})).status == 422
    assert (await eva.post(at(call, "/leave"))).status == 409
    for mode in ("listen", "whisper", "barge"):
        assert (await eva.post(at(call), json={"mode": mode})).status == 202
        assert live.ears[people["supervisor"]] == (call, Mode(mode))
    assert (await eva.post(at(call, "/leave"))).status == 204
    async with database.begin() as session:
        with_call = select(AuditEntry.action).where(AuditEntry.call_id.is_not(None))
        assert (
            list(await session.scalars(with_call)) == []
        )  # the time line of the call would tell the operator
    assert (await eva.post(at(uuid4()), json={})).status == 404
    assert (await eva.post(at(call), json={"mode": "take_over"})).status == 202
    assert live.calls[call]["user_id"] == people["supervisor"]
    assert (await eva.post(at(call), json={"mode": "listen"})).status == 409  # oneself
    async with database.begin() as session:
        rows = await session.scalars(
            select(AuditEntry).where(AuditEntry.action == "call.listen").order_by(AuditEntry.id)
        )
        noted = [(row.user_id, row.detail["mode"], row.object_id) for row in rows]
    assert noted == [
        (people["supervisor"], mode, str(call)) for mode in ("listen", "whisper", "barge", "take_over")
    ]


async def test_the_call_says_who_listened_and_the_house_says_whether_operators_are_told(
    client_of, people, database
) -> None:
    call = await shop.add_call(database, talked=people["operator"])
    async with database.begin() as session:
        for number, (mode, told) in enumerate((("listen", True), ("whisper", False))):
            span = Span(
                visit=uuid4(),
                call_id=call,
                listener_id=people["supervisor"],
                operator_id=people["operator"],
                extension="1001",
                mode=Mode(mode),
                told=told,
                began_at=shop.NOON + timedelta(minutes=number),
            )
            await begin_span(session, span)
            await end_span(session, span.visit, at=span.began_at + timedelta(seconds=95))
    eva, admin, anna = await client_of("supervisor"), await client_of("admin"), await client_of("operator")
    page = await (await eva.get(f"/calls/{call}")).text()
    assert "Who listened" in page and "whispered" in page and "1:35" in page and "was not told" in page
    hers = await (await anna.get(f"/calls/{call}")).text()
    assert "Who listened" in hers and "whispered" not in hers  # what she was not told of
    assert "whispered" in await (await eva.get("/listening")).text()
    line = await (await anna.get(f"/calls/{call}/timeline")).text()
    assert "listens to" in line and "whispers" not in line
    assert len(await (await eva.get("/api/v1/listenings")).json()) == 2
    assert (await eva.put("/api/v1/listening-rule", json={"told": False})).status == 403
    assert (await admin.post("/listening", data={})).status == 200
    assert await (await eva.get("/api/v1/listening-rule")).json() == {"told": False}
    async with database.begin() as session:
        night = await save_team(session, None, "Night")
        role = await save_role(
            session, None, name="Shift leader", based_on="supervisor", scopes={("calls", "listen"): 2}
        )
        leader = await session.get(User, people["supervisor"])
        leader.team_id, leader.role_id = night.id, role.id
    again = await client_of("supervisor")
    assert await (await again.get("/api/v1/listenings")).json() == []  # nobody of her team was listened to
