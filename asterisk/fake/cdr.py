"""Call detail records: one for each phone that was dialled, as cdr_manager prints them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from asterisk.fake.channels import Channel, header

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run


@dataclass(slots=True)
class Record:
    """One pairing of the owner with a dialled channel. Times are simulated unix times."""

    destination: str  # extension and context in which the application ran
    context: str
    application: str
    data: str
    channel: Channel | None
    started_at: float
    disposition: str = "NO ANSWER"
    answered_at: float | None = None
    ended_at: float | None = None


def open_record(run: Run, leg: Channel | None) -> Record:
    """Start the record of a dialled leg. The first one began with the call itself."""
    owner, now = run.owner, run.pbx.clock.time()
    started = now if run.records else owner.born_at
    record = Record(owner.exten, owner.context, owner.application, owner.application_data, leg, started)
    run.records.append(record)
    return record


def close_record(run: Run, leg: Channel, disposition: str) -> None:
    """End the record of a leg that did not get the call."""
    for record in run.records:
        if record.channel is leg and record.ended_at is None:
            record.disposition, record.ended_at = disposition, run.pbx.clock.time()


def answer_record(run: Run, leg: Channel) -> None:
    """Mark the record of the leg that was picked up."""
    for record in run.records:
        if record.channel is leg:
            record.disposition, record.answered_at = "ANSWERED", run.pbx.clock.time()


def say(run: Run) -> None:
    """Send all records of a run, unless the switchboard has no cdr_manager."""
    if not run.pbx.config.cdr_events:
        return
    for record in run.records:
        run.pbx.say("Cdr", body(run, record))


def body(run: Run, record: Record) -> str:
    """Return the headers of one Cdr event."""
    owner, end = run.owner, record.ended_at or run.pbx.clock.time()
    answered = record.answered_at
    if (
        owner.up_at is not None and owner.up_at <= end
    ):  # a line that was picked up by the PBX counts as answered
        answered = max(owner.up_at, record.started_at)
    values = {
        "AccountCode": "",
        "Source": owner.caller_number,
        "Destination": record.destination,
        "DestinationContext": record.context,
        "CallerID": f'"{owner.caller_name}" <{owner.caller_number}>',
        "Channel": owner.name,
        "DestinationChannel": record.channel.name if record.channel else "",
        "LastApplication": record.application,
        "LastData": record.data,
        "StartTime": stamp(record.started_at),
        "AnswerTime": stamp(answered),
        "EndTime": stamp(end),
        "Duration": int(end - record.started_at),
        "BillableSeconds": int(end - answered) if answered else 0,
        "Disposition": record.disposition,
        "AMAFlags": "DOCUMENTATION",
        "UniqueID": owner.uniqueid,
        "UserField": "",
        "LinkedID": owner.linkedid,
        "DID": owner.variables.get("DID", ""),
        "RecordingFile": owner.variables.get("RECORDINGFILE", ""),
    }
    return "".join(header(key, value) for key, value in values.items())


def stamp(at: float | None) -> str:
    """Return a time as CDRs print it (UTC here), empty for never."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
