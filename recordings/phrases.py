"""Words with times become phrases: what one person said without a pause.

Pure.

Units: seconds from the start of the recording; confidence from 0 to 1 as the engine gives it
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crm_core.recording import PhraseSide

# A shorter gap is breath within a sentence; longer ones end what somebody wanted to say.
PAUSE_S = 0.6


@dataclass(frozen=True)
class Word:
    """One word as it was heard."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Phrase:
    """Words of one side with no pause between them; `confidence` is the mean of theirs."""

    side: PhraseSide
    start_s: float
    end_s: float
    text: str
    confidence: float


def phrases(words: Iterable[Word], side: PhraseSide, *, pause_s: float = PAUSE_S) -> list[Phrase]:
    """Return the phrases of one side, in the order of their words."""
    return [_joined(part, side) for part in _parts(words, pause_s)]


def _parts(words: Iterable[Word], pause_s: float) -> Iterator[list[Word]]:
    part: list[Word] = []
    for word in words:
        if part and word.start_s - part[-1].end_s > pause_s:
            yield part
            part = []
        part.append(word)
    if part:
        yield part


def _joined(words: list[Word], side: PhraseSide) -> Phrase:
    return Phrase(
        side=side,
        start_s=words[0].start_s,
        end_s=words[-1].end_s,
        text=" ".join(word.text for word in words),
        confidence=round(sum(word.confidence for word in words) / len(words), 3),
    )
