"""The administrator says what numbers people dial and when they are open; nobody else does."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from crm_core.audit import AuditEntry
from crm_core.line import Line
from tests.web.shop import furnish

NEW = {"pbx": "pbx", "did": "+48220000001", "name": "Service", "timezone": "Europe/Warsaw"}
WORKDAY = [{"opens": "09:00", "closes": "18:00"}]
WEEK = [WORKDAY] * 5 + [[], []]


async def made(admin, **more):
    answer = await admin.post("/api/v1/lines", json=NEW | more)
    return answer, await answer.json()


async def test_a_line_with_hours_is_open_in_them_and_says_when_it_opens_next(client_of, clock) -> None:
    admin = await client_of("admin")
    answer, line = await made(admin, aliases=["48220000001"])
    assert (answer.status, line["open_now"], line["week"]) == (201, True, None)
    clock.at = datetime(2026, 11, 20, 19, tzinfo=UTC)  # Friday evening, 20:00 in Warsaw
    changed = await (await admin.put(f"/api/v1/lines/{line['id']}/hours", json={"week": WEEK})).json()
    assert changed["open_now"] is False
    assert changed["next_opening"] == "2026-11-23T08:00:00Z"
    assert changed["week"][0] == WORKDAY
    again = await (await admin.put(f"/api/v1/lines/{line['id']}/hours", json={"week": None})).json()
    assert (again["open_now"], again["week"]) == (True, None)


async def test_a_holiday_of_every_line_stands_in_every_calendar_once(client_of, database) -> None:
    shop = await furnish(database)
    admin = await client_of("admin")
    _, line = await made(admin)
    holiday = {"day": "2026-12-24", "name": "Christmas Eve", "hours": {"opens": "09:00", "closes": "12:00"}}
    for _ in range(2):
        answer = await admin.post(f"/api/v1/lines/{line['id']}/holidays", json=holiday | {"every_line": True})
        assert answer.status == 201
    other = await (await admin.get(f"/api/v1/lines/{shop.line}")).json()
    (kept,) = other["holidays"]
    assert (kept["name"], kept["hours"], kept["every_year"]) == ("Christmas Eve", holiday["hours"], False)
    assert (await admin.delete(f"/api/v1/lines/{shop.line}/holidays/{kept['id']}")).status == 204
    assert (await (await admin.get(f"/api/v1/lines/{line['id']}")).json())["holidays"] != []


@pytest.mark.parametrize(
    ("did", "aliases"), [("+48220000001", []), ("+48220000002", ["+48220000001"]), ("48220000001", [])]
)
async def test_a_number_is_one_line_alone(client_of, did, aliases) -> None:
    admin = await client_of("admin")
    await made(admin, aliases=["48220000001"])
    answer, problem = await made(admin, did=did, aliases=aliases)
    assert answer.status == 409 and "Service" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"week": [WORKDAY] * 6}, 422),
        ({"week": [[{"opens": "9", "closes": "18:00"}]] * 7}, 422),
        ({"week": [[]] * 7}, 409),
        ({"week": [[*WORKDAY, {"opens": "17:00", "closes": "20:00"}]] * 7}, 409),
        ({"week": [[{"opens": "09:00", "closes": "09:00"}]] * 7}, 409),
    ],
)
async def test_hours_that_can_not_be_change_nothing(client_of, body, status) -> None:
    admin = await client_of("admin")
    _, line = await made(admin)
    await admin.put(f"/api/v1/lines/{line['id']}/hours", json={"week": WEEK})
    answer = await admin.put(f"/api/v1/lines/{line['id']}/hours", json=body)
    assert answer.status == status
    kept = await (await admin.get(f"/api/v1/lines/{line['id']}")).json()
    assert kept["week"] == WEEK


async def test_other_spellings_shop_and_zone_may_change_and_that_is_in_the_audit(client_of, database) -> None:
    shop = await furnish(database)
    admin = await client_of("admin")
    answer = await admin.patch(
        f"/api/v1/lines/{shop.line}",
        json={"aliases": ["223071120", " 223071120"[1:]], "timezone": "Europe/Kyiv", "shop_id": None},
    )
    line = await answer.json()
    assert (line["aliases"], line["zone"], line["shop_id"]) == (["223071120"], "Europe/Kyiv", None)
    async with database.begin() as session:
        entry = await session.scalar(select(AuditEntry).where(AuditEntry.action == "line.change"))
        assert entry is not None and entry.detail["fields"] == ["aliases", "shop_id", "timezone"]


async def test_the_page_keeps_hours_as_they_were_written(client_of, database) -> None:
    shop = await furnish(database)
    admin = await client_of("admin")
    form = {f"day{n}": "9:00-13:00, 14:00-18:00" for n in range(5)} | {"day5": "22:00-6:00", "day6": ""}
    answer = await admin.post(f"/lines/{shop.line}/hours", data=form, allow_redirects=False)
    assert answer.status == 303
    page = await (await admin.get(f"/lines/{shop.line}")).text()
    assert "09:00–13:00, 14:00–18:00" in page and "22:00–06:00" in page
    bad = await admin.post(f"/lines/{shop.line}/hours", data=form | {"day0": "nine to five"})
    text = await bad.text()
    assert bad.status == 422 and "Write hours like 9:00-18:00" in text
    assert 'value="nine to five"' in text  # what was typed is still there
    empty = await admin.post(f"/lines/{shop.line}/hours", data={f"day{n}": "" for n in range(7)})
    assert empty.status == 422 and "always open" in await empty.text()


async def test_the_page_adds_and_removes_a_line_and_a_holiday(client_of, database) -> None:
    await furnish(database)
    admin = await client_of("admin")
    form = {"pbx": "pbx", "did": "+48220000009", "name": "Night <b>desk</b>", "shop_id": ""}
    answer = await admin.post("/lines", data=form)
    page = await answer.text()
    assert answer.status == 200 and "Night &lt;b&gt;desk&lt;/b&gt;" in page
    address = answer.url.path
    holiday = {"day": "2026-12-25", "holiday": "Christmas", "every_year": "yes", "hours": ""}
    page = await (await admin.post(f"{address}/holidays", data=holiday)).text()
    assert "25 Dec" in page and "every year" in page
    async with database.begin() as session:
        line = await session.scalar(select(Line).where(Line.did == "+48220000009"))
        assert line is not None and line.name == "Night <b>desk</b>"
    twice = await admin.post(f"{address}/holidays", data=holiday | {"hours": "9:00-10:00, 11:00-12:00"})
    assert twice.status == 422
    assert (await admin.post("/lines", data=form)).status == 422  # the number is a line already


@pytest.mark.parametrize("role", ["operator", "senior", "supervisor", "manager"])
async def test_lines_are_the_administrators(client_of, database, role) -> None:
    shop = await furnish(database)
    browser = await client_of(role)
    assert (await browser.get("/lines")).status == 403
    assert (await browser.put(f"/api/v1/lines/{shop.line}/hours", json={"week": None})).status == 403
    assert (await browser.get("/api/v1/lines")).status == 200  # what forms choose from


async def test_a_line_that_is_not_there_is_not_found(client_of) -> None:
    admin = await client_of("admin")
    assert (await admin.get("/lines/7")).status == 404
    assert (await admin.get(f"/api/v1/lines/{UUID(int=7).int}")).status == 404
