"""How figures of facts are said: long times in days, and what was divided by what."""

from dataclasses import dataclass
from decimal import Decimal

from crm_core.figure.counted import Taken
from crm_core.figure.figure import Figure, Side, Unit, Value
from crm_core.figure.tally import SECOND
from web.figures import amount, said
from web.report import Cell
from web.say import duration


@dataclass(frozen=True)
class FactCell(Cell):
    """What a figure came to, with what was divided by what in words."""

    @property
    def texts(self) -> list[str]:
        return [spoken(self.figure, value) for value in self.values] or ["–"]

    @property
    def hint(self) -> str:
        if isinstance(self.figure, Taken) and self.values:
            return f"of {self.values[0].numerator}"
        return "; ".join(" / ".join(number for _, number in sides(self.figure, it)) for it in self.values)


def spoken(figure: Figure, value: Value) -> str:
    """A value as people read it; long times in days."""
    if figure.unit is Unit.SECONDS and value.value is not None:
        return lasted(float(value.value))
    return said(figure.unit, value)


def lasted(seconds: float) -> str:
    """A time as people say it: 2:41, 5 h 52 min, 3 d 4 h."""
    if seconds < 3600:
        return duration(seconds + 0.5)
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    return f"{minutes // 60} h {minutes % 60} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def sides(figure: Figure, value: Value) -> list[tuple[str, str]]:
    """What stands above and below the line, in words and numbers."""
    if isinstance(figure, Taken):
        return [(figure.top.says, str(value.numerator))]
    told = [(figure.top, value.numerator)]
    if figure.bottom is not None and value.denominator is not None:
        told.append((figure.bottom, value.denominator))
    return [(side.says, _number(side, number, value.currency)) for side, number in told]


def _number(side: Side, number: int | Decimal, currency: str | None) -> str:
    if isinstance(number, Decimal):
        return amount(Unit.MONEY, number, currency)
    return lasted(number / SECOND) if side.unit is Unit.SECONDS else amount(side.unit, Decimal(number))
