"""When all memory is walked through for what nobody holds any more: seldom, because every card waits meanwhile.

Python does so by itself whenever enough was added; with three hundred desks that took 30 to 200 ms, in the middle of
calls. What came and went within a moment is still looked through often: it is little.
"""

import asyncio
import gc
from typing import Never

YOUNG, MIDDLE, NEVER = 5_000, 5, 1_000_000
WALK_EVERY_S = 600.0


def settle() -> None:
    """Everything that a start has made stays and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)


async def keep_walking() -> Never:
    """For ever."""
    while True:
        await asyncio.sleep(WALK_EVERY_S)
        gc.collect()
