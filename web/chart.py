"""Pictures of figures, drawn by the server: where each piece of an SVG stands. Pure.

Units:   those of the picture's own frame (`viewBox`), which the page scales
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, log10

WIDE, HIGH, HIGH_DOTS = 1100.0, 230.0, 380.0
LEFT, TOP, BOTTOM = 56.0, 10.0, 26.0
MOST_LABELS = 26


@dataclass(frozen=True)
class Mark:
    """A line of the scale: where it stands, and its value."""

    at: float
    value: float

    @property
    def exact(self) -> Decimal:
        return Decimal(str(self.value))


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


_CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)


def clock_scale(highest: float, steps: int = 4) -> list[float]:
    """Seconds as a clock has them, from 0 to at least `highest`: steps of 15 s, 5 min, 2 h."""
    rough = max(highest, 1.0) / steps
    step = next((it for it in _CLOCK if it >= rough), 86_400 * ceil(rough / 86_400))
    return [float(step * n) for n in range(ceil(max(highest, 1.0) / step) + 1)]


def columns(values: Sequence[Decimal | None], *, clock: bool = False) -> tuple[list[Column], list[Mark]]:
    """Columns side by side, and the scale at their left; `clock`: they are seconds."""
    highest = max((float(it) for it in values if it is not None), default=0.0)
    scale = clock_scale(highest) if clock else nice_scale(highest)
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


def nice_range(least: float, most: float, steps: int = 5) -> list[float]:
    """Round values from at most `least` to at least `most`."""
    step = nice_scale(max(most - least, most / 10, 0.1), steps)[1]
    return [step * n for n in range(floor(least / step), ceil(most / step) + 1)] or [0.0, 1.0]


@dataclass(frozen=True)
class Ground:
    """The ground of a picture of two figures: the ends of its two scales."""

    across: Sequence[float]
    up: Sequence[float]

    def x(self, value: float) -> float:
        """Where a value of the lower scale stands."""
        part = (value - self.across[0]) / (self.across[-1] - self.across[0])
        return LEFT + 8 + part * (WIDE - LEFT - 40)

    def y(self, value: float) -> float:
        """Where a value of the upright scale stands."""
        part = (value - self.up[0]) / (self.up[-1] - self.up[0])
        return HIGH_DOTS - BOTTOM - part * (HIGH_DOTS - TOP - BOTTOM)


@dataclass(frozen=True)
class Dot:
    """Somebody in such a picture: with how sure the upright figure is, and where there is room for the name."""

    x: float
    y: float
    low: float
    high: float
    right: bool
    name_y: float


APART = 15.0  # two names under each other


def dots(points: Sequence[tuple[float, float, float, float]], ground: Ground) -> list[Dot]:
    """(x, y, least y, most y) of each, in the same order; names of those close by are moved apart."""
    places: dict[int, float] = {}
    for place in sorted(range(len(points)), key=lambda it: ground.y(points[it][1])):
        here = ground.y(points[place][1])
        near = [
            name
            for it, name in places.items()
            if abs(ground.x(points[it][0]) - ground.x(points[place][0])) < 160
        ]
        places[place] = max([here, *(name + APART for name in near if name + APART > here)])
    return [
        Dot(
            ground.x(x), ground.y(y), ground.y(low), ground.y(high), ground.x(x) < WIDE * 0.8, places[place] + 4
        )
        for place, (x, y, low, high) in enumerate(points)
    ]  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A piece of a band, from left to right."""

    x: float
    width: float


def band(numbers: Sequence[float], wide: float = WIDE) -> list[Piece]:
    """Parts of a whole side by side; what is there is at least so wide that it can be pressed."""
    whole, least = sum(numbers), 6.0
    if whole <= 0:
        return [Piece(0.0, 0.0) for _ in numbers]
    widths = [max(least, wide * one / whole) if one else 0.0 for one in numbers]
    scale = wide / sum(widths)
    places, x = [], 0.0
    for one in widths:
        places.append(Piece(x, one * scale))
        x += one * scale
    return places
