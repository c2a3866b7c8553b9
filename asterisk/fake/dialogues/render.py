"""Speak the dialogues: `python -m asterisk.fake.dialogues.render [NAME…]` makes NAME.ogg from NAME.json.

Needs espeak-ng; only who changes a dialogue runs this. The times of the lines are written back into the JSON.
Out: Ogg Opus at 8 kHz, left the customer, right the agent, with the line noise of a telephone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE_HZ = 8000
HERE = Path(__file__).parent
FIRST_S, GAP_S, LAST_S = 0.5, 0.45, 0.6  # silence before, between and after the lines
LOUDNESS = 0.12  # root mean square of the voice, full scale is 1
NOISE = 0.0006
SMALLNESS = 0.95  # of Opus; at 0.97 the two sides melt into one and no word is understood any more
Voice = dict[str, Any]
Sound = npt.NDArray[np.float64]


def speak(text: str, voice: Voice) -> Sound:
    """Let espeak-ng say `text`; return it at 8 kHz without the silence around it."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["espeak-ng", "-v", voice["voice"], "-s", str(voice["speed"]), "-p", str(voice["pitch"])]
        subprocess.run([*command, "-w", file.name, text], check=True, capture_output=True)
        sound, rate = soundfile.read(file.name, dtype="float64")
    sound = soxr.resample(sound, rate, RATE_HZ)
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    sound = sound[loud[0] : loud[-1] + 1]
    return np.asarray(sound * LOUDNESS / np.sqrt(np.mean(sound**2)))


def render(path: Path) -> float:
    """Speak one dialogue; return its length in seconds."""
    dialogue = json.loads(path.read_text(encoding="utf-8"))
    at, pieces = FIRST_S, []
    for line in dialogue["lines"]:
        sound = speak(line["text"], dialogue["voices"][line["side"]])
        line["start"], line["end"] = round(at, 2), round(at + len(sound) / RATE_HZ, 2)
        pieces.append((line["side"], int(at * RATE_HZ), sound))
        at += len(sound) / RATE_HZ + GAP_S
    seconds = dialogue["seconds"] = round(at - GAP_S + LAST_S, 2)
    both = np.random.default_rng(len(pieces)).normal(0, NOISE, (int(seconds * RATE_HZ), 2))
    for side, start, sound in pieces:
        both[start : start + len(sound), 1 if side == "agent" else 0] += sound
    soundfile.write(
        path.with_suffix(".ogg"),
        np.clip(both, -1, 1),
        RATE_HZ,
        format="OGG",
        subtype="OPUS",
        compression_level=SMALLNESS,
    )
    path.write_text(json.dumps(dialogue, indent=1) + "\n", encoding="utf-8")
    return seconds


def main(names: list[str]) -> int:
    """Render the named dialogues, or all."""
    for path in [HERE / f"{name}.json" for name in names] or sorted(HERE.glob("*.json")):
        print(f"{path.stem}: {render(path):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
