"""A click-to-call as it was asked for: by whom, to whom, from what."""

from dataclasses import dataclass
from typing import Any

from callcenter.links import Target


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Why one of ours wanted this call. `number` is E.164."""

    user_id: int
    number: str
    customer_id: int | None = None
    target: Target | None = None
    callback_id: int | None = None


def stored(errand: Errand | None) -> dict[str, Any] | None:
    """As JSON, for the row and the spool; `restored` reads it back."""
    if errand is None:
        return None
    target = errand.target or Target()
    return {
        "user_id": errand.user_id,
        "number": errand.number,
        "customer_id": errand.customer_id,
        "order_id": target.order_id,
        "deal_id": target.deal_id,
        "callback_id": errand.callback_id,
    }


def restored(kept: dict[str, Any] | None) -> Errand | None:
    """The errand that `stored` wrote down."""
    if kept is None:
        return None
    target = Target(order_id=kept["order_id"], deal_id=kept["deal_id"])
    return Errand(
        user_id=kept["user_id"],
        number=kept["number"],
        customer_id=kept["customer_id"],
        target=target if target != Target() else None,
        callback_id=kept["callback_id"],
    )
