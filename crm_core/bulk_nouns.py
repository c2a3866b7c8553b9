"""The nouns of which many can be changed at once: what is kept of a row, and how it is changed and put back.

Customers follow no rules row by row and are in `bulk_customers`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import lead
from crm_core.bulk_rows import By
from crm_core.callback import Callback, get_callback, update_callback
from crm_core.deal import get_deal, locked_orders, update_deal
from crm_core.deal_rows import Deal
from crm_core.errors import Conflict
from crm_core.lead import get_lead, update_lead
from crm_core.lead_rows import Lead
from crm_core.lead_rows import State as LeadState
from crm_core.order import Clash, Order, get_order, update_order
from crm_core.product import Product, get_product, update_product
from crm_core.task import get_task, set_state, update_task
from crm_core.task_rows import Task

_LATER = {"later_by": "due_at"}
STAGE = ("funnel_id", "stage", "lost_reason_id")


class Plain(ABC):
    """What most nouns do: the facts are the fields, and back is a change like any other."""

    async def facts(self, session: AsyncSession, it: Any, wanted: Collection[str]) -> dict[str, Any]:
        return {name: _plain(getattr(it, name)) for name in sorted(wanted) if not name.startswith("_")}

    async def back(
        self,
        session: AsyncSession,
        it: Any,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        by: By,
    ) -> None:
        await self.change(session, it, None, before, by)

    @abstractmethod
    async def change(
        self, session: AsyncSession, it: Any, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        """Do it by the noun's own rules."""


class Orders(Plain):
    """Status, who is in charge, whether it needs a call. A status takes the deal along, also back."""

    name = "orders"

    async def find(self, session: AsyncSession, id_: int) -> Order:
        return await get_order(session, id_, lock=True)

    def title(self, it: Order) -> str:
        return it.number

    async def facts(self, session: AsyncSession, it: Order, wanted: Collection[str]) -> dict[str, Any]:
        found = await super().facts(session, it, wanted)
        if "status" in wanted and it.deal_id is not None:
            found["_deal"] = [it.deal_id, *await _stage(session, it.deal_id)]
        return found

    async def change(
        self, session: AsyncSession, it: Order, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        seen = it.version if version is None else version
        try:
            await update_order(session, it.id, version=seen, changes=wanted, user_id=by.user_id, at=by.at)
        except Clash as clash:
            raise Conflict("The same was changed by somebody else meanwhile.") from clash

    async def back(
        self,
        session: AsyncSession,
        it: Order,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        by: By,
    ) -> None:
        given = {name: value for name, value in before.items() if name != "_deal"}
        alone = "_deal" in after
        await update_order(
            session, it.id, version=it.version, changes=given, user_id=by.user_id, at=by.at, led_by_deal=alone
        )
        if not alone or before.get("_deal") == after["_deal"]:
            return
        deal_id, *stage = after["_deal"]
        if list(await _stage(session, deal_id)) == stage and before.get("_deal"):
            changes = dict(zip(STAGE, before["_deal"][1:], strict=True))
            deal = await get_deal(session, deal_id, lock=True)
            await update_deal(
                session, deal_id, version=deal.version, changes=changes, at=by.at, user_id=by.user_id,
                put_back=True,
            )  # fmt: skip


class Deals(Plain):
    """Stage, with the orders that it leads, and who is responsible."""

    name = "deals"

    async def find(self, session: AsyncSession, id_: int) -> Deal:
        await locked_orders(session, id_)
        return await get_deal(session, id_, lock=True)

    def title(self, it: Deal) -> str:
        return it.title

    async def facts(self, session: AsyncSession, it: Deal, wanted: Collection[str]) -> dict[str, Any]:
        names = {*wanted, *STAGE} if "stage" in wanted else wanted
        found = await super().facts(session, it, names)
        if "stage" in wanted:
            found["_orders"] = {str(row.id): row.status for row in await locked_orders(session, it.id)}
        return found

    async def change(
        self, session: AsyncSession, it: Deal, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        seen = it.version if version is None else version
        await update_deal(session, it.id, version=seen, changes=wanted, at=by.at, user_id=by.user_id)

    async def back(
        self,
        session: AsyncSession,
        it: Deal,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        by: By,
    ) -> None:
        orders = await locked_orders(session, it.id)
        changes = {name: value for name, value in before.items() if name != "_orders"}
        await update_deal(
            session, it.id, version=it.version, changes=changes, at=by.at, user_id=by.user_id,
            put_back=True,
        )  # fmt: skip
        for row in orders:
            was, made = (facts.get("_orders", {}).get(str(row.id)) for facts in (before, after))
            if was not in (None, made) and row.status == made:
                await update_order(
                    session, row.id, version=row.version, changes={"status": was}, user_id=by.user_id,
                    at=by.at, led_by_deal=True,
                )  # fmt: skip


class Tasks(Plain):
    """Done or not, who does it, until when, how urgent."""

    name = "tasks"

    async def find(self, session: AsyncSession, id_: int) -> Task:
        return await get_task(session, id_, lock=True)

    def title(self, it: Task) -> str:
        return it.title

    async def facts(self, session: AsyncSession, it: Task, wanted: Collection[str]) -> dict[str, Any]:
        together = (("state", "reason"), ("performer_id", "role", "team_id"))
        names = {*wanted, *(name for pair in together if set(pair) & set(wanted) for name in pair)}
        return await super().facts(session, it, names)

    async def change(
        self, session: AsyncSession, it: Task, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        fields = _instants({name: value for name, value in wanted.items() if name not in ("state", "reason")})
        if fields or version is not None:
            seen = it.version if version is None else version
            await update_task(session, it.id, version=seen, changes=fields, user_id=by.user_id, at=by.at)
        if "state" in wanted:
            reason = wanted.get("reason")
            await set_state(session, it.id, wanted["state"], user_id=by.user_id, at=by.at, reason=reason)


class Callbacks(Plain):
    """Done or called off, who calls, when: at one moment, or each so many minutes later than it is planned."""

    name = "callbacks"

    async def find(self, session: AsyncSession, id_: int) -> Callback:
        return await get_callback(session, id_, lock=True)

    def title(self, it: Callback) -> str:
        return it.reason

    async def facts(self, session: AsyncSession, it: Callback, wanted: Collection[str]) -> dict[str, Any]:
        owner, names = {"assigned_to", "team_id"}, {_LATER.get(name, name) for name in wanted}
        return await super().facts(session, it, names | owner if owner & names else names)

    async def change(
        self, session: AsyncSession, it: Callback, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        fields = {name: value for name, value in _instants(wanted).items() if name not in _LATER}
        if "later_by" in wanted:
            fields["due_at"] = it.due_at + timedelta(minutes=wanted["later_by"])
        await update_callback(session, it.id, fields, at=by.at, version=version)


class Leads(Plain):
    """Being worked on, thrown away, whose."""

    name = "leads"

    async def find(self, session: AsyncSession, id_: int) -> Lead:
        return await get_lead(session, id_, lock=True)

    def title(self, it: Lead) -> str:
        return lead.said(it)

    async def change(
        self, session: AsyncSession, it: Lead, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        told: dict[str, Any] = {"user_id": by.user_id, "at": by.at}
        changes = dict(wanted)
        if changes.get("state") == LeadState.JUNK:
            del changes["state"]
            if changes:
                await self._update(session, it, version, changes, told)
            await lead.junk(session, it.id, **told)
            return
        if it.state == LeadState.JUNK:
            await lead.restore(session, it.id, **told)
            version = None
        await self._update(session, it, version, changes, told)

    async def _update(
        self, session: AsyncSession, it: Lead, version: int | None, changes: Mapping[str, Any], told: Any
    ) -> None:
        seen = it.version if version is None else version
        await update_lead(session, it.id, version=seen, changes=changes, country="", **told)


class Products(Plain):
    """On sale, or withdrawn."""

    name = "products"

    async def find(self, session: AsyncSession, id_: int) -> Product:
        return await get_product(session, id_, lock=True)

    def title(self, it: Product) -> str:
        return f"{it.name} ({it.sku})"

    async def change(
        self, session: AsyncSession, it: Product, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        await update_product(session, it.id, version=version, changes=wanted, user_id=by.user_id, at=by.at)


async def _stage(session: AsyncSession, deal_id: int) -> tuple[Any, ...]:
    """Where a deal stands, read past the objects that are held already."""
    query = select(*(getattr(Deal, name) for name in STAGE)).where(Deal.id == deal_id)
    return tuple((await session.execute(query)).one())


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _instants(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Times as they are, which a row keeps as text."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value
        for name, value in wanted.items()
    }
