"""What was seen of our own side: database, folder of recordings, speech model, addresses.

Gathered by `house_visit`, judged by `house_checks` and `sound_checks`. Sizes are bytes, times seconds.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from crm_core.read.habits import SoundHabits
from recordings.roots import Roots


@dataclass(frozen=True, kw_only=True)
class Premises:
    """Our settings, as far as the doctor looks at them."""

    data_dir: Path
    database_url_given: bool
    http_port: int
    push_port: int
    http_host: str
    public_url: str | None
    recordings: Roots
    vosk_model: Path | None
    country: str
    secret_key_given: bool
    demo: bool = False


@dataclass(frozen=True, kw_only=True)
class DatabaseFacts:
    """`error` None: it answered."""

    error: str | None = None
    version: int = 0  # 180004
    behind: bool = False  # its shape is older than this program's
    latency_s: float = 0.0
    skew_s: float = 0.0  # its clock minus ours
    size: int = 0
    admins: int | None = None  # who may sign in; None: not counted


@dataclass(frozen=True, kw_only=True)
class FolderStep:
    """One folder on the way down to the recordings."""

    path: Path
    mode: int
    owner: str
    group: str
    passable: bool


@dataclass(frozen=True, kw_only=True)
class SoundFacts:
    """One folder of recordings. `wrong`: why it can not be read, in words; `newest_at` of any file there."""

    folder: Path | None
    pbx: str | None = None  # whose own it is; None: common to all that have none
    wrong: str | None = None
    path: tuple[FolderStep, ...] = ()
    account: str = ""  # whose rights we have
    newest: str | None = None
    newest_at: datetime | None = None
    newest_sided: bool | None = None  # two sides apart: legs beside it or two channels
    free: int | None = None
    total: int | None = None
    spool: str | None = None  # where the PBX says it keeps its spool


@dataclass(frozen=True, kw_only=True)
class SpeechFacts:
    """The model. `loaded_s`: how long a first file took, None when it was not tried."""

    model: str
    language: str | None
    wrong: str | None = None
    loaded_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class WebFacts:
    """Our public address, seen from here. Statuses of HTTP, None: no answer, the reason beside it."""

    page_status: int | None = None
    push_status: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class HouseFacts:
    """All of it."""

    premises: Premises
    now: datetime
    database: DatabaseFacts
    sound: SoundFacts
    others: tuple[tuple[SoundFacts, SoundHabits], ...] = ()  # further folders
    habits: SoundHabits
    speech: SpeechFacts
    web: WebFacts | None = None  # None: no public address is set
    key_mode: int | None = None  # of the file with the secret key; None: not in a file
    data_free: int | None = None
    refused_calls: int = 0  # lines of the file in which they are kept
