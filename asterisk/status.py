"""How a link is doing, and how patient it is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LinkState(StrEnum):
    CONNECTING = "connecting"  # has never been up
    CONNECTED = "connected"
    REFUSED = "refused"  # wrong password, forbidden address, or no Asterisk that we can talk to
    LOST = "lost"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """What the status page shows of a link."""

    pbx: str
    state: LinkState
    since: datetime
    detail: str = ""  # why it is not connected, in words for an administrator
    latency_s: float | None = None  # round trip of the last Ping
    delayed: bool = False  # a Ping is, or was the last time, answered late: what we hear may be old
    heard_at: datetime | None = None  # the last event, as of the last Ping
    version: str | None = None  # "Asterisk 22.10.1", or "AMI 11.0.0" where the account may not ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long to wait for what, in seconds. Tests give short ones."""

    connect_s: float = 10  # for the connection and the banner
    answer_s: float = 10  # for the answer to an action
    list_s: float = 30  # for the end of a list
    boot_s: float = 5  # for FullyBooted, which an account without the class `system` never gets
    ping_s: float = 10  # between two Pings
    ping_answer_s: float = 15
    late_s: float = 2  # a Ping that is answered later says that what the PBX tells is delayed
    first_retry_s: float = 0.5  # doubled with each failure
    longest_retry_s: float = 60
    refused_s: float = 30  # least delay after a refused login: faster would lock the account out (fail2ban)
    steady_s: float = 10  # a connection that lived so long begins the doubling anew
    room_s: float = 0.2  # how often to look whether a full inbox has room again


def retry_delay(delays: Delays, failures: int, refused: bool, spread: float) -> float:
    """Return how long to wait after the `failures`-th failure in a row (1 is the first).

    `spread` in 0..1 scatters the clients of a PBX that restarts; never longer than `longest_retry_s`,
    after a refusal never shorter than `refused_s`.
    """
    whole = min(delays.first_retry_s * 2.0 ** min(failures - 1, 30), delays.longest_retry_s)
    scattered = whole * (0.5 + spread / 2)
    return max(scattered, delays.refused_s) if refused else scattered
