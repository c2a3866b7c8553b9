"""How customers of a shop pay: its own page or gateway, what stands on an invoice, which status a payment brings.

The address of the page is a template: `{order}`, `{amount}`, `{currency}` and `{code}` in it are filled in for each
order; `{code}` is the word of our own page of that payment, to which the gateway may send the customer back.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from string import Formatter
from typing import Any
from urllib.parse import quote

from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Version
from crm_core.errors import Invalid, NotFound, Stale
from crm_core.order_status import OPEN, Group, group_of
from crm_core.shop import Shop
from crm_core.status_list import OrderStatus

IN_ADDRESS = ("order", "amount", "currency", "code")
IN_MESSAGE = ("shop", "order", "amount", "link")
MESSAGE = "{shop}: order {order}, {amount} to pay. How to pay, and the invoice: {link}"
LONGEST = {"page_url": 1000, "message": 500, "tax_note": 500, "note": 500}
SHORT = ("payee", "address", "tax_id", "bank", "account")
FIELDS = (*LONGEST, *SHORT, "paid_status", "prepaid_status")
_ADDRESS = re.compile(r"https?://[^\s/{}]+(/\S*)?", re.ASCII)


class PaymentTerms(Base):
    """Of one shop. `message`: what a customer is sent ("" is `MESSAGE`); `payee` to `note`: what stands on an invoice;
    `paid_status`, `prepaid_status`: what an order comes into that is paid whole, in part (None: it stays)."""

    __tablename__ = "payment_terms"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    page_url: Mapped[str] = mapped_column(server_default="", default="")
    message: Mapped[str] = mapped_column(server_default="", default="")
    payee: Mapped[str] = mapped_column(server_default="", default="")
    address: Mapped[str] = mapped_column(server_default="", default="")
    tax_id: Mapped[str] = mapped_column(server_default="", default="")
    bank: Mapped[str] = mapped_column(server_default="", default="")
    account: Mapped[str] = mapped_column(server_default="", default="")
    tax_note: Mapped[str] = mapped_column(server_default="", default="")
    note: Mapped[str] = mapped_column(server_default="", default="")
    paid_status: Mapped[str | None] = mapped_column(ForeignKey("order_statuses.code"))
    prepaid_status: Mapped[str | None] = mapped_column(ForeignKey("order_statuses.code"))
    version: Mapped[Version]

    @property
    def has_invoice(self) -> bool:
        """Enough is known to pay by bank."""
        return bool(self.payee and self.account)

    @property
    def payable(self) -> bool:
        """There is some way to pay."""
        return bool(self.page_url) or self.has_invoice


async def load_terms(session: AsyncSession, shop_id: int) -> PaymentTerms:
    """The terms of a shop; `version` 0 and empty before somebody wrote them. Raises `NotFound`."""
    if await session.get(Shop, shop_id) is None:
        raise NotFound(f"There is no shop {shop_id}.")
    found = await session.get(PaymentTerms, shop_id)
    if found is not None:
        return found
    texts = dict.fromkeys((*LONGEST, *SHORT), "")
    return PaymentTerms(shop_id=shop_id, paid_status=None, prepaid_status=None, version=0, **texts)


async def save_terms(
    session: AsyncSession, shop_id: int, *, version: int, changes: Mapping[str, Any]
) -> PaymentTerms:
    """Change what is in `changes` (see `FIELDS`). Raises `NotFound`, `Invalid`, `Stale`."""
    if await session.get(Shop, shop_id, with_for_update=True) is None:
        raise NotFound(f"There is no shop {shop_id}.")
    terms = await load_terms(session, shop_id)
    if terms.version != version:
        raise Stale("How customers pay was changed by somebody else meanwhile.", terms.version)
    for name, value in changes.items():
        setattr(terms, name, await _checked(session, name, value))
    terms.version += 1
    session.add(terms)
    await session.flush()
    return terms


async def _checked(session: AsyncSession, name: str, value: str | None) -> str | None:
    if name in ("paid_status", "prepaid_status"):
        return await _status(session, name, value)
    text = (value or "").replace("\0", "").strip()
    if len(text) > LONGEST.get(name, 200):
        raise Invalid(f"Write at most {LONGEST.get(name, 200)} letters.", name)
    if name == "page_url" and text:
        check_address(text)
    if name == "message" and text:
        _placeholders(text, IN_MESSAGE, name)
        if "{link}" not in text:
            raise Invalid("The message must say {link}, the address of the page.", name)
    return text


async def _status(session: AsyncSession, name: str, code: str | None) -> str | None:
    if not code:
        return None
    found = await session.get(OrderStatus, code)
    if found is None or not found.active:
        raise Invalid(f"{code[:40]!r} is no status that orders come into.", name)
    if found.group is Group.LOST:
        raise Invalid(f"“{found.name}” is for orders that were called off, not for paid ones.", name)
    return found.code


def check_address(template: str) -> None:
    """Raises `Invalid` for what is no template of a page. Pure."""
    _placeholders(template, IN_ADDRESS, "page_url")
    if not _ADDRESS.fullmatch(template):
        raise Invalid("Write the page as https://shop.example/pay?order={order}&sum={amount}.", "page_url")
    if "{order}" not in template and "{code}" not in template:
        raise Invalid("The address must say {order} or {code}: else nobody knows what is paid.", "page_url")


def fill_address(template: str, *, order: str, amount: Decimal, currency: str, code: str) -> str:
    """The page of one payment. Whatever is filled in can not leave its place in the address. Pure."""
    given = {"order": order, "amount": f"{amount:.2f}", "currency": currency, "code": code}
    return template.format_map({name: quote(value, safe="") for name, value in given.items()})


def _placeholders(template: str, known: tuple[str, ...], field: str) -> None:
    can = ", ".join(f"{{{name}}}" for name in known)
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        raise Invalid(f"A brace stands alone. What is filled in is written as {can}.", field) from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in known or form or conversion):
            raise Invalid(f"{{{name[:40]}}} is not known here. What is filled in: {can}.", field)


def status_after(
    terms: PaymentTerms, way: Mapping[str, int], *, status: str, paid: Decimal, total: Decimal
) -> str | None:
    """The status that an order comes into by what is paid, None: it stays. A payment never brings it back on its way,
    and nothing that is closed into it again. `way`: places of the statuses. Pure."""
    wanted = (terms.paid_status if paid >= total else terms.prepaid_status) if paid > 0 else None
    if wanted is None or group_of(status) not in OPEN:
        return None
    return wanted if way.get(wanted, -1) > way.get(status, -1) else None
