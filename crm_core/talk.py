"""How two people talked: who how much, how long nobody did, who broke in on whom, the longest that one went on.

Pure. From when each of them spoke; who those are who spoke at once, words alone do not tell, so a phrase without a side
counts for neither.

Units: whole milliseconds from the start of the recording
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from crm_core.recording import PhraseSide

BREATH_MS = 2_000  # a shorter pause does not end what one has to say
NOD_MS = 1_000  # a shorter word in between ("yes", "I see") neither breaks in nor ends what the other says
INTO_MS = 500  # the other has spoken so long, and goes on as long besides: then he was broken in on


@dataclass(frozen=True, order=True)
class Spoken:
    """Somebody spoke from `start` until `end`."""

    start: int
    end: int

    @property
    def lasted(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Voice:
    """What one side came to. `broke_in`: how often on the other; `longest`: that he went on, from `longest_at`."""

    spoke: int = 0
    broke_in: int = 0
    longest: int = 0
    longest_at: int = 0


@dataclass(frozen=True, kw_only=True)
class Talk:
    """Both of them; `together`: both at once, `silence`: neither, in all `length`."""

    operator: Voice = field(default_factory=Voice)
    customer: Voice = field(default_factory=Voice)
    together: int = 0
    silence: int = 0
    length: int = 0

    @property
    def share(self) -> float | None:
        """The operator's part of all that was spoken, 0 to 1; None when nobody spoke."""
        spoke = self.operator.spoke + self.customer.spoke
        return self.operator.spoke / spoke if spoke else None


def talk(said: Iterable[tuple[str, float, float]], length_s: float) -> Talk | None:
    """The measures of phrases (side, start, end in seconds); None unless both sides are heard apart.

    A recording is at least as long as what was said in it.
    """
    heard = list(said)
    sides = {
        side: united(
            Spoken(round(start * 1000), round(end * 1000)) for one, start, end in heard if one == side
        )
        for side in (PhraseSide.OPERATOR, PhraseSide.CUSTOMER)
    }
    operator, customer = sides[PhraseSide.OPERATOR], sides[PhraseSide.CUSTOMER]
    if not operator or not customer:
        return None
    length = max(round(length_s * 1000), operator[-1].end, customer[-1].end)
    either = sum(it.lasted for it in united([*operator, *customer]))
    mine, theirs = _voice(operator, customer), _voice(customer, operator)
    return Talk(
        operator=mine,
        customer=theirs,
        together=mine.spoke + theirs.spoke - either,
        silence=length - either,
        length=length,
    )


def united(spans: Iterable[Spoken], gap: int = 0) -> list[Spoken]:
    """The spans in order, those that touch or lie at most `gap` apart as one; empty ones are none."""
    found: list[Spoken] = []
    for span in sorted(it for it in spans if it.lasted > 0):
        if found and span.start <= found[-1].end + gap:
            found[-1] = Spoken(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _voice(mine: Sequence[Spoken], theirs: Sequence[Spoken]) -> Voice:
    longest = max(_turns(mine, theirs), key=lambda it: (it.lasted, -it.start))
    return Voice(
        spoke=sum(it.lasted for it in mine),
        broke_in=sum(_breaks_in(it, theirs) for it in mine),
        longest=longest.lasted,
        longest_at=longest.start,
    )


def _breaks_in(span: Spoken, theirs: Sequence[Spoken]) -> bool:
    into = (it.start + INTO_MS <= span.start and it.end >= span.start + INTO_MS for it in theirs)
    return span.lasted >= NOD_MS and any(into)


def _turns(mine: Sequence[Spoken], theirs: Sequence[Spoken]) -> list[Spoken]:
    """What one went on saying: over breaths, as long as the other said no more than a word."""
    answers = [it for it in theirs if it.lasted >= NOD_MS]
    turns = [mine[0]]
    for span in mine[1:]:
        last = turns[-1]
        answered = any(it.start < span.start and it.end > last.end for it in answers)
        if span.start <= last.end + BREATH_MS and not answered:
            turns[-1] = Spoken(last.start, span.end)
        else:
            turns.append(span)
    return turns
