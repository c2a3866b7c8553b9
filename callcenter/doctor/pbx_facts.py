"""What was seen of one switchboard; gathered by `visiting`, judged by `pbx_checks` and `floor_checks`.

None always means "can not be seen with these rights", never "is not there".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from callcenter.call import Rules
from callcenter.clicktocall import Dialplan


class Reach(StrEnum):
    """How far we came."""

    CONNECTED = "connected"
    NO_NAME = "name"  # the host's name is unknown
    CLOSED = "closed"  # nothing listens there
    SILENT = "silent"  # packets vanish
    TLS = "tls"
    LOST = "lost"  # hung up before it had greeted
    FOREIGN = "foreign"  # no AMI, or one of Asterisk 11 and older
    REFUSED = "refused"  # login: secret, name or address


class Flavour(StrEnum):
    """Who writes the configuration files."""

    ASTERISK = "asterisk"
    FREEPBX = "freepbx"


@dataclass(frozen=True, kw_only=True)
class Member:
    """A phone in a queue, as the queue names it."""

    queue: str
    interface: str
    name: str
    state: str  # number of AST_DEVICE_*, "4" is "no such device"


@dataclass(frozen=True, kw_only=True)
class PbxFacts:
    """One switchboard. Classes are those of manager.conf; seconds are floats."""

    pbx: str
    host: str
    port: int
    username: str
    reach: Reach
    detail: str = ""
    our_address: str | None = None
    rules: Rules = field(default_factory=Rules)
    dialplan: Dialplan = field(default_factory=Dialplan)
    flavour: Flavour = Flavour.ASTERISK
    ami_version: str = ""
    version: str | None = None
    latency_s: float | None = None
    skew_s: float | None = None  # its clock minus ours
    reads: frozenset[str] | None = None  # classes, exactly, where the PBX let us look
    reads_seen: frozenset[str] = frozenset()  # classes of which an event was heard
    reads_missing: frozenset[str] = frozenset()  # classes of which a certain event did not come
    writes: frozenset[str] | None = None
    stamped: bool | None = None  # events carry the switchboard's instant
    writetimeout_ms: int | None = None
    config_seen: bool = False  # manager.conf could be read
    may_filter: bool | None = None
    context_dials: bool | None = None  # the context for click-to-call takes the sample number
    context_exists: bool | None = None
    sample: str = ""  # the number tried on it
    interfaces: Mapping[str, str] | None = None  # "PJSIP/1001" -> state in words
    queues: tuple[str, ...] | None = None
    members: tuple[Member, ...] = ()
    modules: Mapping[str, bool] | None = None
    parking: tuple[str, ...] | None = None
    spool: str | None = None  # ASTSPOOLDIR
    extensions: Mapping[tuple[str, str], bool | None] = field(
        default_factory=dict
    )  # (context, extension): there?
    features: Mapping[str, str] | None = None  # keys of features.conf; None: can not be seen
    application_map: frozenset[str] | None = None  # its [applicationmap]

    @property
    def about(self) -> str:
        return f"switchboard {self.pbx}"

    def may_read(self, wanted: str) -> bool | None:
        """Whether events of this class reach us; None when nothing has shown it yet."""
        if wanted in self.reads_seen:
            return True
        if wanted in self.reads_missing:
            return False  # whatever the file says: it may not be loaded
        return None if self.reads is None else wanted in self.reads or "all" in self.reads

    def may_write(self, wanted: str) -> bool | None:
        """Whether actions of this class are allowed."""
        return None if self.writes is None else wanted in self.writes

    def extension_of(self, interface: str) -> str | None:
        """The extension behind "PJSIP/1001" or "Local/1001@from-queue/n"; None for no phone of ours."""
        tech, _, rest = interface.partition("/")
        if tech.lower() == "local":
            interface = f"PJSIP/{rest.partition('@')[0]}"
        return self.rules.party(f"{interface.partition('@')[0]}-0").extension
