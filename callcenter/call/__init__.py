"""Life of one conversation. Pure: no sockets, no database, no clock; every instant comes from an event.

model      what is known about a call at one moment        rules      whose channel is whose
steps      the call before, an event, the call after       channels   who dialled whom
origin     how a call begins, its direction                ringing    whose phone rings, and why it stops
voices     who hears whom                                  transfers  who sent the call where
ending     what became of a call in which nobody talked    merging    two calls turn out to be one
visit      a stay in a queue, a menu, voicemail           queueing   what each queue did with the caller
missed     where a missed call died
report     the line that `callcenter replay` promises      stored     lossless JSON, for the database
"""

from callcenter.call.ending import end
from callcenter.call.merging import merge
from callcenter.call.missed import Place, died_in
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
from callcenter.call.origin import begin, begun_by
from callcenter.call.queueing import Attempt, attempts
from callcenter.call.report import report
from callcenter.call.rules import Kind, Party, Rules
from callcenter.call.steps import apply
from callcenter.call.stored import from_json, to_json
from callcenter.call.visit import QueueOutcome, Visit

__all__ = [
    "Attempt",
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
    "Place",
    "QueueOutcome",
    "Result",
    "Rules",
    "Talk",
    "Transfer",
    "Visit",
    "apply",
    "attempts",
    "begin",
    "begun_by",
    "call_id",
    "died_in",
    "end",
    "from_json",
    "merge",
    "report",
    "to_json",
]
