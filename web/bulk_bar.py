"""The bar under a list: what can be changed of many rows at once, as fields of a form, and what was said in them.

A field left empty changes nothing. `wanted` reads the form into what `crm_core.bulk` takes, with the words in which
people are asked and told.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.bulk_rows import ActRow, latest_acts
from crm_core.errors import Invalid
from crm_core.funnel import Kind as StageKind
from crm_core.funnel import list_funnels, list_lost_reasons
from crm_core.read.page import LONGEST
from crm_core.status_list import list_statuses
from crm_core.team import list_teams
from crm_core.user import Role, User
from web.rights import (
    EDIT_CALLBACKS,
    EDIT_CUSTOMERS,
    EDIT_DEALS,
    EDIT_LEADS,
    EDIT_ORDERS,
    EDIT_PRODUCTS,
    EDIT_TASKS,
    GIVE_TASKS,
    HAND_OVER,
    Person,
    Right,
    Scope,
)
from web.say import local_instant, zone_of
from web.sessions import person

Meaning = Callable[[str], Mapping[str, Any]]
NOBODY = ("0", "nobody")
GROUPS = {
    Role.OPERATOR: "Operators",
    Role.SENIOR: "Senior operators",
    Role.SUPERVISOR: "Supervisors",
    Role.MANAGER: "Managers",
    Role.ADMIN: "Administrators",
    Role.COURIER: "Couriers",
}


# Our words among the options, for which there is a translation; names of people and of the house's own have none.
OURS = frozenset(
    (
        *("nobody", "anyone", "yes", "no", "done", "not done", "open again", "can wait", "usual", "urgent"),
        *("called off", "new", "being worked on", "thrown away", "on sale", "withdrawn"),
        *GROUPS.values(),
    )
)


@dataclass(frozen=True)
class BarField:
    """One thing to say: a choice among `options`, a text or a time; `means` makes fields of the noun of it."""

    name: str
    label: str
    means: Meaning
    options: Sequence[tuple[str, str]] = ()
    kind: Literal["choice", "text", "datetime-local"] = "choice"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The bar of one list, with what was changed by it lately."""

    noun: str
    fields: Sequence[BarField]
    acts: Sequence[ActRow] = field(default_factory=list)
    ours: ClassVar[frozenset[str]] = OURS

    def wanted(self, typed: Mapping[str, str], who: Person) -> tuple[dict[str, Any], str]:
        """What the form says shall be different, and that in words. Raises `Invalid`."""
        wanted: dict[str, Any] = {}
        said = []
        for it in self.fields:
            value = typed.get(it.name, "")
            if not value:
                continue
            words = dict(it.options).get(value, value)
            if it.kind == "choice" and value not in dict(it.options):
                raise Invalid("Choose one of the list.", it.name)
            if it.kind == "datetime-local":
                at = local_instant(value, who, it.name)
                wanted[it.name], words = at, f"{at.astimezone(zone_of(who.timezone)):%d %b %Y, %H:%M}"
            else:
                wanted |= it.means(value)
            said.append(f"{it.label}: {words}")
        return wanted, "; ".join(said)


def _same(name: str) -> Meaning:
    return lambda value: {name: value}


def _yes(name: str) -> Meaning:
    return lambda value: {name: value == "yes"}


def _somebody(name: str) -> Meaning:
    return lambda value: {name: int(value) or None}


def _performer(value: str) -> Mapping[str, Any]:
    nobody = {"performer_id": None, "role": None, "team_id": None}
    kind, _, who = value.rpartition(":")
    if kind == "role":
        return nobody | {"role": who}
    return nobody | {"team_id" if kind == "team" else "performer_id": int(who)}


def _caller(value: str) -> Mapping[str, Any]:
    kind, _, who = value.rpartition(":")
    owner = {"assigned_to": None, "team_id": None}
    return owner | {"team_id" if kind == "team" else "assigned_to": int(who) or None}


def _stage(value: str) -> Mapping[str, Any]:
    code, _, reason = value.partition(":")
    return {"stage": code} | ({"lost_reason_id": int(reason)} if reason else {})


YES_NO = (("yes", "yes"), ("no", "no"))


async def _people(session: AsyncSession) -> list[tuple[str, str]]:
    query = select(User.id, User.name).where(User.active).order_by(User.name, User.id).limit(LONGEST * 5)
    return [(str(row.id), row.name) for row in await session.execute(query)]


async def _orders(request: web.Request, session: AsyncSession) -> list[BarField]:
    people = [NOBODY, *await _people(session)]
    statuses = [(it.code, it.name) for it in await list_statuses(session) if it.active]
    return [
        BarField("status", "Status", _same("status"), statuses),
        BarField("manager_id", "In charge", _somebody("manager_id"), people),
        BarField("needs_call", "Needs a call", _yes("needs_call"), YES_NO),
    ]


async def _customers(request: web.Request, session: AsyncSession) -> list[BarField]:
    fields = [
        BarField("category", "Category", _same("category"), kind="text"),
        BarField("add_tag", "Add the tag", _same("add_tag"), kind="text"),
        BarField("remove_tag", "Take the tag away", _same("remove_tag"), kind="text"),
        BarField("vip", "VIP", _yes("vip"), YES_NO),
        BarField("bad", "Problem", _yes("bad"), YES_NO),
    ]
    if person(request).scope(HAND_OVER) < Scope.ALL:
        return fields
    people = [NOBODY, *await _people(session)]
    return [BarField("manager_id", "Manager", _somebody("manager_id"), people), *fields]


async def _deals(request: web.Request, session: AsyncSession) -> list[BarField]:
    reasons = await list_lost_reasons(session, active=True)
    stages: dict[str, str] = {}
    for funnel in await list_funnels(session):
        if request.query.get("funnel_id", "") in ("", str(funnel.id)):
            for it in funnel.stages:
                lost = it.kind == StageKind.LOST
                ways = [(f"{it.code}:{why.id}", f"{it.name}: {why.label}") for why in reasons]
                for code, said in ways if lost else [(it.code, it.name)]:
                    stages.setdefault(code, said)
    people = [NOBODY, *await _people(session)]
    return [
        BarField("stage", "Stage", _stage, list(stages.items())),
        BarField("responsible_id", "Responsible", _somebody("responsible_id"), people),
    ]


async def _tasks(request: web.Request, session: AsyncSession) -> list[BarField]:
    states = [("done", "done"), ("not_done", "not done"), ("open", "open again")]
    closing = [
        BarField("state", "State", _same("state"), states),
        BarField("reason", "Why it was not done", _same("reason"), kind="text"),
    ]
    if not person(request).may(GIVE_TASKS):
        return closing
    groups = [(f"role:{role}", said) for role, said in GROUPS.items()]
    teams = [(f"team:{team.id}", team.name) for team, _ in await list_teams(session)]
    urgencies = [("low", "can wait"), ("normal", "usual"), ("high", "urgent")]
    return [
        *closing,
        BarField("performer", "Who does it", _performer, [*teams, *groups, *await _people(session)]),
        BarField("due_at", "Until", _same("due_at"), kind="datetime-local"),
        BarField("priority", "How urgent", _same("priority"), urgencies),
    ]


LATER = [
    ("60", "an hour later"),
    ("1440", "a day later"),
    ("10080", "a week later"),
    ("-60", "an hour earlier"),
    ("-1440", "a day earlier"),
]


async def _callbacks(request: web.Request, session: AsyncSession) -> list[BarField]:
    anyone = ("0", "anyone")
    teams = [(f"team:{team.id}", team.name) for team, _ in await list_teams(session)]
    states = [("done", "done"), ("cancelled", "called off"), ("open", "open again")]
    return [
        BarField("due_at", "When", _same("due_at"), kind="datetime-local"),
        BarField("later_by", "Move by", lambda value: {"later_by": int(value)}, LATER),
        BarField("assigned_to", "Who calls", _caller, [anyone, *teams, *await _people(session)]),
        BarField("state", "State", _same("state"), states),
    ]


async def _leads(request: web.Request, session: AsyncSession) -> list[BarField]:
    states = [("new", "new"), ("processing", "being worked on"), ("junk", "thrown away")]
    people = [NOBODY, *await _people(session)]
    return [
        BarField("state", "State", _same("state"), states),
        BarField("responsible_id", "Responsible", _somebody("responsible_id"), people),
    ]


async def _products(request: web.Request, session: AsyncSession) -> list[BarField]:
    return [BarField("active", "Sale", _yes("active"), [("yes", "on sale"), ("no", "withdrawn")])]


Fields = Callable[[web.Request, AsyncSession], Awaitable[list[BarField]]]
BARS: Mapping[str, tuple[Right, Fields]] = {
    "orders": (EDIT_ORDERS, _orders),
    "customers": (EDIT_CUSTOMERS, _customers),
    "deals": (EDIT_DEALS, _deals),
    "tasks": (EDIT_TASKS, _tasks),
    "callbacks": (EDIT_CALLBACKS, _callbacks),
    "leads": (EDIT_LEADS, _leads),
    "products": (EDIT_PRODUCTS, _products),
}


async def bar_of(request: web.Request, session: AsyncSession, noun: str) -> Bar | None:
    """The bar of this list; None for who may change nothing there."""
    right, fields = BARS[noun]
    who = person(request)
    if not who.may(right):
        return None
    whose = None if noun == "customers" and who.scope(HAND_OVER) is Scope.ALL else who.user_id
    acts = await latest_acts(session, noun, whose)
    return Bar(noun=noun, fields=await fields(request, session), acts=acts)
