"""Talk against conversion: who talks long and sells little, said only where the numbers allow it. Pure.

Source:  Wilson's score interval (1927), 95 %: holds also for few calls and for shares near 0 and 1
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import median

from crm_core.figure.period import Key
from crm_core.figure.tally import SECOND, Tally

SURE = 1.96  # standard deviations of 95 %


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where somebody stands. `low`, `high`: between these his conversion lies, with 95 % certainty."""

    key: Key
    calls: int
    sold: int
    talk_s: float  # of a call
    conversion: float
    low: float
    high: float
    others: float | None  # conversion of all others together
    longer: bool  # talks longer than the median of all
    flagged: bool  # longer, and sells less than the others: not by chance

    @property
    def says(self) -> str:
        """In a word, for those of whom there is something to say."""
        if self.others is None or self.low <= self.others <= self.high:
            return "not different"
        side = "sells more" if self.low > self.others else "sells less"
        return f"{side}, {'longer' if self.longer else 'shorter'} talks"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Between which two shares the true one lies, with 95 % certainty; (0, 1) when nothing is known."""
    if of <= 0:
        return 0.0, 1.0
    share, z2 = hits / of, SURE * SURE
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    away = SURE / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, min(share, middle - away)), min(1.0, max(share, middle + away))


def stand(tallies: Mapping[Key, Tally]) -> list[Stand]:
    """Everybody with an answered call whose times are known, whoever is flagged first, then by calls.

    Flagged is who talks longer a call than the median of all, and whose conversion is with 95 % certainty below that of
    all others together. Of one alone nothing can be said.
    """
    known = {key: it for key, it in tallies.items() if it.timed and it.answered and key is not None}
    talks = {key: it.talk_us / it.timed / SECOND for key, it in known.items()}
    middle = median(talks.values()) if talks else 0.0
    answered, sold = sum(it.answered for it in known.values()), sum(it.sold for it in known.values())
    found = []
    for key, it in known.items():
        low, high = wilson(it.sold, it.answered)
        rest = answered - it.answered
        others = (sold - it.sold) / rest if rest else None
        longer = talks[key] > middle
        found.append(
            Stand(
                key=key, calls=it.answered, sold=it.sold, talk_s=talks[key], conversion=it.sold / it.answered,
                low=low, high=high, others=others, longer=longer,
                flagged=longer and others is not None and high < others,
            )
        )  # fmt: skip
    return sorted(found, key=lambda it: (not it.flagged, -it.calls, str(it.key)))
