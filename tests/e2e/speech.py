"""Spoken sentences for the phones of a test; the words are those of the small speech model."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import soundfile
import soxr

from tests.pbx.sound import SILENCE, frames_of

RATE = 8000  # samples per second of a telephone
CUSTOMER, OPERATOR = "en-us+Annie", "en-us"
PAUSE = [SILENCE] * 20  # 0.4 s: a sentence ends


def spoken(text: str, voice: str) -> list[bytes]:
    """`text` as A-law frames of 20 ms, with a pause after it."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "speech.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", file, text], check=True)
        samples, rate = soundfile.read(file, dtype="int16")
    return frames_of(soxr.resample(samples, rate, RATE).tobytes()) + PAUSE
