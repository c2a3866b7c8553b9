"""The command `callcenter replay`, as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from callcenter.cli import app
from callcenter.replay import replay

TRACES = Path(__file__).parent.parent / "traces"
PROMISED = [
    "linkedid",
    "linkedids",
    "direction",
    "remote_number",
    "remote_name",
    "line",
    "queue",
    "result",
    "operator",
    "operators",
    "rang",
    "wait_s",
    "talk_s",
    "hold_s",
    "transfers",
    "ended_by",
    "click_to_call",
    "recordings",
    "started_at",
    "answered_at",
    "ended_at",
    "complete",
]


def capture(letter: str) -> tuple[Path, Path]:
    folder = next(TRACES.glob(f"{letter}-*"))
    return folder / "events.ami", folder / "chunks.jsonl"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["replay", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_a_line_of_json_is_printed_for_every_call_oldest_first() -> None:
    file, times = capture("q")
    code, out, _ = run("--times", times, "--", file)
    calls = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(calls) == 16
    assert [c["started_at"] for c in calls] == sorted(c["started_at"] for c in calls)
    assert set(PROMISED) <= set(calls[0])
    assert calls[8]["remote_name"] == "Иван Петров"
    assert all(isinstance(c[name], float) for c in calls for name in ("wait_s", "talk_s", "hold_s"))


def test_without_times_the_calls_are_the_same_though_not_their_seconds() -> None:
    file, times = capture("c")
    (timed,), (bare,) = replay([file], [times]), replay([file])
    same = ("linkedid", "direction", "operators", "result", "remote_number", "ended_by")
    assert [timed[name] for name in same] == [bare[name] for name in same]
    assert timed["talk_s"] > 4 and bare["talk_s"] == 0


def test_a_capture_that_stops_in_mid_call_says_that_the_call_is_not_complete(tmp_path: Path) -> None:
    file, times = capture("a")
    data = file.read_bytes()
    half = tmp_path / "half.ami"
    half.write_bytes(data[: data.rindex(b"Event: HangupRequest")])
    (call,) = replay([half], [times])
    assert (call["complete"], call["ended_at"], call["operator"]) == (False, None, "1001")
    assert call["result"] == "answered"


def test_rules_of_the_site_decide_who_is_an_extension() -> None:
    file, times = capture("a")
    (call,) = replay([file], [times], extensions="9...")
    assert (call["rang"], call["operators"]) == ([], [])
    (call,) = replay([file], [times], extensions=r"PJSIP/(\d+)", trunks="trunk")
    assert call["operators"] == ["1001"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("no-such-file.ami",), "no-such-file.ami"),
        (("--extensions", "(", capture("a")[0]), "unterminated"),
        (("--times", capture("a")[0], "--", capture("a")[0]), "not a time of arrival"),
    ],
)
def test_a_wrong_argument_is_named_without_a_trace(arguments: tuple[object, ...], complaint: str) -> None:
    code, out, err = run(*arguments)
    assert code == 2 and out == ""
    assert complaint in err and "Traceback" not in err


def test_to_start_is_quick_because_heavy_rooms_stay_closed() -> None:
    heavy = "sqlalchemy aiohttp vosk numpy phonenumbers"
    program = f"import sys, callcenter.replay; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
