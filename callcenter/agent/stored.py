"""What must survive the process of a shift: holds and marks, as JSON and back.

Everything else is asked of the switchboard after each login.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from callcenter.agent.model import Hold, Kind, Mark, Place, Shift


def to_json(shift: Shift) -> dict[str, Any]:
    """Return what is kept: JSON-ready, instants as ISO 8601."""
    return {
        "holds": [
            {
                "kind": hold.kind.value,
                "reason": hold.reason,
                "since": hold.since.isoformat(),
                "until": hold.until and hold.until.isoformat(),
                "call": hold.call and str(hold.call),
                "by": hold.by,
            }
            for hold in shift.holds
        ],
        "marks": [
            {
                "place": list(place),
                "reasons": list(mark.reasons),
                "at": mark.at.isoformat(),
                "released": mark.released,
            }
            for place, mark in sorted(shift.marks.items())
        ],
    }


def from_json(shift: Shift, stored: dict[str, Any]) -> Shift:
    """Return the shift with what was kept of an earlier one. Raises `KeyError`, `ValueError` when damaged."""
    holds = tuple(
        Hold(
            Kind(each["kind"]),
            each["reason"],
            datetime.fromisoformat(each["since"]),
            datetime.fromisoformat(each["until"]) if each["until"] else None,
            UUID(each["call"]) if each["call"] else None,
            each["by"],
        )
        for each in stored["holds"]
    )
    marks = {
        Place(*each["place"]): Mark(
            tuple(each["reasons"]), datetime.fromisoformat(each["at"]), each["released"]
        )
        for each in stored["marks"]
    }
    return replace(shift, holds=holds, marks=marks)
