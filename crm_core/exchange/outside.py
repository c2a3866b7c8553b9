"""Which addresses may be fetched: those out in the world, and inside the house only hosts the administrator named.

Whoever may keep a source must not be able to make this server ask its own neighbours (a database, the switchboard,
the metadata of a cloud). So the name is resolved here, every address it has is looked at, and the connection goes to
the very addresses that were looked at.
"""

import asyncio
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote, urlsplit

from crm_core.errors import Invalid

PORTS = {"http": 80, "https": 443, "ftp": 21}
LONGEST = 2000
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Place:
    """Where a file lies: a web or FTP address taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who is asked: a password for one must not reach another."""
        return self.scheme, self.host, self.port


def place_of(url: str) -> Place:
    """An address taken apart. Raises `Invalid` with what is wrong with it."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("Write the address in plain letters without spaces.", "url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid("This is no address.", "url") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise Invalid("The address begins with https://, http:// or ftp://.", "url")
    if parts.username is not None or parts.password is not None:
        raise Invalid("Write user and password in their own fields, not in the address.", "url")
    path = unquote(parts.path) if parts.scheme == "ftp" else parts.path
    if not path.isprintable():
        raise Invalid("The address names no file.", "url")
    return Place(parts.scheme, parts.hostname.lower().rstrip("."), port or PORTS[parts.scheme], path)


async def addresses(place: Place, allowed: Collection[str]) -> list[str]:
    """The IP addresses of the host. Raises `Invalid` when it has none, or one that is not out in the world."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Invalid(f"There is no host {place.host[:80]}.", "url") from None
    listed = list(dict.fromkeys(str(it[4][0]) for it in found))
    if place.host not in allowed and not all(map(is_outside, listed)):
        raise Invalid(
            f"{place.host[:80]} lies inside the house. An administrator can allow it (CALLCENTER_FETCH_HOSTS).",
            "url",
        )
    return listed


def is_outside(written: str) -> bool:
    """Is this an address out in the world? One that stands for another (IPv4 within IPv6) is judged by that. Pure."""
    address = ip_address(written.partition("%")[0])
    return all(it.is_global and not it.is_multicast for it in _meant(address))


def _meant(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    if not isinstance(address, IPv6Address):
        yield address
        return
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    else:
        yield address
        if address.sixtofour is not None:
            yield address.sixtofour
