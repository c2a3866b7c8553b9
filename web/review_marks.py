"""The marks of a review as a form sends them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from crm_core.errors import Invalid
from crm_core.score import Kind, Mark, Question

STEPS = (0, 25, 50, 75, 100)
_CLOCK = re.compile(r"(?:([0-9]{1,2}):)?([0-9]{1,3}):([0-5][0-9])(?:[.][0-9]+)?")


def marks_typed(typed: Mapping[str, str], questions: Sequence[Question]) -> list[dict[str, Any]]:
    """What was marked of each question. Raises `Invalid` for one without a mark, and for a time that is none."""
    return [_mark(typed, place, it) for place, it in enumerate(questions, 1)]


def _mark(typed: Mapping[str, str], place: int, question: Question) -> dict[str, Any]:
    given = typed.get(f"points_{question.key}", "")
    if given != "none" and not (given.isascii() and given.isdecimal() and len(given) <= 3):
        raise Invalid(f"Mark question {place}, or say that it did not apply.", f"points_{question.key}")
    return {
        "key": question.key,
        "points": None if given == "none" else int(given),
        "comment": typed.get(f"comment_{question.key}", ""),
        "at_s": _second(typed.get(f"at_{question.key}", ""), place),
    }


def _second(text: str, place: int) -> float | None:
    """The place in the recording, typed as on a telephone's display."""
    if not text:
        return None
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise Invalid(f"Question {place}: write the place in the recording as 1:23.", "at_s")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def steps_of(question: Question, mark: Mark | None) -> list[tuple[int, str]]:
    """The points one may choose, and how they are said; what was given otherwise is one of them."""
    if question.kind is Kind.YES_NO:
        return [(100, "yes"), (0, "no")]
    own = set() if mark is None or mark.points is None else {mark.points}
    return [(points, str(points)) for points in sorted({*STEPS, *own})]
