"""What an administrator sees of audits, and asks for."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from crm_core import call_audit as rows
from crm_core.call_audit import CallAudit, FindingKind, Found, Reason
from crm_core.db import Database
from tests.axe import violations
from tests.chromium import launched, needs_chromium
from tests.web.conftest import Clock
from tests.web.test_pages_in_browser import OVERFLOW, signed_in
from web.settings import PbxSettings, Settings

PBX = PbxSettings(name="pbx", username="crm", secret="s", cel="/var/log/asterisk/cel-custom/Master.csv")
LOST = [
    Found(
        kind=FindingKind.LOST,
        why="Nobody heard it: the link or this service was down.",
        healed=n > 0,
        linkedid=f"1795286622.{n}",
        direction="inbound",
        number=["+79161234567", "<b>Bold</b>"][n % 2],
    )
    for n in range(3)
]
OTHERS = [
    Found(
        kind=FindingKind.UNFINISHED,
        why="Its end was not heard; the switchboard wrote it down.",
        healed=True,
        linkedid="1795286700.3",
        direction="inbound",
        number="+79161110002",
    ),
    Found(
        kind=FindingKind.STRAY_FILE,
        why="No call of ours bears the id in its name.",
        path="2026/11/21/in-74951230001-79160000173-20261121-232703-1795303623.316.wav",
    ),
    Found(
        kind=FindingKind.IGNORED,
        why="A call between our own phones: it is no customer's.",
        linkedid="1795286800.9",
        direction="internal",
    ),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    return Settings(data_dir=tmp_path / "data", recordings_dir=recordings, secret_key="k" * 40, pbx=(PBX,))


async def made(database: Database, clock: Clock, found: list[Found], *, finish: bool = True) -> CallAudit:
    """An audit of the night."""
    async with database.begin() as session:
        now = clock()
        period = {"from_at": now - timedelta(hours=36), "to_at": now}
        audit = await rows.begin(session, pbx="pbx", reason=Reason.NIGHT, heal=True, now=now, **period)
        stamped = [Found(**{**vars(one), "at": now - timedelta(hours=n + 1)}) for n, one in enumerate(found)]
        await rows.add_findings(session, audit.id, stamped)
        if finish:
            return await rows.finish(session, audit.id, calls=187, source="cel", now=now)
        await rows.tell_progress(session, audit.id, 0.4, 80, now=now)
        return audit


async def test_an_audit_is_asked_for_and_followed(client_of, database, clock) -> None:
    admin = await client_of("admin")
    answer = await admin.post("/api/v1/audits", json={"pbx": "pbx"})
    assert answer.status == 202
    asked = await answer.json()
    assert (asked["state"], asked["good"], asked["reason"]) == ("queued", False, "person")
    again = await admin.post("/api/v1/audits", json={"pbx": "pbx"})
    assert (again.status, (await again.json())["detail"]) == (
        409,
        "An audit of this switchboard is running already.",
    )
    async with database.begin() as session:
        taken = await rows.next_audit(session, ["pbx"], now=clock())
        assert taken is not None and taken.id == asked["id"]
        await rows.add_findings(session, taken.id, LOST)
        await rows.finish(session, taken.id, calls=3, source="cel", now=clock())
    seen = await (await admin.get(f"/api/v1/audits/{asked['id']}")).json()
    assert (seen["state"], seen["good"]) == ("done", False)  # one lost call was not put right
    assert seen["counts"] == [{"kind": "lost", "found": 3, "healed": 2}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"pbx": "another"}, 404),
        ({"pbx": "pbx", "from_at": "2026-11-20T12:00:00Z", "to_at": "2026-11-19T12:00:00Z"}, 422),
        ({"pbx": "pbx", "from_at": "2020-11-20T12:00:00Z"}, 422),
        ({"pbx": "pbx", "from_at": "2026-11-20T12:00:00"}, 422),
    ],
)
async def test_what_can_not_be_compared_is_refused_and_nothing_is_asked(client_of, body, status) -> None:
    admin = await client_of("admin")
    assert (await admin.post("/api/v1/audits", json=body)).status == status
    assert await (await admin.get("/api/v1/audits")).json() == []


async def test_an_audit_of_a_dead_process_is_taken_up(database, clock) -> None:
    audit = await made(database, clock, LOST, finish=False)
    async with database.begin() as session:
        assert await rows.next_audit(session, ["pbx"], now=clock()) is None
    clock.move(hours=1)
    async with database.begin() as session:
        taken = await rows.next_audit(session, ["pbx"], now=clock())
        assert taken is not None and taken.id == audit.id
        assert await rows.findings_of(session, audit.id) == []  # it begins anew


async def test_a_gap_that_lost_nothing_is_not_shown(database, clock) -> None:
    async with database.begin() as session:
        period = {"from_at": clock() - timedelta(hours=1), "to_at": clock()}
        quiet = await rows.begin(session, pbx="pbx", reason=Reason.GAP, heal=True, now=clock(), **period)
        await rows.finish(session, quiet.id, calls=4, source="cel", now=clock())
        assert await rows.list_audits(session) == []


async def test_a_supervisor_sees_no_audits(client_of) -> None:
    assert (await (await client_of("supervisor")).get("/audits")).status == 403


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@needs_chromium
@pytest.mark.parametrize(
    ("colours", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)]
)
async def test_the_pages_are_readable_and_hostile_names_harmless(
    browser, server, people, database, clock, colours, width
) -> None:
    await made(database, clock, [*LOST, *OTHERS])
    await made(database, clock, [one for one in OTHERS if one.healed])
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=colours, locale="en-GB"
    )
    page = await signed_in(context, server, "admin")
    wrong = []
    for address in ("/audits", "/audits/1", "/audits/1?kind=stray_file", "/audits/2"):
        await page.goto(str(server.make_url(address)))
        wrong += [(address, rule, nodes[0][:120]) for rule, nodes in await violations(page)]
        if await page.evaluate(OVERFLOW) > 0:
            wrong.append((address, "overflow", ""))
        if folder := os.environ.get("CALLCENTER_SCREENSHOTS"):
            name = address.strip("/").replace("/", "-").replace("?", "-")
            await page.screenshot(path=f"{folder}/{name}-{colours}-{width}.png", full_page=True)
    assert wrong == []
    await page.goto(str(server.make_url("/audits/1")))
    await expect(page.locator("main b", has_text="Bold")).to_have_count(0)


@needs_chromium
async def test_run_now_shows_how_far_it_is_and_then_what_it_found(
    browser, server, people, database, clock
) -> None:
    page = await signed_in(await browser.new_context(java_script_enabled=False), server, "admin")
    await page.goto(str(server.make_url("/audits")))
    await page.get_by_role("button", name="Run now").click()
    await expect(page.locator(".page-head .chip")).to_have_text("waits")
    async with database.begin() as session:
        taken = await rows.next_audit(session, ["pbx"], now=clock())
        assert taken is not None
        await rows.tell_progress(session, taken.id, 0.4, 80, now=clock())
    await expect(page.locator(".page-head .chip")).to_have_text("running 40 %")
    async with database.begin() as session:
        await rows.add_findings(session, taken.id, LOST[1:])
        await rows.finish(session, taken.id, calls=187, source="cel", now=clock())
    await expect(page.locator(".page-head .chip")).to_have_text("complete")
    await expect(page.locator("tbody tr")).to_have_count(2)
