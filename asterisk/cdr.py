"""What Asterisk wrote down about calls (CDR), told again as events.

In:      rows of one switchboard
Out:     events of `asterisk.events`, in the order in which they must have happened
Raises:  `ValueError` for an instant or a number that can not be read

A CDR is one pairing of two channels; the sum of them is not the call. It does not say who hung up, who held,
when a queue connected whom (a queue that was answered before counts from that answer), nor the uniqueid of the
second channel, which is named after itself here.
Source:  Asterisk documentation, CDR specification; CDR files of real switchboards (16 to 22)
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from asterisk import events as e
from asterisk.cel import instant
from asterisk.events import ChannelState, ChannelView, DialStatus, Event
from asterisk.translate import known

NAMED = re.compile(r'^"(?P<name>.*)" <.*>$', re.DOTALL)
STATUS = {
    "NO ANSWER": DialStatus.NO_ANSWER,
    "BUSY": DialStatus.BUSY,
    "CONGESTION": DialStatus.CONGESTION,
    "FAILED": DialStatus.UNAVAILABLE,
}


class CdrRow(NamedTuple):
    """One row. `answer` None: the first channel was never answered."""

    number: str | None
    name: str | None
    dst: str
    context: str
    channel: str
    dstchannel: str
    application: str
    data: str
    start: datetime
    answer: datetime | None
    end: datetime
    disposition: str
    uniqueid: str
    linkedid: str
    did: str | None
    recording: str | None
    sequence: int

    @property
    def answered(self) -> bool:
        """Whether the two channels of this row were connected."""
        return self.disposition == "ANSWERED" and bool(self.dstchannel)

    @property
    def callee(self) -> str:
        """What stands for the uniqueid of the second channel, which a CDR does not tell."""
        return f"{self.linkedid}/{self.dstchannel}"


def cdr_row(column: Mapping[str, Any], zone: tzinfo = UTC) -> CdrRow:
    """Return the row with these columns, named as in Asterisk's own tables. Raises `ValueError`."""

    def text(name: str) -> str:
        value = column.get(name)
        return "" if value is None else str(value)

    start = instant(column.get("start") or column.get("calldate"), zone)
    end = instant(column["end"], zone) if column.get("end") else start + _seconds(text("duration"))
    disposition = text("disposition").upper()
    uniqueid = text("uniqueid")
    named = NAMED.match(text("clid"))
    return CdrRow(
        number=known(text("src")),
        name=known(text("cnam") or (named["name"] if named else "")),
        dst=text("dst"),
        context=text("dcontext"),
        channel=text("channel"),
        dstchannel=text("dstchannel"),
        application=text("lastapp"),
        data=text("lastdata"),
        start=start,
        answer=_answer(column, disposition, end, zone),
        end=end,
        disposition=disposition,
        uniqueid=uniqueid,
        linkedid=text("linkedid") or uniqueid,
        did=known(text("did")),
        recording=known(text("recordingfile")),
        sequence=int(text("sequence") or 0),
    )


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text or 0))


def _answer(column: Mapping[str, Any], disposition: str, end: datetime, zone: tzinfo) -> datetime | None:
    if "answer" in column:
        return instant(column["answer"], zone) if column["answer"] else None
    billed = _seconds(str(column.get("billsec") or 0))
    return end - billed if billed or disposition == "ANSWERED" else None


def events(rows: Iterable[CdrRow]) -> Iterator[Event]:
    """Yield what happened, in order, for all calls of these rows."""
    calls: dict[str, list[CdrRow]] = {}
    for row in rows:
        calls.setdefault(row.linkedid, []).append(row)
    told = [item for call in calls.values() for item in _told(sorted(call, key=_order))]
    told.sort(key=lambda item: item[:2])
    for _, _, event in told:
        yield event


Told = tuple[datetime, int, Event]  # at the same instant the lower number comes first


def _order(row: CdrRow) -> tuple[bool, datetime, int]:
    return row.uniqueid != row.linkedid, row.start, row.sequence  # the first channel of the call comes first


def _told(rows: Sequence[CdrRow]) -> Iterator[Told]:
    """Yield the events of one call."""
    seen: set[str] = set()
    for row in rows:
        if row.uniqueid not in seen:
            seen.add(row.uniqueid)
            mine = [each for each in rows if each.uniqueid == row.uniqueid]
            yield from _channel(row, mine)
        if row.dstchannel:
            yield from _pair(row)


def _view(row: CdrRow, state: ChannelState) -> ChannelView:
    exten = row.did or row.dst
    return ChannelView(
        row.uniqueid, row.linkedid, row.channel, state, row.number, row.name, row.context, exten
    )


def _callee(row: CdrRow, state: ChannelState) -> ChannelView:
    return ChannelView(row.callee, row.linkedid, row.dstchannel, state, None, None, "", "")


def _channel(row: CdrRow, mine: Sequence[CdrRow]) -> Iterator[Told]:
    """Yield the life of the first channel of these rows."""
    view = _view(row, ChannelState.UP)
    over = max(each.end for each in mine)
    yield row.start, 0, e.ChannelCreated(row.start, _view(row, ChannelState.RING))
    for path in dict.fromkeys(each.recording for each in mine if each.recording):
        yield row.start, 1, e.RecordingNamed(row.start, row.uniqueid, row.linkedid, (path,))
    queued = [each for each in mine if each.application == "Queue"]
    if queued:
        queue = queued[0].data.partition(",")[0]
        yield queued[0].start, 1, e.QueueTried(queued[0].start, view, queue)
        yield queued[0].start, 2, e.QueueJoined(queued[0].start, view, queue, None)
        if not any(each.answered for each in queued):
            left = max(each.end for each in queued)
            if left == over:  # nothing came after the queue: he hung up in it
                yield left, 5, e.HangupRequested(left, view, 0)
            yield left, 6, e.QueueAbandoned(left, view, queue, 0)
    yield over, 9, e.ChannelHungUp(over, view, 0)


def _pair(row: CdrRow) -> Iterator[Told]:
    """Yield how the second channel was dialled and what came of it."""
    view, callee = _view(row, ChannelState.UP), _callee(row, ChannelState.UP)
    dialled = row.data.partition(",")[0].partition("/")[2] if row.application == "Dial" else ""
    queue = row.data.partition(",")[0] if row.application == "Queue" else ""
    interface = row.dstchannel.rpartition("-")[0]
    if queue:
        yield row.start, 3, e.AgentCalled(row.start, view, _callee(row, ChannelState.DOWN), queue, interface)
    yield row.start, 3, e.DialBegan(row.start, view, _callee(row, ChannelState.DOWN), dialled)
    if row.answered:
        at = row.answer or row.start
        yield at, 4, e.ChannelStateChanged(at, callee)
        if queue:
            yield at, 4, e.AgentConnected(at, view, callee, queue, interface)
        yield at, 5, e.BridgeEntered(at, row.callee, callee, None, False)
        yield at, 5, e.BridgeEntered(at, row.callee, view, None, False)
        yield row.end, 7, e.BridgeLeft(row.end, row.callee, view)
    else:
        status = STATUS.get(row.disposition, DialStatus.OTHER)
        yield row.end, 4, e.DialEnded(row.end, view, callee, status)
    yield row.end, 8, e.ChannelHungUp(row.end, callee, 0)
