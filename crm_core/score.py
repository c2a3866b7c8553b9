"""What a call is worth by a scorecard. Pure.

In:      the questions of a card, and the marks that somebody gave
Out:     points of 100: the mean of what was marked, each question by its weight; a question that did not apply is left
         out. A critical question that was not fulfilled makes the whole card 0.
Units:   points 0..100 with one place; a question of yes or no is 100 or 0; seconds of the recording
Raises:  `Invalid` for marks that do not fit the questions
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from crm_core.errors import Invalid

MOST_POINTS = 100
MOST_WEIGHT = 100
MOST_QUESTIONS = 40
_PLACES = Decimal("0.1")


class Kind(StrEnum):
    """How a question is answered."""

    SCALE = "scale"  # points from 0 to 100
    YES_NO = "yes_no"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One line of a card. `key` names it through all editions; `critical`: a no makes the card 0."""

    key: int
    text: str
    kind: Kind
    weight: int
    critical: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What was given for the question `key`: points, or None where it did not apply; and why.

    `at_s`: the place in the recording that shows it, seconds from its start.
    """

    key: int
    points: int | None
    comment: str = ""
    at_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """Points of 100; `zeroed`: they are 0 because something critical was not fulfilled."""

    points: Decimal
    zeroed: bool


def questions_of(rows: Sequence[Mapping[str, Any]]) -> list[Question]:
    """The questions as they are kept in the database."""
    return [Question(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def marks_of(rows: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """The marks as they are kept in the database."""
    return [Mark(**row) for row in rows]


def checked_questions(questions: Sequence[Question]) -> list[Question]:
    """The questions, when a card can be made of them. Raises `Invalid`."""
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise Invalid(f"A scorecard has 1 to {MOST_QUESTIONS} questions.", "questions")
    if len({it.key for it in questions}) < len(questions):
        raise Invalid("A question stands there twice.", "questions")
    for it in questions:
        if not it.text.strip():
            raise Invalid("A question needs its text.", "questions")
        if not 0 <= it.weight <= MOST_WEIGHT:
            raise Invalid(f"A weight is 0 to {MOST_WEIGHT}.", "questions")
        if it.critical and it.kind is not Kind.YES_NO:
            raise Invalid("Only a question of yes or no can be critical.", "questions")
    if not any(it.weight for it in questions):
        raise Invalid("At least one question needs a weight.", "questions")
    return list(questions)


def score(questions: Sequence[Question], marks: Sequence[Mark]) -> Score:
    """What the marks come to. Raises `Invalid` where a question has no mark, and where nothing that counts applied."""
    given = {mark.key: mark for mark in marks}
    if len(given) < len(marks) or set(given) != {it.key for it in questions}:
        raise Invalid("Mark every question once, or say that it did not apply.", "marks")
    counted = [(it, points) for it in questions if (points := _points(it, given[it.key])) is not None]
    weights = sum(it.weight for it, _ in counted)
    if not weights:
        raise Invalid("At least one question that has a weight must apply.", "marks")
    if any(it.critical and points == 0 for it, points in counted):
        return Score(points=Decimal("0.0"), zeroed=True)
    mean = Decimal(sum(it.weight * points for it, points in counted)) / weights
    return Score(points=mean.quantize(_PLACES, ROUND_HALF_UP), zeroed=False)


def _points(question: Question, mark: Mark) -> int | None:
    if mark.points is None:
        return None
    if not 0 <= mark.points <= MOST_POINTS:
        raise Invalid(f"Points are 0 to {MOST_POINTS}.", "marks")
    if question.kind is Kind.YES_NO and mark.points not in (0, MOST_POINTS):
        raise Invalid("This question is answered by yes or no.", "marks")
    return mark.points
