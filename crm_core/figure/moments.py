"""What stands in calls that became orders compared with those that did not: words, tags, how it was talked. Pure.

Only what is in at least `FEWEST` calls and missing in as many is compared, and of words only the `MOST` that most
calls have: chosen by how often they are said and never by what came of it. Something is marked when its difference is
no chance with 95 % certainty among all that were compared (Fisher's test, corrected by Holm). It goes with a sale;
whether it makes one, only a trial tells.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from crm_core.figure.trial import LEVEL, Arm, difference, fisher, holm

FEWEST = 20
FEWEST_CALLS = 60
MOST = 300


class Kind(StrEnum):
    """What was looked for."""

    TAG = "tag"
    MANNER = "manner"
    WORDS = "words"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Something that was in so many calls, of which so many became orders. `key`: id of a tag, code of a manner, or the
    words themselves; `side`: who said it, None: any; `whole`: the longer row of words of which these are a part."""

    kind: Kind
    key: str
    side: str | None
    calls: int
    sold: int
    whole: str = ""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The same compared. `low`, `high`: between these the one conversion less the other lies; `chance`: how probable so
    large a difference is if there is none, among all that were compared; `marked`: it is none."""

    heard: Heard
    here: Arm
    without: Arm
    low: float
    high: float
    chance: float

    @property
    def away(self) -> float:
        """Conversion with it less without it."""
        return (self.here.share or 0.0) - (self.without.share or 0.0)

    @property
    def marked(self) -> bool:
        return self.chance < LEVEL


def is_enough(calls: Arm) -> bool:
    """Whether anything can be compared: so many calls, and so many of either kind."""
    return calls.calls >= FEWEST_CALLS and min(calls.sold, calls.calls - calls.sold) >= FEWEST // 2


def weigh(heard: Iterable[Heard], calls: Arm) -> list[Moment]:
    """What there is to say, what is no chance first, then by how probable it is that it is none."""
    if not is_enough(calls):
        return []
    told = [it for it in heard if FEWEST <= it.calls <= calls.calls - FEWEST]
    words = sorted(
        (it for it in told if it.kind is Kind.WORDS), key=lambda it: (-it.calls, it.key, it.side or "")
    )
    compared = [*(it for it in told if it.kind is not Kind.WORDS), *_joined(words)[:MOST]]
    arms = [(Arm(it.calls, it.sold), Arm(calls.calls - it.calls, calls.sold - it.sold)) for it in compared]
    chances = holm([fisher(*two) for two in arms])
    found = [
        Moment(heard=it, here=here, without=without, low=low, high=high, chance=chance)
        for it, (here, without), chance in zip(compared, arms, chances, strict=True)
        for low, high in [difference(here, without)]
    ]
    return sorted(found, key=lambda it: (it.chance, -abs(it.away), it.heard.key))


def _joined(words: Sequence[Heard]) -> list[Heard]:
    """Rows of two that overlap and stand in as many calls as one longer row; without single words that are only ever
    said within a row. What is one sentence is compared once."""
    found: list[Heard] = []
    same: dict[tuple[str | None, int, int], list[Heard]] = {}
    for it in words:
        same.setdefault((it.side, it.calls, it.sold), []).append(it)
    for group in same.values():
        rows = [it for it in group if " " in it.key]
        within = {word for it in rows for word in it.key.split()}
        found += _chains(rows)
        found += [it for it in group if " " not in it.key and it.key not in within]
    return sorted(found, key=lambda it: (-it.calls, it.key, it.side or ""))


def _chains(rows: Sequence[Heard]) -> list[Heard]:
    begun = {it.key.split()[0]: it for it in reversed(rows)}
    ended = {it.key.split()[1] for it in rows}
    left = {it.key: it for it in sorted(rows, key=lambda it: (it.key.split()[0] in ended, it.key))}
    found = []
    while left:
        first = left.pop(next(iter(left)))
        said, at = first.key.split(), first
        while (following := begun.get(at.key.split()[1])) is not None and following.key in left:
            at = left.pop(following.key)
            said.append(at.key.split()[1])
        found.append(replace(first, whole=" ".join(said)))
    return found
