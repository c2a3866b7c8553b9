"""The rules of a segment as a form: groups within groups, each with its conditions. Pure.

A field of the form is named by what it is and its place: `match-0` of the outermost group (all, any, none of these),
`field-0.2`, `op-0.2`, `value-0.2` of the third condition in it, `match-0.3` of a group within. "None of these" is
written {"not": {"any": […]}} in the rules.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from crm_core.errors import Invalid
from crm_core.segment_rule import DEEPEST, MOST_TESTS, Kind

Match = Literal["all", "any", "none"]
MATCHES: tuple[Match, ...] = ("all", "any", "none")
ROOT = "0"
NEST = 4  # so many groups stand within one another; deeper ones nobody reads
_PLACE = re.compile(rf"(?:match|field)-(0(?:\.[0-9]{{1,3}}){{0,{DEEPEST}}})")
KindOf = Callable[[str], Kind | None]


@dataclass
class Test:
    """One row: a field, how it is compared, with what."""

    field: str = ""
    op: str = ""
    value: str = ""


@dataclass
class Group:
    """Who fits all, any or none of its parts."""

    match: Match = "all"
    parts: list["Part"] = field(default_factory=list)


Part = Test | Group


def of_form(typed: Mapping[str, str]) -> Group:
    """What stands in the form. Raises `Invalid` for one that is none of ours."""
    places = sorted(
        {found[1] for name in typed if (found := _PLACE.fullmatch(name))},
        key=lambda place: [int(number) for number in place.split(".")],
    )
    if ROOT not in places:
        return Group()
    made: dict[str, Part] = {}
    for place in places:
        part: Part
        if f"match-{place}" in typed:
            match = typed[f"match-{place}"]
            part = Group(match if match in MATCHES else "all")
        else:
            part = Test(*(typed.get(f"{name}-{place}", "") for name in ("field", "op", "value")))
        within = made.get(place.rpartition(".")[0])
        if place != ROOT and not isinstance(within, Group):
            raise Invalid("These rules do not hang together; open the page again.", "rules")
        if isinstance(within, Group):
            within.parts.append(part)
        made[place] = part
    root = made[ROOT]
    assert isinstance(root, Group) or root == Test()
    return root if isinstance(root, Group) else Group()


def edited(root: Group, what: str) -> tuple[Group, str]:
    """`root` after a button was pressed ("rule:0.1", "group:0", "drop:0.2"), and the place that gets the focus.

    Raises `Invalid`.
    """
    found = re.fullmatch(r"(rule|group|drop):(0(?:\.[0-9]{1,3})*)", what)
    if found is None or what == f"drop:{ROOT}":
        raise Invalid("There is no such button.", "rules")
    act, place = found.groups()
    numbers = [int(it) for it in place.split(".")[1:]]
    try:
        if act == "drop":
            _group(root, numbers[:-1]).parts.pop(numbers[-1])
            return root, place.rpartition(".")[0]
        within = _group(root, numbers)
    except (IndexError, TypeError):
        raise Invalid("There is no such rule any more.", "rules") from None
    if count(root) >= MOST_TESTS:
        raise Invalid(f"A segment has {MOST_TESTS} conditions at most.", "rules")
    within.parts.append(Test() if act == "rule" else Group("any", [Test()]))
    new = f"{place}.{len(within.parts) - 1}"
    return root, new if act == "rule" else f"{new}.0"


def to_rules(root: Group, kind_of: KindOf) -> dict[str, Any]:
    """The rules as they are kept; rows without a field and groups without rows say nothing."""
    return _rule(root, kind_of) or {"all": []}


def of_rules(rules: Mapping[str, Any]) -> Group:
    """Rules that were checked, as the form shows them; any can be shown."""
    part = _part(rules)
    return part if isinstance(part, Group) else Group("all", [part])


def count(part: Part) -> int:
    """How many rows there are."""
    return sum(map(count, part.parts)) if isinstance(part, Group) else 1


def _group(root: Group, numbers: Sequence[int]) -> Group:
    found: Part = root
    for number in numbers:
        found = found.parts[number] if isinstance(found, Group) else Test()
    if not isinstance(found, Group):
        raise TypeError("a condition holds nothing")
    return found


def _rule(part: Part, kind_of: KindOf) -> dict[str, Any] | None:
    if isinstance(part, Test):
        if not part.field:
            return None
        return {"field": part.field, part.op: _typed(kind_of(part.field), part.op, part.value)}
    said = [rule for it in part.parts if (rule := _rule(it, kind_of)) is not None]
    if not said:
        return None
    return {"not": {"any": said}} if part.match == "none" else {part.match: said}


def _part(rule: Mapping[str, Any]) -> Part:
    match rule:
        case {"all": parts}:
            return Group("all", [_part(it) for it in parts])
        case {"any": parts}:
            return Group("any", [_part(it) for it in parts])
        case {"not": {"any": parts}}:
            return Group("none", [_part(it) for it in parts])
        case {"not": inner}:
            return Group("none", [_part(inner)])
    [(op, value)] = [(name, given) for name, given in rule.items() if name != "field"]
    return Test(rule["field"], op, _said(value))


def _typed(kind: Kind | None, op: str, value: str) -> Any:
    """A value as the rules want it: yes and no are true and false, a list is separated by commas."""
    if op == "known" or kind is Kind.YES_NO:
        said = value.strip().lower()
        return {"": True, "yes": True, "true": True, "no": False, "false": False}.get(said, value)
    if op == "one_of":
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _said(value: Any) -> str:
    """A value as it stands in the form."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
