"""What Asterisk wrote down about channels (CEL), told again as events.

In:      rows of one switchboard, in the order in which they were written
Out:     events of `asterisk.events`, as a link would have heard them
Raises:  `ValueError` for an instant that can not be read

CEL tells less than AMI: nothing about ringing, holding or positions in a queue, and who dialled whom only
through what was running at that moment. What it does not tell is not told here either.
Source:  Asterisk documentation, CEL specification; CEL files of real switchboards (18 to 22)
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any, NamedTuple

from asterisk import events as e
from asterisk.events import ChannelState, ChannelView, DialStatus, Event
from asterisk.translate import known, recording_paths

DIALS = frozenset({"Dial", "Queue"})
CONSEQUENCES = frozenset(
    {"BRIDGE_EXIT", "APP_END", "STREAM_END", "HANGUP", "CHAN_END"}
)  # of somebody's hanging up
AT_ONCE = timedelta(seconds=1)  # many sites keep whole seconds
ORIGINATED = "AppDial2"  # what a channel runs that the switchboard itself dialled
RANG_OUT = 19  # Q.850: no answer from the user, who was alerted
VOTE = re.compile(r"CallcenterVote,Vote: ([1-5])")  # snippets/vote.conf
CALLED_AS = "s"  # the extension of a channel that did not dial


class CelRow(NamedTuple):
    """One row. `extra` are the facts that only some kinds of rows have."""

    kind: str  # CHAN_START, ANSWER, BRIDGE_ENTER, ...
    at: datetime
    number: str | None
    name: str | None
    exten: str
    context: str
    channel: str
    application: str
    data: str
    uniqueid: str
    linkedid: str
    extra: Mapping[str, Any]


def instant(value: object, zone: tzinfo = UTC) -> datetime:
    """Return an instant as CEL and CDR have it: seconds since 1970, a text without zone, or a column's value."""
    if isinstance(value, datetime):
        at = value
    else:
        text = str(value).strip()
        try:
            return datetime.fromtimestamp(float(text), UTC)
        except ValueError:
            at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def cel_row(column: Mapping[str, Any], zone: tzinfo = UTC) -> CelRow:
    """Return the row with these columns, named as in Asterisk's own tables. Raises `ValueError`."""

    def text(*names: str) -> str:
        return next((str(column[name]) for name in names if column.get(name) is not None), "")

    return CelRow(
        kind=text("eventtype"),
        at=instant(column.get("eventtime"), zone),
        number=known(text("cid_num")),
        name=known(text("cid_name")),
        exten=text("exten"),
        context=text("context"),
        channel=text("channame", "channel"),
        application=text("appname"),
        data=text("appdata"),
        uniqueid=text("uniqueid"),
        linkedid=text("linkedid"),
        extra=_extra(text("extra", "eventextra")),
    )


def _extra(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def events(rows: Sequence[CelRow]) -> Iterator[Event]:
    """Yield what happened, in order."""
    teller = _Teller(rows)
    wishes = _wishes(rows)
    for place, row in enumerate(rows):
        for leaving in wishes.get(place, ()):
            yield e.HangupRequested(row.at, _view(leaving), _cause(leaving))
        yield from teller.tell(place, row)


def _view(row: CelRow, state: ChannelState = ChannelState.UP) -> ChannelView:
    return ChannelView(
        row.uniqueid, row.linkedid, row.channel, state, row.number, row.name, row.context, row.exten
    )


def _cause(row: CelRow) -> int:
    cause = row.extra.get("hangupcause", 0)
    return cause if isinstance(cause, int) else 0


def _wishes(rows: Sequence[CelRow]) -> dict[int, list[CelRow]]:
    """Say before which row somebody hung up, and who: CEL names him only when his channel is gone."""
    of_call: dict[str, list[int]] = {}
    found: dict[int, list[CelRow]] = {}
    for place, row in enumerate(rows):
        before = of_call.setdefault(row.linkedid, [])
        if row.kind == "HANGUP" and row.extra.get("hangupsource") == row.channel:
            found.setdefault(_first_consequence(rows, before, place), []).append(row)
        before.append(place)
    return found


def _first_consequence(rows: Sequence[CelRow], before: Sequence[int], place: int) -> int:
    """Return the place of the first row that followed from this hanging up: maybe the other side's."""
    first = place
    for earlier in reversed(before):
        if rows[earlier].kind not in CONSEQUENCES or rows[place].at - rows[earlier].at > AT_ONCE:
            break
        first = earlier
    return first


@dataclass
class _Running:
    """What a channel runs, and whether somebody answered that."""

    channel: ChannelView
    application: str
    data: str
    since: datetime
    answered: bool = False

    @property
    def queue(self) -> str:
        return self.data.partition(",")[0]


@dataclass
class _Teller:
    """Remembers what runs where, so that a new channel finds its dialler."""

    rows: Sequence[CelRow]
    runs: dict[str, _Running] = field(default_factory=dict)
    dialler: dict[str, str] = field(default_factory=dict)  # by uniqueid of the channel that was dialled
    inside: dict[str, dict[str, ChannelView]] = field(default_factory=dict)  # who is in a bridge
    held: dict[str, ChannelView] = field(default_factory=dict)  # who put this channel on hold
    gone: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    up: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.originated = {row.uniqueid for row in self.rows if row.application == ORIGINATED}
        self.by_name = {row.channel: row.uniqueid for row in self.rows}

    def tell(self, place: int, row: CelRow) -> Iterator[Event]:
        """Yield what this row says."""
        if row.kind != "CHAN_START" and row.uniqueid not in self.heard:
            yield from self._started(row)  # its beginning lies before the first row that was read
        match row.kind:
            case "CHAN_START":
                yield from self._started(row)
            case "ANSWER":
                yield from self._answered(row)
            case "APP_START":
                yield from self._runs(place, row)
            case "APP_END":
                yield from self._ran(row)
            case "BRIDGE_ENTER":
                holding = str(row.extra.get("bridge_technology", "")).startswith("holding")
                bridge = str(row.extra.get("bridge_id"))
                if not holding:
                    self.inside.setdefault(bridge, {})[row.uniqueid] = _view(row)
                yield e.BridgeEntered(row.at, bridge, _view(row), None, holding)
            case "BRIDGE_EXIT":
                bridge = str(row.extra.get("bridge_id"))
                self.inside.get(bridge, {}).pop(row.uniqueid, None)
                yield e.BridgeLeft(row.at, bridge, _view(row))
            case "STREAM_BEGIN" | "STREAM_END":
                yield from self._music(row)
            case "HANGUP" | "CHAN_END":
                yield from self._over(row)
            case _:
                yield from self._moved(row)

    def _started(self, row: CelRow) -> Iterator[Event]:
        if row.uniqueid in self.heard:
            return
        self.heard.add(row.uniqueid)
        first = row.uniqueid == row.linkedid
        called = row.uniqueid in self.originated if first else not row.channel.endswith(";2")
        calls = first and not called and row.exten not in ("", CALLED_AS)
        if called:
            self.called.add(row.uniqueid)
        view = _view(row, ChannelState.RING if calls else ChannelState.DOWN)
        yield e.ChannelCreated(row.at, view)
        if first and called:
            yield e.DialBegan(row.at, None, view, "")
        elif called and (dialler := self._dialler(row)):
            self.dialler[row.uniqueid] = dialler.channel.uniqueid
            if dialler.application == "Queue":
                interface = row.channel.rpartition("-")[0]
                yield e.AgentCalled(row.at, dialler.channel, view, dialler.queue, interface)
            yield e.DialBegan(row.at, dialler.channel, view, _dialled(dialler, row))

    def _dialler(self, row: CelRow) -> _Running | None:
        """Return what dialled this new channel: what names its device, else the queue, the latest first."""
        here = [run for run in self.runs.values() if run.channel.linkedid == row.linkedid]
        device = row.channel.removesuffix(";1").rpartition("-")[0]
        naming = [run for run in here if device in run.data]
        peer = device.partition("/")[2]
        to_peer = [run for run in here if run.application == "Dial" and f"@{peer}" in run.data]
        queues = [run for run in here if run.application == "Queue"]
        return next(reversed(naming or to_peer or queues or here), None)

    def _answered(self, row: CelRow) -> Iterator[Event]:
        self.up.add(row.uniqueid)
        yield e.ChannelStateChanged(row.at, _view(row))
        run = self.runs.get(self.dialler.get(row.uniqueid, ""))
        if run is None or run.answered:
            return
        run.answered = True
        if run.application == "Queue":
            interface = row.channel.rpartition("-")[0]
            yield e.AgentConnected(row.at, run.channel, _view(row), run.queue, interface)

    def _runs(self, place: int, row: CelRow) -> Iterator[Event]:
        if row.application == "MixMonitor":
            paths = recording_paths(row.data)
            if paths:
                yield e.RecordingNamed(row.at, row.uniqueid, row.linkedid, paths)
        if row.application == "UserEvent" and (vote := VOTE.fullmatch(row.data)):
            yield e.CustomerVoted(row.at, _view(row), int(vote[1]))
        if row.application not in DIALS:
            return
        self.runs[row.uniqueid] = _Running(_view(row), row.application, row.data, row.at)
        if row.application == "Queue":
            queue = self.runs[row.uniqueid].queue
            yield e.QueueTried(row.at, _view(row), queue)
            if self._let_in(place, row):
                yield e.QueueJoined(row.at, _view(row), queue, None)

    def _let_in(self, place: int, row: CelRow) -> bool:
        """Say whether the queue took the caller: else it gives him back in the same instant (joinempty)."""
        for after in islice(self.rows, place + 1, None):
            if after.at - row.at > AT_ONCE:
                break
            if after.linkedid == row.linkedid and after.kind in ("CHAN_START", "STREAM_BEGIN"):
                break
            if after.uniqueid == row.uniqueid and after.kind in ("APP_END", "HANGUP"):
                return False
        return True

    def _music(self, row: CelRow) -> Iterator[Event]:
        """Music while two are connected: the other one holds. Asterisk 21 and newer tell it."""
        if row.kind == "STREAM_END":
            holder = self.held.pop(row.uniqueid, None)
        else:
            room = next((room for room in self.inside.values() if row.uniqueid in room), {})
            others = [view for uniqueid, view in room.items() if uniqueid != row.uniqueid]
            holder = others[0] if "class" in row.extra and len(others) == 1 else None
            if holder is not None:
                self.held[row.uniqueid] = holder
        if holder is not None:
            told = e.ChannelUnheld if row.kind == "STREAM_END" else e.ChannelHeld
            yield told(row.at, holder)

    def _ran(self, row: CelRow) -> Iterator[Event]:
        run = self.runs.pop(row.uniqueid, None)
        if run is None or run.application != "Queue" or run.answered:
            return
        waited_s = int((row.at - run.since).total_seconds())
        yield e.QueueAbandoned(row.at, _view(row), run.queue, waited_s)
        yield e.QueueLeft(row.at, _view(row), run.queue)

    def _over(self, row: CelRow) -> Iterator[Event]:
        if row.uniqueid in self.gone:
            return
        yield from self._ran(row)
        self.gone.add(row.uniqueid)
        if _cause(row) == RANG_OUT and row.uniqueid in self.called and row.uniqueid not in self.up:
            yield e.DialEnded(row.at, None, _view(row), DialStatus.NO_ANSWER)
        yield e.ChannelHungUp(row.at, _view(row), _cause(row))

    def _moved(self, row: CelRow) -> Iterator[Event]:
        match row.kind:
            case "BLINDTRANSFER":
                transferee = self._named(row, "transferee_channel")
                exten = str(row.extra.get("extension", ""))
                yield e.BlindTransferred(row.at, _view(row), transferee, exten, True)
            case "ATTENDEDTRANSFER":
                second = self._named(row, "channel2") or _view(row)
                transferee, target = (
                    self._named(row, "transferee_channel"),
                    self._named(row, "transfer_target_channel"),
                )
                yield e.AttendedTransferred(
                    row.at, _view(row), second, transferee, target, "bridge", success=True
                )
            case "PICKUP":
                taker = self._named(row, "pickup_channel")
                if taker is not None:
                    yield e.PickedUp(row.at, taker, _view(row))
            case "PARK_START":
                yield e.Parked(row.at, _view(row), "", str(row.extra.get("parker_dial_string", "")))
            case "PARK_END":
                yield from self._unparked(row)

    def _unparked(self, row: CelRow) -> Iterator[Event]:
        reason = row.extra.get("reason")
        if reason == "ParkedCallUnparked":
            yield e.Unparked(row.at, _view(row), None)
        else:
            yield e.ParkingEnded(row.at, _view(row), reason == "ParkedCallTimeOut")

    def _named(self, row: CelRow, prefix: str) -> ChannelView | None:
        """Return the channel that `extra` names, None when it names none that was heard of."""
        name = str(row.extra.get(f"{prefix}_name", "") or row.extra.get(prefix, ""))
        uniqueid = str(row.extra.get(f"{prefix}_uniqueid", "") or self.by_name.get(name, ""))
        if not name or not uniqueid:
            return None
        linkedid = next((r.linkedid for r in self.rows if r.uniqueid == uniqueid), row.linkedid)
        return ChannelView(uniqueid, linkedid, name, ChannelState.UP, None, None, "", "")


def _dialled(run: _Running, row: CelRow) -> str:
    """Return what was dialled to reach this channel: "7926…@trunk", "1001"; "" when that is not said."""
    if run.application != "Dial":
        return ""
    device = row.channel.removesuffix(";1").rpartition("-")[0]
    peer = device.partition("/")[2]
    parts = run.data.partition(",")[0].split("&")
    ours = next((part for part in parts if device in part or f"@{peer}" in part), parts[0])
    return ours.partition("/")[2]
