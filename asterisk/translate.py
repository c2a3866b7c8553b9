"""One AMI message -> one event of `asterisk.events`, or None for the many we do not use. Pure.

In:      headers of one message (`asterisk.wire.parse`, or a panoramisk Message), and when it arrived
Out:     an event; its instant is the AMI `Timestamp` header where there is one, else the arrival
Raises:  nothing: a message without the headers it must have is no event
Source:  Asterisk documentation, AMI events, versions 13 to 22; captures of 16.28 and 22.10
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

from asterisk import events as e
from asterisk.events import ChannelState, ChannelView, DeviceState, DialStatus, Event, Place, QueueVerdict
from asterisk.wire import parse, wanted

__all__ = ["parse", "translate", "wanted"]

Message: TypeAlias = Mapping[str, str]
Reader: TypeAlias = Callable[[Message, datetime], Event | None]

CHANNEL_STATES = {
    "0": ChannelState.DOWN,
    "1": ChannelState.RESERVED,
    "2": ChannelState.OFF_HOOK,
    "3": ChannelState.DIALING,
    "4": ChannelState.RING,
    "5": ChannelState.RINGING,
    "6": ChannelState.UP,
    "7": ChannelState.BUSY,
}

DIAL_STATUSES = {
    "ANSWER": DialStatus.ANSWER,
    "NOANSWER": DialStatus.NO_ANSWER,
    "CANCEL": DialStatus.CANCEL,
    "ABORT": DialStatus.CANCEL,
    "BUSY": DialStatus.BUSY,
    "CONGESTION": DialStatus.CONGESTION,
    "CHANUNAVAIL": DialStatus.UNAVAILABLE,
}

# Numbers in queue events (AST_DEVICE_*), words in DeviceStateChange.
DEVICE_STATES = {
    "0": DeviceState.UNKNOWN,
    "1": DeviceState.IDLE,
    "2": DeviceState.IN_USE,
    "3": DeviceState.BUSY,
    "4": DeviceState.INVALID,
    "5": DeviceState.UNAVAILABLE,
    "6": DeviceState.RINGING,
    "7": DeviceState.RINGING_IN_USE,
    "8": DeviceState.ON_HOLD,
    "UNKNOWN": DeviceState.UNKNOWN,
    "NOT_INUSE": DeviceState.IDLE,
    "INUSE": DeviceState.IN_USE,
    "BUSY": DeviceState.BUSY,
    "INVALID": DeviceState.INVALID,
    "UNAVAILABLE": DeviceState.UNAVAILABLE,
    "RINGING": DeviceState.RINGING,
    "RINGINUSE": DeviceState.RINGING_IN_USE,
    "ONHOLD": DeviceState.ON_HOLD,
}

# Variable QUEUESTATUS; CONTINUE (the operator hung up first) is no verdict, the caller was served.
VERDICTS = {
    "TIMEOUT": QueueVerdict.TIMEOUT,
    "LEAVEEMPTY": QueueVerdict.LEFT_EMPTY,
    "LEAVEUNAVAIL": QueueVerdict.LEFT_EMPTY,
    "JOINEMPTY": QueueVerdict.EMPTY,
    "JOINUNAVAIL": QueueVerdict.EMPTY,
    "FULL": QueueVerdict.FULL,
    "WITHDRAW": QueueVerdict.WITHDRAWN,
}
UNREACHED = frozenset({"CHANUNAVAIL", "CONGESTION", "BUSY"})  # of DIALSTATUS: no phone could be rung
PLACES = {
    "BackGround": Place.MENU,
    "WaitExten": Place.MENU,
    "Read": Place.MENU,
    "VoiceMail": Place.VOICEMAIL,
    "MinivmRecord": Place.VOICEMAIL,
}

NOTHING = frozenset({"", "<unknown>", "(null)", "<none>"})


def translate(message: Message, at: datetime) -> Event | None:
    """Return the event that `message` tells of, None when it is none of ours."""
    reader = READERS.get(message.get("Event", ""))
    if reader is None:
        return None
    stamp = message.get("Timestamp")
    try:
        return reader(message, at if stamp is None else datetime.fromtimestamp(float(stamp), UTC))
    except (KeyError, ValueError, OverflowError, OSError):
        return None  # an event without its own headers: another program's, or damaged


def known(text: str) -> str | None:
    """Return `text`, None where Asterisk says that there is none."""
    return None if text in NOTHING else text


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


VIEW = ("Uniqueid", "Linkedid", "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Context", "Exten")


@cache
def _headers(prefix: str) -> tuple[str, ...]:
    return tuple(prefix + header for header in VIEW)


def _channel(m: Message, prefix: str = "") -> ChannelView:
    get = m.get
    uniqueid, linkedid, name, state, number, caller, context, exten = _headers(prefix)
    return ChannelView(
        m[uniqueid],
        get(linkedid, ""),
        m[name],
        CHANNEL_STATES.get(get(state, ""), ChannelState.OTHER),
        known(get(number, "")),
        known(get(caller, "")),
        get(context, ""),
        get(exten, ""),
    )


def _maybe(m: Message, prefix: str) -> ChannelView | None:
    return _channel(m, prefix) if prefix + "Uniqueid" in m else None


# --- the link and single channels -----------------------------------------------------------------------


def _booted(m: Message, at: datetime) -> Event:
    return e.LinkUp(at, float(m["Uptime"]) if m.get("Uptime", "").isdigit() else None)


def _stopped(m: Message, at: datetime) -> Event:
    return e.SwitchboardStopped(at, m.get("Restart") == "True")


def _renamed(m: Message, at: datetime) -> Event | None:
    name = m["Newname"]
    if name.endswith(("<MASQ>", "<ZOMBIE>")):  # half-way names while two channels change places
        return None
    return e.ChannelRenamed(at, m["Uniqueid"], name)


def _prohibited(m: Message) -> bool:
    """Read "35 (Presentation Prohibited, ...)": the two upper bits of the number are the presentation."""
    code = m.get("CID-CallingPres", "").partition(" ")[0]
    return _number(code) & 0x60 == 0x20


def _hung_up(m: Message, at: datetime) -> Event:
    return e.ChannelHungUp(at, _channel(m), _number(m.get("Cause")))


def _hangup_requested(m: Message, at: datetime) -> Event:
    return e.HangupRequested(at, _channel(m), _number(m.get("Cause")))


def _variable(m: Message, at: datetime) -> Event | None:
    value = m.get("Value", "")
    match m["Variable"].lstrip("_"):
        case "CALLCENTER_CALL" if value:
            return e.ChannelTagged(at, _channel(m), value)
        case "FROM_DID" if value:
            return e.LineNamed(at, _channel(m), value)
        case "CALLCENTER_PRES" if value:  # CALLERID(num-pres): allowed…, prohib…, unavailable
            return e.CallerPresented(at, _channel(m), value.startswith("prohib"))
        case "MIXMONITOR_FILENAME" if value:
            return e.RecordingNamed(at, m["Uniqueid"], m.get("Linkedid", ""), (value,))
        case "QUEUESTATUS" if value in VERDICTS:
            return e.QueueJudged(at, _channel(m), VERDICTS[value])
        case "DIALSTATUS" if value in UNREACHED:
            return e.PlaceReached(at, _channel(m), Place.NOBODY)
    return None


def _user_event(m: Message, at: datetime) -> Event | None:
    stars = m.get("Vote", "")
    if m["UserEvent"] != "CallcenterVote" or stars not in ("1", "2", "3", "4", "5"):
        return None
    return e.CustomerVoted(at, _channel(m), int(stars))


def _application(m: Message, at: datetime) -> Event | None:
    match m["Application"]:
        case "MixMonitor":
            paths = recording_paths(m.get("AppData", ""))
            return e.RecordingNamed(at, m["Uniqueid"], m.get("Linkedid", ""), paths) if paths else None
        case "Queue":
            queue = m.get("AppData", "").partition(",")[0]
            return e.QueueTried(at, _channel(m), queue) if queue else None
        case application if application in PLACES:
            return e.PlaceReached(at, _channel(m), PLACES[application])
    return None


def recording_paths(data: str) -> tuple[str, ...]:
    """Return the files that MixMonitor(`data`) writes: the mix, then those of the options r and t.

    `data` is "path,options,command"; an option carries its argument in parentheses, "bSr(/x-caller.wav)".
    """
    mix, _, rest = data.partition(",")
    options = rest.partition(",")[0]
    sides = [piece.partition(")")[0] for flag in ("r(", "t(") for piece in options.split(flag)[1:]]
    return tuple(path for path in (mix, *sides) if path)


def _cdr(m: Message, at: datetime) -> Event | None:
    """Take the name of the recording only: a CDR is one row per pairing and no source of truth."""
    path = m.get("RecordingFile") or m.get("recordingfile")
    return e.RecordingNamed(at, m["UniqueID"], m.get("LinkedID", ""), (path,)) if path else None


# --- dialling, bridges ----------------------------------------------------------------------------------


def _dial_began(m: Message, at: datetime) -> Event:
    return e.DialBegan(at, _maybe(m, ""), _channel(m, "Dest"), m.get("DialString", ""))


def _dial_progressed(m: Message, at: datetime) -> Event:
    return e.DialProgressed(at, _maybe(m, ""), _channel(m, "Dest"), m.get("DialStatus") == "RINGING")


def _dial_ended(m: Message, at: datetime) -> Event:
    status = DIAL_STATUSES.get(m.get("DialStatus", ""), DialStatus.OTHER)
    return e.DialEnded(at, _maybe(m, ""), _channel(m, "Dest"), status)


def _originate_ended(m: Message, at: datetime) -> Event:
    return e.OriginateEnded(
        at,
        m.get("ActionID", ""),
        known(m.get("Uniqueid", "")),
        _number(m.get("Reason")),
        m.get("Response") == "Success",
        m.get("Channel", ""),
        known(m.get("Exten", "")),
    )


def _holding(m: Message) -> bool:
    return m.get("BridgeTechnology") == "holding_bridge"


def _entered(m: Message, at: datetime) -> Event:
    swapped = known(m.get("SwapUniqueid", ""))
    return e.BridgeEntered(at, m["BridgeUniqueid"], _channel(m), swapped, _holding(m))


def _left(m: Message, at: datetime) -> Event:
    return e.BridgeLeft(at, m["BridgeUniqueid"], _channel(m))


def _merged(m: Message, at: datetime) -> Event:
    return e.BridgesMerged(at, m["ToBridgeUniqueid"], m["FromBridgeUniqueid"])


# --- queues, transfers ----------------------------------------------------------------------------------


def _queue_joined(m: Message, at: datetime) -> Event:
    return e.QueueJoined(at, _channel(m), m["Queue"], _number(m.get("Position")))


def _queue_abandoned(m: Message, at: datetime) -> Event:
    waited_s, position = _number(m.get("HoldTime")), _position(m)
    return e.QueueAbandoned(at, _channel(m), m["Queue"], waited_s, position)


def _queue_left(m: Message, at: datetime) -> Event:
    return e.QueueLeft(at, _channel(m), m["Queue"], _position(m))


def _position(m: Message) -> int | None:
    return _number(m.get("Position")) or None


def _agent_completed(m: Message, at: datetime) -> Event:
    agent, interface = _maybe(m, "Dest"), m.get("Interface", "")
    return e.AgentCompleted(at, _channel(m), agent, m["Queue"], interface, m.get("Reason", ""))


def _agent_rang_out(m: Message, at: datetime) -> Event:
    return e.AgentRangOut(at, _channel(m), _maybe(m, "Dest"), m["Queue"], m.get("Interface", ""))


def _blind(m: Message, at: datetime) -> Event:
    transferer, transferee = _channel(m, "Transferer"), _maybe(m, "Transferee")
    success = m.get("Result", "Success") == "Success"
    return e.BlindTransferred(at, transferer, transferee, m.get("Extension", ""), success)


def _attended(m: Message, at: datetime) -> Event:
    return e.AttendedTransferred(
        at,
        _channel(m, "OrigTransferer"),
        _channel(m, "SecondTransferer"),
        _maybe(m, "Transferee"),
        _maybe(m, "TransferTarget"),
        m.get("DestType", "").lower(),
        m.get("Result", "Success") == "Success",
    )


def _parked(m: Message, at: datetime) -> Event:
    parker = m.get("ParkerDialString") or m.get("ParkerChannel", "")
    return e.Parked(at, _channel(m, "Parkee"), m.get("ParkingSpace", ""), parker)


def _spies(m: Message, at: datetime) -> Event:
    return e.SpyStarted(at, m["SpyerUniqueid"], m.get("SpyerExten", ""), m["SpyeeUniqueid"])


def _spied(m: Message, at: datetime) -> Event:
    return e.SpyStopped(at, m["SpyerUniqueid"], m.get("SpyeeUniqueid", ""))


# --- agents, phones, lists ------------------------------------------------------------------------------


def _device_state(text: str | None) -> DeviceState:
    return DEVICE_STATES.get(text or "", DeviceState.UNKNOWN)


Membership: TypeAlias = type[e.MemberAdded | e.MemberPaused | e.MemberListed]


def _member(kind: Membership) -> Reader:
    def read(m: Message, at: datetime) -> Event:
        # The answer to QueueStatus calls the interface Location and the member Name.
        return kind(
            at,
            m["Queue"],
            m.get("Interface") or m["Location"],
            m.get("MemberName") or m.get("Name", ""),
            m.get("Paused") == "1",
            known(m.get("PausedReason", "")),
            _device_state(m.get("Status")),
            m.get("Membership") == "dynamic",
            m.get("StateInterface", ""),
        )

    return read


def _member_removed(m: Message, at: datetime) -> Event:
    return e.MemberRemoved(at, m["Queue"], m["Interface"], m.get("MemberName", ""))


def _device(m: Message, at: datetime) -> Event | None:
    if m["Device"].startswith("Queue:"):
        return None  # nobody's telephone
    return e.DeviceStateChanged(at, m["Device"], _device_state(m.get("State")))


def _contact(m: Message, at: datetime) -> Event | None:
    endpoint = m.get("EndpointName") or m.get("AOR", "")
    return e.ContactChanged(at, endpoint, m.get("ContactStatus", "")) if endpoint else None


def _peer(m: Message, at: datetime) -> Event:
    return e.ContactChanged(at, m["Peer"].partition("/")[2], m.get("PeerStatus", ""))


def _listed(m: Message, at: datetime) -> Event:
    return e.ChannelListed(
        at,
        _channel(m),
        known(m.get("BridgeId", "") or m.get("BridgeID", "")),
        _age_s(m.get("Duration", "")),
        m.get("Application", ""),
        m.get("ApplicationData", ""),
    )


def _age_s(text: str) -> int:
    """Return the seconds of "hh:mm:ss"."""
    seconds = 0
    for part in text.split(":"):
        seconds = seconds * 60 + _number(part)
    return seconds


def _bridge_asked_for(m: Message) -> str:
    """Return the bridge: Asterisk does not say it, the ActionID of our link does ("bridge/<uniqueid>")."""
    return m.get("BridgeUniqueid") or m["ActionID"].removeprefix("bridge/")


def _caller_listed(m: Message, at: datetime) -> Event:
    return e.CallerListed(at, _channel(m), m["Queue"], _number(m.get("Position")), _number(m.get("Wait")))


READERS: dict[str, Reader] = {
    "FullyBooted": _booted,
    "Shutdown": _stopped,
    "Newchannel": lambda m, at: e.ChannelCreated(at, _channel(m)),
    "Newstate": lambda m, at: e.ChannelStateChanged(at, _channel(m)),
    "NewCallerid": lambda m, at: e.CallerIdChanged(at, _channel(m), _prohibited(m)),
    "Rename": _renamed,
    "HangupRequest": _hangup_requested,
    "SoftHangupRequest": lambda m, at: e.ChannelDropped(at, _channel(m)),
    "Hangup": _hung_up,
    "Hold": lambda m, at: e.ChannelHeld(at, _channel(m)),
    "Unhold": lambda m, at: e.ChannelUnheld(at, _channel(m)),
    "VarSet": _variable,
    "Newexten": _application,
    "UserEvent": _user_event,
    "MixMonitorMute": lambda m, at: e.RecordingMuted(at, _channel(m), m.get("State") == "1"),
    "Cdr": _cdr,
    "DialBegin": _dial_began,
    "DialState": _dial_progressed,
    "DialEnd": _dial_ended,
    "Pickup": lambda m, at: e.PickedUp(at, _channel(m), _channel(m, "Target")),
    "OriginateResponse": _originate_ended,
    "BridgeEnter": _entered,
    "BridgeLeave": _left,
    "BridgeMerge": _merged,
    "LocalBridge": lambda m, at: e.LocalBridged(at, _channel(m, "LocalOne"), _channel(m, "LocalTwo")),
    "QueueCallerJoin": _queue_joined,
    "QueueCallerLeave": _queue_left,
    "QueueCallerAbandon": _queue_abandoned,
    "AgentCalled": lambda m, at: e.AgentCalled(
        at, _channel(m), _channel(m, "Dest"), m["Queue"], m.get("Interface", "")
    ),
    "AgentConnect": lambda m, at: e.AgentConnected(
        at, _channel(m), _channel(m, "Dest"), m["Queue"], m.get("Interface", "")
    ),
    "AgentComplete": _agent_completed,
    "AgentRingNoAnswer": _agent_rang_out,
    "BlindTransfer": _blind,
    "AttendedTransfer": _attended,
    "ParkedCall": _parked,
    "UnParkedCall": lambda m, at: e.Unparked(at, _channel(m, "Parkee"), _maybe(m, "Retriever")),
    "ParkedCallTimeOut": lambda m, at: e.ParkingEnded(at, _channel(m, "Parkee"), True),
    "ParkedCallGiveUp": lambda m, at: e.ParkingEnded(at, _channel(m, "Parkee"), False),
    "ChanSpyStart": _spies,
    "ChanSpyStop": _spied,
    "QueueMemberAdded": _member(e.MemberAdded),
    "QueueMemberRemoved": _member_removed,
    "QueueMemberPause": _member(e.MemberPaused),
    "QueueMember": _member(e.MemberListed),
    "DeviceStateChange": _device,
    "ContactStatus": _contact,
    "PeerStatus": _peer,
    "CoreShowChannel": _listed,
    "CoreShowChannelsComplete": lambda m, at: e.ChannelListEnded(at, _number(m.get("ListItems"))),
    "BridgeListItem": lambda m, at: e.BridgeListed(at, m["BridgeUniqueid"], _holding(m)),
    "BridgeInfoChannel": lambda m, at: e.BridgeMemberListed(at, _bridge_asked_for(m), _channel(m)),
    "BridgeListComplete": lambda m, at: e.BridgeListEnded(at),
    "QueueEntry": _caller_listed,
    "QueueParams": lambda m, at: e.QueueListed(at, m["Queue"]),
    "QueueStatusComplete": lambda m, at: e.QueueListEnded(at),
    "DeviceStateListComplete": lambda m, at: e.DeviceListEnded(at),
}
