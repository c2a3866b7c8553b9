"""Messages that went to and from customers by SMS, e-mail and messengers, as they stand in their history.

They are kept, not sent: what sends them (the shop's mail, a gateway, a bot) tells each one; a colleague writes down
what went past all of these.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.customer import get_customer
from crm_core.db import Base, Id, one_of
from crm_core.errors import Invalid
from crm_core.notice import notify
from crm_core.outbox import announce

LONGEST = 4000


class Channel(StrEnum):
    """By what a message goes; all but SMS are ways to reach a customer (`customer_contact.ContactKind`) too."""

    SMS = "sms"
    EMAIL = "email"
    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"
    VIBER = "viber"
    SIGNAL = "signal"
    INSTAGRAM = "instagram"
    FACEBOOK = "facebook"
    SKYPE = "skype"
    SITE = "site"
    OTHER = "other"


class Direction(StrEnum):
    """Who wrote: the customer or we."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Message(Base):
    """One message. `address`: the number, e-mail or name it came from or went to; `external_id`: what the teller calls
    it, so that what is told twice is kept once; without a customer it is of `lead_id` until that one is known."""

    __tablename__ = "messages"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("direction", Direction),
        UniqueConstraint("external_id"),
        Index("ix_messages_customer", "customer_id", text("at DESC")),
        CheckConstraint("num_nonnulls(customer_id, lead_id) > 0", name="somebodys"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str]
    direction: Mapped[str]
    address: Mapped[str | None]
    text: Mapped[str]
    external_id: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]


async def keep_message(
    session: AsyncSession,
    customer_id: int,
    *,
    channel: Channel,
    direction: Direction,
    words: str,
    at: datetime,
    user_id: int | None = None,
    address: str | None = None,
    external_id: str | None = None,
) -> Message:
    """Put a message into a customer's history; of one that came his manager hears, unless he wrote it down himself.

    Raises `NotFound`, and `Invalid` for an empty one.
    """
    customer = await get_customer(session, customer_id)
    made = Message(
        customer_id=customer.id,
        channel=channel,
        direction=direction,
        address=address,
        text=said(words),
        external_id=external_id,
        user_id=user_id,
        at=at,
    )
    session.add(made)
    await session.flush()
    await announce(session, "customer", {"id": customer.id})
    manager = customer.manager_id
    if direction == Direction.INBOUND and manager is not None and manager != user_id:
        told = f"{customer.name}: {made.text}"
        await notify(session, {manager}, told, address=f"/customers/{customer.id}?kind=message")
    return made


async def follow_lead(session: AsyncSession, lead_id: int, customer_id: int) -> None:
    """What a lead wrote is this customer's from now on."""
    theirs = update(Message).where(Message.lead_id == lead_id, Message.customer_id.is_(None))
    await session.execute(theirs.values(customer_id=customer_id))


def said(words: str) -> str:
    """The text as it is kept. Raises `Invalid` for an empty or endless one."""
    kept = words.replace("\0", "").strip()
    if not kept:
        raise Invalid("Write what the message says.", "text")
    if len(kept) > LONGEST:
        raise Invalid(f"A message has {LONGEST} letters at most.", "text")
    return kept
