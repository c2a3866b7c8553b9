"""Numbers and names -> others of the same shape, the same for the same throughout one export. Pure.

In:      `learn_…` everything that is somebody's, then ask for any text of the same call
Out:     a number keeps its length, punctuation and country: its last seven digits become 5550001, 5550002 …, so
         that one number in three spellings stays one number; a name becomes "Person 1"
Kept:    numbers of ours (lines, extensions), names of our phones and trunks, and the ids that Asterisk gives
"""

import re
from collections.abc import Iterable

TAIL = 7  # digits that make a subscriber; fewer are an extension, a service, a place of the dialplan
FIRST = 5_550_001
RUN = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){6,}")
ADDRESS = re.compile(
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])|\[?(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}\]?"
)
HOST = re.compile(r"((?:sips?:|@)[^@\s/;]*@)[^\s;/>:]+")
NOWHERE = "192.0.2.1"  # RFC 5737: an address for documentation
# What Asterisk makes: seconds since 2001, a point, a counter; or a UUID of ours or of a bridge
ID = re.compile(
    r"(?<![\w.])1\d{9}\.\d{1,9}(?![\w.])|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}"
)
NOBODY = frozenset(
    {"", "s", "i", "t", "h", "<unknown>", "unknown", "anonymous", "unavailable", "restricted", "private"}
    | {"withheld", "<none>", "(null)"}
)


class Pseudonyms:
    """Of one export. `lines`: numbers of ours as they are dialled; `words`: names that must stay."""

    def __init__(self, lines: Iterable[str] = (), words: Iterable[str] = ()) -> None:
        self._lines = {digits for line in lines if len(digits := _digits(line)) >= TAIL}
        self._words = {word.casefold() for word in words}
        self._tails: dict[str, str | None] = {}
        self._short: dict[str, str | None] = {}
        self._names: dict[str, str] = {}
        self._paths: dict[str, str] = {}

    # --- what there is

    def learn_number(self, text: str) -> None:
        """Somebody's number; one that is no number (a SIP user) is taken as a name."""
        digits = _digits(text)
        if len(digits) >= TAIL and RUN.search(text):
            self._tails.setdefault(digits[-TAIL:], None)
        elif not text.isdecimal():
            self.learn_name(text)

    def learn_short(self, text: str) -> None:
        """A short number that came from outside, so that it is no extension of ours."""
        if text.isdecimal() and 2 < len(text) < TAIL and text.casefold() not in self._words:
            self._short.setdefault(text, None)
        else:
            self.learn_number(text)

    def learn_name(self, text: str) -> None:
        """Somebody's name."""
        if text.casefold() in NOBODY or text.casefold() in self._words or text.isdecimal():
            return
        self._names.setdefault(text, f"Person {len(self._names) + 1}")

    # --- what becomes of it

    def number(self, text: str) -> str:
        """A value that is a number, or stands where one does."""
        return self._names.get(text) or self.text(text)

    def name(self, text: str) -> str:
        """A value that is a name."""
        if text.casefold() in NOBODY or text.casefold() in self._words:
            return text
        return self._names.get(text) or self.text(text)

    def device(self, text: str) -> str:
        """The name of a phone or trunk; its technology is nobody's name, even if somebody is called Local."""
        technology, slash, rest = text.partition("/")
        return f"{technology}/{self.text(rest)}" if slash and technology.isalnum() else self.text(text)

    def path(self, text: str) -> str:
        """The name of a sound file: people's numbers and names stand in it, so that nothing of it stays."""
        _, slash, name = text.rpartition("/")
        if not name:
            return text
        if name not in self._paths:
            suffix = re.search(r"\.[A-Za-z0-9]{1,5}$", name)
            self._paths[name] = f"recording-{len(self._paths) + 1}{suffix[0] if suffix else ''}"
        return ("/monitor/" if slash and text.startswith("/") else "") + self._paths[name]

    def text(self, text: str) -> str:
        """Any text: names, numbers and addresses in it are replaced, ids of Asterisk stay."""
        pieces, last = [], 0
        for found in ID.finditer(text):
            pieces += [self._clean(text[last : found.start()]), found[0]]
            last = found.end()
        return "".join([*pieces, self._clean(text[last:])])

    def _clean(self, text: str) -> str:
        for name in sorted(self._names, key=len, reverse=True):
            if name in text:
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self._names[name], text)
        text = HOST.sub(rf"\g<1>{NOWHERE}", ADDRESS.sub(NOWHERE, text))
        text = RUN.sub(lambda found: self._replaced(found[0]), text)
        for short in self._short:
            text = re.sub(rf"(?<!\d){short}(?!\d)", self._other_short(short), text)
        return text

    def _replaced(self, written: str) -> str:
        digits = _digits(written)
        if any(digits.endswith(line) or line.endswith(digits) for line in self._lines):
            return written
        fresh = iter(self._other_tail(digits[-TAIL:]))
        places = [place for place, sign in enumerate(written) if sign.isdecimal()][-TAIL:]
        return "".join(next(fresh) if place in places else sign for place, sign in enumerate(written))

    def _other_tail(self, tail: str) -> str:
        """The seven digits that stand for `tail`: nobody's, neither learnt before nor given before."""
        found = self._tails.get(tail)
        if found is None:
            taken = {*self._tails, *self._tails.values(), *(line[-TAIL:] for line in self._lines)}
            found = next(str(n) for n in range(FIRST, 10**TAIL) if str(n) not in taken)
            self._tails[tail] = found
        return found

    def _other_short(self, short: str) -> str:
        found = self._short.get(short)
        if found is None:
            taken = {*self._short, *self._short.values(), *self._words}
            size = len(short)
            free = (str(n).zfill(size) for n in range(10**size - 1, 0, -1))
            found = self._short[short] = next((n for n in free if n not in taken), "9" * size)
        return found


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdecimal())
