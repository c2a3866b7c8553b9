"""The figures of captured floors against Asterisk's own books, which somebody else wrote and ours never reads."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcenter.replay import replay
from crm_core.figure.count import count
from crm_core.figure.period import By, Period
from crm_core.figure.rows import Call, Ring, Rows, Visit
from crm_core.figure.rules import Rules, Target
from crm_core.figure.tally import SECOND, Tally
from tests.callcenter.asterisk_books import of_calls, of_queues

TRACES = Path(__file__).parent.parent / "traces"
DAY = datetime(2026, 11, 21, tzinfo=UTC)
LINK_WAS_DOWN = "u-ami-lost-and-back"  # while a caller gave up: the link heard no more than that he was gone
NOBODY_OUTSIDE = (
    "j-click-to-call-agent-absent"  # ours tells an attempt, of which the books have no channel outside
)
WHEN = Period(DAY, DAY + timedelta(days=2), UTC)


def folders(book: str, without: str) -> list[Path]:
    return sorted(it for it in TRACES.iterdir() if (it / book).exists() and it.name != without)


def figures(folder: Path, target: Target) -> Tally:
    """What our tracker and our formulas make of the stream that a link heard."""
    calls, visits, rings = [], [], []
    for id_, told in enumerate(replay(sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl")))):
        calls.append(_call(id_, told))
        visits += [Visit(id_, it["queue"], it["wait_s"], it["outcome"]) for it in told["queues"]]
        rings += [Ring(id_, None, it["queue"], it["result"], it["rang_s"]) for it in told["rang"]]
    rules = Rules(now=WHEN.until, targets={None: target})
    (tally,) = count(Rows(calls=calls, visits=visits, rings=rings), WHEN, By.ALL, rules).values()
    return tally


def _call(id_: int, told: dict[str, Any]) -> Call:
    return Call(
        id=id_,
        started_at=datetime.fromisoformat(told["started_at"]),
        direction=told["direction"],
        result=told["result"],
        missed_place=told["missed"],
        queue=told["queue"],
        number=told["remote_number"],
        wait_s=told["wait_s"],
        talk_s=told["talk_s"],
        hold_s=told["hold_s"],
    )


@pytest.mark.parametrize("folder", folders("queue_log", LINK_WAS_DOWN), ids=lambda folder: folder.name)
def test_stays_in_queues_are_those_of_the_queue_log(folder: Path) -> None:
    book, target = of_queues(folder / "queue_log"), 2
    ours = figures(folder, Target(target, 1))
    answered, gone = book["answered"], book["abandoned"]
    assert (ours.queue_answered, ours.abandoned, ours.let_go) == (
        len(answered),
        len(gone),
        len(book["let_go"]),
    )
    # The book keeps whole seconds, each up to one away from what was waited.
    assert abs(ours.queue_wait_us / SECOND - sum(answered)) <= len(answered)
    assert abs(ours.abandoned_wait_us / SECOND - sum(gone)) <= len(gone)
    surely, perhaps = (sum(wait <= edge for wait in answered) for edge in (target - 1, target + 1))
    assert surely <= ours.in_target <= perhaps


@pytest.mark.parametrize("folder", folders("cdr.csv", NOBODY_OUTSIDE), ids=lambda folder: folder.name)
def test_calls_with_the_outside_are_those_of_the_cdr(folder: Path) -> None:
    book, ours = of_calls(folder / "cdr.csv"), figures(folder, Target())
    assert (ours.inbound + ours.outbound, ours.answered) == (book["calls"], book["answered"])
