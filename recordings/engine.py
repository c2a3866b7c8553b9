"""Speech recognition as the rest of the house sees it, and Vosk behind it in processes of its own."""

import asyncio
import contextlib
import json
import re
import sys
from pathlib import Path
from typing import Any, Protocol

from recordings.audio import Unreadable
from recordings.phrases import Word

BUNDLED_MODEL = Path(__file__).parent / "models" / "en-tiny"
# The largest models take about a minute from a slow disk.
LOADING_PATIENCE_S = 180.0
# Between two utterances of one file; silence too is reported every few seconds of sound.
SILENT_PATIENCE_S = 300.0
LINE_LIMIT = 16 * 1024 * 1024


class NoModel(Exception):
    """There is no usable model: trying again will not help until the setting or the files change."""


class EngineDied(Exception):
    """The process that listened is gone or does not answer: worth another try."""


class Engine(Protocol):
    """Turns one channel of a sound file into words."""

    name: str
    model: str
    language: str | None

    def check(self) -> str | None:
        """Say why nothing can be transcribed and what to do, or None when all is well."""

    async def words(self, path: Path, channel: int = 0) -> list[Word]:
        """Return the words of one channel in order.

        Raises `Unreadable` (the file), `NoModel` (the setting), `EngineDied` (try again).
        """

    async def close(self) -> None:
        """Let go of processes and memory."""


class VoskEngine:
    """Vosk in `workers` long-lived processes; each loads the model once, at its first file."""

    name = "vosk"

    def __init__(self, model: Path | None = None, *, workers: int = 1) -> None:
        self._path = model or BUNDLED_MODEL
        self.model = self._path.name
        self.language = language_of(self.model)
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._workers = [_Worker(self._path) for _ in range(workers)]
        for worker in self._workers:
            self._idle.put_nowait(worker)

    def check(self) -> str | None:
        """Say what is wrong with the model folder; that it loads is known only when it does."""
        if not self._path.is_dir():
            return f"There is no speech model at {self._path}: set CALLCENTER_VOSK_MODEL to a Vosk model."
        if not any((self._path / place).is_file() for place in ("am/final.mdl", "final.mdl")):
            return f"{self._path} is not a Vosk model (no am/final.mdl): set CALLCENTER_VOSK_MODEL to one."
        return None

    async def words(self, path: Path, channel: int = 0) -> list[Word]:
        """Return the words of one channel; waits for a free process. Raises as `Engine.words` does."""
        wrong = self.check()
        if wrong:
            raise NoModel(wrong)
        worker = await self._idle.get()
        try:
            return await worker.words(path, channel)
        finally:
            self._idle.put_nowait(worker)

    async def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            await worker.stop()


class _Worker:
    """One process; started when needed, and anew after it died."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._process: asyncio.subprocess.Process | None = None

    async def words(self, path: Path, channel: int) -> list[Word]:
        try:
            process = self._process or await self._start()
            return await self._ask(process, {"path": str(path.absolute()), "channel": channel})
        except Unreadable:
            raise
        except BaseException:
            # Also when cancelled: an answer still under way would be taken for that to the next question.
            await self.stop()
            raise

    async def _start(self) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "recordings.vosk_worker", str(self._model)]
        pipe = asyncio.subprocess.PIPE
        self._process = process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, limit=LINE_LIMIT
        )
        try:
            first = await self._line(process, LOADING_PATIENCE_S)
        except EngineDied as error:
            raise NoModel(f"The model {self._model} ends the process that loads it ({error}).") from error
        if "no_model" in first:
            raise NoModel(f"The model {self._model} does not load: {first['no_model']}.")
        return process

    async def _ask(self, process: asyncio.subprocess.Process, request: dict[str, Any]) -> list[Word]:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        found: list[Word] = []
        while True:
            message = await self._line(process, SILENT_PATIENCE_S)
            if "unreadable" in message:
                raise Unreadable(message["unreadable"])
            if "done" in message:
                return found
            found += [Word(*word) for word in message["words"]]

    async def _line(self, process: asyncio.subprocess.Process, patience_s: float) -> dict[str, Any]:
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), patience_s)
        except TimeoutError as error:
            raise EngineDied(f"no answer for {patience_s:.0f} s") from error
        if not line.endswith(b"\n"):
            raise EngineDied(f"the process ended with {await process.wait()}")
        message: dict[str, Any] = json.loads(line)
        return message

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # Read what is left, or the pipe keeps its transport open after the process is gone.
        await process.communicate()


def language_of(model: str) -> str | None:
    """Return the language in the name of a model (`vosk-model-small-ru-0.22` is `ru`), if it says one."""
    found = re.search(r"(?:^|-)([a-z]{2})(?=-|$)", model)
    return found[1] if found else None
