"""What somebody looks for in what was said: words, "words in a row"; and where they stand in a phrase.

Pure. A word finds every word that begins with it, without accents and in any case; between quotation marks each word
is meant as it is, one after the other.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from crm_core.keys import search_key

_PARTS = re.compile(r'"([^"]*)"?|([^"]+)')
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Wanted:
    """Beginnings of words, and rows of whole words."""

    beginnings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def query(self) -> str:
        """As a `tsquery` on `phrase_words`: all of it in one phrase. "" when nothing is looked for."""
        begin = [f"'{word}':*" for word in self.beginnings]
        return " & ".join([*begin, *("(" + " <-> ".join(f"'{it}'" for it in row) + ")" for row in self.rows)])


@dataclass(frozen=True)
class Piece:
    """A part of a phrase; `hit`: it is what was looked for."""

    text: str
    hit: bool


def wanted(text: str) -> Wanted:
    """What `text` looks for; nothing when there is no letter or digit in it."""
    begin: list[str] = []
    rows = []
    for row, plain in _PARTS.findall(text):
        begin += search_key(plain).split()
        if words := search_key(row).split():
            rows.append(tuple(words))
    return Wanted(tuple(begin), tuple(rows))


def any_of(asked: Iterable[Wanted]) -> str:
    """Any of these as a `tsquery`."""
    return " | ".join(f"({one.query})" for one in asked if one.query)


def says(text: str, asked: Wanted) -> bool:
    """Whether all that is looked for is in this phrase."""
    words = search_key(text).split()
    begun = all(any(word.startswith(begin) for word in words) for begin in asked.beginnings)
    return begun and all(_in_a_row(row, words) for row in asked.rows)


def _in_a_row(row: tuple[str, ...], words: Sequence[str]) -> bool:
    return any(tuple(words[at : at + len(row)]) == row for at in range(len(words) - len(row) + 1))


def pieces(text: str, alternatives: Sequence[Wanted]) -> list[Piece]:
    """`text` in pieces that together are it again, with every word in it that was looked for apart."""
    said = [one for one in alternatives if says(text, one)]
    exact = {word for one in said for row in one.rows for word in row}
    beginnings = tuple(word for one in said for word in one.beginnings)
    found: list[Piece] = []
    for part in _parts(text):
        words = search_key(part).split()
        hit = any(word in exact or word.startswith(beginnings) for word in words)
        if found and found[-1].hit == hit:
            part = found.pop().text + part
        found.append(Piece(part, hit))
    return found


def _parts(text: str) -> Iterator[str]:
    """The words and what stands between them."""
    at = 0
    for word in _WORD.finditer(text):
        if word.start() > at:
            yield text[at : word.start()]
        yield word[0]
        at = word.end()
    if at < len(text):
        yield text[at:]
