"""Pictures of figures, drawn by the server: where each piece of an SVG stands. Pure.

Units:   those of the picture's own frame (`viewBox`), which the page scales
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, log10

WIDE, HIGH = 720.0, 220.0
LEFT, TOP, BOTTOM = 56.0, 10.0, 26.0
MOST_LABELS = 26


@dataclass(frozen=True)
class Mark:
    """A line of the scale: where it stands, and its value."""

    at: float
    value: float


@dataclass(frozen=True)
class Column:
    """One column; `height` 0 for a value of nought, None for none at all. `labelled`: there is room for its name."""

    x: float
    y: float
    width: float
    height: float | None
    labelled: bool

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def nice_scale(highest: float, steps: int = 4) -> list[float]:
    """Round values from 0 to at least `highest`."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / steps
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * nice for nice in (1, 2, 2.5, 5, 10) if unit * nice >= rough * 0.999)
    return [step * n for n in range(ceil(highest / step * 0.999) + 1)]


def columns(values: Sequence[Decimal | None]) -> tuple[list[Column], list[Mark]]:
    """Columns side by side, and the scale at their left."""
    scale = nice_scale(max((float(it) for it in values if it is not None), default=0.0))
    room, base = HIGH - TOP - BOTTOM, HIGH - BOTTOM
    each = (WIDE - LEFT) / max(1, len(values))
    every = max(1, ceil(len(values) / MOST_LABELS))
    drawn = []
    for place, value in enumerate(values):
        height = None if value is None else max(0.0, float(value)) / scale[-1] * room
        width = min(48.0, each * 0.72)
        x = LEFT + each * place + (each - width) / 2
        drawn.append(Column(x, base - (height or 0.0), width, height, place % every == 0))
    return drawn, [Mark(base - value / scale[-1] * room, value) for value in scale]


@dataclass(frozen=True)
class Dot:
    """Somebody in a picture of two figures, with how sure the upright one is."""

    x: float
    y: float
    low: float
    high: float
    right: bool  # there is more room for the name at the right


def dots(
    points: Sequence[tuple[float, float, float, float]], across: Sequence[float], up: Sequence[float]
) -> list[Dot]:
    """(x, y, least y, most y) -> where it stands between the ends of the two scales."""

    def here(value: float) -> float:
        return LEFT + 8 + value / across[-1] * (WIDE - LEFT - 24)

    def there(value: float) -> float:
        return HIGH_DOTS - BOTTOM - value / up[-1] * (HIGH_DOTS - TOP - BOTTOM)

    return [
        Dot(here(x), there(y), there(low), there(high), here(x) < WIDE * 0.72) for x, y, low, high in points
    ]


HIGH_DOTS = 380.0
