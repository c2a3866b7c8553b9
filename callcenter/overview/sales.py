"""What the calls of this day sold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from crm_core.read.figures import Sold


class Sales:
    """Orders sold today, counted and summed by whose call it was."""

    def __init__(self, sold: Iterable[Sold]) -> None:
        self._count: Counter[tuple[str, int | None]] = Counter()
        self._sums: defaultdict[tuple[str, int | None], defaultdict[str, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        for it in sold:
            for key in (("all", None), ("operator", it.operator_id), ("line", it.line_id)):
                self._count[key] += 1
                self._sums[key][it.currency] += it.total

    def of(self, kind: str, key: int | None) -> tuple[int, dict[str, str]]:
        """How many, and their sums by currency as text."""
        sums: Mapping[str, Decimal] = self._sums.get((kind, key), {})
        return self._count[kind, key], {currency: str(total) for currency, total in sorted(sums.items())}
