"""Asterisk's own records of calls (CEL, CDR): can they be read, and do they know the last call that we know?

In:      where a switchboard keeps them, and its last finished call in our tables
Out:     findings; `look_at_records` reads and changes nothing, `records` is pure
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asterisk.history import Kind, NoHistory, Records, read_cdr, read_cel
from callcenter.doctor import places
from callcenter.doctor.finding import Finding, Fix, Verdict
from crm_core.read.habits import LastCall

AROUND = timedelta(minutes=2)  # a call is looked for this long before and after its beginning
ASTRAY = timedelta(
    hours=15
)  # no two time zones are further apart than 26 hours, and few sites so far from theirs
SETTING = {Kind.CEL: "cel", Kind.CDR: "cdr"}
WRITER = {
    Kind.CEL: ("/etc/asterisk/cel.conf", ("[general]", "enable = yes", "apps = all", "events = ALL"), "cel"),
    Kind.CDR: ("/etc/asterisk/cdr.conf", ("[general]", "enable = yes"), "cdr"),
}


@dataclass(frozen=True, kw_only=True)
class RecordsFacts:
    """One source. `wrong`: why it can not be read; `call`: the one looked for; `found_at`: its first row there."""

    pbx: str
    kind: Kind
    shown: str
    wrong: str | None = None
    call: LastCall | None = None
    found_at: datetime | None = None


async def look_at_records(
    pbx: str, sources: Sequence[Records], call: LastCall | None, now: datetime
) -> list[RecordsFacts]:
    """Read what each source says around the last call; without one, whether it can be read at all."""
    return [await _look(pbx, source, call, now) for source in sources]


async def _look(pbx: str, source: Records, call: LastCall | None, now: datetime) -> RecordsFacts:
    found: datetime | None = None
    at = call.started_at if call else now
    try:
        for around in (AROUND, ASTRAY):
            known = frozenset(call.linkedids) if call else frozenset()
            ours = [
                when for linkedid, when in await _rows(source, at - around, at + around) if linkedid in known
            ]
            found = min(ours, default=None)
            if found is not None or call is None:
                break
    except NoHistory as error:
        return RecordsFacts(pbx=pbx, kind=source.kind, shown=source.shown, wrong=str(error), call=call)
    return RecordsFacts(pbx=pbx, kind=source.kind, shown=source.shown, call=call, found_at=found)


async def _rows(source: Records, since: datetime, until: datetime) -> list[tuple[str, datetime]]:
    if source.kind is Kind.CEL:
        return [(row.linkedid, row.at) for row in await read_cel(source, since, until)]
    return [(row.linkedid, row.start) for row in await read_cdr(source, since, until)]


def records(pbx: str, seen: Sequence[RecordsFacts]) -> list[Finding]:
    """Can calls that nobody heard be recovered, and calls be compared at night?"""
    if not seen:
        fix = places.setting(
            "Say where the switchboard writes channel events (better) or call records.",
            "[[pbx]]",
            'cel = "/var/log/asterisk/cel-custom/Master.csv"',
            'cdr = "mysql://callcenter:...@10.0.0.5/asteriskcdrdb"',
        )
        said = "Neither CEL nor CDR is configured: calls of a gap are lost, and the audit has nothing to compare with."
        return [_say(pbx, "records", Verdict.CARE, said, fix)]
    return [_judged(f) for f in seen]


def _judged(f: RecordsFacts) -> Finding:
    name, setting = f.kind.value.upper(), SETTING[f.kind]
    if f.wrong is not None:
        fix = places.setting(
            f"Correct `{setting}` of this switchboard, or the rights of this account.",
            "[[pbx]]",
            f'{setting} = "…"',
        )
        return _say(f.pbx, name, Verdict.BAD, f"{name} at {f.shown} can not be read: {f.wrong}", fix)
    if f.call is None:
        return _say(
            f.pbx,
            name,
            Verdict.UNSEEN,
            f"{name} at {f.shown} can be read; whether it is fresh shows after the first call.",
        )
    if f.found_at is None:
        file, lines, module = WRITER[f.kind]
        do = "Let Asterisk write them, and where we read; look at its backend (cel_custom, cel_odbc, cdr_csv, …)."
        fix = Fix(
            do=do,
            file=file,
            lines=lines,
            then=f'asterisk -rx "module reload {module}"; asterisk -rx "{module} show status"',
        )
        last = f"{f.call.linkedids[0]}, {f.call.started_at:%Y-%m-%d %H:%M:%S} UTC"
        said = f"{name} at {f.shown} does not know our last call ({last}): it is stale, or of another switchboard."
        return _say(f.pbx, name, Verdict.BAD, said, fix)
    off = (f.found_at - f.call.started_at).total_seconds()
    if abs(off) > AROUND.total_seconds():
        fix = places.setting(
            "Name the time zone in which they are written.", "[[pbx]]", 'records_timezone = "Europe/Warsaw"'
        )
        said = f"{name} at {f.shown} has our last call {off / 3600:+.1f} h beside its time: the time zone is wrong."
        return _say(f.pbx, name, Verdict.BAD, said, fix)
    return _say(f.pbx, name, Verdict.GOOD, f"{name} at {f.shown} is read and knows our last call.")


def _say(pbx: str, check: str, verdict: Verdict, says: str, fix: Fix | None = None) -> Finding:
    return Finding(about=f"switchboard {pbx}", check=check, verdict=verdict, says=says, fix=fix)
