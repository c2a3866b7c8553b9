"""A message as a gateway tells it: whose it is, or which lead it makes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer_contact import ContactKind, only_owner, reached_by
from crm_core.errors import Conflict, NotFound
from crm_core.lead import create_lead, update_lead
from crm_core.lead_rows import OPEN, Lead
from crm_core.message import Channel, Direction, Message, keep_message, said
from crm_core.phone import normalise
from crm_core.shop import Shop

BY_NUMBER = (Channel.SMS, Channel.WHATSAPP, Channel.VIBER, Channel.SIGNAL)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A message in the words of who carried it. `name`: what the sender calls himself there."""

    external_id: str
    channel: Channel
    direction: Direction
    address: str
    text: str
    at: datetime
    name: str | None = None


async def message_came(
    session: AsyncSession, told: Told, *, shop_id: int, now: datetime
) -> tuple[Message, bool]:
    """Keep a message with the only customer who has its address, else with the open lead of that address, else with a
    new lead, which says all that was written; told twice it is kept once. And whether it was new.

    Raises `NotFound` for an unknown shop, `Conflict` when nobody could be reached by what is known of the sender, and
    `Invalid` for an empty text.
    """
    shop = await session.get(Shop, shop_id)
    if shop is None:
        raise NotFound(f"There is no shop {shop_id}.")
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"message {told.address}"))))
    known = await session.scalar(select(Message).where(Message.external_id == told.external_id))
    if known is not None:
        return known, False
    number = normalise(told.address, country=shop.country).e164 if told.channel in BY_NUMBER else None
    at = min(told.at, now)
    customer_id = await _whose(session, told, number)
    if customer_id is not None:
        made = await keep_message(
            session,
            customer_id,
            channel=told.channel,
            direction=told.direction,
            words=told.text,
            at=at,
            address=number or told.address,
            external_id=told.external_id,
        )
        return made, True
    made = Message(
        lead_id=(await _lead(session, told, number, shop, now)).id,
        channel=told.channel,
        direction=told.direction,
        address=number or told.address,
        text=said(told.text),
        external_id=told.external_id,
        at=at,
    )
    session.add(made)
    await session.flush()
    return made, True


async def _whose(session: AsyncSession, told: Told, number: str | None) -> int | None:
    owner = await only_owner(session, number) if number else None
    if owner is None and told.channel != Channel.SMS:
        owner = await reached_by(session, ContactKind(told.channel), told.address)
    return owner


async def _lead(session: AsyncSession, told: Told, number: str | None, shop: Shop, now: datetime) -> Lead:
    email = told.address.strip().lower() if told.channel == Channel.EMAIL else None
    if number is None and email is None:
        raise Conflict(
            f"No customer has “{told.address[:60]}” as {told.channel}: add it to a card, or tell the message again with"
            " an address that can be answered."
        )
    same = func.lower(Lead.email) == email if number is None else Lead.e164 == number
    waits = await session.scalar(select(Lead).where(Lead.state.in_(OPEN), same).order_by(Lead.id).limit(1))
    if waits is not None:
        more = f"{waits.message}\n{said(told.text)}" if waits.message else said(told.text)
        by: dict[str, Any] = {"user_id": None, "at": now, "country": shop.country}
        return await update_lead(session, waits.id, version=waits.version, changes={"message": more}, **by)
    return await create_lead(
        session,
        source=f"Message: {told.channel}",
        at=now,
        country=shop.country,
        name=told.name,
        phone=number,
        email=email,
        message=said(told.text),
        shop_id=shop.id,
    )
