"""What Asterisk's own books (queue_log, Master.csv) say of a floor.

Uses nothing of ours: it is what ours is held against.

    python tests/callcenter/asterisk_books.py tests/traces/a-*

prints it for folders with a `queue_log`, a `cdr.csv` or both. Both books keep whole seconds.
"""

import csv
import json
import sys
from pathlib import Path
from typing import Any

ENDS = {"CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHTIMEOUT": "let_go", "EXITEMPTY": "let_go",
        "EXITWITHKEY": "let_go"}  # fmt: skip
WAIT_AT = {"CONNECT": 0, "ABANDON": 2, "EXITWITHTIMEOUT": 2, "EXITEMPTY": 2, "EXITWITHKEY": 3}


def of_queues(book: Path) -> dict[str, Any]:
    """Stays in queues by how they ended, with the seconds each waited; those that never ended are left out."""
    waits: dict[str, list[int]] = {"answered": [], "abandoned": [], "let_go": []}
    rang_out = 0
    for line in book.read_text().splitlines():
        _, _, _, _, event, *data = line.split("|")
        if event in ENDS:
            waits[ENDS[event]].append(int(data[WAIT_AT[event]]))
        rang_out += event == "RINGNOANSWER" and int(data[0]) > 0
    return {**waits, "rang_out": rang_out}


def of_calls(book: Path) -> dict[str, int]:
    """Calls (linkedids) that touched a trunk, and those of them in which a telephone or the other side answered."""
    outside: dict[str, bool] = {}
    with book.open() as file:
        for row in csv.reader(file):
            channel, peer, disposition, linkedid = row[5], row[6], row[14], row[19]
            if "trunk" in channel + peer:
                answered = disposition == "ANSWERED" and bool(peer)
                outside[linkedid] = outside.get(linkedid, False) or answered
    return {"calls": len(outside), "answered": sum(outside.values())}


def main() -> None:
    for folder in map(Path, sys.argv[1:]):
        said: dict[str, Any] = {"folder": folder.name}
        if (folder / "queue_log").exists():
            said |= of_queues(folder / "queue_log")
        if (folder / "cdr.csv").exists():
            said |= of_calls(folder / "cdr.csv")
        print(json.dumps(said))


if __name__ == "__main__":
    main()
