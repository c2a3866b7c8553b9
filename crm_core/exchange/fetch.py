"""A file fetched from a web or FTP address, within bounds of size, time and redirects.

What was fetched before is not fetched again: the other side is told what we have (ETag, Last-Modified; of FTP the
time and size of the file), and its "not changed" costs one small answer.
"""

import asyncio
import ftplib
import hashlib
import re
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from crm_core.errors import Invalid
from crm_core.exchange.outside import Place, addresses, place_of
from crm_core.exchange.table import LARGEST

LONGEST_S = 300.0
SILENT_S = 30.0
MOST_REDIRECTS = 5
PIECE = 256 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Stamp:
    """By what the other side tells whether a file is still the same."""

    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True)
class Account:
    """Who we are there; None: nobody asks."""

    username: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Fetched:
    """What came: how it was called, how long it is, its SHA-256, its stamp."""

    name: str
    size: int
    digest: str
    stamp: Stamp


class _Out:
    """The file as it is written; more than a file may have is refused at once."""

    def __init__(self, file: BinaryIO, largest: int) -> None:
        self._file = file
        self._largest = largest
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """One more piece. Raises `Invalid`."""
        self.size += len(piece)
        if self.size > self._largest:
            raise Invalid(f"The file is larger than {self._largest // 2**20} MB; have it made smaller.")
        self._hash.update(piece)
        self._file.write(piece)

    def fetched(self, name: str, stamp: Stamp) -> Fetched:
        """All of it came. Raises `Invalid` for an empty file."""
        if not self.size:
            raise Invalid("The file there is empty.")
        return Fetched(_name(name), self.size, self._hash.hexdigest(), stamp)


async def fetch(
    url: str,
    target: Path,
    *,
    account: Account,
    known: Stamp,
    allowed: Collection[str],
    largest: int | None = None,
) -> Fetched | None:
    """Fetch `url` into the new file `target`; None when it still is what `known` says.

    `allowed`: hosts that may lie inside the house; `largest`: so many bytes it may have (None: as a file of an
    import). Raises `Invalid` with a sentence for whoever keeps the source; `target` may then be there in part.
    """
    place, largest = place_of(url), LARGEST if largest is None else largest
    try:
        async with asyncio.timeout(LONGEST_S):
            if place.scheme == "ftp":
                host = (await addresses(place, allowed))[0]
                return await asyncio.to_thread(_ftp, place, host, target, account, known, largest)
            return await _http(url, target, account, known, allowed, largest)
    except TimeoutError:
        raise Invalid(f"{place.host} is too slow.") from None
    except ftplib.all_errors as error:
        raise Invalid(f"{place.host} does not give the file: {_why(error)}.") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise Invalid(f"{place.host} does not give the file: {_why(error)}.") from None


class _Checked(AbstractResolver):
    """Resolves names to addresses that were looked at, so that a connection can go nowhere else."""

    def __init__(self, scheme: str, allowed: Collection[str]) -> None:
        self._scheme, self._allowed = scheme, allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises `Invalid`."""
        found = await addresses(Place(self._scheme, host.lower(), port, ""), self._allowed)
        return [
            ResolveResult(
                hostname=host, host=it, port=port, proto=0, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in it else socket.AF_INET,
            )
            for it in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing to close."""


async def _http(
    url: str, target: Path, account: Account, known: Stamp, allowed: Collection[str], largest: int
) -> Fetched | None:
    first = place_of(url)
    waits = aiohttp.ClientTimeout(total=None, sock_connect=SILENT_S, sock_read=SILENT_S)
    for _ in range(MOST_REDIRECTS + 1):
        place = place_of(url)
        if place.scheme == "ftp":
            raise Invalid("The address leads from the web to FTP; write the last address.")
        await addresses(place, allowed)  # also of one that is a number already, which nobody resolves
        connector = aiohttp.TCPConnector(resolver=_Checked(place.scheme, allowed), force_close=True)
        headers = _headers(known, account if place.origin == first.origin else Account())
        async with (
            aiohttp.ClientSession(connector=connector, timeout=waits) as client,
            client.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status in _REDIRECTS and "Location" in answer.headers:
                url = urljoin(url, answer.headers["Location"])
                continue
            if answer.status == 304:
                return None
            if answer.status != 200:
                raise Invalid(_refusal(place, answer.status))
            return await _kept(answer, url, target, largest)
    raise Invalid(f"{first.host} sends from one address to the next without end.")


async def _kept(answer: aiohttp.ClientResponse, url: str, target: Path, largest: int) -> Fetched:
    with target.open("xb") as file:
        out = _Out(file, largest)
        async for piece in answer.content.iter_chunked(PIECE):
            out.write(piece)
    stamp = Stamp(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
    said = answer.content_disposition.filename if answer.content_disposition else None
    return out.fetched(said or urlsplit(url).path, stamp)


def _headers(known: Stamp, account: Account) -> dict[str, str]:
    headers = {"User-Agent": "Callcenter", "Accept": "*/*"}
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.modified:
        headers["If-Modified-Since"] = known.modified
    if account.username:
        headers["Authorization"] = aiohttp.encode_basic_auth(account.username, account.password or "")
    return headers


def _refusal(place: Place, status: int) -> str:
    match status:
        case 401 | 403:
            return f"{place.host} wants another user or password ({status})."
        case 404 | 410:
            return f"There is no file at this address ({status})."
    return f"{place.host} answers {status} instead of the file."


def _ftp(
    place: Place, host: str, target: Path, account: Account, known: Stamp, largest: int
) -> Fetched | None:
    """In a thread. The data come from the host that was asked, whatever it answers to PASV (ftplib sees to it)."""
    end = time.monotonic() + LONGEST_S
    path = place.path.removeprefix("/")
    with ftplib.FTP(timeout=SILENT_S) as there, target.open("xb") as file:
        there.connect(host, place.port)
        there.login(account.username or "anonymous", account.password or "")
        there.voidcmd("TYPE I")
        stamp = Stamp(modified=_ftp_stamp(there, path))
        if stamp.modified and stamp == known:
            return None
        out = _Out(file, largest)

        def keep(piece: bytes) -> None:
            out.write(piece)
            if time.monotonic() > end:
                raise TimeoutError

        there.retrbinary(f"RETR {path}", keep, PIECE)
    return out.fetched(path, stamp)


def _ftp_stamp(there: ftplib.FTP, path: str) -> str | None:
    """When the file was written and how long it is, where the server says so."""
    try:
        return f"{there.sendcmd(f'MDTM {path}')} {there.size(path)}"
    except ftplib.Error:
        return None


def _name(path: str) -> str:
    """What the file is called there."""
    name = PurePosixPath(unquote(path).replace("\\", "/")).name
    return re.sub(r"[^\w .()\[\]+-]", "_", name)[:200].strip() or "file"


def _why(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate is not valid"
    if isinstance(error, aiohttp.ClientConnectorError | ConnectionError):
        return "nobody answers there"
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
