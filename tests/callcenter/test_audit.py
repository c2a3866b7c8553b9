"""What an audit finds and heals: stories on a real database, with what a real Asterisk wrote down."""

import csv
import shutil
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from asterisk.cel import cel_row
from asterisk.events import Heard
from asterisk.history import CEL_OURS, NoHistory
from callcenter.audit import Audited, Means, carry_out, records
from callcenter.call import Call as Heard_call
from callcenter.call import Rules, end
from callcenter.call.ending import LOST
from callcenter.directory import load_directory
from callcenter.numbers import Numbers
from callcenter.records import Entry, write
from callcenter.replay import events
from callcenter.tracker import Tracker
from crm_core import call_audit as rows
from crm_core.call import Call, CallLeg
from crm_core.call_audit import CallAudit, CallAuditFinding, FindingKind, Reason
from crm_core.callback import Callback
from crm_core.db import Database
from crm_core.line import create_line
from crm_core.queue_visit import QueueVisit
from crm_core.shop import create_shop
from crm_core.user import create_user, map_extension
from crm_core.vote import CallVote
from recordings.jobs import install
from recordings.roots import Roots
from recordings.store import Root

TRACES = Path(__file__).parent.parent / "traces"
NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)  # the captures are of that evening
PBX = "main"


@dataclass
class Office:
    """A database, the folder in which Asterisk writes, and a clock that stands at NOW."""

    db: Database
    folder: Path
    now: datetime = NOW
    told: list[CallAuditFinding] = field(default_factory=list)

    @property
    def recordings(self) -> Path:
        return self.folder / "monitor"

    def write_down(self, scenario: str) -> None:
        """Asterisk writes its records of a capture."""
        (trace,) = TRACES.glob(f"{scenario}-*")
        for kind in ("cel", "cdr"):
            with (self.folder / f"{kind}.csv").open("a") as out:
                out.write((trace / f"{kind}.csv").read_text())

    async def hear(self, scenario: str, *, only: str | None = None, deaf_after: int | None = None) -> None:
        """Our service hears a capture and writes its calls; `deaf_after` so many events it hears no more."""
        (trace,) = TRACES.glob(f"{scenario}-*")
        tracker, calls = Tracker({PBX: Rules()}), dict[Any, Heard_call]()
        told = list(events(sorted(trace.glob("*.ami")), sorted(trace.glob("chunks*.jsonl"))))[:deaf_after]
        for event in told:
            for change in tracker.apply(Heard(PBX, event)):
                calls[change.after.id] = change.after
        for call in calls.values():
            if call.merged_into is None and only in (None, call.linkedid):
                await self.keep(end(call, told[-1].at, LOST) if deaf_after else call)

    async def keep(self, call: Heard_call) -> None:
        async with self.db.begin() as session:
            directory = await load_directory(session)
            numbers = Numbers("RU", {})
            entry = Entry(
                call=call, number=numbers.of(call, directory), errand=None, directory=directory, country="RU"
            )
            await write(session, entry, at=self.now, sound=False)

    async def audit(
        self, *, heal: bool = True, source: str = "cel", reason: Reason = Reason.PERSON, **period: datetime
    ) -> CallAudit:
        """One audit of the evening; `told` are its findings."""
        places = {"cel": None, "cdr": None} | {
            kind: str(self.folder / f"{kind}.csv") for kind in source.split("+")
        }
        audited = Audited(pbx=PBX, rules=Rules(), records=records(**places, timezone="UTC"))
        roots = Roots(Root(self.recordings)) if self.recordings.exists() else Roots()
        means = Means(db=self.db, numbers=Numbers("RU", {}), roots=roots, now=lambda: self.now)
        whole = {"from_at": NOW - timedelta(hours=6), "to_at": NOW} | period
        async with self.db.begin() as session:
            asked = await rows.begin(session, pbx=PBX, reason=reason, heal=heal, now=self.now, **whole)
        done = await carry_out(means, audited, asked)
        async with self.db.begin() as session:
            self.told = list(await rows.findings_of(session, done.id))
        return done

    async def calls(self) -> list[Call]:
        async with self.db.begin() as session:
            return list(await session.scalars(select(Call).order_by(Call.started_at)))

    async def all(self, kind: Any) -> list[Any]:
        async with self.db.begin() as session:
            return list(await session.scalars(select(kind)))


@pytest_asyncio.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    await install(database.url)
    async with database.begin() as session:
        shop = await create_shop(
            session, name="North Star", currency="EUR", country="RU", timezone="UTC", order_prefix="N-"
        )
        for number in range(1, 10):
            did = f"7495123000{number}"
            await create_line(session, pbx=PBX, did=did, name=did, country="RU", shop_id=shop.id)
        for extension in ("1001", "1002", "1003"):
            user = await create_user(session, login=extension, name=extension)
            await map_extension(session, pbx=PBX, extension=extension, user_id=user.id)
    yield Office(database, tmp_path)


async def test_when_everything_was_heard_nothing_differs(office: Office) -> None:
    office.write_down("g")
    await office.hear("g")
    audit = await office.audit()
    assert (audit.calls, audit.good, office.told) == (3, True, [])
    assert [call.origin for call in await office.calls()] == ["live"] * 3


async def test_calls_of_a_gap_are_there_afterwards_exactly_once(office: Office) -> None:
    office.write_down("a")
    office.write_down("e")
    first = await office.audit()
    assert (first.found("lost"), first.unhealed("lost"), first.good) == (3, 0, True)
    again = await office.audit()
    assert (again.found("lost"), office.told) == (0, [])
    by_result = {call.result: call for call in await office.calls()}
    call = by_result["answered"]
    assert (call.origin, call.direction, call.remote_e164) == ("cel", "inbound", "+79161234567")
    assert (call.line, call.queue, call.operators, call.ended_by) == (
        "74951230001",
        "sales",
        ["1001"],
        "remote",
    )
    assert call.line_id is not None and call.operator_id is not None
    assert call.talk_s == pytest.approx(16, abs=1.5)
    assert call.tracker_state is None  # nobody is asked for the outcome of a call of yesterday
    assert by_result["abandoned"].origin == "cel"
    assert {one.number for one in await office.all(Callback)} == {"+79161110001", "+79161110002"}
    legs = [(leg.extension, leg.result, leg.rang_at) for leg in await office.all(CallLeg)]
    assert ("1001", "answered", None) in legs  # CEL does not say when it rang, so nobody says


async def test_without_heal_a_lost_call_is_only_told(office: Office) -> None:
    office.write_down("a")
    audit = await office.audit(heal=False)
    assert (audit.found("lost"), audit.unhealed("lost"), audit.good) == (1, 1, False)
    assert await office.calls() == []


async def test_a_live_write_that_comes_after_the_recovery_makes_no_second_call(office: Office) -> None:
    office.write_down("a")
    await office.audit()
    await office.hear("a")  # the spool of a process that had no database
    (call,) = await office.calls()
    assert (call.origin, call.complete) == ("live", True)
    assert call.rang_at is not None
    assert [leg.rang_at for leg in await office.all(CallLeg)] == [call.rang_at]
    assert len(await office.all(QueueVisit)) == 1


async def test_a_recovery_never_touches_what_was_heard_to_the_end(office: Office) -> None:
    office.write_down("o")
    await office.hear("o")
    before = [(call.talk_s, call.hold_s, call.updated_at) for call in await office.calls()]
    await office.audit()
    assert [(call.talk_s, call.hold_s, call.updated_at) for call in await office.calls()] == before


async def test_a_call_that_ended_while_nobody_listened_gets_its_true_end(office: Office) -> None:
    office.write_down("a")
    await office.hear("a", deaf_after=30)
    (cut,) = await office.calls()
    assert (cut.ended_reason, cut.complete) == (LOST, False)
    audit = await office.audit()
    assert (audit.found("unfinished"), audit.unhealed("unfinished")) == (1, 0)
    (call,) = await office.calls()
    assert (call.id, call.origin, call.complete, call.ended_reason) == (cut.id, "live", True, LOST)
    assert (call.result, call.operators, call.ended_by) == ("answered", ["1001"], "remote")
    assert call.talk_s == pytest.approx(16, abs=1.5)
    assert call.rang_at == cut.rang_at  # heard live, and not in CEL
    (leg,) = await office.all(CallLeg)
    assert (leg.extension, leg.result, leg.rang_at) == ("1001", "answered", cut.rang_at)
    (visit,) = await office.all(QueueVisit)
    assert (visit.queue, visit.position, visit.outcome) == ("sales", 1, "answered")
    await office.audit()
    assert office.told == []


async def test_a_vote_that_nobody_heard_is_kept_for_the_call_that_everybody_heard(office: Office) -> None:
    office.write_down("b")
    await office.hear("b")
    book = office.folder / "cel.csv"
    lines = book.read_text().splitlines(keepends=True)
    written = [cel_row(dict(zip(CEL_OURS, row, strict=True))) for row in csv.reader(lines)]
    place = max(
        number for number, it in enumerate(written) if it.kind == "BRIDGE_EXIT" and it.uniqueid == it.linkedid
    )
    was = next(iter(csv.reader([lines[place]])))
    voted = ["APP_START", *was[1:7], "UserEvent", "CallcenterVote,Vote: 2", *was[9:]]
    lines.insert(place + 1, ",".join('"' + it.replace('"', '""') + '"' for it in voted) + "\n")
    book.write_text("".join(lines))
    audit = await office.audit()
    assert (audit.found("unfinished"), [it.why for it in office.told]) == (
        1,
        ["The customer voted 2 of 5, and nobody heard it."],
    )
    (vote,) = await office.all(CallVote)
    (call,) = [call for call in await office.calls() if was[10] in call.linkedids]
    assert (vote.call_id, vote.stars, vote.operator_id) == (call.id, 2, call.operator_id)
    assert (await office.audit()).good and office.told == []


async def test_who_talked_in_a_gap_that_the_call_outlived_is_told_by_cel(office: Office) -> None:
    office.write_down("u")  # one rang when the link was lost, was answered in the gap and went on after it
    await office.hear("u", only="1795285611.4")
    (heard,) = await office.calls()
    gap = {
        "from_at": datetime(2026, 11, 21, 18, 26, 50, tzinfo=UTC),
        "to_at": datetime(2026, 11, 21, 18, 27, tzinfo=UTC),
    }
    await office.audit(reason=Reason.NIGHT)
    (kept,) = [call for call in await office.calls() if call.id == heard.id]
    assert kept.talk_s == heard.talk_s  # only after a gap is the link doubted
    await office.audit(reason=Reason.AGAIN, **gap)
    (call,) = [call for call in await office.calls() if call.id == heard.id]
    assert (heard.talk_s, call.talk_s) == (pytest.approx(5, abs=0.1), pytest.approx(7, abs=1))
    assert (call.origin, call.complete, call.rang_at, call.operators) == (
        "live",
        True,
        heard.rang_at,
        ["1003"],
    )
    assert call.answered_at is not None and heard.answered_at is not None
    assert call.answered_at < heard.answered_at


async def test_a_call_that_never_closed_with_us_is_closed(office: Office) -> None:
    office.write_down("a")
    (trace,) = TRACES.glob("a-*")
    tracker = Tracker({PBX: Rules()})
    seen: Heard_call | None = None
    for event in list(events(sorted(trace.glob("*.ami")), sorted(trace.glob("chunks*.jsonl"))))[:30]:
        for change in tracker.apply(Heard(PBX, event)):
            seen = change.after
    assert seen is not None and seen.ended_at is None
    await office.keep(seen)
    told = await office.audit(heal=False)
    assert (told.found("still_open"), told.good) == (1, False)
    healed = await office.audit()
    (call,) = await office.calls()
    assert healed.good
    assert (call.state, call.result, call.ended_at is not None) == ("ended", "answered", True)


async def test_one_conversation_with_two_rows_becomes_one(office: Office) -> None:
    office.write_down("w3")  # the one who takes the parked call is born with a linkedid of his own
    await office.hear("w3")
    (call,) = await office.calls()
    first, second = call.linkedids
    stranger = replace(_parked_half(call), linkedids=(second,), root=second)
    async with office.db.begin() as session:
        await session.execute(text("UPDATE calls SET linkedids = ARRAY[linkedid]"))
    await office.keep(stranger)
    assert len(await office.calls()) == 2
    audit = await office.audit()
    assert (audit.found("doubled"), audit.good) == (1, True)
    (call,) = await office.calls()
    assert call.linkedids == [first, second]


def _parked_half(call: Call) -> Heard_call:
    assert call.ended_at is not None
    made = Heard_call(pbx=PBX, linkedids=("x",), root="x", started_at=call.ended_at - timedelta(seconds=3))
    return end(made, call.ended_at)


async def test_calls_between_our_own_phones_do_not_count_as_lost(office: Office) -> None:
    office.write_down("z")
    audit = await office.audit()
    assert (audit.calls, audit.found("lost"), audit.found("ignored")) == (5, 3, 2)
    assert {one.why for one in office.told if one.kind == "ignored"} == {
        "A call between our own phones: it is no customer's."
    }
    assert len(await office.calls()) == 3


async def test_what_only_we_know_is_named_with_the_reason(office: Office) -> None:
    office.write_down("a")
    await office.hear("a")
    await office.hear("e")  # of which Asterisk wrote nothing
    audit = await office.audit()
    assert audit.good
    assert [one.kind for one in office.told] == ["only_ours", "only_ours"]


async def test_a_killed_switchboard_leaves_calls_without_an_end_until_it_counts_anew(office: Office) -> None:
    (trace,) = TRACES.glob("a-*")
    (office.folder / "cel.csv").write_text("\n".join((trace / "cel.csv").read_text().splitlines()[:9]) + "\n")
    office.now = datetime.fromtimestamp(1795286622, UTC) + timedelta(minutes=10)
    await office.audit(to_at=office.now)
    assert [one.kind for one in office.told] == ["going_on"]
    assert await office.calls() == []
    office.write_down("e")  # counts from 0 again
    audit = await office.audit(to_at=office.now)
    assert audit.good
    by_id = {call.linkedid: call for call in await office.calls()}
    cut = by_id["1795286622.0"]
    assert (cut.ended_reason, cut.complete, cut.result) == ("the switchboard was stopped", False, "answered")


async def test_cdr_alone_adds_the_call_and_leaves_open_what_it_can_not_know(office: Office) -> None:
    office.write_down("a")
    audit = await office.audit(source="cdr")
    assert (audit.source, audit.found("lost")) == ("cdr", 1)
    (call,) = await office.calls()
    assert (call.origin, call.result, call.line, call.operators) == (
        "cdr",
        "answered",
        "74951230001",
        ["1001"],
    )
    assert (call.answered_at, call.wait_s, call.talk_s, call.hold_s, call.ended_by) == (None,) * 5


async def test_a_record_that_comes_late_adds_its_call_then(office: Office) -> None:
    await office.hear("g")
    (office.folder / "cel.csv").touch()
    await office.audit(reason=Reason.GAP)
    office.write_down("g")
    office.write_down("e")
    audit = await office.audit(reason=Reason.AGAIN)
    assert (audit.found("lost"), len(await office.calls())) == (2, 5)


async def test_records_that_are_not_there_are_an_error_that_says_what_to_do(office: Office) -> None:
    with pytest.raises(NoHistory, match="does not exist: correct the setting"):
        await office.audit()


async def test_recordings_without_a_call_and_calls_without_a_recording(office: Office) -> None:
    office.write_down("a")
    office.write_down("b")
    await office.hear("a")
    await office.hear("b")
    day = office.recordings / "2026/11/21"
    day.mkdir(parents=True)
    for name in ("in-74951230001-1795286622.0", "out-1001-1795200000.7"):
        sound(day / f"{name}.wav")
    audit = await office.audit()
    assert (audit.found("late_sound"), audit.found("no_sound"), audit.found("stray_file")) == (1, 2, 1)
    stray = next(one for one in office.told if one.kind == FindingKind.STRAY_FILE)
    assert stray.path == "2026/11/21/out-1001-1795200000.7.wav"
    async with office.db.begin() as session:
        jobs = (await session.execute(text("SELECT payload FROM pgqueuer WHERE entrypoint = 'intake'"))).all()
    assert len(jobs) == 1  # the recording of the first call is fetched
    assert b"1795286622.0" in jobs[0][0]


def sound(file: Path) -> None:
    """A second of silence, written that evening."""
    import os

    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(16000))
    os.utime(file, (NOW.timestamp() - 3600, NOW.timestamp() - 3600))


async def test_rotated_and_packed_files_are_read_in_order(office: Office) -> None:
    import gzip

    office.write_down("a")
    with (
        (office.folder / "cel.csv").open("rb") as plain,
        gzip.open(office.folder / "cel.csv.1.gz", "wb") as packed,
    ):
        shutil.copyfileobj(plain, packed)
    (office.folder / "cel.csv").unlink()
    office.write_down("e")
    audit = await office.audit()
    assert audit.calls == 3
