"""The tape of a call as a capture that `callcenter replay` reads, with nobody's number or name in it. Pure.

In:      what was said, the numbers of ours, the rules that tell phones from trunks
Out:     bytes as from a manager connection: `replay` makes the same call of them
Method:  only headers that are listed here are written, each by its kind; a header that nobody has thought about
         yet does not leave the house

A message without the header `Timestamp` gets the instant at which it was heard.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from asterisk.wire import END
from callcenter.call import Kind, Rules
from callcenter.flight.pseudonyms import RUN, Pseudonyms
from callcenter.flight.tape import Said

BANNER = b"Asterisk Call Manager/11.0.0\r\n\r\n"

# A header is known by its last words: DestCallerIDNum, TransfererCallerIDNum and CallerIDNum are one kind.
NUMBERS = ("CallerIDNum", "ConnectedLineNum", "Exten", "Extension")
NAMES = ("CallerIDName", "ConnectedLineName", "MemberName")
IDS = ("Uniqueid", "UniqueID", "Linkedid", "LinkedID", "BridgeId", "BridgeID", "ChannelId", "ActionID")
TEXTS = ("DialString", "Interface", "Location", "Context", "Queue", "ParkingSpace", "Parkinglot")
CHANNELS = ("Channel", "Newname", "Oldname")
# Asterisk's own words and figures; what does not look so is left out
CLOSED = frozenset(
    b"Event Action Link Cause Cause-txt DialStatus Position OriginalPosition Count HoldTime RingTime TalkTime"
    b" Reason Response Application BridgeTechnology BridgeType BridgeCreator Result DestType IsExternal Status"
    b" ParkingTimeout ParkingDuration EventList Uptime Restart Paused Wait Duration Variable Penalty State".split()
)
STATES = ("ChannelState", "ChannelStateDesc", "Priority")
WORD = re.compile(r"[A-Za-z0-9 _.:,()/+-]{0,60}")
STAMP = re.compile(r"\d{9,11}(?:\.\d+)?")
LISTED = {"CoreShowChannelsComplete": "CoreShowChannel"}
# Variables whose value is a word of Asterisk's
WORDS_OF_VARIABLES = re.compile(r"[A-Z_]{1,24}")
CHANNEL_NAME = re.compile(r"(?:Channel|Newname|Oldname)$")
SERIAL = re.compile(r"-(?:[0-9a-f]{8}|\d{1,3})(?:;[12])?(?:<[A-Z]+>)?$")
LOST, UP = b"Link: lost", b"Link: up"


def export(parts: Sequence[Sequence[Said]], *, lines: Iterable[str], rules: Rules) -> bytes:
    """Return the capture. Between two `parts` our process was started again: the link was lost and came back."""
    said = list(_joined(parts))
    names = learnt([each.headers for each in said], lines, rules)
    listed: dict[str, int] = {}
    blocks = (_block(each, names, listed) for each in said)
    return BANNER + b"".join(block + END for block in blocks if block)


def learnt(messages: Sequence[Mapping[str, str]], lines: Iterable[str], rules: Rules) -> Pseudonyms:
    """Return pseudonyms for everybody in these messages."""
    names = Pseudonyms(lines, _our_words(messages, rules))
    for message in messages:
        for header, value in message.items():
            if header.endswith(NAMES):
                names.learn_name(value)
            elif header.endswith("CallerIDNum") and _from_outside(message, header, rules):
                names.learn_short(value)
            elif header.endswith(NUMBERS):
                names.learn_number(value)
    return names


def _our_words(messages: Iterable[Mapping[str, str]], rules: Rules) -> Iterator[str]:
    """Yield what names our own things: phones, extensions, trunks."""
    for message in messages:
        for header, value in message.items():
            if header.endswith(("Channel", "Interface", "Location")) and "/" in value:
                party = rules.party(value if header.endswith("Channel") else f"{value}-0")
                if party.kind is not Kind.LOCAL:
                    yield party.peer
                if party.extension:
                    yield party.extension
                yield value  # a member without a name of its own is called like its phone


def _from_outside(message: Mapping[str, str], header: str, rules: Rules) -> bool:
    channel = message.get(header.removesuffix("CallerIDNum") + "Channel", "")
    return rules.party(channel).kind is Kind.TRUNK


def _joined(parts: Sequence[Sequence[Said]]) -> Iterator[Said]:
    for number, part in enumerate(parts):
        if number and part:
            yield Said(parts[number - 1][-1].at, LOST)
            yield Said(part[0].at, UP)
        yield from part


def _block(said: Said, names: Pseudonyms, listed: dict[str, int]) -> bytes:
    headers = said.headers
    kind = headers.get("Event", "")
    listed[kind] = listed.get(kind, 0) + 1
    written = ((name, _written(name, value, headers, names)) for name, value in _pairs(said))
    lines = [f"{name}: {value}" for name, value in written if value is not None]
    if kind in LISTED:
        lines.append(f"ListItems: {listed.pop(LISTED[kind], 0)}")
    if "Timestamp" not in headers:
        lines.append(f"Timestamp: {said.at.timestamp():.6f}")
    return "\r\n".join(lines).encode()


def _pairs(said: Said) -> Iterator[tuple[str, str]]:
    for line in said.block.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name, value.removeprefix(" ")


def _written(name: str, value: str, headers: Mapping[str, str], names: Pseudonyms) -> str | None:
    """Return what is written for a header; None when it is left out."""
    if name == "Timestamp":
        return value if STAMP.fullmatch(value) else None
    if name.encode() in CLOSED or name.endswith(STATES):
        return value if WORD.fullmatch(value) and not RUN.search(value) else None
    if name.endswith(NAMES):
        return names.name(value)
    if name.endswith(NUMBERS):
        return names.number(value)
    if name.endswith(IDS):
        return names.text(value)
    if name.endswith(TEXTS):
        return names.device(value)
    if name.endswith(CHANNELS):
        return _channel(name, value, headers, names)
    return _special(name, value, headers, names)


def _channel(name: str, value: str, headers: Mapping[str, str], names: Pseudonyms) -> str:
    """A channel's serial number is no telephone number; only a channel that there was has one."""
    if not headers.get(CHANNEL_NAME.sub("Uniqueid", name), "<").startswith("<"):
        serial = SERIAL.search(value)
        if serial is not None:
            return names.device(value[: serial.start()]) + serial[0]
    return names.device(value)


def _special(name: str, value: str, headers: Mapping[str, str], names: Pseudonyms) -> str | None:
    match name, headers.get("Application"), headers.get("Variable", "").lstrip("_"):
        case (("AppData" | "ApplicationData"), "Queue", _):
            return names.text(value.partition(",")[0])
        case "AppData", "MixMonitor", _:
            return _monitor(value, names)
        case "Value", _, "MIXMONITOR_FILENAME":
            return names.path(value)
        case "Value", _, ("FROM_DID" | "CALLCENTER_CALL"):
            return names.number(value)
        case "Value", _, _:
            return value if WORDS_OF_VARIABLES.fullmatch(value) else None
        case (("RecordingFile" | "recordingfile"), _, _):
            return names.path(value)
    return None


def _monitor(data: str, names: Pseudonyms) -> str:
    """The arguments of MixMonitor with other names of files, without the command it runs."""
    mix, _, rest = data.partition(",")
    options = rest.partition(",")[0]
    sides = [
        f"{flag}({names.path(piece.partition(')')[0])})"
        for flag in "rt"
        for piece in options.split(f"{flag}(")[1:]
    ]
    return ",".join([names.path(mix), "".join(sides)])
