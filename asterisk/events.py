"""What happened on the phones, in our own words.

In:      nothing; these are plain facts made by `asterisk.translate` (from AMI messages) or by the link itself
Out:     frozen values, past tense; every event carries `at`, an aware UTC datetime
Units:   instants are aware UTC datetimes, a bare number carries its unit in its name
Source:  Asterisk 13-22 documentation of AMI events; captures of real switchboards

Numbers and names are as Asterisk sent them, except that `<unknown>` and the empty text become None.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias, get_args


class ChannelState(StrEnum):
    """State of one channel. The numbers of AMI `ChannelState` stand in `asterisk.translate`."""

    DOWN = "down"
    RESERVED = "reserved"
    OFF_HOOK = "off_hook"
    DIALING = "dialing"
    RING = "ring"  # this channel is calling us: an incoming call, or an agent who dials
    RINGING = "ringing"  # the phone at the other end of this channel rings
    UP = "up"
    BUSY = "busy"
    OTHER = "other"


class DialStatus(StrEnum):
    """How one attempt to reach one channel ended (AMI `DialStatus` of DialEnd)."""

    ANSWER = "answer"
    NO_ANSWER = "no_answer"
    CANCEL = "cancel"
    BUSY = "busy"
    CONGESTION = "congestion"
    UNAVAILABLE = "unavailable"
    OTHER = "other"


class DeviceState(StrEnum):
    """What Asterisk believes about a phone."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    IN_USE = "in_use"
    BUSY = "busy"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    RINGING = "ringing"
    RINGING_IN_USE = "ringing_in_use"
    ON_HOLD = "on_hold"


class QueueVerdict(StrEnum):
    """Why a queue did not serve a caller (variable QUEUESTATUS)."""

    TIMEOUT = "timeout"
    LEFT_EMPTY = "left_empty"  # the last member went away while he waited
    EMPTY = "empty"  # nobody was there: refused at the door
    FULL = "full"  # too many waited: refused at the door
    WITHDRAWN = "withdrawn"


class Place(StrEnum):
    """Where the dialplan has a caller who is in no queue and for whom no phone rings."""

    MENU = "menu"
    VOICEMAIL = "voicemail"
    NOBODY = "nobody"  # it has dialled, and every phone was busy or not connected


class ChannelView(NamedTuple):
    """A channel as one event shows it. A tuple, not a dataclass: two are made for most events."""

    uniqueid: str
    linkedid: str  # may be "" where AMI does not say it (QueueEntry)
    name: str  # "PJSIP/1001-0000001f"
    state: ChannelState
    caller_number: str | None
    caller_name: str | None
    context: str
    exten: str


# --- the link -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Logged in. May come twice for one login: from the link, and from `FullyBooted` with the uptime."""

    at: datetime
    uptime_s: float | None = None  # how long Asterisk has been running; None when it did not say


@dataclass(frozen=True, slots=True)
class LinkLost:
    """Nothing can be heard any more."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resynced:
    """All lists asked for after a login have been received (sent by the link)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SwitchboardStopped:
    """Asterisk says that it stops."""

    at: datetime
    restart: bool


# --- one channel ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChannelCreated:
    at: datetime
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class ChannelStateChanged:
    at: datetime
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class CallerIdChanged:
    at: datetime
    channel: ChannelView
    hidden: bool = False  # the caller does not want his number to be shown


@dataclass(frozen=True, slots=True)
class ChannelRenamed:
    at: datetime
    uniqueid: str
    name: str


@dataclass(frozen=True, slots=True)
class HangupRequested:
    """The far end of this channel wants out: the person hung up, declined or was refused."""

    at: datetime
    channel: ChannelView
    cause: int


@dataclass(frozen=True, slots=True)
class ChannelDropped:
    """The switchboard itself asks this channel to hang up: at the end of its dialplan, by command, at a restart."""

    at: datetime
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class ChannelHungUp:
    at: datetime
    channel: ChannelView
    cause: int  # Q.850, 0 when unknown


@dataclass(frozen=True, slots=True)
class ChannelHeld:
    at: datetime
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class ChannelUnheld:
    at: datetime
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class ChannelTagged:
    """Our own variable CALLCENTER_CALL was set on a channel."""

    at: datetime
    channel: ChannelView
    tag: str


@dataclass(frozen=True, slots=True)
class CustomerVoted:
    """The caller pressed what he thinks of the call, 1 to 5 (UserEvent CallcenterVote of our dialplan)."""

    at: datetime
    channel: ChannelView
    stars: int


@dataclass(frozen=True, slots=True)
class LineNamed:
    """The dialplan said which number was dialled (variable FROM_DID)."""

    at: datetime
    channel: ChannelView
    line: str


@dataclass(frozen=True, slots=True)
class CallerPresented:
    """The dialplan said whether the caller lets his number be shown (our variable CALLCENTER_PRES)."""

    at: datetime
    channel: ChannelView
    withheld: bool


@dataclass(frozen=True, slots=True)
class RecordingNamed:
    """A recording is being written. `paths` as the switchboard names them, the mix first, then the sides."""

    at: datetime
    uniqueid: str
    linkedid: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordingMuted:
    """Silence goes into the recording of this channel instead of one side or both, or sound again."""

    at: datetime
    channel: ChannelView
    muted: bool


# --- what we ask for ourselves --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallRequested:
    """We are about to send an Originate: the call exists from now on, whatever becomes of it.

    Put into the inbox by whoever dials, never by the switchboard. A phone that is not registered makes no
    channel at all, so without this such a call would be known to nobody.
    """

    at: datetime
    uniqueid: str  # the ChannelId that we chose, which is the linkedid as well
    extension: str  # whose phone is rung first
    number: str  # who is dialled then, E.164
    line: str | None  # which of our numbers is shown to him


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """The Originate was refused, or the link broke before it was answered. Nothing is sent again."""

    at: datetime
    uniqueid: str
    reason: str


@dataclass(frozen=True, slots=True)
class FetchRequested:
    """We are about to send an Originate that takes a parked caller from his slot: its channels are of his call."""

    at: datetime
    uniqueid: str  # the ChannelId that we chose
    linkedid: str  # of the parked caller's call


# --- ringing --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DialBegan:
    at: datetime
    caller: ChannelView | None  # None: nobody dials, the switchboard itself does (Originate)
    callee: ChannelView
    dial_string: str


@dataclass(frozen=True, slots=True)
class DialProgressed:
    at: datetime
    caller: ChannelView | None
    callee: ChannelView
    ringing: bool  # False: progress, proceeding and the like


@dataclass(frozen=True, slots=True)
class DialEnded:
    """May come twice for one callee; the first is right."""

    at: datetime
    caller: ChannelView | None
    callee: ChannelView
    status: DialStatus


@dataclass(frozen=True, slots=True)
class PickedUp:
    """Somebody took a call that rang on another phone (*8)."""

    at: datetime
    channel: ChannelView
    target: ChannelView


@dataclass(frozen=True, slots=True)
class OriginateEnded:
    """The outcome of an Originate: whether *the first* phone was picked up, nothing about the second."""

    at: datetime
    action_id: str
    channel_uniqueid: str | None  # None on failure
    reason: int  # 4 answered, 3 rang out, 5 busy, 0 and others: failed
    success: bool
    channel_name: str  # on failure without its number: "PJSIP/1001"
    exten: str | None  # what was to be dialled after the answer


# --- who hears whom -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BridgeEntered:
    at: datetime
    bridge: str
    channel: ChannelView
    swapped: str | None  # uniqueid of the channel whose place is taken
    holding: bool  # a waiting room (parking, MusicOnHold): those inside do not hear each other


@dataclass(frozen=True, slots=True)
class BridgeLeft:
    at: datetime
    bridge: str
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class BridgesMerged:
    at: datetime
    kept: str
    emptied: str


@dataclass(frozen=True, slots=True)
class LocalBridged:
    """The two halves of a Local channel: what one hears, the other says."""

    at: datetime
    one: ChannelView
    two: ChannelView


# --- queues ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueTried:
    """The dialplan sends a caller to a queue, which may refuse him (joinempty). Needs class dialplan."""

    at: datetime
    channel: ChannelView
    queue: str


@dataclass(frozen=True, slots=True)
class QueueJoined:
    at: datetime
    channel: ChannelView
    queue: str
    position: int | None  # None: not told


@dataclass(frozen=True, slots=True)
class QueueLeft:
    at: datetime
    channel: ChannelView
    queue: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class QueueAbandoned:
    """Left the queue without an answer: the caller hung up, *or* the queue let him go (timeout, empty)."""

    at: datetime
    channel: ChannelView
    queue: str
    waited_s: int
    position: int | None = None


@dataclass(frozen=True, slots=True)
class QueueJudged:
    """The queue says why it refused the caller or put him out. Needs class dialplan."""

    at: datetime
    channel: ChannelView
    verdict: QueueVerdict


@dataclass(frozen=True, slots=True)
class PlaceReached:
    """The dialplan plays a menu, takes a message, or found nobody to ring. Needs class dialplan."""

    at: datetime
    channel: ChannelView
    place: Place


@dataclass(frozen=True, slots=True)
class AgentCalled:
    at: datetime
    caller: ChannelView
    agent: ChannelView
    queue: str
    interface: str


@dataclass(frozen=True, slots=True)
class AgentConnected:
    at: datetime
    caller: ChannelView
    agent: ChannelView
    queue: str
    interface: str


@dataclass(frozen=True, slots=True)
class AgentCompleted:
    at: datetime
    caller: ChannelView
    agent: ChannelView | None  # Asterisk 16 leaves it out after a transfer
    queue: str
    interface: str
    reason: str  # caller, agent, transfer


@dataclass(frozen=True, slots=True)
class AgentRangOut:
    at: datetime
    caller: ChannelView
    agent: ChannelView | None
    queue: str
    interface: str


# --- transfers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlindTransferred:
    at: datetime
    transferer: ChannelView
    transferee: ChannelView | None
    exten: str
    success: bool


@dataclass(frozen=True, slots=True)
class AttendedTransferred:
    at: datetime
    first: ChannelView  # the transferer's channel in the older of his two calls
    second: ChannelView  # and in the newer one
    transferee: ChannelView | None
    target: ChannelView | None
    destination: str  # bridge, app, link, threeway, fail
    success: bool


@dataclass(frozen=True, slots=True)
class Parked:
    at: datetime
    channel: ChannelView
    slot: str
    parker: str  # dial string of the one who parked: "PJSIP/1001"


@dataclass(frozen=True, slots=True)
class Unparked:
    at: datetime
    channel: ChannelView
    retriever: ChannelView | None


@dataclass(frozen=True, slots=True)
class ParkingEnded:
    """Nobody took the call from its slot: time is up, or the caller hung up."""

    at: datetime
    channel: ChannelView
    timed_out: bool


# --- listening ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpyStarted:
    """Somebody begins to hear a channel (ChanSpy), or goes on in another mode."""

    at: datetime
    uniqueid: str  # of who listens
    exten: str  # where his dialplan is
    spied: str  # uniqueid of the channel that is heard


@dataclass(frozen=True, slots=True)
class SpyStopped:
    """He does not hear it any more; he may hear it again at once, in another mode."""

    at: datetime
    uniqueid: str
    spied: str


# --- agents and phones ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MemberAdded:
    at: datetime
    queue: str
    interface: str
    name: str
    paused: bool
    reason: str | None
    status: DeviceState
    dynamic: bool = False  # added by somebody, not by the configuration
    state_interface: str = ""  # "PJSIP/1001" or "hint:1001@ext-local"; whose state counts


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    at: datetime
    queue: str
    interface: str
    name: str


@dataclass(frozen=True, slots=True)
class MemberPaused:
    """Pause *or* resume, see `paused`; a resume may carry a reason too."""

    at: datetime
    queue: str
    interface: str
    name: str
    paused: bool
    reason: str | None
    status: DeviceState
    dynamic: bool = False  # added by somebody, not by the configuration
    state_interface: str = ""  # "PJSIP/1001" or "hint:1001@ext-local"; whose state counts


@dataclass(frozen=True, slots=True)
class DeviceStateChanged:
    """A change, or one item of the answer to DeviceStateList."""

    at: datetime
    device: str  # "PJSIP/1001", "Custom:DND1001"
    state: DeviceState


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A phone registered, was lost or answered again."""

    at: datetime
    endpoint: str
    status: str  # as Asterisk says it: Reachable, Unreachable, NonQualified, Removed, Registered, ...


# --- answers to the lists asked for after a login -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChannelListed:
    at: datetime
    channel: ChannelView
    bridge: str | None
    age_s: int
    application: str
    application_data: str


@dataclass(frozen=True, slots=True)
class ChannelListEnded:
    at: datetime
    items: int


@dataclass(frozen=True, slots=True)
class BridgeListed:
    at: datetime
    bridge: str
    holding: bool


@dataclass(frozen=True, slots=True)
class BridgeMemberListed:
    """One channel of the answer to BridgeInfo."""

    at: datetime
    bridge: str
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class BridgeListEnded:
    at: datetime


@dataclass(frozen=True, slots=True)
class CallerListed:
    """A caller waiting in a queue."""

    at: datetime
    channel: ChannelView
    queue: str
    position: int
    waited_s: int


@dataclass(frozen=True, slots=True)
class MemberListed:
    at: datetime
    queue: str
    interface: str
    name: str
    paused: bool
    reason: str | None
    status: DeviceState
    dynamic: bool = False  # added by somebody, not by the configuration
    state_interface: str = ""  # "PJSIP/1001" or "hint:1001@ext-local"; whose state counts


@dataclass(frozen=True, slots=True)
class QueueListed:
    """A queue of this switchboard, with or without members."""

    at: datetime
    queue: str


@dataclass(frozen=True, slots=True)
class QueueListEnded:
    at: datetime


@dataclass(frozen=True, slots=True)
class DeviceListEnded:
    at: datetime


LinkEvent: TypeAlias = LinkUp | LinkLost | Resynced | SwitchboardStopped
ChannelEvent: TypeAlias = (
    ChannelCreated
    | ChannelStateChanged
    | CallerIdChanged
    | ChannelRenamed
    | HangupRequested
    | ChannelDropped
    | ChannelHungUp
    | ChannelHeld
    | ChannelUnheld
    | ChannelTagged
    | CustomerVoted
    | LineNamed
    | CallerPresented
    | RecordingNamed
    | RecordingMuted
)
RequestEvent: TypeAlias = CallRequested | RequestFailed | FetchRequested
DialEvent: TypeAlias = DialBegan | DialProgressed | DialEnded | PickedUp | OriginateEnded
BridgeEvent: TypeAlias = BridgeEntered | BridgeLeft | BridgesMerged | LocalBridged
QueueEvent: TypeAlias = (
    QueueTried
    | QueueJoined
    | QueueLeft
    | QueueAbandoned
    | QueueJudged
    | PlaceReached
    | AgentCalled
    | AgentConnected
    | AgentCompleted
    | AgentRangOut
)
TransferEvent: TypeAlias = BlindTransferred | AttendedTransferred | Parked | Unparked | ParkingEnded
SpyEvent: TypeAlias = SpyStarted | SpyStopped
AgentEvent: TypeAlias = (
    MemberAdded | MemberRemoved | MemberPaused | MemberListed | DeviceStateChanged | ContactChanged
)
ListEvent: TypeAlias = (
    ChannelListed
    | ChannelListEnded
    | BridgeListed
    | BridgeMemberListed
    | BridgeListEnded
    | CallerListed
    | QueueListed
    | QueueListEnded
    | DeviceListEnded
)
Event: TypeAlias = (
    LinkEvent
    | ChannelEvent
    | RequestEvent
    | DialEvent
    | BridgeEvent
    | QueueEvent
    | TransferEvent
    | SpyEvent
    | AgentEvent
    | ListEvent
)


class Heard(NamedTuple):
    """What travels in the inbox: which switchboard said what."""

    pbx: str
    event: Event


def _views_of(kind: type) -> Callable[[Event], tuple[ChannelView, ...]] | None:
    names = [f.name for f in fields(kind) if f.type in (ChannelView, ChannelView | None)]
    if not names:
        return None
    if len(names) == 1:
        name = names[0]
        return lambda event: (getattr(event, name),)
    return lambda event: tuple(view for n in names if (view := getattr(event, n)) is not None)


_VIEWS = {kind: _views_of(kind) for kind in get_args(Event)}


def views(event: Event) -> tuple[ChannelView, ...]:
    """Return the channels that `event` shows, the one it is mainly about first."""
    read = _VIEWS[type(event)]
    return read(event) if read is not None else ()
