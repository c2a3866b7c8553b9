"""Real speech through the real engine: who said what and when."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soundfile

from crm_core.recording import PhraseSide
from recordings.audio import Unreadable
from recordings.engine import BUNDLED_MODEL, EngineDied, NoModel, VoskEngine, language_of
from recordings.phrases import Phrase
from recordings.transcribe import Track, run_cli, tracks, transcribe_files

SAMPLES = Path(__file__).parent / "samples"
CUSTOMER, OPERATOR, UNKNOWN = PhraseSide.CUSTOMER, PhraseSide.OPERATOR, PhraseSide.UNKNOWN


@pytest_asyncio.fixture(scope="module")
async def engine() -> AsyncIterator[VoskEngine]:
    engine = VoskEngine(workers=2)
    yield engine
    await engine.close()


def text(phrases: list[Phrase], side: PhraseSide | None = None) -> str:
    return " ".join(phrase.text for phrase in phrases if side in (None, phrase.side))


def word_errors(heard: str, said: str) -> int:
    """Insertions, deletions and substitutions between two texts."""
    row = list(range(len(said.split()) + 1))
    for i, word in enumerate(heard.split(), 1):
        row, before = [i], row
        for j, other in enumerate(said.split(), 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (word != other)))
    return row[-1]


def utterances(name: str, speaker: str) -> list[dict[str, object]]:
    call = json.loads((SAMPLES / f"{name}.json").read_text())
    return [said for said in call["utterances"] if said["speaker"] == speaker]


@pytest.mark.parametrize(("name", "errors"), [("order", 2), ("change", 0), ("callback", 0)])
async def test_a_telephone_call_is_written_down(engine: VoskEngine, name: str, errors: int) -> None:
    said = (SAMPLES / f"{name}.txt").read_text()
    found = await transcribe_files(engine, [SAMPLES / f"{name}.wav"])
    assert word_errors(text(found), said) == errors
    assert {phrase.side for phrase in found} == {UNKNOWN}
    assert all(0.3 < phrase.confidence <= 1 for phrase in found)


async def test_each_leg_is_one_side_and_phrases_come_in_the_order_of_the_talk(engine: VoskEngine) -> None:
    files = [SAMPLES / f"order-status-en{leg}.wav" for leg in ("", "-caller", "-agent")]
    found = await transcribe_files(engine, files)
    assert [phrase.side for phrase in found] == [OPERATOR, CUSTOMER, OPERATOR, CUSTOMER, OPERATOR]
    assert "where my order number four five seven two is" in text(found, CUSTOMER)
    assert "good afternoon" in text(found, OPERATOR) and "goodbye" in text(found, OPERATOR)
    starts = [said["start_s"] for said in utterances("order-status-en", "customer")]
    assert [p.start_s for p in found if p.side is CUSTOMER] == pytest.approx(starts, abs=0.3)


async def test_a_stereo_recording_has_the_customer_on_the_left(engine: VoskEngine) -> None:
    found = await transcribe_files(engine, [SAMPLES / "cancel-en-overlap-stereo.wav"])
    assert "please cancel my order the number is eight eight zero one" in text(found, CUSTOMER)
    assert "why do you want to cancel it" in text(found, OPERATOR)


async def test_the_same_sound_gives_the_same_words_again(engine: VoskEngine) -> None:
    file = SAMPLES / "callback.wav"
    assert await transcribe_files(engine, [file]) == await transcribe_files(engine, [file])


@pytest.mark.parametrize("level", [0, 20, 300])
async def test_silence_and_noise_give_no_text(engine: VoskEngine, tmp_path: Path, level: int) -> None:
    noise = np.random.default_rng(1).normal(0, level, 8000 * 12).astype(np.int16)
    soundfile.write(tmp_path / "noise.wav", noise, 8000)
    assert await transcribe_files(engine, [tmp_path / "noise.wav"]) == []


async def test_words_below_the_threshold_of_hearing_are_not_believed(
    engine: VoskEngine, tmp_path: Path
) -> None:
    loud, rate = soundfile.read(SAMPLES / "callback.wav", dtype="int16")
    soundfile.write(tmp_path / "faint.wav", (loud / 512).astype(np.int16), rate)
    assert await transcribe_files(engine, [tmp_path / "faint.wav"]) == []


async def test_a_file_that_can_not_be_read_is_said_and_the_next_one_is_heard(
    engine: VoskEngine, tmp_path: Path
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(Unreadable, match=r"broken\.wav"):
        await transcribe_files(engine, [tmp_path / "broken.wav"])
    with pytest.raises(Unreadable, match="no channel 1"):
        await engine.words(SAMPLES / "callback.wav", channel=1)
    assert await engine.words(SAMPLES / "callback.wav")


async def test_a_crashed_process_fails_its_file_and_is_started_anew() -> None:
    engine = VoskEngine()
    try:
        await engine.words(SAMPLES / "callback.wav")
        process = engine._workers[0]._process
        assert process is not None
        process.kill()
        with pytest.raises(EngineDied):
            await engine.words(SAMPLES / "callback.wav")
        assert await engine.words(SAMPLES / "callback.wav")
    finally:
        await engine.close()


async def test_a_cancelled_question_never_answers_the_next(engine: VoskEngine) -> None:
    asking = asyncio.create_task(engine.words(SAMPLES / "order.wav"))
    await asyncio.sleep(0.02)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    words = await engine.words(SAMPLES / "change.wav")
    assert " ".join(word.text for word in words) == " ".join((SAMPLES / "change.txt").read_text().split())


async def test_the_process_ends_with_its_engine() -> None:
    engine = VoskEngine()
    await engine.words(SAMPLES / "callback.wav")
    process = engine._workers[0]._process
    assert process is not None
    await engine.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


@pytest.mark.parametrize("kind", ["missing", "empty", "broken"])
async def test_without_a_model_the_reason_is_clear(tmp_path: Path, kind: str) -> None:
    model = tmp_path / "model"
    if kind != "missing":
        model.mkdir()
    if kind == "broken":
        shutil.copytree(BUNDLED_MODEL, model, dirs_exist_ok=True)
        (model / "am/final.mdl").write_bytes(b"\0B" + bytes(2000))
    engine = VoskEngine(model)
    try:
        with pytest.raises(NoModel, match=str(model)):
            await transcribe_files(engine, [SAMPLES / "callback.wav"])
    finally:
        await engine.close()


def test_the_bundled_model_is_whole_and_says_its_language() -> None:
    engine = VoskEngine()
    assert (engine.check(), engine.model, engine.language) == (None, "en-tiny", "en")
    assert language_of("vosk-model-small-ru-0.22") == "ru"
    assert language_of("vosk-model-en-us-0.22-lgraph") == "en"
    assert language_of("mine") is None


def put(source: str, target: Path, ended_at: float) -> Path:
    shutil.copyfile(SAMPLES / source, target)
    os.utime(target, (ended_at, ended_at))
    return target


def test_recordings_one_after_the_other_share_a_time_line(tmp_path: Path) -> None:
    first = put("callback.wav", tmp_path / "out-1-1795286068.0.wav", 1000)
    second = put("change.wav", tmp_path / "out-2-1795286088.1.wav", 1030)
    assert tracks([second, first]) == [
        Track(first, UNKNOWN, offset_s=0.0),
        Track(second, UNKNOWN, offset_s=pytest.approx(20.914, abs=0.001)),
    ]


def test_a_recording_within_a_longer_one_is_not_heard_twice(tmp_path: Path) -> None:
    whole = put("order.wav", tmp_path / "in-1-1795286068.0.wav", 1000)
    operator = put("callback.wav", tmp_path / "q-1-1795286070.1.wav", 999)
    assert tracks([operator, whole]) == [Track(whole, UNKNOWN)]


def test_a_single_leg_is_heard_as_its_side(tmp_path: Path) -> None:
    caller = put("callback.wav", tmp_path / "in-1-1795286068.0-caller.wav", 1000)
    assert tracks([caller]) == [Track(caller, CUSTOMER)]


def test_the_command_prints_phrases_with_sides_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli([SAMPLES / "order-status-en.wav", SAMPLES / "callback.wav"], None) == 0
    said = capsys.readouterr().out
    assert "00:04.2  customer  hello i want to know where my order number" in said
    assert "00:00.5  unknown   hi there my kettle is broken" in said


def test_the_command_fails_when_a_file_does(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run_cli([tmp_path / "nowhere.wav", SAMPLES / "callback.wav"], None) == 1
    said = capsys.readouterr()
    assert "nowhere.wav" in said.err and "kettle" in said.out
    assert run_cli([SAMPLES / "callback.wav"], tmp_path) == 1
    assert "CALLCENTER_VOSK_MODEL" in capsys.readouterr().err
