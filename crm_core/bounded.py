"""Work on a stranger's file in a process of its own: a bomb within it kills that process and nothing else."""

import asyncio
import os
import resource
import sys

MOST_CPU_S = 120
LATER = 10  # niceness: telephones go before files


async def run_bounded(module: str, *arguments: str, longest_s: float) -> tuple[bool, str]:
    """Run `python -m module arguments…`: whether it ended well in time, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(longest_s):
            said, _ = await process.communicate()
    except TimeoutError:
        said = b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode == 0, said.decode()


def bound(memory: int) -> None:
    """To be called first in such a process: at most `memory` bytes of address space, and so much of the processor."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(LATER)
