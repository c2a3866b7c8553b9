"""Channels and bridges of the simulated switchboard, and how AMI prints them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asterisk.fake.audio import Recorder
    from asterisk.fake.dialplan import Run

DOWN, RING, RINGING, UP = 0, 4, 5, 6
STATE_NAMES = {DOWN: "Down", RING: "Ring", RINGING: "Ringing", UP: "Up"}

# Q.850 causes a switchboard of this size can give, in Asterisk's words (causes.h)
CAUSES = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    16: "Normal Clearing",
    17: "User busy",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    26: "Answered elsewhere",
    34: "Circuit/channel congestion",
    127: "Interworking, unspecified",
}

SIP_CODES = {1: 404, 17: 486, 20: 480, 21: 603, 34: 503}


def one_line(value: str) -> str:
    """Return `value` without the characters that would start a new AMI header."""
    return value.replace("\r", " ").replace("\n", " ").replace("\0", "")


def header(key: str, value: object) -> str:
    """Return one AMI header with its line end."""
    return f"{key}: {value}\r\n"


@dataclass(eq=False, slots=True)
class Channel:
    """One channel: a phone or trunk that takes part in a call."""

    name: str
    uniqueid: str
    linkedid: str
    context: str
    exten: str
    state: int
    born_at: float  # simulated unix time
    run: Run  # the dialplan run that steers this channel
    priority: int = 1
    caller_number: str = ""
    caller_name: str = ""
    connected_number: str = ""
    connected_name: str = ""
    application: str = ""
    application_data: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    inherited: dict[str, str] = field(default_factory=dict)  # __NAME as children will see them
    bridge: Bridge | None = None
    recorder: Recorder | None = None
    up_at: float | None = None
    cause: int = 0
    sip_code: int = 0  # what SIP said about the end of it, printed as TechCause
    on_hold: bool = False
    gone: bool = False

    @property
    def peer(self) -> str:
        """The endpoint: `1001` of `PJSIP/1001-0000002a`."""
        return self.name.partition("/")[2].rpartition("-")[0]

    @property
    def held(self) -> bool:
        """Whether the other side has put this one on hold."""
        other = self.bridge.other(self) if self.bridge else None
        return other is not None and other.on_hold

    @property
    def device(self) -> str:
        """The device whose state this channel decides: `PJSIP/1001`."""
        return self.name.rpartition("-")[0]

    def ending(self, cause: int | None) -> str:
        """Return the Cause and TechCause of the events about its end."""
        code = f"TechCause: {self.sip_code}\r\n" if self.sip_code else ""
        return code if cause is None else f"Cause: {cause}\r\n{code}"

    def headers(self, prefix: str = "") -> str:
        """Return the channel snapshot that begins nearly every event; `prefix` is `Dest` and the like."""
        p = prefix
        return (
            f"{p}Channel: {self.name}\r\n{p}ChannelState: {self.state}\r\n"
            f"{p}ChannelStateDesc: {STATE_NAMES[self.state]}\r\n"
            f"{p}CallerIDNum: {self.caller_number or '<unknown>'}\r\n"
            f"{p}CallerIDName: {self.caller_name or '<unknown>'}\r\n"
            f"{p}ConnectedLineNum: {self.connected_number or '<unknown>'}\r\n"
            f"{p}ConnectedLineName: {self.connected_name or '<unknown>'}\r\n"
            f"{p}Language: en\r\n{p}AccountCode: \r\n"
            f"{p}Context: {self.context}\r\n{p}Exten: {self.exten}\r\n{p}Priority: {self.priority}\r\n"
            f"{p}Uniqueid: {self.uniqueid}\r\n{p}Linkedid: {self.linkedid}\r\n"
        )


@dataclass(eq=False, slots=True)
class Bridge:
    """Where channels hear each other."""

    uniqueid: str
    technology: str = "simple_bridge"
    channels: list[Channel] = field(default_factory=list)

    def headers(self) -> str:
        """Return the bridge snapshot of Bridge events."""
        return (
            f"BridgeUniqueid: {self.uniqueid}\r\nBridgeType: basic\r\nBridgeTechnology: {self.technology}\r\n"
            "BridgeCreator: <unknown>\r\nBridgeName: <unknown>\r\n"
            f"BridgeNumChannels: {len(self.channels)}\r\nBridgeVideoSourceMode: none\r\n"
        )

    def other(self, channel: Channel) -> Channel | None:
        """Return who else is in the bridge."""
        return next((each for each in self.channels if each is not channel), None)
