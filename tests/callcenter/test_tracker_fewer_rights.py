"""What an account with the classes system, call, agent, user and cdr still knows of every capture.

Such an account hears no VarSet, Newexten, DTMF or RTCP. What can not be known then, and why:

recordings   the name of a file is said in VarSet and Newexten only, or in a Cdr where cdr_manager.conf maps it;
             the file is found by the uniqueid in its name, so the call must know the uniqueids of all its channels
queue        of a caller whom a queue refuses at the door (joinempty): there is no event of the queue at all
result       of that caller: nobody was rung, no queue is known, so he was simply not answered
queues       that refusal, and why a queue let go of a caller (QUEUESTATUS is a variable)
missed       the menu, mailbox or closing time where a call died is a place in the dialplan
"""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from asterisk.events import Event
from asterisk.translate import translate
from asterisk.wire import parse, wanted
from callcenter.call import Call
from callcenter.replay import events
from tests.callcenter.streams import NAMES, files_of, folder_of, heard, is_lite, messages, told, tracked

UNKNOWN = {"recordings", "queues", "missed"}
FULL = [
    name for name in NAMES if json.loads((folder_of(name) / "truth.json").read_text())["ami_user"] == "crm"
]


def stripped(name: str, folder: Path) -> tuple[Event, ...]:
    """Write the capture again without what such an account is not sent, and read it."""
    files, times = files_of(folder_of(name))
    for file, chunks in zip(files, times, strict=True):
        data, kept, marks = file.read_bytes(), b"", []
        rest = b""
        for line in chunks.read_text().splitlines():
            chunk = json.loads(line)
            *blocks, rest = (rest + data[chunk["offset"] : chunk["offset"] + chunk["len"]]).split(b"\r\n\r\n")
            piece = b"".join(b + b"\r\n\r\n" for b in blocks if is_lite(b))
            kept += piece
            marks.append(json.dumps({"len": len(piece), "t": chunk["t"]}))
        (folder / file.name).write_bytes(kept)
        (folder / chunks.name).write_text("\n".join(marks))
    return tuple(events(*files_of(folder)))


@cache
def truth(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder_of(name) / "truth.json").read_text())
    return read


def refused(name: str, linkedid: str) -> bool:
    return any(c["linkedid"] == linkedid and c.get("queue_exit") == "joinempty" for c in truth(name)["calls"])


@pytest.mark.parametrize("name", FULL)
def test_everything_else_is_known_with_fewer_rights(name: str, tmp_path: Path) -> None:
    full, few = told(tracked(heard(name))), told(tracked(stripped(name, tmp_path)))
    assert full.keys() == few.keys()
    for linkedid, call in full.items():
        unknown = UNKNOWN | ({"queue", "result"} if refused(name, linkedid) else set())
        known = {field: value for field, value in call.items() if field not in unknown}
        assert {field: few[linkedid][field] for field in known} == known


@pytest.mark.parametrize("name", FULL)
def test_every_recording_is_named_after_a_channel_that_the_call_knows(name: str, tmp_path: Path) -> None:
    calls = tracked(stripped(name, tmp_path)).values()
    for real in truth(name)["calls"]:
        found = [c for c in calls if set(c.linkedids) & set(real["linkedids_all"])]
        for file in real.get("recordings", ()):
            assert any(named_after(file, call) for call in found), file


def named_after(file: str, call: Call) -> bool:
    base = file.removesuffix(".wav").removesuffix("-caller").removesuffix("-agent")
    return any(base.endswith(f"-{uniqueid}") for uniqueid in call.recording_uniqueids)


def test_such_an_account_hears_no_word_of_the_dialplan() -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    blocks = [b for name in ("a", "m", "y") for b in messages(name) if wanted(b) and not is_lite(b)]
    kinds = {type(event).__name__ for b in blocks if (event := translate(parse(b), at))}
    assert kinds <= {
        "RecordingNamed",
        "QueueTried",
        "QueueDecided",
        "PlaceReached",
        "ChannelTagged",
        "LineNamed",
    }
