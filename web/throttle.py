"""Guessing passwords is made slow: attempts are counted per account and per address until a window ends.

An attempt is counted before the password is looked at, so that many at once can not slip through.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert

from crm_core.db import Database
from crm_core.sign_in import LoginAttempt
from web.errors import Refusal

WINDOW = timedelta(minutes=5)
PER_ACCOUNT = 5  # wrong passwords for one login within the window
PER_ADDRESS = 50  # more, because a whole office shares one address


def account_key(login: str) -> str:
    """The key of a login; hashed, because people type their password into the wrong field."""
    return "account:" + hashlib.sha256(login.strip().lower().encode(errors="replace")).hexdigest()[:40]


def address_key(address: str) -> str:
    """The key of a network address."""
    return f"address:{address[:100]}"


async def count_attempt(db: Database, key: str, *, limit: int, now: datetime) -> None:
    """Count one attempt. Raises `Refusal` 429 with Retry-After when there were `limit` before it."""
    fresh = LoginAttempt.until <= now
    statement = insert(LoginAttempt).values(key=key, n=1, until=now + WINDOW)
    counted = statement.on_conflict_do_update(
        index_elements=[LoginAttempt.key],
        set_={
            "n": case((fresh, 1), else_=LoginAttempt.n + 1),
            "until": case((fresh, now + WINDOW), else_=LoginAttempt.until),
        },
    ).returning(LoginAttempt.n, LoginAttempt.until)
    async with db.begin() as session:
        row = (await session.execute(counted)).one()
    if row.n > limit:
        seconds = max(1, round((row.until - now).total_seconds()))
        message = f"Too many attempts. Try again in {-(-seconds // 60)} min."
        raise Refusal(429, message, headers={"Retry-After": str(seconds)})


async def forgive(db: Database, login: str, address: str) -> None:
    """A right password clears the account's count and takes its own attempt off the address."""
    fewer = update(LoginAttempt).where(LoginAttempt.key == address_key(address), LoginAttempt.n > 0)
    async with db.begin() as session:
        await session.execute(delete(LoginAttempt).where(LoginAttempt.key == account_key(login)))
        await session.execute(fewer.values(n=LoginAttempt.n - 1))


async def forget_ended(db: Database, *, now: datetime) -> None:
    """Remove the counts whose window has ended."""
    async with db.begin() as session:
        await session.execute(delete(LoginAttempt).where(LoginAttempt.until <= now))
