"""`callcenter audit`: every switchboard in turn, and what was found as a table."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from asterisk.history import NoHistory
from callcenter.audit import Audited, Means, carry_out
from callcenter.numbers import Numbers, TrunkRule
from crm_core import call_audit as rows
from crm_core.call_audit import CallAudit, CallAuditFinding, FindingKind, Reason
from crm_core.db import Database
from recordings.roots import Roots

WORDS = {
    FindingKind.LOST: "lost",
    FindingKind.DOUBLED: "double",
    FindingKind.STILL_OPEN: "still open with us",
    FindingKind.UNFINISHED: "end not heard",
    FindingKind.LATE_SOUND: "recordings not attached",
    FindingKind.NO_SOUND: "calls without a recording",
    FindingKind.STRAY_FILE: "recordings without a call",
    FindingKind.ONLY_OURS: "only with us",
    FindingKind.IGNORED: "not ours to keep",
    FindingKind.GOING_ON: "without an end",
}
LISTED = 40  # findings printed one by one


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One audit with what it found."""

    audit: CallAudit
    findings: Sequence[CallAuditFinding]


async def audit_all(
    db: Database,
    switches: Sequence[Audited],
    *,
    country: str,
    number_rules: Mapping[str, tuple[TrunkRule, ...]],
    roots: Roots,
    period: tuple[datetime, datetime],
    heal: bool,
) -> AsyncIterator[Outcome]:
    """Yield the audit of each switchboard that keeps records. Raises `NoHistory`, `Invalid`."""

    def now() -> datetime:
        return datetime.now(UTC)

    means = Means(db=db, numbers=Numbers(country, number_rules), roots=roots, now=now)
    for one in switches:
        if one.records:
            yield await _audit(means, one, period, heal)


async def _audit(means: Means, one: Audited, period: tuple[datetime, datetime], heal: bool) -> Outcome:
    async with means.db.begin() as session:
        audit = await rows.begin(
            session,
            pbx=one.pbx,
            reason=Reason.COMMAND,
            from_at=period[0],
            to_at=period[1],
            heal=heal,
            now=means.now(),
        )
    try:
        done = await carry_out(means, one, audit)
    except NoHistory as error:
        async with means.db.begin() as session:
            await rows.fail(session, audit.id, str(error), again_at=None)
        raise
    async with means.db.begin() as session:
        return Outcome(audit=done, findings=await rows.findings_of(session, audit.id))


def shown(outcome: Outcome) -> None:
    """Print an audit for a person."""
    audit, console = outcome.audit, Console(highlight=False)
    console.print(
        f"[bold]{audit.pbx}[/bold]  {audit.from_at:%Y-%m-%d %H:%M} to {audit.to_at:%Y-%m-%d %H:%M} UTC, "
        f"{audit.calls} calls in {(audit.source or 'nothing').upper()}"
    )
    table = Table("", "found", "put right")
    for kind, word in WORDS.items():
        if audit.found(kind) or kind in rows.BAD:
            table.add_row(word, str(audit.found(kind)), str(audit.found(kind) - audit.unhealed(kind)))
    console.print(table)
    for one in outcome.findings[:LISTED]:
        at = f"{one.at:%Y-%m-%d %H:%M:%S}" if one.at else " " * 19
        mark = "put right" if one.healed else ""
        words = (at, WORDS[FindingKind(one.kind)], one.linkedid or one.path or "", one.why, mark)
        console.print("  ".join(word for word in words if word), markup=False)
    if len(outcome.findings) > LISTED:
        console.print(f"... and {len(outcome.findings) - LISTED} more")
