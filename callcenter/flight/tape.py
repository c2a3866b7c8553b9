"""What was said about one call, as bytes that lie in the database, and back. Pure.

In, out: messages in the order in which they were heard. Three kinds: what the switchboard said (`Event: …`, as it
         came), what we asked of it (`Action: …`, with its answer) and what became of the link (`Link: lost`)
Form:    each message behind a line `Heard: seconds.micros` (epoch), a blank line after it; all of it deflated
Size:    about 1 kB for a queue call that was answered (50 messages, 12 kB)
Raises:  `ValueError` from `unpack` for bytes that are no tape
"""

import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from asterisk.wire import END, parse

HEARD = b"Heard: "
LEVEL = 6


class Said(NamedTuple):
    """One message; `at` is when it arrived, or when we sent it."""

    at: datetime
    block: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        return parse(self.block)

    @property
    def text(self) -> str:
        """The message as people read it."""
        return self.block.decode("utf-8", "replace").replace("\r\n", "\n")


def pack(messages: Iterable[Said]) -> bytes:
    """Return the messages as one piece of bytes."""
    return zlib.compress(
        b"".join(HEARD + b"%.6f\r\n" % at.timestamp() + block.strip(b"\r\n") + END for at, block in messages),
        LEVEL,
    )


def unpack(packed: bytes) -> list[Said]:
    """Return the messages of a tape. Raises `ValueError`."""
    try:
        pieces = zlib.decompress(packed).split(END)
    except zlib.error as error:
        raise ValueError(f"not a tape: {error}") from None
    return [_said(piece) for piece in pieces if piece]


def _said(piece: bytes) -> Said:
    line, _, block = piece.partition(b"\r\n")
    if not line.startswith(HEARD):
        raise ValueError("not a tape: a message without an instant")
    return Said(datetime.fromtimestamp(float(line.removeprefix(HEARD)), UTC), block)
