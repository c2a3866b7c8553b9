"""Life of one conversation: its facts (`model`), whose channel is whose (`rules`)."""

from callcenter.call.model import (
    Call,
    CallState,
    Channel,
    Direction,
    EndedBy,
    Hold,
    Leg,
    LegResult,
    Originate,
    Result,
    Talk,
    Transfer,
    call_id,
)
from callcenter.call.rules import Kind, Party, Rules

__all__ = [
    "Call",
    "CallState",
    "Channel",
    "Direction",
    "EndedBy",
    "Hold",
    "Kind",
    "Leg",
    "LegResult",
    "Originate",
    "Party",
    "Result",
    "Rules",
    "Talk",
    "Transfer",
    "call_id",
]
