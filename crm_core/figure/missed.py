"""What became of missed calls, and what those who were never reached may have been worth: an estimate. Pure.

A missed call is over for its caller when we talk with him within the days in which people call again: then it was
*called back*, or he *reached us* himself. Else we *tried*, or *nobody called*; without a number nobody could. Of a
caller who was missed again within these days only the last of his calls can be lost, so lost callers add up like calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from crm_core.figure.counted import cash, late, middle, number, share, side
from crm_core.figure.figure import Figure, Group
from crm_core.figure.tally import NOTHING, Sums, Tally

FEWEST = 50
"""Answered calls of a line from which its own conversion is told; with fewer that of all lines counts."""
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What an answered call brought on average, in one currency: conversion x average order = paid / answered."""

    currency: str
    answered: int
    orders: int
    paid: Decimal

    @property
    def conversion(self) -> Decimal:
        return Decimal(self.orders) / self.answered

    @property
    def average(self) -> Decimal:
        return self.paid / self.orders if self.orders else Decimal(0)

    @property
    def a_caller(self) -> Decimal:
        return self.paid / self.answered


def worth(tally: Tally) -> list[Worth]:
    """What an answered call brought, by currency; nothing where none was answered."""
    if not tally.answered:
        return []
    return [
        Worth(currency=currency, answered=tally.answered, orders=tally.orders, paid=paid)
        for currency, paid in sorted(tally.revenue.items())
    ]


def basis(line: int | None, lines: Mapping[int | None, Tally]) -> Tally:
    """The calls by which those missed on this line are judged: its own, or where these are few all there are."""
    own = lines.get(line, NOTHING)
    if line is not None and own.answered >= FEWEST:
        return own
    whole = NOTHING
    for one in lines.values():
        whole += one
    return whole


def lost_money(lost: Mapping[int | None, int], lines: Mapping[int | None, Tally]) -> Sums:
    """Callers who were never reached, by line, each worth what an answered call brought there."""
    sums: dict[str, Decimal] = {}
    for line, callers in lost.items():
        for one in worth(basis(line, lines)):
            sums[one.currency] = sums.get(one.currency, Decimal(0)) + callers * one.a_caller
    return {currency: amount.quantize(CENT) for currency, amount in sums.items() if amount}


def _count(code: str, name: str, formula: str) -> Figure:
    return number(code, name, formula, Group.CARE)


MISSED_FIGURES: tuple[Figure, ...] = (
    _count("missed", "Missed", "Calls from outside in which nobody talked, also while the line was closed; those of"
           " refused numbers do not count."),
    _count("called_back", "Called back", "Missed calls whose customer we called within 7 days and talked with; the"
           " first talk after the missed call was a call of ours."),
    _count("came_back", "Reached us", "Missed calls whose customer called again within 7 days and got through before"
           " we reached him."),
    _count("tried", "Tried in vain", "Missed calls whose customer we called within 7 days and did not reach, and who"
           " did not get through himself."),
    _count("open", "Nobody called", "Missed calls with a number that nobody called within 7 days (or until now), and"
           " who did not get through himself."),
    _count("hidden", "No number", "Missed calls without a number: nobody can call back."),
    share("reached", "Talked with", "(Called back + reached us) / missed calls with a number.",
          side("talked with within 7 days", "talked"), side("missed calls with a number", "with_number"), Group.CARE),
    middle("first", "First call after, half", "From the end of the missed call to our first call to that customer,"
           " also in vain: half of them took no longer.", "called", Group.CARE),
    late("first", "First call after, 9 of 10", "From the end of the missed call to our first call to that customer:"
         " nine of ten took no longer.", "called", Group.CARE),
    _count("lost", "Callers never reached", "Missed calls with a number that no talk followed within 7 days (or until"
           " now), nor another missed call: who is missed five times in a week counts once, with the last of them."),
    cash("lost_money", "Lost, estimated", "Callers never reached × conversion × average order of their line."
         " Conversion: orders made in calls / answered calls; average order: what these have paid / these orders; both"
         f" of the 90 days up to the last day. Of a line with fewer than {FEWEST} answered calls those of all lines"
         " count.", "lost", says="callers never reached"),
)  # fmt: skip
