"""Who is at work, for whatever is given to those at work (orders, leads). Pure.

Where people say when they begin and end to work, that counts: whoever has not is away, though his telephone is on, and
whoever has is away while his telephone is off, or on a break. Where nobody has said it lately the telephone alone
tells.
"""

from dataclasses import dataclass
from datetime import timedelta

LATELY = timedelta(days=7)
"""A house in which somebody said so within this time is one where people say so."""
LONGEST_SHIFT = timedelta(hours=16)
"""Who said longer ago that he begins, and nothing since, forgot to say that he ended."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of one colleague. `signed_in` None: nobody in this house says when he works. `reachable`: one of his telephones
    is; `rests`: paused for no reason that counts as work."""

    signed_in: bool | None
    has_phone: bool
    reachable: bool
    rests: bool


def at_work(it: Facts) -> bool:
    """Can something be given to him now?"""
    if it.rests:
        return False
    if it.signed_in is None:
        return it.reachable
    return it.signed_in and (it.reachable or not it.has_phone)
