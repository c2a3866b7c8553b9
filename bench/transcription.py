"""How fast calls become text, against Vosk alone on the same sound in the same run (goal: 0.95 or more).

usage: python bench/transcription.py [MODEL] [--seconds 600] [--workers N]

Prints seconds of sound per second of work for raw Vosk, the ratio of our engine with one process and with
several, and the memory of this process.
"""

import argparse
import asyncio
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import vosk

from recordings.engine import BUNDLED_MODEL, VoskEngine
from recordings.vosk_worker import CHUNK_S

SAMPLES = Path(__file__).parent.parent / "tests/recordings/samples"
ROUNDS = 5


def long_call(folder: Path, seconds: float) -> Path:
    """The sample calls one after the other until there are `seconds` of sound."""
    parts = [
        soundfile.read(SAMPLES / f"{name}.wav", dtype="int16")[0] for name in ("order", "change", "callback")
    ]
    once = np.concatenate(parts)
    times = max(1, round(seconds * 8000 / len(once)))
    soundfile.write(folder / "call.wav", np.tile(once, times), 8000)
    return folder / "call.wav"


def raw(model: vosk.Model, file: Path) -> int:
    """Vosk as its own examples use it: read a chunk, give it, ask at the end. Returns the number of results."""
    recognizer = vosk.KaldiRecognizer(model, 8000)
    recognizer.SetWords(True)
    results = 0
    with soundfile.SoundFile(file) as sound:
        while len(chunk := sound.read(round(8000 * CHUNK_S), dtype="int16")):
            if recognizer.AcceptWaveform(chunk.tobytes()):
                recognizer.Result()
                results += 1
    recognizer.FinalResult()
    return results


async def ours(engine: VoskEngine, file: Path, calls: int) -> float:
    """Seconds for so many calls at once."""
    start = time.perf_counter()
    await asyncio.gather(*(engine.words(file) for _ in range(calls)))
    return time.perf_counter() - start


def cpu_s(engine: VoskEngine) -> float:
    """Seconds of processor time the engine's first process has used (Linux)."""
    process = engine._workers[0]._process
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(model_path: Path, seconds: float, workers: int) -> None:
    vosk.SetLogLevel(-1)
    model = vosk.Model(str(model_path))
    one, many = VoskEngine(model_path), VoskEngine(model_path, workers=workers)
    with tempfile.TemporaryDirectory() as folder:
        file = long_call(Path(folder), seconds)
        length = soundfile.info(file).duration
        for engine in (one, many):  # load the models before the clock runs
            await ours(engine, SAMPLES / "callback.wav", workers)
        ratios, spread, alone, work = [], [], [], []
        for _ in range(ROUNDS):
            start, before = time.perf_counter(), time.process_time()
            raw(model, file)
            alone.append(time.perf_counter() - start)
            work.append(time.process_time() - before)
            used = cpu_s(one)
            ratios.append(alone[-1] / await ours(one, file, 1))
            work[-1] /= cpu_s(one) - used
            spread.append(workers * alone[-1] / await ours(many, file, workers))
    await one.close()
    await many.close()
    print(f"sound {length:.0f} s, raw Vosk {length / statistics.median(alone):.0f} s/s (median of {ROUNDS})")
    print(f"one process: {statistics.median(ratios):.3f} × raw by the clock (goal 0.95, on a quiet machine)")
    print(f"             {statistics.median(work):.3f} × raw by processor time (true also on a busy one)")
    print(f"{workers} processes, {workers} calls at once: {statistics.median(spread):.2f} × raw")
    print(f"memory of the server: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, default=BUNDLED_MODEL)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    asyncio.run(measure(given.model, given.seconds, given.workers))


if __name__ == "__main__":
    main()
