"""A file that grows at one end while it is read at the other, so that whoever reads slowly holds up nothing."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import BinaryIO

PIECE = 256 * 1024


class Spool:
    """One writer, one reader, one event loop; the disk is only touched in threads."""

    def __init__(self, file: BinaryIO) -> None:
        self._disk = file.fileno()
        self._size = 0
        self._ended = False
        self._error: BaseException | None = None
        self._grew = asyncio.Condition()

    @property
    def size(self) -> int:
        """Bytes that were written so far."""
        return self._size

    async def write(self, piece: bytes) -> None:
        """Some more bytes."""
        await asyncio.to_thread(os.pwrite, self._disk, piece, self._size)
        async with self._grew:
            self._size += len(piece)
            self._grew.notify_all()

    async def end(self, error: BaseException | None = None) -> None:
        """That was all, or all there will be because of `error`."""
        async with self._grew:
            self._ended, self._error = True, error
            self._grew.notify_all()

    async def begun(self) -> None:
        """Wait for the first bytes. Raises what ended it before there were any."""
        await self._beyond(0)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes from the first to the last. Raises what ended it."""
        at = 0
        while await self._beyond(at):
            piece = await asyncio.to_thread(os.pread, self._disk, min(PIECE, self._size - at), at)
            at += len(piece)
            yield piece

    async def _beyond(self, at: int) -> bool:
        """Wait for bytes behind `at`; False when there will be none."""
        async with self._grew:
            await self._grew.wait_for(lambda: self._size > at or self._ended)
            if self._size > at:
                return True
            if self._error is not None:
                raise self._error
            return False
