"""A sentence that reaches somebody's open pages at once, when and only when the change is committed."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.outbox import announce

TOPIC = "notice"
LONGEST = 200


async def notify(
    session: AsyncSession,
    user_ids: Collection[int],
    text: str,
    *,
    address: str | None = None,
    level: str = "info",
) -> None:
    """Tell `text` to these users; `address` is the page it is about, `level` info, warning or error."""
    if user_ids:
        told = {"user_ids": sorted(user_ids), "text": text[:LONGEST], "address": address, "level": level}
        await announce(session, TOPIC, told)
