"""Recordings of simulated calls: spoken dialogues, written as MixMonitor writes them.

Files are WAV, mono, 8 kHz, 16 bit. While a call lasts they grow by two seconds at a time and their header
says length 0; it is completed when the channel is hung up. A call that was never bridged leaves a header
alone (44 bytes).
"""

from __future__ import annotations

import asyncio
import functools
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from asterisk.fake.pbx import Pbx

RATE_HZ = 8000
BLOCK_S = 2.0
HERE = Path(__file__).parent / "dialogues"
SIDES = ("", "-caller", "-agent")
Sound = npt.NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One thing said. `side` is customer or agent, times are seconds from the answer."""

    side: str
    text: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """A conversation whose sound lies beside it as Ogg Opus, left the customer, right the agent."""

    name: str
    direction: str  # "in" or "out": who called
    seconds: float
    lines: tuple[Utterance, ...]

    def sound(self) -> tuple[Sound, Sound]:
        """Return the customer's and the agent's side. Decodes the file the first time."""
        return decode(HERE / f"{self.name}.ogg")


@functools.lru_cache(maxsize=32)
def decode(path: Path) -> tuple[Sound, Sound]:
    """Read a stereo sound file at 8 kHz. Raises `soundfile.LibsndfileError` for what it can not read."""
    import soundfile  # takes 40 ms; only switchboards that record need it

    both, rate = soundfile.read(path, dtype="int16", always_2d=True)
    if rate != RATE_HZ:
        raise ValueError(f"{path.name} has {rate} Hz, not {RATE_HZ}")
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])


@functools.cache
def dialogues() -> dict[str, Dialogue]:
    """Return all dialogues by name."""
    found = {}
    for path in sorted(HERE.glob("*.json")):
        raw = json.loads(path.read_text(encoding="utf-8"))
        lines = tuple(Utterance(**line) for line in raw["lines"])
        found[path.stem] = Dialogue(
            name=path.stem, direction=raw["direction"], seconds=raw["seconds"], lines=lines
        )
    return found


class Library:
    """Hands out dialogues, each direction in turn."""

    def __init__(self) -> None:
        self._turn = {"in": 0, "out": 0}

    def pick(self, name: str | None, direction: str) -> Dialogue | None:
        """Return the dialogue asked for, else the next one of that direction; None when there is none."""
        if name is not None:
            return dialogues()[name]
        fitting = [each for each in dialogues().values() if each.direction == direction]
        if not fitting:
            return None
        self._turn[direction] += 1
        return fitting[(self._turn[direction] - 1) % len(fitting)]


def wav_header(frames: int) -> bytes:
    """Return the 44 bytes before `frames` samples of 8 kHz mono 16 bit sound."""
    size = frames * 2
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        RATE_HZ,
        RATE_HZ * 2,
        2,
        16,
        b"data",
        size,
    )


class Recorder:
    """MixMonitor on one channel. Without a recordings folder it only knows how long people will talk."""

    def __init__(self, pbx: Pbx, name: str, dialogue: str | None, direction: str) -> None:
        self._pbx = pbx
        self._dialogue = pbx.library.pick(dialogue, direction)
        self.dialogue_s = self._dialogue.seconds if self._dialogue else 0.0
        self.muted = False
        self._since: float | None = None  # simulated time since when we are bridged
        self._owed = 0.0  # seconds talked before that
        self._written = 0  # frames
        self._open = pbx.config.recordings is not None
        self._task: asyncio.Task[None] | None = None
        if pbx.config.recordings is not None:
            base = pbx.config.recordings / name
            base.parent.mkdir(parents=True, exist_ok=True)
            self._paths = [base.with_name(f"{base.name}{side}.wav") for side in SIDES]
            for path in self._paths:
                path.write_bytes(wav_header(0))

    def resume(self) -> None:
        """Two people hear each other: record."""
        if self._since is None:
            self._since = self._pbx.clock.time()
            if self._open and self._task is None:
                self._task = self._pbx.spawn(self._grow())

    def pause(self) -> None:
        """Nobody hears anybody: write what was said so far and stop."""
        if self._since is not None:
            self._owed += self._pbx.clock.time() - self._since
            self._since = None
            self._write()

    def close(self) -> None:
        """Complete the files."""
        self.pause()
        if self._task is not None:
            self._task.cancel()
        if self._open:
            self._open = False
            for path in self._paths:
                with path.open("r+b") as file:
                    file.write(wav_header(self._written))

    async def _grow(self) -> None:
        if self._dialogue is not None:
            await asyncio.to_thread(self._dialogue.sound)  # decoding takes a tenth of a second
        while True:
            await self._pbx.clock.sleep(BLOCK_S)
            self._write()

    def _write(self) -> None:
        if not self._open:
            return
        talked = self._owed + (self._pbx.clock.time() - self._since if self._since is not None else 0.0)
        start, end = self._written, int(talked * RATE_HZ)
        if end <= start:
            return
        customer, agent = self._piece(start, end)
        mix = np.clip(customer.astype(np.int32) + agent, -32768, 32767).astype(np.int16)
        for path, sound in zip(self._paths, (mix, customer, agent), strict=True):
            with path.open("ab") as file:
                file.write(sound.astype("<i2").tobytes())
        self._written = end

    def _piece(self, start: int, end: int) -> tuple[Sound, Sound]:
        silence = np.zeros(end - start, np.int16)
        if self._dialogue is None or self.muted:
            return silence, silence
        customer, agent = self._dialogue.sound()
        return padded(customer[start:end], silence), padded(agent[start:end], silence)


def padded(sound: Sound, silence: Sound) -> Sound:
    """Return `sound` with silence after its end, as long as `silence`."""
    return np.concatenate((sound, silence[len(sound) :]))
