"""A TCP cable that can be cut and mended: what lies between the service and the switchboard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

HOST = "127.0.0.1"
CHUNK = 65536


class Wire:
    """`async with Wire.to(port) as wire:` listens at `wire.port`."""

    def __init__(self, far: int) -> None:
        self.far = far
        self.port = 0
        self._ends: set[asyncio.StreamWriter] = set()
        self._carried: set[asyncio.Task[None]] = set()
        self._whole = True

    @classmethod
    @asynccontextmanager
    async def to(cls, far: int) -> AsyncIterator["Wire"]:
        """A cable to port `far` of this machine."""
        wire = cls(far)
        server = await asyncio.start_server(wire._take, HOST, 0)
        wire.port = server.sockets[0].getsockname()[1]
        try:
            yield wire
        finally:
            server.close()
            wire.cut()
            await server.wait_closed()
            await asyncio.gather(*wire._carried)

    def cut(self) -> None:
        """Both ends see the connection break; new ones break at once."""
        self._whole = False
        for end in tuple(self._ends):
            end.transport.abort()

    def mend(self) -> None:
        """New connections get through again."""
        self._whole = True

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.far)
        except OSError:  # nobody is there: the switchboard is down
            writer.transport.abort()
            return
        self._ends |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._ends -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
        writer.close()
