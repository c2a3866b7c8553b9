"""The switchboard's clock: simulated seconds that may run faster than ours.

Units: every duration in `asterisk.fake` is in simulated seconds; `speed` of them pass in one real second.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Counts simulated time from the moment it was made."""

    def __init__(self, speed: float = 1.0) -> None:
        """`speed` simulated seconds pass in a real one. Raises `ValueError` unless it is above zero."""
        if not speed > 0:
            raise ValueError(f"speed must be above zero, not {speed!r}")
        self.speed = speed
        self._epoch = time.time()
        self._zero = time.monotonic()

    def time(self) -> float:
        """Return the simulated unix time."""
        return self._epoch + (time.monotonic() - self._zero) * self.speed

    def now(self) -> datetime:
        """Return the simulated instant, aware and in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many simulated seconds."""
        await asyncio.sleep(seconds / self.speed)
