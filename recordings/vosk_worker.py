"""A process that turns sound into words: `python -m recordings.vosk_worker MODEL`.

Apart from the server because decoding keeps a core busy and a broken model may abort the whole process.
Speaks lines of JSON: first `{"ready": true}` or `{"no_model": why}`; then for each request `{"path", …}`
on its input any number of `{"words": [[text, start_s, end_s, confidence], …]}` and one `{"done": true}` or
`{"unreadable": why}`. Ends with its input.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import vosk

from recordings.audio import Samples, Unreadable, opened, read_blocks

# Vosk looks for the end of an utterance once a chunk: always the same length, so that results repeat.
CHUNK_S = 0.5
# Words "heard" where the sound never passes this level (of 32768, -54 dB) were not spoken: noise of the line
# is below, the quietest intelligible speech above.
FAINTEST = 64
ENVELOPE_S = 0.02
# The telephone side of the house comes first.
NICENESS = 10


class Loudness:
    """Remembers how loud the sound was, in steps of `ENVELOPE_S`."""

    def __init__(self, rate: int) -> None:
        self._step = max(1, round(rate * ENVELOPE_S))
        self._rate = rate
        self._peaks: list[int] = []

    def add(self, chunk: Samples) -> None:
        """Take the next chunk (one channel)."""
        at = range(0, len(chunk), self._step)
        self._peaks += np.maximum.reduceat(np.abs(chunk.astype(np.int32)), at).tolist()

    def audible(self, start_s: float, end_s: float) -> bool:
        """True when anything between the two instants was loud enough to be speech."""
        first, last = (int(at * self._rate / self._step) for at in (start_s, end_s))
        return max(self._peaks[first : last + 1], default=0) >= FAINTEST


def heard(model: Any, path: Path, channel: int) -> Iterator[list[tuple[str, float, float, float]]]:
    """Yield the words of each utterance in one channel of a file. Raises `Unreadable`."""
    with opened(path) as sound:
        if channel >= sound.channels:
            raise Unreadable(f"{path.name}: no channel {channel}")
        recognizer = vosk.KaldiRecognizer(model, sound.samplerate)
        recognizer.SetWords(True)
        loudness = Loudness(sound.samplerate)
        for block in read_blocks(sound, round(sound.samplerate * CHUNK_S)):
            chunk = np.ascontiguousarray(block[:, channel])
            loudness.add(chunk)
            if recognizer.AcceptWaveform(chunk.tobytes()):
                yield _words(recognizer.Result(), loudness)
        yield _words(recognizer.FinalResult(), loudness)


def _words(result: str, loudness: Loudness) -> list[tuple[str, float, float, float]]:
    words = json.loads(result).get("result", [])
    found = [(word["word"], word["start"], word["end"], word["conf"]) for word in words]
    return [word for word in found if loudness.audible(word[1], word[2])]


def answer(model: Any, request: dict[str, Any], out: TextIO) -> None:
    """Serve one request."""
    try:
        for words in heard(model, Path(request["path"]), request["channel"]):
            _say(out, {"words": words})
        _say(out, {"done": True})
    except (Unreadable, OSError) as error:
        _say(out, {"unreadable": str(error)})


def _say(out: TextIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def main() -> None:
    """Load the model, then serve until the input ends."""
    # Whatever the library prints must not fall into our lines: keep our output to ourselves, give it stderr.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.nice(NICENESS)
    vosk.SetLogLevel(-1)
    try:
        model = vosk.Model(sys.argv[1])
    except Exception as error:  # vosk raises nothing more precise
        _say(out, {"no_model": str(error)})
        return
    _say(out, {"ready": True})
    for line in sys.stdin:
        answer(model, json.loads(line), out)


if __name__ == "__main__":
    main()
