"""One operator's shift as a pure state machine: what he does now, why he is paused, what must be asked for."""

from callcenter.agent.holds import Order, orders
from callcenter.agent.model import (
    AUTO_PAUSE,
    LISTENING,
    WRAP_UP,
    AgentState,
    Hold,
    Kind,
    Mark,
    Membership,
    Place,
    Shift,
    Standing,
)
from callcenter.agent.news import News
from callcenter.agent.phones import extension_of, extension_of_device
from callcenter.agent.standing import parts, standing
from callcenter.agent.steps import apply, restated
from callcenter.agent.stored import from_json, to_json

__all__ = [
    "AUTO_PAUSE",
    "LISTENING",
    "WRAP_UP",
    "AgentState",
    "Hold",
    "Kind",
    "Mark",
    "Membership",
    "News",
    "Order",
    "Place",
    "Shift",
    "Standing",
    "apply",
    "extension_of",
    "extension_of_device",
    "from_json",
    "orders",
    "parts",
    "restated",
    "standing",
    "to_json",
]
