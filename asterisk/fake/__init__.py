"""A simulated switchboard: a small PBX in memory that speaks real AMI over TCP, for tests, benches, the demo.

    async with Switchboard(lab(), speed=50) as board:
        board.phone("1001").behave(Answer(after_s=2))
        call = board.place_call("+79161234567", "Ivan Petrov", "74951230001", caller=Caller(talk_s=16))
        await call.wait()

It keeps state (`pbx.py`) and plays calls (`dialplan.py`, `dial.py`, `hunt.py`, `talk.py`, `originate.py`); what it
says is compared with captures of Asterisk 22, header by header (tests/asterisk/test_fake_matches_captures.py).
All durations are simulated seconds; `speed` of them pass in a real one.

Not simulated: changing over and three-way in an attended transfer, conferences, ring groups, follow-me, Local
channels as queue members, RTP and sign-in events. What a Dial says that rang out has no capture to compare with.
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
