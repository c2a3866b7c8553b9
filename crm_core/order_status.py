"""The states of an order and what they mean. Pure.

A house makes statuses of its own (crm_core/status_list.py); what an order in one of them means — is it closed, are its
goods out of the house, back on the shelf — is its group's. The group can be told from the code, in Python and in SQL:
the code of an own status begins with it ("work.waits_for_money"), and the built-in ones are told below.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func


class Group(StrEnum):
    """What a status means. The order of the groups is the way of an order."""

    NEW = "new"  # nobody has begun
    WORK = "work"  # in progress: agreed, paid for, packed
    DELIVERY = "delivery"  # the parcel is out of the house
    HANDED = "handed"  # the customer has it; open until it is paid and nobody sent it back
    DONE = "done"  # closed well
    LOST = "lost"  # closed badly: nothing is sold, the goods are back on the shelf


class Status(StrEnum):
    """The built-in ones. Moves between any two statuses are allowed."""

    NEW = "new"
    CONFIRMED = "confirmed"
    PACKED = "packed"
    ON_DELIVERY = "on_delivery"
    DELIVERED = "delivered"
    DONE = "done"
    CANCELLED = "cancelled"
    RETURNED = "returned"


BUILT_IN: Mapping[str, Group] = {
    Status.NEW: Group.NEW,
    Status.CONFIRMED: Group.WORK,
    Status.PACKED: Group.WORK,
    Status.ON_DELIVERY: Group.DELIVERY,
    Status.DELIVERED: Group.HANDED,
    Status.DONE: Group.DONE,
    Status.CANCELLED: Group.LOST,
    Status.RETURNED: Group.LOST,
}
OPEN = (Group.NEW, Group.WORK, Group.DELIVERY, Group.HANDED)
RELEASED = (Group.LOST,)  # what these have taken from the shelf is back on it
SHIPPED = (Group.DELIVERY, Group.HANDED, Group.DONE)  # the parcel is out of the house
TO_BRING = (Group.NEW, Group.WORK, Group.DELIVERY)  # the customer still waits


def group_of(code: str) -> Group:
    """The group of a status."""
    return BUILT_IN.get(code) or Group(code.partition(".")[0])


def is_open(code: str) -> bool:
    """Still to be worked on."""
    return group_of(code) in OPEN


def is_released(code: str) -> bool:
    """Called off or sent back: keeps nothing off the shelf, counts for no sum."""
    return group_of(code) in RELEASED


def is_shipped(code: str) -> bool:
    """Its goods have left the house."""
    return group_of(code) in SHIPPED


def _stems(groups: Collection[Group]) -> list[str]:
    """What the codes of these groups begin with."""
    return [str(code) for code, group in BUILT_IN.items() if group in groups] + [
        group.value for group in groups if group.value not in BUILT_IN
    ]


def among(column: Any, groups: Collection[Group]) -> ColumnElement[bool]:
    """The condition that a column of statuses holds one of these groups."""
    return func.split_part(column, ".", 1).in_(_stems(groups))


def among_sql(column: str, groups: Collection[Group]) -> str:
    """The same as text."""
    stems = ", ".join(f"'{stem}'" for stem in _stems(groups))
    return f"split_part({column}, '.', 1) IN ({stems})"
