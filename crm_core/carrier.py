"""Whose number a mobile number was when it was given out: "Plus", "Three". It may have moved since.

In:      a number in E.164
Out:     the name of the carrier, in English where there is one; None when nobody says
Source:  libphonenumber through `phonenumbers.carrierdata`. Imported here it would keep 42 MB and stop everything for
         0.2 s, so another process reads it and hands over a table of some 29 000 prefixes in 0.4 MB.
"""

import asyncio
import json
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from subprocess import PIPE

LONGEST = 12  # digits of a prefix


class CarriersUnknown(Exception):
    """The table could not be read; the text says why."""


class Carriers:
    """Prefixes in rising order, each with the place of its carrier's name."""

    def __init__(
        self, names: Sequence[str] = (), prefixes: Iterable[int] = (), places: Iterable[int] = ()
    ) -> None:
        self._names = tuple(names)
        self._prefixes = array("Q", prefixes)
        self._places = array("H", places)

    def __len__(self) -> int:
        return len(self._prefixes)

    def of(self, e164: str | None) -> str | None:
        """The carrier of the longest prefix that fits."""
        digits = (e164 or "").removeprefix("+")
        for length in range(min(LONGEST, len(digits)), 0, -1):
            wanted = int(digits[:length])
            place = bisect_left(self._prefixes, wanted)
            if place < len(self._prefixes) and self._prefixes[place] == wanted:
                return self._names[self._places[place]]
        return None

    def written(self) -> bytes:
        """As bytes; `read` makes the same of them."""
        head = json.dumps([self._names, len(self._prefixes)]).encode()
        return head + b"\n" + self._prefixes.tobytes() + self._places.tobytes()

    @classmethod
    def read(cls, written: bytes) -> "Carriers":
        """What `written` gave. Raises `ValueError` for anything else."""
        head, _, rest = written.partition(b"\n")
        names, count = json.loads(head)
        made = cls(names)
        made._prefixes.frombytes(rest[: count * made._prefixes.itemsize])
        made._places.frombytes(rest[count * made._prefixes.itemsize :])
        if len(made._prefixes) != count or len(made._places) != count:
            raise ValueError("the table of carriers is cut off")
        return made


async def load_carriers() -> Carriers:
    """Have another process read the data. Raises `CarriersUnknown`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crm_core.carrier", stdout=PIPE, stderr=PIPE
    )
    try:
        written, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    try:
        return Carriers.read(written)
    except ValueError as error:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise CarriersUnknown(f"the data of carriers can not be read: {''.join(last) or error}") from error


def from_phonenumbers() -> Carriers:
    """The whole table; only for a process of its own, because of what the import costs."""
    from phonenumbers.carrierdata import CARRIER_DATA

    known = {
        int(prefix): said.get("en") or next(iter(said.values())) for prefix, said in CARRIER_DATA.items()
    }
    names = sorted(set(known.values()))
    places = {name: place for place, name in enumerate(names)}
    prefixes = sorted(known)
    return Carriers(names, prefixes, (places[known[prefix]] for prefix in prefixes))


if __name__ == "__main__":
    sys.stdout.buffer.write(from_phonenumbers().written())
