"""argon2 off the event loop: one check takes tens of milliseconds and 64 MiB, so only a few run at once."""

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
_hasher = PasswordHasher()
_slots = asyncio.Semaphore(AT_ONCE)


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password fits: checking it takes an unknown login as long as a known one."""
    return _hasher.hash("nobody has this password: " + "\0" * 32)


async def hash_password(password: str) -> str:
    """The argon2id hash to keep."""
    async with _slots:
        return await asyncio.to_thread(_hasher.hash, password)


async def check_password(kept: str | None, password: str) -> tuple[bool, str | None]:
    """(is it right?, a new hash when the kept one is of an older cost). `kept` None: nobody, never right."""
    async with _slots:
        return await asyncio.to_thread(_check, kept, password)


def _check(kept: str | None, password: str) -> tuple[bool, str | None]:
    if kept is None:
        _matches(_nobody(), password)
        return False, None
    if not _matches(kept, password):
        return False, None
    return True, _hasher.hash(password) if _hasher.check_needs_rehash(kept) else None


def _matches(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password.encode(errors="replace"))
    except (VerificationError, InvalidHashError):
        return False
