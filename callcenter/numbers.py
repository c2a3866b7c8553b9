"""Whose number a call carries: the rules of its trunk, then the country of the line, then the house's own.

Pure. What cannot be understood stays what was sent; the call is kept all the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.call import Call
from callcenter.directory import Directory
from crm_core.carrier import Carriers
from crm_core.phone import Number, NumberRule, matches, normalise


@dataclass(frozen=True, kw_only=True)
class TrunkRule:
    """How one trunk (None: every trunk) spells numbers."""

    trunk: re.Pattern[str] | None
    rule: NumberRule


class Numbers:
    """Normalises the remote number of a call."""

    def __init__(self, country: str, rules: Mapping[str, tuple[TrunkRule, ...]]) -> None:
        self.country = country
        self.carriers = Carriers()  # known a moment after the start; a number is complete without
        self._rules = rules

    def carrier_of(self, number: Number) -> str | None:
        """Whose mobile number it was when it was given out."""
        return self.carriers.of(number.e164) if number.kind in (None, "mobile") else None

    def of(self, call: Call, directory: Directory) -> Number:
        """The remote number of this call."""
        country = self.country_of(call, directory)
        return normalise(call.remote_number, country=country, rules=self._rules_of(call))

    def country_of(self, call: Call, directory: Directory) -> str:
        """The country as of which national numbers of this call are read."""
        line = directory.line(call.pbx, call.line)
        return line.country if line is not None and line.country else self.country

    def rule_of(self, call: Call) -> str | None:
        """The pattern of the rule that spells the number of this call anew, None when none is for it."""
        return next((r.pattern for r in self._rules_of(call) if matches(r, call.remote_number)), None)

    def _rules_of(self, call: Call) -> tuple[NumberRule, ...]:
        return tuple(
            each.rule
            for each in self._rules.get(call.pbx, ())
            if each.trunk is None or each.trunk.fullmatch(call.trunk or "")
        )
