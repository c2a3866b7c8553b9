"""Environment and callcenter.toml -> one frozen `Settings`; refuses to start on nonsense.

In:      variables `CALLCENTER_…` first, then `callcenter.toml` of the working folder, then of /etc/callcenter
Out:     `Settings`; several switchboards as `[[pbx]]`, a single one as AMI_HOST, AMI_USERNAME, AMI_SECRET
Raises:  `SettingsError` with one sentence for each bad setting; secrets are never repeated
"""

import difflib
import os
import re
import secrets
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as SourceError,
)

PREFIX = "CALLCENTER_"
TOML_FILES = (Path("/etc/callcenter/callcenter.toml"), Path("callcenter.toml"))  # the later one wins
SECRET_KEY_LENGTH = 32


class SettingsError(Exception):
    """The configuration can not be used; `sentences` says what to mend, one setting each."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression ({error})") from error
    return text


def _region(text: str) -> str:
    region = text.upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("must be the two letters of a country, such as DE or UA")
    return region


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


Port = Annotated[int, Field(ge=1, le=65535)]
RegexText = Annotated[str, AfterValidator(_pattern)]
Country = Annotated[str, AfterValidator(_region)]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]
OptionalText = Annotated[str | None, BeforeValidator(_empty_is_none)]


def _place(value: object) -> object:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, str) and not re.match(r"/|(postgres(ql)?|mysql|mariadb)://[^/]*/\w", text):
        raise ValueError("must be the path of a CSV file, or postgresql://… or mysql://… with a database")
    return value


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("must be the name of a time zone, such as Europe/Warsaw") from error
    return text


Place = Annotated[SecretStr, BeforeValidator(_place)]  # may hold a password
OptionalPlace = Annotated[Place | None, BeforeValidator(_empty_is_none)]
Zone = Annotated[str, AfterValidator(_zone)]


def _hosts(value: object) -> object:
    """Names with commas between, as the environment writes them."""
    named = value.split(",") if isinstance(value, str) else value
    if isinstance(named, list | tuple) and all(isinstance(it, str) for it in named):
        return tuple(it.strip().lower().rstrip(".") for it in named if it.strip())
    return value


Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)]


class SmtpTls(StrEnum):
    """How the way to the mail server is kept secret."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class TrunkNumberRule(BaseModel):
    """How a trunk (None: every trunk) spells numbers: `pattern` matches the whole, `replace` is the usual form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trunk: RegexText | None = None
    pattern: RegexText
    replace: str


class PbxSettings(BaseModel):
    """One switchboard: how to reach its manager interface and how to read its channel names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(default="pbx", pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    host: str = Field(default="127.0.0.1", min_length=1)
    port: Port = 5038
    username: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
    tls: bool = False
    extensions: RegexText = r"^\d{2,6}$"  # peer names that are our phones
    trunks: RegexText | None = None  # peer names that are trunks; None: every other peer
    context: str = Field(
        default="callcenter-dial", pattern=r"^[A-Za-z0-9_.-]+$"
    )  # click-to-call dials in this context
    channel: str = Field(
        default="PJSIP/{extension}", pattern=r"^[A-Za-z0-9_]+/[^\s|,&]*\{extension\}[^\s|,&]*$"
    )
    dial_prefix: str = Field(
        default="+", pattern=r"^[+0-9*#]*$"
    )  # before country code and number: "+", "", "00", "9810"
    transfer_context: str = Field(
        default="from-internal", pattern=r"^[A-Za-z0-9_-]{1,79}$"
    )  # where colleagues' extensions and parking slots are dialled
    member: str = Field(
        default="", pattern=r"^([A-Za-z0-9_]+/[^\s|,&]*\{extension\}[^\s|,&]*)?$"
    )  # how a phone signs in to queues; "": as `channel`
    member_state: str = Field(default="", pattern=r"^([A-Za-z]+[:/]\{extension\}[A-Za-z0-9@_.-]*)?$")
    recordings_dir: OptionalPath = None  # the folder it records into; None: the common RECORDINGS_DIR
    number_rules: tuple[TrunkNumberRule, ...] = ()  # asked in order, before the number is understood
    cel: OptionalPlace = None  # where Asterisk writes channel events: a CSV file, postgresql://… or mysql://…
    cdr: OptionalPlace = None  # where it writes call records
    records_timezone: Zone = "UTC"  # in which both are written, unless they say it


class Settings(BaseSettings):
    """The whole configuration; frozen."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, env_nested_delimiter="__"
    )

    database_url: OptionalText = None  # None: the embedded PostgreSQL below data_dir
    data_dir: Path = Field(default_factory=lambda: _default_data_dir())
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    push_port: Port = 8081
    public_url: OptionalText = None  # where browsers find us behind a proxy; https makes cookies Secure
    trusted_proxy: bool = False  # take the visitor's address from the last X-Forwarded-For
    ami_host: OptionalText = None
    ami_port: Port = 5038
    ami_username: OptionalText = None
    ami_secret: SecretStr | None = None
    ami_cel: OptionalPlace = None
    ami_cdr: OptionalPlace = None
    ami_records_timezone: Zone = "UTC"
    audit_hour: Annotated[int | None, BeforeValidator(_empty_is_none), Field(ge=0, le=23)] = (
        2  # UTC; None: never
    )
    pbx: tuple[PbxSettings, ...] = ()
    recordings_dir: OptionalPath = None  # of every switchboard that names none of its own
    vosk_model: OptionalPath = None  # None: the small model that comes with the package
    country: Country = "US"  # region of numbers written without a country code
    secret_key: SecretStr | None = None  # None: made once and kept in data_dir
    flight_days: int = Field(
        30, ge=0, le=3650
    )  # what the PBX said about a call is kept so long; 0: not at all
    session_hours: float = Field(10, ge=0.25, le=12)
    hold_minutes: float = Field(5, ge=0, le=240)  # goods of a draft are held so long after the call
    site_days: int = Field(90, ge=1, le=3650)  # visits and carts of the web shop are kept so long
    fetch_hosts: Hosts = ()  # hosts inside the house from which imports may be fetched
    pictures_mb: int = Field(10_240, ge=1, le=10_000_000)  # room for the pictures of goods
    documents_mb: int = Field(5120, ge=1, le=10_000_000)  # room for the files of orders, tasks and customers
    smtp_host: OptionalText = None  # the mail server by which reports are sent; None: none are
    smtp_port: Port = 587
    smtp_tls: SmtpTls = SmtpTls.STARTTLS
    smtp_username: OptionalText = None
    smtp_password: SecretStr | None = None
    smtp_from: OptionalText = None  # the sender of mail: reports@example.com
    demo: bool = False

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse settings that contradict each other."""
        if self.http_port == self.push_port:
            raise ValueError("HTTP_PORT and PUSH_PORT must differ")
        if self.pbx and self.ami_host:
            raise ValueError("give either [[pbx]] or AMI_HOST, not both")
        if self.ami_host and not (self.ami_username and self.ami_secret):
            raise ValueError("AMI_HOST needs AMI_USERNAME and AMI_SECRET as well")
        names = [pbx.name for pbx in self.switchboards]
        if len(set(names)) != len(names):
            raise ValueError("every [[pbx]] needs a name of its own")
        if self.database_url and not re.match(r"postgres(ql)?(\+asyncpg)?://", self.database_url):
            raise ValueError("DATABASE_URL must begin with postgresql://")
        if self.smtp_host and not (self.smtp_from and "@" in self.smtp_from):
            raise ValueError("SMTP_HOST needs SMTP_FROM, the address that mail comes from")
        if self.public_url and not _is_web_address(self.public_url):
            raise ValueError("PUBLIC_URL must look like https://crm.example.com")
        if self.secret_key and len(self.secret_key.get_secret_value()) < SECRET_KEY_LENGTH:
            raise ValueError(f"SECRET_KEY must have at least {SECRET_KEY_LENGTH} characters")
        return self

    @property
    def switchboards(self) -> tuple[PbxSettings, ...]:
        """Every PBX to attach to: the `[[pbx]]` list, or the single one of AMI_*."""
        if self.pbx or not (self.ami_host and self.ami_username and self.ami_secret):
            return self.pbx
        single = PbxSettings(
            name="pbx",
            host=self.ami_host,
            port=self.ami_port,
            username=self.ami_username,
            secret=self.ami_secret,
            cel=self.ami_cel,
            cdr=self.ami_cdr,
            records_timezone=self.ami_records_timezone,
        )
        return (single,)

    @property
    def imports_dir(self) -> Path:
        """Where files lie that are being imported."""
        return self.data_dir / "imports"

    @property
    def documents_dir(self) -> Path:
        """Where the files of orders, tasks and customers lie."""
        return self.data_dir / "documents"

    @property
    def pictures_dir(self) -> Path:
        """Where the pictures of goods lie."""
        return self.data_dir / "pictures"

    @property
    def tls(self) -> bool:
        """True when browsers reach us over https, so that cookies can be Secure."""
        return bool(self.public_url and self.public_url.startswith("https://"))

    @property
    def browser_push_port(self) -> int | None:
        """The port at which browsers find the push server; None behind a proxy that merges it under /push."""
        return None if self.public_url else self.push_port

    @property
    def secret_key_bytes(self) -> bytes:
        """The key that signs addresses of recordings; see `load_settings` for where it comes from."""
        if self.secret_key is None:
            raise SettingsError(["SECRET_KEY is not set."])
        return self.secret_key.get_secret_value().encode()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is passed by the caller wins, then the environment, then the TOML files."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=list(TOML_FILES))
        return init_settings, env_settings, toml


def load_settings(**given: Any) -> Settings:
    """Read and check the configuration; `given` overrides it. Makes SECRET_KEY when there is none.

    Raises `SettingsError` with a sentence for every setting that can not be used.
    """
    if misspelt := _misspelt(os.environ):
        raise SettingsError(misspelt)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(_sentences(error)) from None  # the original would repeat what was given
    except (SourceError, ValueError) as error:  # TOML that is none, a list in the environment that is none
        raise SettingsError([f"The configuration can not be read: {error}"]) from None
    if settings.secret_key is not None:
        return settings
    return settings.model_copy(update={"secret_key": SecretStr(_kept_secret_key(settings.data_dir))})


def _sentences(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "is not a setting of this program"
        named = name if name.startswith("pbx.") else name.upper()
        lines.append(f"{named}: {message}." if name else f"{message}.")
    return lines


def _misspelt(names: Iterable[str]) -> list[str]:
    """A sentence for each variable that is almost one of ours: a slip would else be passed over in silence."""
    known = [name.upper() for name in Settings.model_fields]
    ours = [
        name.removeprefix(PREFIX).split("__")[0].upper() for name in names if name.upper().startswith(PREFIX)
    ]
    return [
        f"{PREFIX}{name} is not a setting of this program; do you mean {PREFIX}{near[0]}?"
        for name in ours
        if name not in known and (near := difflib.get_close_matches(name, known, n=1, cutoff=0.8))
    ]


def _kept_secret_key(data_dir: Path) -> str:
    """The key kept in `data_dir`, made on first use and readable by its owner alone."""
    file = data_dir / "secret_key"
    try:
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret_key(file)
    except OSError as error:
        raise SettingsError([f"DATA_DIR: can not write {file} ({error.strerror})."]) from None
    key = secrets.token_urlsafe(48)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(key)
    return key


def _read_secret_key(file: Path) -> str:
    try:
        key = file.read_text().strip()
    except OSError as error:
        raise SettingsError([f"DATA_DIR: can not read {file} ({error.strerror})."]) from None
    if len(key) < SECRET_KEY_LENGTH:
        raise SettingsError([f"DATA_DIR: {file} holds no usable key; delete it and one is made anew."])
    return key


def _is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/")


def _default_data_dir() -> Path:
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "callcenter"
