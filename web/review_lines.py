"""What the forms and pages of reviews share: the recording beside, and the questions with what was given."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from crm_core.read.sound import Sound
from crm_core.score import Mark, Question
from web.call_sound import addresses
from web.review_marks import steps_of
from web.services import services


def beside(request: web.Request, sound: Sound | None) -> dict[str, Any]:
    """The recording that stands beside."""
    return {
        "heard": sound,
        "addresses": addresses(services(request), sound) if sound else {},
        "at": _second(request.query.get("at", "")),
    }


def _second(text: str) -> float | None:
    return float(text) if len(text) <= 6 and text.isascii() and text.replace(".", "", 1).isdecimal() else None


def lines_of(
    questions: Sequence[Question], given: Mapping[int, Mark], typed: Mapping[str, str] | None
) -> dict[str, Any]:
    """The questions of a form with what may be chosen, and what was given or typed."""
    return {
        "lines": [
            {
                "question": it,
                "steps": steps_of(it, given.get(it.key)),
                "points": _chosen(it, given.get(it.key), typed),
                "comment": (typed or {}).get(f"comment_{it.key}")
                or getattr(given.get(it.key), "comment", ""),
                "at_s": getattr(given.get(it.key), "at_s", None),
                "at": (typed or {}).get(f"at_{it.key}"),
            }
            for it in questions
        ]
    }


def _chosen(question: Question, mark: Mark | None, typed: Mapping[str, str] | None) -> str:
    """The points that are ticked, as the form says them; nothing where nothing was given."""
    if typed and (said := typed.get(f"points_{question.key}")):
        return said
    if mark is None:
        return ""
    return "none" if mark.points is None else str(mark.points)
