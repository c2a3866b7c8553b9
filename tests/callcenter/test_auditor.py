"""When our calls are compared: after every gap, every night, and again after a failure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from asterisk.ami import LinkState, LinkStatus
from callcenter.audit import Audited, Means, records
from callcenter.auditor import Auditor
from callcenter.call import Rules
from callcenter.numbers import Numbers
from crm_core import call_audit as rows
from crm_core.call import Call
from crm_core.call_audit import CallAudit
from crm_core.db import Database
from recordings.jobs import install
from recordings.roots import Roots

TRACE = Path(__file__).parent.parent / "traces/a-queue-answer-customer-hangup"
BEGAN = datetime(2026, 11, 21, 18, 43, 42, tzinfo=UTC)


@dataclass
class Line:
    """A link as the auditor looks at it."""

    status: LinkStatus


@dataclass
class House:
    """One switchboard, one auditor after the other, a clock that is moved by hand."""

    db: Database
    cel: Path
    now: datetime = BEGAN - timedelta(seconds=30)

    def __post_init__(self) -> None:
        self.line = Line(LinkStatus(pbx="main", state=LinkState.CONNECTED, since=self.now))
        self.auditor = self.born()

    def born(self, *, audit_hour: int | None = None) -> Auditor:
        means = Means(db=self.db, numbers=Numbers("RU", {}), roots=Roots(), now=lambda: self.now)
        audited = Audited(
            pbx="main", rules=Rules(), records=records(cel=str(self.cel), cdr=None, timezone="UTC")
        )
        return Auditor(means, [audited], {"main": self.line}, audit_hour=audit_hour)  # type: ignore[dict-item]

    def link(self, state: LinkState) -> None:
        self.line.status = LinkStatus(pbx="main", state=state, since=self.now)

    async def later(self, **by: float) -> None:
        """Time passes, and the auditor looks."""
        self.now += timedelta(**by)
        await self.auditor.notice()
        await self.auditor.work()

    async def audits(self) -> list[tuple[str, str]]:
        async with self.db.begin() as session:
            found = await session.execute(select(CallAudit.reason, CallAudit.state).order_by(CallAudit.id))
            return [(reason, state) for reason, state in found]

    async def calls(self) -> list[str]:
        async with self.db.begin() as session:
            return list(await session.scalars(select(Call.linkedid)))


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> House:
    await install(database.url)
    (tmp_path / "cel.csv").touch()
    return House(database, tmp_path / "cel.csv")


async def test_before_the_first_login_nothing_was_ours(house: House) -> None:
    house.cel.write_text((TRACE / "cel.csv").read_text())
    await house.later(hours=1)
    assert (await house.audits(), await house.calls()) == ([], [])


async def test_a_call_of_a_lost_link_is_there_after_the_login(house: House) -> None:
    await house.later()
    house.link(LinkState.LOST)
    house.cel.write_text((TRACE / "cel.csv").read_text())
    await house.later(minutes=3)
    assert await house.calls() == []
    house.link(LinkState.CONNECTED)
    await house.later(seconds=2)
    assert await house.calls() == ["1795286622.0"]
    await house.later(minutes=11)
    done = [("gap", "done"), ("again", "done"), ("again", "done")]
    assert (await house.audits(), await house.calls()) == (done, ["1795286622.0"])


async def test_a_call_of_the_time_when_this_service_was_down_is_there_too(house: House) -> None:
    await house.later()
    house.cel.write_text((TRACE / "cel.csv").read_text())
    house.now += timedelta(hours=9)
    house.link(LinkState.CONNECTED)
    house.auditor = house.born()
    await house.later()
    assert await house.calls() == ["1795286622.0"]


async def test_records_that_can_not_be_read_are_asked_for_until_they_can(house: House) -> None:
    await house.later()
    house.now += timedelta(minutes=5)
    house.link(LinkState.CONNECTED)
    house.cel.unlink()
    await house.later()
    async with house.db.begin() as session:
        failed = (await rows.list_audits(session))[-1]
    assert (failed.state, "does not exist" in (failed.error or "")) == ("queued", True)
    house.cel.write_text((TRACE / "cel.csv").read_text())
    await house.later(minutes=2)
    assert await house.calls() == ["1795286622.0"]


async def test_what_a_killed_process_was_doing_is_done_again_at_once(house: House) -> None:
    await house.later()
    house.cel.write_text((TRACE / "cel.csv").read_text())
    house.now += timedelta(minutes=5)
    house.link(LinkState.CONNECTED)
    await house.auditor.notice()
    async with house.db.begin() as session:
        assert await rows.next_audit(session, ["main"], now=house.now) is not None  # and then it dies
    house.auditor = house.born()
    await house.auditor.work()
    assert await house.calls() == ["1795286622.0"]


async def test_a_clock_that_was_set_back_stops_nothing(house: House) -> None:
    await house.later()
    house.now -= timedelta(hours=3)
    house.link(LinkState.CONNECTED)
    await house.later()
    assert ("gap", "done") in await house.audits()


async def test_every_night_there_is_one_audit_however_often_somebody_looks(house: House) -> None:
    house.now = BEGAN.replace(hour=2) + timedelta(days=1)
    house.auditor = house.born(audit_hour=2)
    for _ in range(3):
        await house.later(minutes=5)
    async with house.db.begin() as session:
        nights = (await session.scalars(select(CallAudit).where(CallAudit.reason == "night"))).all()
    assert [one.state for one in nights] == ["done"]
