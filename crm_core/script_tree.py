"""The text of a call script as a tree of steps, and the places in it that are filled in. Pure.

    # Greeting
    Good morning, {customer.first_name}! This is {operator.name} from {line.name}.
    - It suits -> Offer
    - Not now -> Later
    - Wrong person

A line that begins with # names a step, the lines below it are said, a line that begins with - is an answer; behind ->
stands the step it leads to, and an answer without one ends the script. The first step is the first in the text.

Out:     `Script`, `Step`, `Answer`
Raises:  `Invalid` that names the line
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm_core.errors import Invalid

LONGEST, MOST_STEPS, MOST_ANSWERS, LONGEST_NAME, LONGEST_LABEL = 20_000, 60, 9, 60, 80
FIELDS: Mapping[str, str] = {
    "customer.name": "whole name of the customer",
    "customer.first_name": "first name of the customer",
    "customer.city": "where the customer lives",
    "order.number": "number of the order",
    "order.total": "what the order costs",
    "order.owed": "what is still to be paid",
    "order.items": "what was ordered",
    "order.status": "where the order stands",
    "line.name": "the line of the call",
    "shop.name": "the shop",
    "operator.name": "your name",
    "operator.first_name": "your first name",
    "list.name": "the call list",
}
_FIELD = re.compile(r"\{([^{}\n]{1,40})\}")


@dataclass(frozen=True)
class Answer:
    """What may be answered at a step, and the step it leads to (None: the script ends)."""

    label: str
    to: str | None


@dataclass(frozen=True)
class Step:
    """What is said, and what may be answered."""

    name: str
    say: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Script:
    """Steps in the order of the text; the first begins."""

    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        """The step of this name, which is there."""
        return next(it for it in self.steps if it.name == name)


@dataclass(frozen=True)
class Part:
    """A piece of what is said: plain `text`, or a `field` to be filled in."""

    text: str
    field: str | None = None


def parse(source: str) -> Script:
    """The script that this text says."""
    if len(source) > LONGEST:
        raise Invalid(f"A script has {LONGEST} letters at most.", "source")
    steps: list[tuple[int, str, list[str], list[tuple[int, Answer]]]] = []
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if text.startswith("#"):
            steps.append((number, _named(text.lstrip("#"), number), [], []))
        elif not text and not steps:
            continue
        elif not steps:
            raise _wrong(number, "A script begins with the name of a step: # Greeting")
        elif text.startswith("- "):
            steps[-1][3].append((number, _answer(text[2:], number)))
        else:
            _check_fields(text, number)
            steps[-1][2].append(text)
    if not steps:
        raise Invalid("Write at least one step: # Greeting, and below it what is said.", "source")
    if len(steps) > MOST_STEPS:
        raise Invalid(f"A script has {MOST_STEPS} steps at most.", "source")
    return _tied(steps)


def walk(script: Script, path: Sequence[int]) -> list[Step]:
    """The steps that are gone through with these answers, the one that stands open at the end among them."""
    steps, at = [script.steps[0]], script.steps[0]
    for place, answer in enumerate(path):
        if not 0 <= answer < len(at.answers):
            raise Invalid(f"The step “{at.name}” has no such answer.", "path")
        to = at.answers[answer].to
        if to is None:
            if place < len(path) - 1:
                raise Invalid(f"The script ends at “{at.name}”.", "path")
            break
        at = script.step(to)
        steps.append(at)
    return steps


def parts(text: str) -> list[Part]:
    """What is said, cut where something is filled in."""
    found, end = [], 0
    for match in _FIELD.finditer(text):
        if match[1].strip() in FIELDS:
            if match.start() > end:
                found.append(Part(text[end : match.start()]))
            found.append(Part("", match[1].strip()))
            end = match.end()
    return [*found, Part(text[end:])] if end < len(text) else found


def _named(text: str, number: int) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise _wrong(number, f"Give the step a name of at most {LONGEST_NAME} letters.")
    return name


def _answer(text: str, number: int) -> Answer:
    label, _, to = text.partition("->")
    label = " ".join(label.split())
    if not 1 <= len(label) <= LONGEST_LABEL:
        raise _wrong(number, f"Give the answer a text of at most {LONGEST_LABEL} letters.")
    return Answer(label, " ".join(to.split()) or None)


def _check_fields(text: str, number: int) -> None:
    for match in _FIELD.finditer(text):
        if match[1].strip() not in FIELDS:
            raise _wrong(number, f"There is no {{{match[1].strip()}}}. There are: {', '.join(FIELDS)}.")


def _tied(steps: Sequence[tuple[int, str, list[str], list[tuple[int, Answer]]]]) -> Script:
    """The script with every answer leading to a step that there is, and no way back in a ring."""
    names: dict[str, str] = {}
    for number, name, _, answers in steps:
        if name.casefold() in names:
            raise _wrong(number, f"There are two steps “{name}”.")
        if len(answers) > MOST_ANSWERS:
            raise _wrong(number, f"A step has {MOST_ANSWERS} answers at most: they are the keys 1 to 9.")
        names[name.casefold()] = name
    made = []
    for _, name, said, answers in steps:
        for number, it in answers:
            if it.to is not None and it.to.casefold() not in names:
                raise _wrong(number, f"There is no step “{it.to[:LONGEST_NAME]}”.")
        tied = tuple(Answer(it.label, names[it.to.casefold()] if it.to else None) for _, it in answers)
        made.append(Step(name, "\n".join(said).strip(), tied))
    script = Script(tuple(made))
    _check_ways(script, {name: number for number, name, _, _ in steps})
    return script


def _check_ways(script: Script, lines: Mapping[str, int]) -> None:
    """Every step can be come to, and none leads back to itself."""
    done: set[str] = set()

    def go(step: Step, above: tuple[str, ...]) -> None:
        if step.name in above:
            raise _wrong(lines[step.name], f"The step “{step.name}” leads back to itself.")
        if step.name in done:
            return
        for it in step.answers:
            if it.to is not None:
                go(script.step(it.to), (*above, step.name))
        done.add(step.name)

    go(script.steps[0], ())
    for step in script.steps:
        if step.name not in done:
            raise _wrong(lines[step.name], f"No answer leads to the step “{step.name}”.")


def _wrong(number: int, said: str) -> Invalid:
    return Invalid(f"Line {number}: {said}", "source")
