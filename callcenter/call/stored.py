"""A call as JSON and back, lossless: the open call is kept in the database and taken up again after a crash."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

from asterisk.events import ChannelState, DialStatus
from callcenter.call.model import (
    Call,
    Channel,
    Direction,
    EndedBy,
    Hold,
    LegResult,
    Originate,
    Result,
    Talk,
    Transfer,
)
from callcenter.call.rules import Kind
from callcenter.call.visit import Mark, QueueOutcome, Stage, Visit

VERSION = 1  # raise it when a field changes its meaning

CHANNEL_ENUMS = {"kind": Kind, "state": ChannelState, "result": LegResult, "dial_status": DialStatus}
CALL_ENUMS = {"direction": Direction, "hanger": EndedBy, "settled": Result}
PARTS = {"talks": Talk, "holds": Hold, "transfers": Transfer, "visits": Visit}
PART_ENUMS = {"outcome": QueueOutcome}


def to_json(call: Call) -> dict[str, Any]:
    """Return the call as JSON-ready values, instants as ISO 8601."""
    stored = {name: _plain(value) for name, value in call.__dict__.items() if name != "id"}
    stored["channels"] = [_plain(c._asdict()) for c in call.channels.values()]
    for name in PARTS:
        stored[name] = [_plain(part._asdict()) for part in getattr(call, name)]
    stored["originate"] = _plain(call.originate._asdict())
    stored["mark"] = _plain(call.mark._asdict()) if call.mark else None
    return {"version": VERSION, **stored}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Enum():
            return value.value
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case tuple():
            return list(value)
    return value


def from_json(stored: dict[str, Any]) -> Call:
    """Return the call that `to_json` stored.

    Raises `ValueError` when it was stored by an incompatible version, `KeyError` or `TypeError` when damaged.
    """
    if stored.get("version") != VERSION:
        raise ValueError(f"a call stored by version {stored.get('version')!r}, this one reads {VERSION}")
    values = {name: value for name, value in stored.items() if name != "version"}
    channels = [Channel(**_read(c, CHANNEL_ENUMS)) for c in values.pop("channels")]
    for name, kind in PARTS.items():
        values[name] = tuple(kind(**_read(part, PART_ENUMS)) for part in values.get(name, ()))
    if values.get("mark"):
        values["mark"] = Mark(**_read(values["mark"], {"stage": Stage}))
    values["originate"] = Originate(**_read(values["originate"], {}))
    values |= {name: tuple(values[name]) for name in ("linkedids", "recordings")}
    return Call(**_read(values, CALL_ENUMS), channels={c.uniqueid: c for c in channels})


def _read(stored: dict[str, Any], enums: dict[str, Any]) -> dict[str, Any]:
    """Give instants and enums their types back; names of instants end in `_at` or `_until`."""
    read = dict(stored)
    for name, value in stored.items():
        if value is None:
            continue
        if name in enums:
            read[name] = enums[name](value)
        elif name == "at" or name.endswith(("_at", "_until")):
            read[name] = datetime.fromisoformat(value)
    return read
