"""A site's switchboard: what is particular about it, and its configuration files made from that.

In:      a `Site`: trunk, phones, queues, lines, the AMI account
Out:     the files of `/etc/asterisk`, by name; the templates lie in `asterisk/conf`
Raises:  `ValueError` for a value that would end its line or begin another option
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from asterisk.modules import MODULES

TEMPLATES = Path(__file__).parent / "conf"
# Asterisk warns about each of these that is missing, and needs nothing in them.
EMPTY = ("acl", "ccss", "cli", "codecs", "dnsmgr", "pjproject", "queuerules", "stasis", "udptl")
# One line, no comment (;), nothing that is syntax in a dialplan or a dial string
HARMLESS = re.compile(r"[^\x00-\x1f\x7f;,\"$`\\{}()\[\]<>|&]*")


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """The provider, known by address and port, and by registration where it gave us a name."""

    host: str
    port: int = 5060
    number: str  # shown to the customer when no line is chosen
    prefix: str = ""  # dialled before the number (country code and digits, without a plus)
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Phone:
    """A phone that signs in."""

    extension: str
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Who is called, in which order, and how long each phone rings."""

    name: str
    members: tuple[str, ...] = ()  # extensions; others come and go through AMI
    strategy: str = "rrmemory"  # or ringall, linear, leastrecent, fewestcalls, random
    ring_s: int = 15


@dataclass(frozen=True, kw_only=True)
class Line:
    """A number of ours; it leads to a queue or straight to a phone."""

    number: str
    name: str
    queue: str = ""
    extension: str = ""
    patience_s: int = 120
    hours: str = ""  # "09:00-18:00" by the switchboard's clock; empty: always open
    days: str = "*"  # "mon-fri"
    voicemail: bool = False  # for callers whom nobody answered, and outside the hours


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that differs from one installation to the next."""

    trunk: Trunk
    phones: tuple[Phone, ...]
    queues: tuple[Queue, ...]
    lines: tuple[Line, ...]
    ami_username: str = "callcenter"
    ami_secret: str = field(repr=False)
    ami_address: str = "127.0.0.1"
    ami_port: int = 5038
    ami_networks: tuple[str, ...] = ("127.0.0.1/255.255.255.255",)
    sip_address: str = "0.0.0.0"
    sip_port: int = 5060
    external_address: str = ""  # of the router, when we are behind one
    local_networks: tuple[str, ...] = ()
    rtp_first: int = 10000
    rtp_last: int = 19999
    wrapup_s: int = (
        2  # the queues' own, so that no call slips in before the wrap-up pause that Callcenter sets
    )
    qualify_s: int = 60  # how often a phone is asked whether it is still there; 0 is never
    tones: str = "eu"  # or us
    sorry: str = ""  # a prompt for callers whom nobody answered: "custom/sorry"
    vote: str = ""  # a prompt that asks who is left by the operator to press 1 to 5; empty: nobody is asked

    def __post_init__(self) -> None:
        for text in _texts(self):
            if not HARMLESS.fullmatch(text):
                raise ValueError("a value of the switchboard's configuration holds a forbidden character")

    def members(self, queue: Queue) -> list[Phone]:
        """The phones that are always in a queue. Raises `ValueError` for one that does not exist."""
        known = {phone.extension: phone for phone in self.phones}
        missing = set(queue.members) - known.keys()
        if missing:
            raise ValueError(f"queue {queue.name} has members without a phone: {', '.join(sorted(missing))}")
        return [known[extension] for extension in queue.members]


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _texts(one)
    elif is_dataclass(part):
        for one_field in fields(part):
            yield from _texts(getattr(part, one_field.name))


def templates() -> Environment:
    """The templates; those in `snippets` are pieces that stand in several files."""
    # autoescape is for HTML; here values are checked when the Site is made
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


def files(site: Site) -> dict[str, str]:
    """Return the content of each file of `/etc/asterisk`, by name."""
    jinja = templates()
    made = {f"{name}.conf": "; defaults\n" for name in EMPTY}
    for name in jinja.list_templates(filter_func=lambda name: name.endswith(".conf") and "/" not in name):
        made[name] = jinja.get_template(name).render(site=site, modules=MODULES) + "\n"
    return made


def write(site: Site, folder: Path) -> None:
    """Write the files into `folder`, readable by their owner only: passwords are in them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files(site).items():
        file = folder / name
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(text, encoding="utf-8")
