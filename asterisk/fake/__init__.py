"""A simulated switchboard: a small PBX in memory that speaks real AMI over TCP, for tests, benches, the demo.

async with Switchboard(lab(), speed=50) as board:
    board.phone("1001").behave(Answer(after_s=2))
    call = board.place_call("+79161234567", "Ivan Petrov", "74951230001")
    await call.wait()
"""

from asterisk.fake.config import (
    Account,
    Config,
    Extension,
    Line,
    QueueConfig,
    Record,
    Strategy,
    accounts,
    lab,
)
from asterisk.fake.people import (
    Answer,
    Caller,
    Customer,
    Decline,
    Manual,
    RingOut,
    busy,
    congestion,
    no_answer,
    no_such_number,
)
from asterisk.fake.phones import NoCall, Phone
from asterisk.fake.switchboard import Call, Switchboard

__all__ = [
    "Account",
    "Answer",
    "Call",
    "Caller",
    "Config",
    "Customer",
    "Decline",
    "Extension",
    "Line",
    "Manual",
    "NoCall",
    "Phone",
    "QueueConfig",
    "Record",
    "RingOut",
    "Strategy",
    "Switchboard",
    "accounts",
    "busy",
    "congestion",
    "lab",
    "no_answer",
    "no_such_number",
]
