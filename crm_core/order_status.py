"""The states of an order and what they mean."""

from enum import StrEnum


class Status(StrEnum):
    """Where an order is on its way; moves between any two are allowed."""

    NEW = "new"
    CONFIRMED = "confirmed"
    PACKED = "packed"
    ON_DELIVERY = "on_delivery"
    DELIVERED = "delivered"
    DONE = "done"
    CANCELLED = "cancelled"
    RETURNED = "returned"


LABELS = {
    Status.NEW: "New",
    Status.CONFIRMED: "Confirmed",
    Status.PACKED: "Packed",
    Status.ON_DELIVERY: "On delivery",
    Status.DELIVERED: "Delivered",
    Status.DONE: "Done",
    Status.CANCELLED: "Cancelled",
    Status.RETURNED: "Returned",
}
# Delivered is still open: it is closed when it is paid and nobody sent it back.
OPEN = (Status.NEW, Status.CONFIRMED, Status.PACKED, Status.ON_DELIVERY, Status.DELIVERED)
# What these have taken from the shelf is back on it.
RELEASED = (Status.CANCELLED, Status.RETURNED)
# The parcel is out of the house.
SHIPPED = (Status.ON_DELIVERY, Status.DELIVERED, Status.DONE)
OPEN_SQL = ", ".join(f"'{status}'" for status in OPEN)
