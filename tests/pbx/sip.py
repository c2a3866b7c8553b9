"""SIP messages as text: enough of RFC 3261 and RFC 2617 for the phones of our tests."""

import hashlib
import random
import re
import string
from dataclasses import dataclass, field

Headers = list[tuple[str, str]]


@dataclass
class Message:
    """A request or a response."""

    start: str
    headers: Headers
    body: bytes = field(default=b"")

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        head, _, body = data.partition(b"\r\n\r\n")
        start, *lines = head.decode("utf-8", "replace").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(start, [(name.strip(), value.strip()) for name, _, value in pairs], body)

    def __bytes__(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode() + self.body

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def code(self) -> int:
        """The status of a response; 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        return self.get("CSeq").split()[1] if self.code else self.start.split()[0]


def token(length: int = 12) -> str:
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=length))


def tag_of(value: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", value)
    return found[1] if found else ""


def without_tag(value: str) -> str:
    return re.sub(r";tag=[^;>\s]+", "", value)


def uri_of(value: str) -> str:
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def user_of(value: str) -> str:
    found = re.search(r"sips?:([^@>;]+)@", value)
    return found[1] if found else ""


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def proof(challenge: Message, method: str, uri: str, user: str, password: str) -> tuple[str, str]:
    """The header that answers a 401 or 407 (digest, MD5)."""
    asked, header = "WWW-Authenticate", "Authorization"
    if challenge.code == 407:
        asked, header = "Proxy-Authenticate", "Proxy-Authorization"
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.get(asked)))
    ours, what, nonce, ours_once = (
        _md5(user, given["realm"], password),
        _md5(method, uri),
        given["nonce"],
        token(8),
    )
    value = f'Digest username="{user}", realm="{given["realm"]}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
    if "opaque" in given:
        value += f', opaque="{given["opaque"]}"'
    if "qop" in given:
        answer = _md5(ours, nonce, "00000001", ours_once, "auth", what)
        value += f', qop=auth, nc=00000001, cnonce="{ours_once}", response="{answer}"'
    else:
        value += f', response="{_md5(ours, nonce, what)}"'
    return header, value


def offer(ip: str, port: int, version: int, direction: str) -> bytes:
    """A session description: A-law, and keys as telephone events (RFC 4733)."""
    lines = [
        "v=0",
        f"o=- 1 {version} IN IP4 {ip}",
        "s=-",
        f"c=IN IP4 {ip}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 8 101",
    ]
    return "\r\n".join(
        [
            *lines,
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=ptime:20",
            f"a={direction}",
            "",
        ]
    ).encode()


def media_of(body: bytes) -> tuple[str, int] | None:
    """Where the other side wants its sound."""
    text = body.decode("utf-8", "replace")
    ip, port = re.search(r"^c=IN IP4 (\S+)", text, re.M), re.search(r"^m=audio (\d+)", text, re.M)
    return (ip[1], int(port[1])) if ip and port else None
