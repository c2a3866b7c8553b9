"""Sound of the tests' phones: A-law frames out by RTP every 20 ms, and what came in."""

import asyncio
import random
from collections import deque
from itertools import count
from math import pi, sin
from struct import pack

FRAME = 160  # bytes of A-law in 20 ms at 8 kHz
KEYS, KEY_NAMES = 101, "0123456789*#ABCD"  # payload type of our offers; events 0 to 15 of RFC 4733
SILENCE = b"\xd5" * FRAME
# A phone may number its packets from anywhere; each of ours begins below the last, which Asterisk takes for lateness.
FIRST_NUMBERS = count(1 << 30, -900)


def alaw(sample: int) -> int:
    """One 16 bit sample as one byte of A-law (ITU-T G.711)."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = min(sample if sample >= 0 else -sample - 1, 32767)
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = magnitude >> (exponent + 3 if exponent else 4) & 0x0F
    return (exponent << 4 | mantissa | sign) ^ 0x55


def frames_of(pcm: bytes) -> list[bytes]:
    """16 bit little-endian mono at 8 kHz -> frames of 20 ms."""
    samples = memoryview(pcm[: len(pcm) // 2 * 2]).cast("h")
    data = bytes(alaw(sample) for sample in samples)
    data += SILENCE[: -len(data) % FRAME]
    return [data[start : start + FRAME] for start in range(0, len(data), FRAME)]


def tone(hertz: float, seconds: float) -> list[bytes]:
    """A sine, loud enough to be found in a recording."""
    samples = [round(8000 * sin(2 * pi * hertz * n / 8000)) for n in range(round(8000 * seconds))]
    return frames_of(pack(f"<{len(samples)}h", *samples))


class Sound(asyncio.DatagramProtocol):
    """One RTP stream each way."""

    def __init__(self) -> None:
        self.heard = bytearray()  # A-law
        self.keys = ""  # telephone events (RFC 4733): which keys were pressed for us
        self._key_at = -1  # RTP time stamp of the last key: one key is told in several packets
        self.speech: deque[bytes] = deque()
        self.muted = False
        self._peer: tuple[str, int] | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, ip: str) -> "Sound":
        _, sound = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=(ip, 0))
        return sound

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | bytes, int]) -> None:
        if len(data) > 12 and data[1] & 0x7F == 8:
            self.heard += data[12:]
        elif len(data) >= 16 and data[1] & 0x7F == KEYS:
            self._hear_key(int.from_bytes(data[4:8]), data[12])

    def _hear_key(self, stamp: int, code: int) -> None:
        if stamp != self._key_at and code < len(KEY_NAMES):
            self._key_at = stamp
            self.keys += KEY_NAMES[code]

    def send_to(self, peer: tuple[str, int] | None) -> None:
        """Begin to send, or go on to another address."""
        self._peer = peer or self._peer
        if self._task is None and self._peer is not None:
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        number, stamp, source = next(FIRST_NUMBERS) & 0x7FFF, random.randrange(1 << 30), random.randbytes(4)
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            if not self.muted:
                payload = self.speech.popleft() if self.speech else SILENCE
                self._transport.sendto(
                    pack("!BBHI", 0x80, 8, number & 0xFFFF, stamp) + source + payload, self._peer
                )
            number, stamp, due = number + 1, stamp + FRAME, due + 0.02
            await asyncio.sleep(max(0, due - clock()))

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._transport.close()
