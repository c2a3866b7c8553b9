"""What was said about a call, in words that a supervisor understands. Pure.

In:      the messages of a tape, the rules that tell phones from trunks, who sits at which extension
Out:     a `Told` a message, in the same order; `words` is None for messages that say nothing to a supervisor
         (they are shown on demand, with the bytes of all)
`words % values` is English; the pages translate `words` and put the values in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from callcenter.call import Kind, Rules
from callcenter.flight.tape import Said

Message: TypeAlias = Mapping[str, str]
Words: TypeAlias = tuple[str, dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One message. `kind`: its AMI name, or `Action`, `Link`; `raw`: as it came."""

    at: datetime
    kind: str
    words: str | None
    values: Mapping[str, str]
    raw: str


DIAL_ENDS = {
    "ANSWER": "%(who)s answers",
    "BUSY": "%(who)s is busy or declines",
    "NOANSWER": "%(who)s does not answer",
    "CANCEL": "%(who)s stops ringing",
    "CONGESTION": "%(who)s can not be reached: no line free or number refused",
    "CHANUNAVAIL": "%(who)s can not be reached: the phone is not signed in or the line is down",
}
QUEUE_ENDS = {
    "TIMEOUT": "Waited longer than the queue allows and leaves it",
    "FULL": "The queue is full and takes no more callers",
    "JOINEMPTY": "Nobody is in the queue to answer, so the caller is not taken in",
    "JOINUNAVAIL": "Nobody in the queue is free to answer, so the caller is not taken in",
    "LEAVEEMPTY": "The last operator left the queue, so the caller is put out",
    "LEAVEUNAVAIL": "No operator of the queue is available any more, so the caller is put out",
}
ORIGINATE_ENDS = {
    "4": "Click-to-call: the operator's phone answered",
    "3": "Click-to-call: the operator's phone rang and nobody answered",
    "5": "Click-to-call: the operator's phone is busy or declined",
}
ACTIONS = {
    "Originate": "Callcenter asks to ring %(channel)s and then dial %(exten)s: %(answer)s",
    "Hangup": "Callcenter asks to hang up %(channel)s: %(answer)s",
    "Redirect": "Callcenter asks to send %(channel)s to %(exten)s: %(answer)s",
    "Atxfer": "Callcenter asks for an attended transfer of %(channel)s to %(exten)s: %(answer)s",
    "BlindTransfer": "Callcenter asks for a transfer of %(channel)s to %(exten)s: %(answer)s",
    "Park": "Callcenter asks to park %(channel)s: %(answer)s",
    "PlayDTMF": "Callcenter asks to press a key on %(channel)s: %(answer)s",
    "MixMonitorMute": "Callcenter asks to mute or unmute the recording: %(answer)s",
}
OUTSIDE = "the other side"
ENOUGH_OF_ONE = frozenset({"DialEnd"})  # Asterisk says the end of a ringing twice: the first is the true one


def tell(
    messages: Iterable[Said], rules: Rules, names: Mapping[str, str], *, withheld: bool = False
) -> Iterator[Told]:
    """Yield every message with its words. `names`: whose extension it is; `withheld`: the caller hides his number."""
    speaker = _Speaker(rules, names, withheld)
    once: set[tuple[str, str]] = set()
    for said in messages:
        headers = said.headers
        kind = headers.get("Event") or ("Link" if "Link" in headers else "Action")
        found = speaker.words(kind, headers)
        key = (kind, headers.get("DestUniqueid", ""))
        if kind in ENOUGH_OF_ONE and key in once:
            found = None
        once.add(key)
        words, values = found or (None, {})
        yield Told(at=said.at, kind=kind, words=words, values=values, raw=said.text)


@dataclass(frozen=True)
class _Speaker:
    rules: Rules
    names: Mapping[str, str]
    withheld: bool

    def words(self, kind: str, m: Message) -> Words | None:
        """Return the sentence for a message, None when it has none."""
        if kind == "Link":
            lost = m["Link"] == "lost"
            return (
                "The link to the switchboard is lost" if lost else "The link to the switchboard is up"
            ), {}
        if kind == "Action":
            return self._asked(m)
        teller = TELLERS.get(kind)
        return teller(self, m) if teller is not None else None

    def who(self, m: Message, prefix: str = "") -> str | None:
        """Return who a channel is, None for plumbing: half of a Local channel, an announcement."""
        channel = m.get(f"{prefix}Channel", "")
        party = self.rules.party(channel)
        match party.kind:
            case Kind.EXTENSION:
                return self.phone(party.extension or party.peer)
            case Kind.TRUNK:
                number = m.get(f"{prefix}CallerIDNum", "")
                return OUTSIDE if self.withheld or not number or number.startswith("<") else number
        return None

    def phone(self, extension: str) -> str:
        name = self.names.get(extension)
        return f"{name} ({extension})" if name else extension

    def interface(self, m: Message) -> str:
        device = m.get("Interface") or m.get("Location", "")
        party = self.rules.party(f"{device}-0")
        if party.kind is Kind.LOCAL:
            return self.phone(party.peer.partition("@")[0])
        return self.phone(party.extension) if party.extension else device

    def _asked(self, m: Message) -> Words:
        words = ACTIONS.get(m.get("Action", ""), "Callcenter asks: %(action)s %(channel)s: %(answer)s")
        return words, {
            "action": m.get("Action", ""),
            "channel": self.who(m) or m.get("Channel", ""),
            "exten": m.get("Exten", ""),
            "answer": m.get("Answer", ""),
        }


def _about(words: str, prefix: str = "") -> Callable[[_Speaker, Message], Words | None]:
    """A sentence about who the channel behind `prefix` is."""

    def tell_one(speaker: _Speaker, m: Message) -> Words | None:
        who = speaker.who(m, prefix)
        return (words, {"who": who}) if who is not None else None

    return tell_one


def _created(s: _Speaker, m: Message) -> Words | None:
    if m.get("ChannelState") != "4" or (who := s.who(m)) is None:
        return None
    return "%(who)s calls %(exten)s", {"who": who, "exten": m.get("Exten", "")}


def _state(s: _Speaker, m: Message) -> Words | None:
    who = s.who(m)
    return ("%(who)s: the phone rings", {"who": who}) if who and m.get("ChannelState") == "5" else None


def _dialled(s: _Speaker, m: Message) -> Words | None:
    who = s.who(m, "Dest")
    if s.rules.party(m.get("DestChannel", "")).kind is Kind.TRUNK:
        return "%(number)s is dialled", {"number": m.get("DialString", "").partition("@")[0]}
    return ("%(who)s is dialled", {"who": who}) if who is not None else None


def _dial_ended(s: _Speaker, m: Message) -> Words | None:
    who, words = s.who(m, "Dest"), DIAL_ENDS.get(m.get("DialStatus", ""))
    return (words, {"who": who}) if who and words else None


def _queue(words: str) -> Callable[[_Speaker, Message], Words | None]:
    def tell_one(s: _Speaker, m: Message) -> Words | None:
        return words, {
            "queue": m.get("Queue", ""),
            "who": s.interface(m),
            "position": m.get("Position", ""),
            "held": m.get("HoldTime", ""),
            "ring": m.get("RingTime", ""),
        }

    return tell_one


def _rang_out(s: _Speaker, m: Message) -> Words | None:
    rang = m.get("RingTime", "")
    ring = f"{int(rang) / 1000:.0f}" if rang.isdecimal() else "?"
    return "%(who)s did not answer for %(ring)s s; the queue goes on", {"who": s.interface(m), "ring": ring}


def _originated(s: _Speaker, m: Message) -> Words | None:
    reason = m.get("Reason", "")
    failed = "Click-to-call: the operator's phone can not be rung (reason %(reason)s)"
    return ORIGINATE_ENDS.get(reason, failed), {"reason": reason}


def _variable(s: _Speaker, m: Message) -> Words | None:
    value = m.get("Value", "")
    match m.get("Variable", "").lstrip("_"):
        case "QUEUESTATUS":
            words = QUEUE_ENDS.get(value)
            return (words, {}) if words else None
        case "MIXMONITOR_FILENAME" if value:
            return "The recording is kept as %(file)s", {"file": value.rpartition("/")[2]}
    return None


def _application(s: _Speaker, m: Message) -> Words | None:
    data = m.get("AppData", "")
    match m.get("Application", ""):
        case "Queue":
            return "The dialplan leads to queue %(queue)s", {"queue": data.partition(",")[0]}
        case "BackGround" | "WaitExten" | "Read":
            return "A menu is played", {}
        case "VoiceMail" | "MinivmRecord":
            return "The voice mail answers", {}
    return None


def _blind(s: _Speaker, m: Message) -> Words | None:
    who = s.who(m, "Transferer") or "Somebody"
    return "%(who)s transfers the call to %(to)s", {"who": who, "to": s.phone(m.get("Extension", ""))}


def _attended(s: _Speaker, m: Message) -> Words | None:
    who = s.who(m, "OrigTransferer") or "Somebody"
    to = s.who(m, "TransferTarget") or m.get("SecondTransfererExten", "")
    return "%(who)s asks and hands the call over to %(to)s", {"who": who, "to": to}


def _parked(s: _Speaker, m: Message) -> Words | None:
    return "The call is parked at %(slot)s", {"slot": m.get("ParkingSpace", "")}


def _gone(s: _Speaker, m: Message) -> Words | None:
    who, cause = s.who(m), m.get("Cause-txt", "").lower()
    return ("%(who)s is gone (%(cause)s)", {"who": who, "cause": cause}) if who else None


TELLERS: dict[str, Callable[[_Speaker, Message], Words | None]] = {
    "Newchannel": _created,
    "Newstate": _state,
    "DialBegin": _dialled,
    "DialEnd": _dial_ended,
    "QueueCallerJoin": _queue("Waits in queue %(queue)s, at place %(position)s"),
    "QueueCallerAbandon": _queue("Leaves queue %(queue)s unanswered after %(held)s s"),
    "AgentConnect": _queue("%(who)s takes the call from queue %(queue)s after %(held)s s of waiting"),
    "AgentComplete": _queue("Queue %(queue)s: the talk with %(who)s is over"),
    "AgentRingNoAnswer": _rang_out,
    "BridgeEnter": _about("%(who)s is in the conversation"),
    "BridgeLeave": _about("%(who)s leaves the conversation"),
    "Hold": _about("%(who)s puts the call on hold"),
    "Unhold": _about("%(who)s takes the call off hold"),
    "BlindTransfer": _blind,
    "AttendedTransfer": _attended,
    "Pickup": _about("%(who)s picks up a call that rings elsewhere"),
    "ParkedCall": _parked,
    "UnParkedCall": _about("%(who)s takes the parked call", "Retriever"),
    "ParkedCallTimeOut": _queue("The parked call was not taken in time"),
    "ParkedCallGiveUp": _queue("The parked caller gave up"),
    "HangupRequest": _about("%(who)s hangs up"),
    "Hangup": _gone,
    "OriginateResponse": _originated,
    "VarSet": _variable,
    "Newexten": _application,
    "CoreShowChannel": _about("%(who)s is still there"),
    "FullyBooted": lambda s, m: ("The switchboard takes our login", {}),
    "Shutdown": lambda s, m: ("The switchboard is stopped", {}),
}
