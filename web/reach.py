"""What a request may reach: lists are narrowed, and what is named by its id is looked for within reach.

`api.py`, `pages.py` and `forms.py` do this for every route; no handler has to think of it. A reading one runs with
every query narrowed (`crm_core.reach`). One that changes something runs unnarrowed, because totals and rules concern
the whole, but only after the customers, orders, deals and callbacks that its address and body name were found.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import select

from crm_core.errors import NotFound
from crm_core.order_status import is_released
from crm_core.reach import ENTITIES, Reach, seeing
from crm_core.read.one_call import require_call
from crm_core.reason import forecast
from crm_core.task_rows import Kind as TaskKind
from crm_core.user import Role
from web.rights import EDIT_CALLS, Person, Right, Scope
from web.services import services
from web.sessions import person

_NAMES = {noun: f"{noun.removesuffix('s')}_id" for noun in ENTITIES}
_CHOSEN = re.compile(r"(order|deal):([0-9]{1,18})")  # the choice of what a call is about, in forms


def reach_of(who: Person, right: Right | None = None) -> Reach:
    """What this person sees; of the noun of `right` what that right reaches."""
    rights = {noun: Right(noun, "view") for noun in ENTITIES}
    if right is not None and right.object in rights:
        rights[right.object] = right
    whose = {noun: who.whose(held) for noun, held in rights.items()}
    if who.role is Role.COURIER:  # he opens no list of these nouns, but his errands say whose door it is
        whose = {noun: users or None for noun, users in whose.items()}
    return Reach(**whose)


@contextmanager
def narrowed(request: web.Request) -> Iterator[None]:
    """Queries inside find only what the visitor may see."""
    with seeing(reach_of(person(request))):
        yield


async def find_named(request: web.Request, right: Right | None) -> None:
    """Raises `NotFound` when the address names something that `right` does not reach."""
    await _find(request, reach_of(person(request), right), request.match_info)


async def find_referred(request: web.Request, given: Mapping[str, Any]) -> None:
    """Raises `NotFound` when the body or the form refers to something that the visitor may not see."""
    if request.method == "GET":
        return
    reach = reach_of(person(request))
    if not reach.unlimited:
        await _find(request, reach, given)
    if given.get("call_id") is not None:
        await _own_call(request, given["call_id"])


async def _own_call(request: web.Request, call_id: object) -> None:
    """Raises `Forbidden` for a colleague's call; one that is not written down yet is the handler's matter."""
    who = person(request)
    if isinstance(call_id, UUID) and who.scope(EDIT_CALLS) is not Scope.ALL:
        async with services(request).db.begin() as session:
            with suppress(NotFound):
                await require_call(session, call_id, user_id=who.circle(EDIT_CALLS), everybody=False)


async def _find(request: web.Request, reach: Reach, given: Mapping[str, Any]) -> None:
    wanted = [
        (noun, id_)
        for noun in ENTITIES
        if getattr(reach, noun) is not None
        for id_ in _ids(given.get(_NAMES[noun])) + _ids(given.get(_NAMES[noun] + "s"))
    ]
    if not wanted:
        return
    with seeing(reach):
        async with services(request).db.begin() as session:
            for noun, id_ in wanted:
                entity = ENTITIES[noun]
                if await session.scalar(select(entity.id).where(entity.id == id_)) is None:
                    raise NotFound(f"There is no such {noun.removesuffix('s')}.")


def _ids(value: object) -> list[int]:
    """The ids in a field, which may be a list of them; what can be no id names nothing."""
    values = value if isinstance(value, list | tuple) else [value]
    return [int(str(each)) for each in values if re.fullmatch("[0-9]{1,18}", str(each))]


def in_body(body: BaseModel | None) -> Mapping[str, Any]:
    """The fields of a JSON body."""
    return {} if body is None else {name: getattr(body, name) for name in type(body).model_fields}


def in_form(form: Mapping[str, str]) -> Mapping[str, Any]:
    """The fields of a form, and what was chosen in it as "order:7"."""
    chosen = _CHOSEN.fullmatch(form.get("object", ""))
    return {**form, f"{chosen[1]}_id": chosen[2]} if chosen else form


# --- what is pushed -----------------------------------------------------------------------------------------

_ON_CARD = {"orders": "orders", "deals": "deals", "tasks": "callbacks"}
_TASKS = tuple(TaskKind)  # their own rules say who sees them


def card_seen(who: Person, card: Mapping[str, Any]) -> Mapping[str, Any]:
    """The card of a call as this person may see it: the customer, because it is his call, and what is his of the rest.

    The totals are those of the orders that he sees. What has no `owners` is anybody's.
    """
    reach = reach_of(who)
    hidden = {part: getattr(reach, noun) for part, noun in _ON_CARD.items() if part in card}
    if all(whose is None for whose in hidden.values()):
        return card
    seen: dict[str, Any] = {**card}
    for part, whose in hidden.items():
        seen[part] = [row for row in card[part] if row.get("kind") in _TASKS or _owned(row, whose)]
    if hidden.get("orders") is not None and card.get("customer"):
        seen["customer"] = {**card["customer"], "totals": _totals(seen["orders"])}
    shown: set[tuple[str, int]] = {
        (kind, row["id"]) for kind in ("order", "deal") for row in seen.get(f"{kind}s", ())
    }
    if "read_at" in card:
        seen["forecast"] = forecast(seen, datetime.fromisoformat(card["read_at"]))
    if "links" in card:
        seen["links"] = [link for link in card["links"] if (link["kind"], link["object_id"]) in shown]
    baton = card.get("baton")
    if baton and (opened := baton["doing"].get("opened")) and (opened["kind"], opened["id"]) not in shown:
        doing = {name: fact for name, fact in baton["doing"].items() if name != "opened"}
        seen["baton"] = {**baton, "doing": doing}
    if "promises" in card:
        seen["promises"] = [_without_order(it, shown) for it in card["promises"]]
    return seen


def _without_order(promise: Mapping[str, Any], shown: Collection[tuple[str, int]]) -> Mapping[str, Any]:
    """The promise; of an order that is not shown not even the number."""
    if promise["order_id"] is None or ("order", promise["order_id"]) in shown:
        return promise
    return {**promise, "order_id": None, "order_number": None}


def _owned(row: Mapping[str, Any], whose: frozenset[int] | None) -> bool:
    owners = row.get("owners")
    return whose is None or owners is None or not whose.isdisjoint(owners)


def _totals(orders: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    bought = [order for order in orders if not is_released(order["status"])]
    newest = max(bought, key=lambda order: str(order["created_at"]), default=None)
    currency = newest["currency"] if newest else None
    total = sum(
        (Decimal(order["total"]) for order in bought if order["currency"] == currency), Decimal("0.00")
    )
    last_at = newest["created_at"] if newest else None
    return {"orders": len(bought), "sum": str(total), "currency": currency, "last_at": last_at}


def message_seen(who: Person, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message of the push as this person may see it."""
    match message:
        case {"type": "snapshot", "calls": calls}:
            return {**message, "calls": [{**each, "card": _seen(who, each.get("card"))} for each in calls]}
        case {"type": "call", "card": card}:
            return {**message, "card": _seen(who, card)}
    return message


def _seen(who: Person, card: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return card if card is None else card_seen(who, card)
