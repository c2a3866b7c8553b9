"""Many rows changed at once, and taken back, in the API: one route to do it and one to undo it for every noun."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import select

from crm_core import bulk, bulk_customers
from crm_core.bulk_nouns import Callbacks, Deals, Leads, Orders, Products, Tasks
from crm_core.bulk_rows import By, Chosen, Done, load_act, rows_of
from crm_core.errors import Forbidden
from crm_core.reach import ENTITIES, seeing
from crm_core.task_rows import Task
from crm_core.user import Role
from web.api import Operations
from web.bulk_bar import BARS
from web.deals import StageCode
from web.fields import EARLIEST, VISIBLE, Answer, Given, Id, Instant, Version
from web.listing import possible
from web.middleware import visitor_address
from web.reach import reach_of
from web.rights import GIVE_TASKS, HAND_OVER, Person, Right, Scope, require
from web.services import services
from web.sessions import person
from web.tasks import viewer

operations = Operations("bulk")
MONTH_MIN = 30 * 24 * 60
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=VISIBLE)]


class Row(Given):
    """A row, and the version in which it was seen: refused when the same was changed since."""

    id: Id
    version: Version | None = None


class Act(Given):
    """What shall be different of which rows; what is absent stays."""

    rows: Annotated[list[Row], Field(min_length=1, max_length=bulk_customers.MOST)]


class OrdersAct(Act):
    """At most a thousand orders."""

    status: Word = ""
    manager_id: Id | None = None
    needs_call: bool = False


class CustomersAct(Act):
    """At most twenty thousand customers; `manager_id` needs the right customers.hand_over."""

    manager_id: Id | None = None
    category: Word | None = None
    add_tag: Word = ""
    remove_tag: Word = ""
    vip: bool = False
    bad: bool = False


class DealsAct(Act):
    """At most a thousand deals, which take their orders along; a lost stage needs a `lost_reason_id`."""

    stage: StageCode = ""
    lost_reason_id: Id | None = None
    responsible_id: Id | None = None


class TasksAct(Act):
    """At most a thousand tasks; `not_done` needs a `reason`. Whose, until when and how urgent need tasks.give."""

    state: Literal["open", "done", "not_done"] = "open"
    reason: Word | None = None
    performer_id: Id | None = None
    role: Role | None = None
    due_at: Instant | None = None
    priority: Literal["low", "normal", "high"] = "normal"


class CallbacksAct(Act):
    """At most a thousand callbacks; nobody assigned: anyone may take it. `later_by`: each so many minutes later than it
    is planned (less than nothing: earlier), in the place of `due_at`."""

    state: Literal["open", "done", "cancelled"] = "open"
    assigned_to: Id | None = None
    team_id: Id | None = None
    due_at: Instant = EARLIEST
    later_by: Annotated[int, Field(ge=-MONTH_MIN, le=MONTH_MIN)] = 0


class LeadsAct(Act):
    """At most a thousand leads; `junk`: thrown away."""

    state: Literal["new", "processing", "junk"] = "new"
    responsible_id: Id | None = None


class ProductsAct(Act):
    """At most a thousand products: on sale, or withdrawn."""

    active: bool = True


class RefusedRow(Answer):
    """A row that stays as it is, and why."""

    id: int
    title: str
    why: str


class DoneAnswer(Answer):
    """So many were changed; `refused` names the first of the `refusals`. `act_id` is what undoing wants."""

    act_id: int
    changed: int
    refused: list[RefusedRow]
    refusals: int


BODIES: Mapping[str, type[Act]] = {
    "orders": OrdersAct,
    "customers": CustomersAct,
    "deals": DealsAct,
    "tasks": TasksAct,
    "callbacks": CallbacksAct,
    "leads": LeadsAct,
    "products": ProductsAct,
}
NOUNS: Mapping[str, bulk.Noun] = {
    it.name: it for it in (Orders(), Deals(), Tasks(), Callbacks(), Leads(), Products())
}
_GIVING = frozenset(("performer_id", "role", "team_id", "due_at", "priority"))


async def do(
    request: web.Request, noun: str, chosen: Sequence[Chosen], wanted: Mapping[str, Any], said: str
) -> Done:
    """Change the rows that this person may change. Raises `Forbidden`, `Invalid`."""
    right = _may(person(request), noun, wanted)
    seen = await _seen(request, noun, right, [it.id for it in chosen])
    given: dict[str, Any] = {"said": said, "by": _by(request), "seen": seen}
    db = services(request).db
    if noun == bulk_customers.NAME:
        return await bulk_customers.change_customers(db, chosen, wanted, **given)
    return await bulk.change_many(db, NOUNS[noun], chosen, wanted, **given)


async def take_back(request: web.Request, noun: str, act_id: int) -> Done:
    """Undo one's own act, or, as one who may hand customers over, a colleague's.

    Raises `NotFound`, `Forbidden`, `Conflict`.
    """
    who, db = person(request), services(request).db
    async with db.begin() as session:
        act = await load_act(session, noun, act_id)
        ids = await rows_of(session, act_id)
    if act.user_id != who.user_id and who.scope(HAND_OVER) is not Scope.ALL:
        raise Forbidden("This was a colleague's doing; he can take it back.")
    right = _may(who, noun, act.wanted)
    seen = await _seen(request, noun, right, ids)
    if noun == bulk_customers.NAME:
        return await bulk_customers.undo_customers(db, act_id, by=_by(request), seen=seen)
    return await bulk.undo(db, NOUNS[noun], act_id, by=_by(request), seen=seen)


def _may(who: Person, noun: str, wanted: Mapping[str, Any]) -> Right:
    """The right that it needs. Raises `Forbidden`."""
    right, _ = BARS[noun]
    if noun == "customers" and "manager_id" in wanted:
        require(who, HAND_OVER, Scope.ALL)
    if noun == "tasks" and _GIVING & set(wanted):
        right = GIVE_TASKS
    require(who, right)
    return right


async def _seen(request: web.Request, noun: str, right: Right, ids: Collection[int]) -> set[int]:
    """Which of these this person may change."""
    if noun not in ENTITIES and noun != "tasks":
        return set(ids)
    entity: Any = ENTITIES.get(noun, Task)
    query = select(entity.id).where(entity.id.in_(ids))
    if noun == "tasks" and not (looks := viewer(request, right)).everybody:
        query = query.where(looks.sees())
    with seeing(reach_of(person(request), right)):
        async with services(request).db.begin() as session:
            return set(await session.scalars(query))


def _by(request: web.Request) -> By:
    return By(person(request).user_id, services(request).now(), visitor_address(request))


@dataclass(frozen=True)
class _Routes:
    """The two routes of one noun."""

    noun: str

    def add(self) -> None:
        right, _ = BARS[self.noun]
        done, undone = self._doing(), self._undoing()
        operations.post(f"/bulk/{self.noun}", right=right, errors=(403, 409), status=200)(done)
        path = f"/bulk/{self.noun}/{{act_id}}/undo"
        operations.post(path, right=right, errors=(403, 409), status=200)(undone)

    def _doing(self) -> Any:
        async def post_bulk(request: web.Request, body: Any) -> DoneAnswer:
            wanted = {name: getattr(body, name) for name in body.model_fields_set - {"rows"}}
            said = "; ".join(f"{name}: {value}" for name, value in sorted(wanted.items()))
            chosen = [Chosen(it.id, it.version) for it in body.rows]
            with possible():
                return DoneAnswer.model_validate(await do(request, self.noun, chosen, wanted, said))

        return self._named(
            post_bulk,
            f"Change many {self.noun} at once, each by its own rules; the answer names those that refused."
            " 409 when it can not be at all.",
            body=BODIES[self.noun],
        )

    def _undoing(self) -> Any:
        async def post_bulk_undo(request: web.Request, act_id: int) -> DoneAnswer:
            return DoneAnswer.model_validate(await take_back(request, self.noun, act_id))

        return self._named(
            post_bulk_undo,
            f"Let the {self.noun} that an act changed be as they were; what somebody changed since is left alone"
            " and named. 409 when that was done.",
            act_id=Id,
        )

    def _named(self, handler: Any, says: str, **takes: Any) -> Any:
        handler.__name__ += f"_{self.noun}"
        handler.__doc__ = says
        handler.__annotations__ = {"request": web.Request, **takes, "return": DoneAnswer}
        return handler


for _noun in BODIES:
    _Routes(_noun).add()
