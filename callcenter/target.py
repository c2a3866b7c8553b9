"""Whom an operator wants to give a call to, as a place in the switchboard's dialplan. Pure.

In:      what was chosen: a colleague, a queue, or something typed
Out:     a `Place`: context and extension, and how it is called in the record of the call
Raises:  `Conflict` and `Invalid`, in words that say what to do
"""

from dataclasses import dataclass
from typing import NamedTuple

from callcenter.clicktocall import Dialplan
from callcenter.directory import Directory
from crm_core.errors import Conflict, Invalid
from crm_core.phone import dialable

QUEUE_CONTEXT = "callcenter-queue"  # of our dialplan: the extension is the name of the queue


@dataclass(frozen=True, kw_only=True)
class Target:
    """One of the three is given."""

    user_id: int | None = None
    queue: str | None = None
    to: str | None = None


class Place(NamedTuple):
    context: str
    exten: str
    said: str  # for the record: "1002", "+79161234567", "sales"
    outside: bool = False


def place_of(target: Target, *, pbx: str, directory: Directory, plan: Dialplan, country: str) -> Place:
    """Return where to send the call."""
    if target.user_id is not None:
        return _colleague(target.user_id, pbx, directory, plan)
    if target.queue is not None:
        return Place(QUEUE_CONTEXT, target.queue, target.queue)
    number = dialable(target.to or "", country)
    if not number.startswith("+"):
        return Place(plan.transfer, number, number)
    return Place(plan.context, plan.number(number).removeprefix("+"), number, outside=True)


def _colleague(user_id: int, pbx: str, directory: Directory, plan: Dialplan) -> Place:
    operator = directory.operators.get(user_id)
    phones = [extension for of, extension in operator.phones if of == pbx] if operator else []
    if not phones:
        raise Conflict("This colleague has no telephone on the switchboard of this call.")
    return Place(plan.transfer, phones[0], phones[0])


def asked_by_keys(place: Place) -> str:
    """The keys that dial this place in an attended transfer; the # says that nothing follows.

    Raises `Invalid` for what has no keys, such as a queue.
    """
    if not place.exten.isdigit():
        raise Invalid("Only a person can be asked first. Transfer the call to this queue directly.", "queue")
    return f"{place.exten}#"
