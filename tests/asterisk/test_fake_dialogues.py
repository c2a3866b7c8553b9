"""What simulated people say is within the small speech model's vocabulary, and it understands them."""

import json
from pathlib import Path

import numpy as np
import pytest
import vosk

from asterisk.fake.audio import RATE_HZ, Dialogue, Sound, dialogues

MODEL = Path(__file__).parents[2] / "recordings" / "models" / "en-tiny"


@pytest.fixture(scope="module")
def model() -> vosk.Model:
    vosk.SetLogLevel(-1)
    return vosk.Model(str(MODEL))


def vocabulary() -> set[str]:
    lines = (MODEL / "graph" / "words.txt").read_text().splitlines()
    return {line.split()[0] for line in lines}


def heard(model: vosk.Model, sound: Sound) -> list[str]:
    recogniser, words = vosk.KaldiRecognizer(model, RATE_HZ), []
    for start in range(0, len(sound), RATE_HZ // 2):
        if recogniser.AcceptWaveform(sound[start : start + RATE_HZ // 2].tobytes()):
            words += json.loads(recogniser.Result())["text"].split()
    return words + json.loads(recogniser.FinalResult())["text"].split()


def errors(said: list[str], understood: list[str]) -> int:
    """Count the words inserted, lost and changed (edit distance)."""
    row = list(range(len(understood) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(understood, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def test_there_are_dialogues_for_calls_of_both_directions() -> None:
    directions = [each.direction for each in dialogues().values()]
    assert directions.count("in") >= 8 and directions.count("out") >= 3


@pytest.mark.parametrize("dialogue", dialogues().values(), ids=dialogues().keys())
def test_every_word_is_one_the_small_model_knows(dialogue: Dialogue) -> None:
    assert {word for line in dialogue.lines for word in line.text.split()} <= vocabulary()
    assert 15 <= dialogue.seconds <= 40


@pytest.mark.parametrize("dialogue", dialogues().values(), ids=dialogues().keys())
def test_the_model_understands_both_sides(model: vosk.Model, dialogue: Dialogue) -> None:
    wrong = said = 0
    for side, sound in zip(("customer", "agent"), dialogue.sound(), strict=True):
        words = [word for line in dialogue.lines if line.side == side for word in line.text.split()]
        said += len(words)
        wrong += errors(words, heard(model, sound))
    assert wrong <= 0.05 * said


def test_people_speak_when_the_script_says_and_one_at_a_time() -> None:
    for dialogue in dialogues().values():
        assert all(
            one.end < other.start for one, other in zip(dialogue.lines, dialogue.lines[1:], strict=False)
        )
        for side, sound in zip(("customer", "agent"), dialogue.sound(), strict=True):
            for line in dialogue.lines:
                piece = sound[int(line.start * RATE_HZ) : int(line.end * RATE_HZ)].astype(np.float64)
                assert (np.sqrt(np.mean(piece**2)) > 1000) == (line.side == side)
