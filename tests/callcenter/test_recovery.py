"""Calls made again from the switchboard's own records, against the same calls as they were heard live.

The captures hold both: what AMI said, and the CEL and CDR files that the same Asterisk wrote meanwhile.
"""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk.cdr import CdrRow, cdr_row
from asterisk.cel import CelRow, cel_row
from asterisk.history import CDR_CSV, CEL_OURS
from callcenter.call import Direction, Result, Rules, report
from callcenter.recovery import Ending, Recovered, from_cdr, from_cel
from callcenter.replay import replay
from crm_core.call import Origin

TRACES = Path(__file__).parent.parent / "traces"
SCENARIOS = sorted(folder.name for folder in TRACES.iterdir() if (folder / "cel.csv").exists())
NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)  # the captures are of that evening
SECOND = 1.3  # these sites keep whole seconds

# What CEL does not tell, and so is not told. Everything else must be as it was heard.
SILENT_CEL = {
    "rang": "CEL has no ringing: only who answered, was busy, declined or was too late is known",
    "recordings": "this site keeps no MixMonitor in CEL; the files are found by uniqueid",
}
DIFFERENT_CEL = {
    ("1795286849.0", "remote_number"): "the phone was never answered, so the customer was never dialled",
    ("1795286857.1", "remote_number"): "the same",
    ("1795286864.2", "remote_number"): "the same",
    ("1795285507.24", "remote_name"): "AMI escapes quotes in names, CEL does not",
}
# In the hole of the capture CEL knows better: these calls were cut there.
CUT = {"1795285610.2", "1795285611.4", "1795285611.6"}

SILENT_CDR = {
    "rang": "as in CEL",
    "recordings": "no column recordingfile here",
    "ended_by": "a CDR does not say who hung up",
    "hold_s": "nor who held",
    "click_to_call": "an Originate looks like a phone that dials",
    "transfers": "only that several were connected one after the other",
    "line": "without the column did it may be the target of a transfer",
    "ended_at": "a call that ends with a tone ends earlier in its CDR",
    "ended_reason": "the link was lost",
    "complete": "the link was lost",
    "linkedids": "only the last one is written",
}
UNTOLD_CDR = {"answered_at", "wait_s", "talk_s"}  # told or named in `unknown`
DIFFERENT_CDR = {
    ("1795286864.2", "remote_number"): "the phone was never answered",
    ("1795286864.2", "result"): "nor is told that it rang",
    ("1795286880.2", "result"): "404 is NO ANSWER in a CDR",
    ("1795285826.2", "result"): "giving up is NO ANSWER in a CDR",
    ("1795285842.8", "result"): "giving up is NO ANSWER in a CDR",
    ("1795285507.24", "remote_name"): "escaped otherwise",
    ("1795285512.28", "remote_name"): "cut by Asterisk at 80 characters of clid",
}


def rows_of(scenario: str, kind: str) -> list[list[str]]:
    with (TRACES / scenario / f"{kind}.csv").open(newline="") as file:
        return list(csv.reader(file))


def cel_of(scenario: str) -> list[CelRow]:
    return [cel_row(dict(zip(CEL_OURS, row, strict=True))) for row in rows_of(scenario, "cel")]


def cdr_of(scenario: str) -> list[CdrRow]:
    return [cdr_row(dict(zip(CDR_CSV, row, strict=True))) for row in rows_of(scenario, "cdr")]


def recovered(rows: list[CelRow], now: datetime = NOW) -> dict[str, Recovered]:
    return {one.call.linkedid: one for one in from_cel("pbx", rows, Rules(), now=now)}


def live(scenario: str) -> dict[str, dict[str, Any]]:
    folder = TRACES / scenario
    reports = replay(sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl")))
    return {one["linkedid"]: one for one in reports}


def differences(heard: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    """Yield the fields in which the two reports of one call differ by more than a rounded second."""
    for name, value in heard.items():
        other = told[name]
        if name.endswith("_at") and value and other:
            apart = datetime.fromisoformat(value) - datetime.fromisoformat(other)
            same = abs(apart.total_seconds()) < SECOND
        elif name.endswith("_s"):
            same = abs(value - other) < 2 * SECOND
        elif name == "queues":  # neither CEL nor CDR tells positions
            same = [(v["queue"], v["outcome"]) for v in value] == [(v["queue"], v["outcome"]) for v in other]
        else:
            same = value == other
        if not same:
            yield name


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_cel_tells_every_call_as_it_was_heard(scenario: str) -> None:
    heard, told = live(scenario), recovered(cel_of(scenario))
    assert told.keys() == heard.keys()
    for linkedid, one in told.items():
        assert (one.ending, one.call.complete) == (Ending.SEEN, True)
        if linkedid in CUT:
            continue
        for name in differences(heard[linkedid], report(one.call)):
            assert name in SILENT_CEL or (linkedid, name) in DIFFERENT_CEL, f"{linkedid} {name}"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_cdr_tells_what_it_knows_and_names_what_it_does_not(scenario: str) -> None:
    heard = live(scenario)
    told = {one.call.linkedid: one for one in from_cdr("pbx", cdr_of(scenario), Rules(), frozenset())}
    unanswered = {
        "1795286849.0",
        "1795286857.1",
    }  # Asterisk writes no CDR of an Originate that nobody picks up
    assert told.keys() == heard.keys() - unanswered
    for linkedid, one in told.items():
        assert {"hold_s", "ended_by"} <= one.unknown
        if linkedid in CUT:
            continue
        for name in differences(heard[linkedid], report(one.call)):
            excused = name in SILENT_CDR or (linkedid, name) in DIFFERENT_CDR
            assert excused or name in UNTOLD_CDR & one.unknown, f"{linkedid} {name}"


def test_cel_knows_better_what_happened_while_the_link_was_lost() -> None:
    (folder,) = TRACES.glob("u-*")
    truth = {call["linkedid"]: call for call in json.loads((folder / "truth.json").read_text())["calls"]}
    told = recovered(cel_of(folder.name))
    for linkedid in CUT:
        call, happened = told[linkedid].call, truth[linkedid]
        assert call.result == happened["disposition"]
        assert call.operators == ((happened["answering_agent"],) if happened["answered"] else ())
        assert call.talk_s == pytest.approx(happened["talk_s"] or 0, abs=SECOND)


def test_cdr_does_not_pretend_to_know_when_a_queue_connected_somebody() -> None:
    (one,) = from_cdr("pbx", cdr_of("a-queue-answer-customer-hangup"), Rules(), frozenset())
    assert one.call.result is Result.ANSWERED
    assert one.call.operators == ("1001",)
    assert one.unknown == {"answered_at", "wait_s", "talk_s", "hold_s", "ended_by"}


def test_cdr_names_the_line_when_it_is_one_of_ours() -> None:
    rows = cdr_of("a-queue-answer-customer-hangup")
    (known,) = from_cdr("pbx", rows, Rules(), frozenset({"74951230001"}))
    (strange,) = from_cdr("pbx", rows, Rules(), frozenset())
    assert (known.call.line, strange.call.line) == ("74951230001", None)


def test_a_call_whose_beginning_was_not_read_is_nobodys() -> None:
    rows = cel_of("a-queue-answer-customer-hangup")
    assert recovered(rows[1:]) == {}


def test_a_call_without_an_end_is_open_until_the_switchboard_counts_anew() -> None:
    rows = cel_of("a-queue-answer-customer-hangup")[:9]  # killed while two talk
    soon = rows[-1].at + timedelta(minutes=10)
    (one,) = recovered(rows, now=soon).values()
    assert (one.ending, one.call.ended_at) == (Ending.OPEN, None)
    later = [row._replace(at=row.at + timedelta(seconds=60)) for row in rows[:1]]
    reborn = [row._replace(uniqueid="1795286682.0", linkedid="1795286682.0") for row in later]
    one = recovered(rows + reborn, now=soon)["1795286622.0"]
    assert one.ending is Ending.CUT
    assert (one.call.ended_at, one.call.complete) == (rows[-1].at, False)
    assert one.call.result is Result.ANSWERED


@given(cut=st.integers(0, 400), scenario=st.sampled_from(SCENARIOS))
def test_records_that_stop_anywhere_never_break_the_reader(cut: int, scenario: str) -> None:
    for one in recovered(cel_of(scenario)[:cut], now=NOW).values():
        assert one.origin is Origin.CEL
        assert one.call.direction in Direction


@given(data=st.data())
def test_an_audit_that_reads_twice_reads_the_same(data: st.DataObject) -> None:
    rows = cel_of(data.draw(st.sampled_from(SCENARIOS)))
    assert recovered(rows) == recovered(list(rows))
