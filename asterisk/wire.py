"""Bytes of the manager interface -> messages: cut at blank lines, skip noise unread, split headers.

In:      bytes as they came from the socket, cut anywhere (inside a UTF-8 character too)
Out:     blocks (one message each, without the blank line), and dicts of headers
Raises:  nothing: bytes that are not UTF-8 become U+FFFD
Source:  Asterisk AMI v2: CRLF lines, `Key: value`, a blank line ends a message, Event or Response comes first
"""

END = b"\r\n\r\n"

# QueueMemberStatus is not here: it repeats each DeviceStateChange once per queue of that phone, a third of all
# that a busy switchboard says.
# One call makes about 180 messages, two thirds of them VarSet, Newexten, RTCP. What is not here stays unread.
EVENTS = frozenset(
    b"FullyBooted Shutdown"
    b" Newchannel Newstate NewCallerid Rename HangupRequest SoftHangupRequest Hangup Hold Unhold"
    b" DialBegin DialEnd Pickup OriginateResponse"
    b" BridgeEnter BridgeLeave BridgeMerge LocalBridge"
    b" QueueCallerJoin QueueCallerLeave QueueCallerAbandon"
    b" AgentCalled AgentConnect AgentComplete AgentRingNoAnswer"
    b" BlindTransfer AttendedTransfer ParkedCall UnParkedCall ParkedCallTimeOut ParkedCallGiveUp MixMonitorMute"
    b" ChanSpyStart ChanSpyStop"
    b" QueueMemberAdded QueueMemberRemoved QueueMemberPause"
    b" DeviceStateChange ContactStatus PeerStatus"
    b" CoreShowChannel CoreShowChannelsComplete BridgeListItem BridgeListComplete BridgeInfoChannel"
    b" QueueParams QueueEntry QueueMember QueueStatusComplete DeviceStateListComplete".split()
)

# Of these only a few are news: what they must contain.
NEEDLES: dict[bytes, tuple[bytes, ...]] = {
    b"DialState": (b"\nDialStatus: RINGING",),
    b"Cdr": (b"ecordingFile: ",),
    b"UserEvent": (b"\nUserEvent: CallcenterVote",),
    b"VarSet": (
        b"MIXMONITOR_FILENAME",
        b"CALLCENTER_CALL",
        b"FROM_DID",
        b"CALLCENTER_PRES",
        b"QUEUESTATUS",
        b"DIALSTATUS",
    ),
    b"Newexten": tuple(
        b"\nApplication: " + name
        for name in (
            b"MixMonitor",
            b"Queue",
            b"BackGround",
            b"WaitExten",
            b"Read",
            b"VoiceMail",
            b"MinivmRecord",
        )
    ),
}


class Cutter:
    """Cuts a byte stream into blocks; keeps the unfinished rest between calls."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the blocks that `data` completes."""
        blocks = (self._rest + data).split(END)
        self._rest = blocks.pop()
        return blocks

    @property
    def rest(self) -> bytes:
        """What has been received of the next block."""
        return self._rest


def wanted(block: bytes) -> bool:
    """Say cheaply whether `block` can become an event. Responses have a reader of their own."""
    if not block.startswith(b"Event: "):
        return b"\nEvent: " in block
    name = block[7 : block.find(b"\r\n", 7)]
    if name in EVENTS:
        return (
            name != b"DeviceStateChange" or b"\nDevice: Queue:" not in block
        )  # that one is nobody's telephone
    needles = NEEDLES.get(name)
    return needles is not None and any(needle in block for needle in needles)


def parse(block: bytes) -> dict[str, str]:
    """Split a block into its headers; one that comes twice keeps its first value."""
    message: dict[str, str] = {}
    for line in reversed(block.decode("utf-8", "replace").split("\r\n")):
        key, colon, value = line.partition(": ")
        if colon:
            message[key] = value
        elif line.endswith(":"):
            message[line[:-1]] = ""
    return message
