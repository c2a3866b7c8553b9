"""Write down what the PBX says, byte for byte: the flight recorder behind `callcenter capture`.

Out:     FILE        every byte received, verbatim, banner and responses included
         FILE with the ending `.chunks.jsonl`: a line per read, {"offset", "len", "t"}, t in monotonic seconds
         after a lost connection `NAME.2.ami`, `NAME.3.ami`, ... each with its chunks: a file is a connection
The lists asked for after each login are in it, so that `callcenter replay` sees what the live program saw.
What the capture contains is private: numbers, names, everything the account may read.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from asterisk.ami import AmiConfig, Delays, Link, LinkStatus
from asterisk.events import Heard

log = logging.getLogger(__name__)


class Nowhere(asyncio.Queue[Heard]):
    """An inbox that nobody reads and that is never full."""

    def put_nowait(self, item: Heard) -> None:
        pass  # the bytes are written already


class Recorder:
    """Writes unbuffered, so that a killed capture keeps what it heard."""

    def __init__(self, out: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # the disk is full
        self._out = out
        self._clock = clock
        self._part = 0
        self._offset = 0
        self._files: tuple[FileIO, FileIO] | None = None

    def opened(self) -> None:
        """A new connection: a new pair of files, never over another one."""
        self.close()
        part = self._next_part()
        with self._noticing():
            self._files = (FileIO(part, "x"), FileIO(part.with_suffix(".chunks.jsonl"), "x"))
        self._offset = 0

    def _next_part(self) -> Path:
        self._part += 1
        part = self._out if self._part == 1 else self._out.with_suffix(f".{self._part}{self._out.suffix}")
        taken = part.exists() or part.with_suffix(".chunks.jsonl").exists()
        return self._next_part() if taken else part

    def received(self, data: bytes) -> None:
        if self._files is None:
            return
        raw, chunks = self._files
        line = {"offset": self._offset, "len": len(data), "t": round(self._clock(), 6)}
        with self._noticing():
            raw.write(data)
            chunks.write(json.dumps(line).encode() + b"\n")
        self._offset += len(data)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """A capture with holes is worse than none: the first failure to write ends it."""
        try:
            yield
        except OSError as error:
            if not self.broken.done():
                self.broken.set_exception(error)

    def close(self) -> None:
        for file in self._files or ():
            file.close()
        self._files = None


async def capture(
    config: AmiConfig,
    out_path: Path,
    *,
    on_status: Callable[[LinkStatus], None] = lambda status: None,
    delays: Delays | None = None,
) -> None:
    """Write until cancelled, reconnecting as a link does. Raises `OSError` when a file can not be written."""
    if out_path.exists():
        raise FileExistsError(f"{out_path} is there already")
    recorder = Recorder(out_path)
    link = asyncio.create_task(Link(config, Nowhere(), on_status, delays=delays, tap=recorder).run())
    try:
        await asyncio.wait([link, recorder.broken], return_when=asyncio.FIRST_COMPLETED)
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)
        recorder.close()
    if recorder.broken.done():
        recorder.broken.result()
