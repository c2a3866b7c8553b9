"""Call lists in the API: made of the filters of a list, given to colleagues, paused, and how far they have come."""

from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import call_list as service
from crm_core.call_list import LONGEST_TEXT, Page, RuleWanted, State
from crm_core.call_list_by_hand import close_by_hand, open_again
from crm_core.call_list_feed import feed
from crm_core.errors import Invalid
from crm_core.read.call_lists import Progress, Which, load_entries, load_lists, load_progress, load_results
from crm_core.retry_rule import Why
from web.api import Operations
from web.customers import CustomerFilters
from web.fields import VISIBLE, Answer, Given, Id, Instant, Name, Version
from web.listing import Listed, Listing, possible
from web.noted import note
from web.orders import OrderFilters
from web.reach import narrowed, reach_of
from web.rights import RUN_CALL_LISTS
from web.services import services
from web.sessions import person

operations = Operations("call lists")
ListName = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=VISIBLE)]
ToSay = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
Code = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]{1,40}$")]
UserIds = Annotated[list[Id], Field(max_length=200)]


class Rule(Given):
    """What happens after an outcome (null: nobody answered): again after so many minutes, until there were so many
    attempts; null minutes: finished."""

    outcome: Code | None
    after_minutes: Annotated[int, Field(ge=1, le=86_400)] | None
    most_attempts: Annotated[int, Field(ge=1, le=service.MOST_ATTEMPTS)] = 3


Rules = Annotated[list[Rule], Field(max_length=100)]
_SCHEMA: Any = {
    "oneOf": [
        {
            "required": ["customers"],
            "properties": {"orders": {"type": "null"}, "customers": {"type": "object"}},
        },
        {"required": ["orders"], "properties": {"customers": {"type": "null"}, "orders": {"type": "object"}}},
    ]
}


class NewList(Given):
    """A list of those whom the filters mean, of customers or of orders, one of them. Nobody in `user_ids` and no
    `team_id`: anyone works on it. `grows`: who comes to fit later is added; `drops`: who fits no more is closed."""

    model_config = ConfigDict(json_schema_extra=_SCHEMA)

    name: ListName
    customers: CustomerFilters | None = None
    orders: OrderFilters | None = None
    text: ToSay = ""
    team_id: Id | None = None
    user_ids: UserIds = Field(default_factory=list)
    script_id: Id | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    grows: bool = False
    drops: bool = True
    rules: Rules = Field(default_factory=lambda: [Rule(outcome=None, after_minutes=240)])

    @model_validator(mode="after")
    def _one(self) -> "NewList":
        if (self.customers is None) == (self.orders is None):
            raise ValueError("give customers or orders, one of them")
        return self


class ListChange(Given):
    """What shall be different; what is absent stays. `rules` and `user_ids` as a whole."""

    version: Version
    name: ListName | None = None
    text: ToSay | None = None
    state: State | None = None
    team_id: Id | None = None
    user_ids: UserIds | None = None
    script_id: Id | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    grows: bool | None = None
    drops: bool | None = None
    rules: Rules | None = None


class RuleAnswer(Answer):
    """What happens after an outcome."""

    outcome: str | None
    after_minutes: int | None
    most_attempts: int


class ProgressAnswer(Answer):
    """How far a list has come: `open` of `all`, `due` of them now; the others are closed because they were `done`
    (talked with, and said what came of it), `reached`, `tried` in vain, their cause is `gone`, they `refused` to be
    called, or somebody took them off `by_hand`. `talked`: with so many at all."""

    all: int
    open: int
    due: int
    done: int
    reached: int
    tried: int
    gone: int
    refused: int
    by_hand: int
    talked: int
    attempts: int


class CallListAnswer(Answer):
    """A call list; `filters` are those of the list of customers or of orders (`page`)."""

    id: int
    name: str
    text: str
    page: Page
    filters: dict[str, Any]
    state: State
    team_id: int | None
    user_ids: list[int]
    script_id: int | None
    starts_at: datetime
    ends_at: datetime | None
    grows: bool
    drops: bool
    rules: list[RuleAnswer]
    version: int
    created_at: datetime
    progress: ProgressAnswer


class ResultAnswer(Answer):
    """So many on the list have this outcome."""

    outcome: str
    customers: int


class EntriesQuery(Listed):
    """Who of them: still `open`, talked with, not to be called when it was their turn, or closed."""

    which: Which = "open"


class EntryAnswer(Answer):
    """A customer on the list. `why` it is closed, null while it is open; `refusal`: why he was not to be called, or was
    taken off the list."""

    id: int
    customer_id: int
    customer: str
    number: str | None
    order_id: int | None
    order_number: str | None
    due_at: datetime
    attempts: int
    outcome: str | None
    outcome_label: str | None
    refusal: str | None
    reached_at: datetime | None
    why: Why | None
    closed_at: datetime | None


class TakenOff(Given):
    """Why nobody has to call him for this list any more."""

    reason: Name


class FedAnswer(Answer):
    """So many came onto the list."""

    added: int


@operations.get("/call-lists", right=RUN_CALL_LISTS)
async def get_call_lists(request: web.Request) -> list[CallListAnswer]:
    """Every list with how far it has come, those that are worked on first."""
    parts = services(request)
    async with parts.db.begin() as session:
        progress = await load_progress(session, parts.now())
        return [answer_of(it, progress.get(it.id, Progress())) for it in await load_lists(session)]


@operations.get("/call-lists/{list_id}", right=RUN_CALL_LISTS)
async def get_call_list(request: web.Request, list_id: Id) -> CallListAnswer:
    """One list."""
    async with services(request).db.begin() as session:
        return await _answer(request, session, list_id)


@operations.post("/call-lists", right=RUN_CALL_LISTS, errors=(409,))
async def post_call_list(request: web.Request, body: NewList) -> CallListAnswer:
    """Make a list of those whom the filters mean now. 409 for an unknown colleague, outcome, segment or script."""
    with narrowed(request):
        async with services(request).db.begin() as session:
            with possible():
                made = await make(request, session, body)
            return await _answer(request, session, made.id)


@operations.patch("/call-lists/{list_id}", right=RUN_CALL_LISTS, errors=(409,))
async def patch_call_list(request: web.Request, list_id: Id, body: ListChange) -> CallListAnswer:
    """Change, pause, go on with or close a list. 409 when `version` is stale, and as above."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    for name in ("name", "text", "state", "user_ids", "starts_at", "grows", "drops", "rules"):
        if changes.get(name, ...) is None:
            del changes[name]
    async with services(request).db.begin() as session:
        with possible():
            await change(request, session, list_id, body.version, changes)
        return await _answer(request, session, list_id)


@operations.post("/call-lists/{list_id}/feed", right=RUN_CALL_LISTS, status=200, errors=(409,))
async def post_feed(request: web.Request, list_id: Id) -> FedAnswer:
    """Put onto the list who fits its filters by now. 409 when these name what there is no more."""
    parts = services(request)
    with narrowed(request):
        async with parts.db.begin() as session:
            with possible():
                added = await feed(session, await service.get_list(session, list_id, lock=True), parts.now())
            await note(session, request, "call_list.feed", list_id, added=added)
    return FedAnswer(added=added)


@operations.get("/call-lists/{list_id}/entries", right=RUN_CALL_LISTS)
async def get_call_list_entries(
    request: web.Request, list_id: Id, query: EntriesQuery
) -> Listing[EntryAnswer]:
    """Who is on the list, in the order in which they are due."""
    async with services(request).db.begin() as session:
        await service.get_list(session, list_id)
        found = await load_entries(session, list_id, **query.model_dump())
    return Listing[EntryAnswer].model_validate(found)


@operations.post(
    "/call-lists/{list_id}/entries/{entry_id}/close", right=RUN_CALL_LISTS, status=204, errors=(409,)
)
async def post_close(request: web.Request, list_id: Id, entry_id: Id, body: TakenOff) -> None:
    """Take somebody off the list, and say why. 409 when he is through already."""
    async with services(request).db.begin() as session:
        await close_by_hand(session, list_id, entry_id, body.reason, at=services(request).now())
        await note(session, request, "call_list.take_off", list_id, entry_id=entry_id)


@operations.post(
    "/call-lists/{list_id}/entries/{entry_id}/open", right=RUN_CALL_LISTS, status=204, errors=(409,)
)
async def post_open(request: web.Request, list_id: Id, entry_id: Id) -> None:
    """Put somebody back who was taken off by hand. 409 when he was not."""
    async with services(request).db.begin() as session:
        await open_again(session, list_id, entry_id, at=services(request).now())
        await note(session, request, "call_list.put_back", list_id, entry_id=entry_id)


@operations.get("/call-lists/{list_id}/results", right=RUN_CALL_LISTS)
async def get_results(request: web.Request, list_id: Id) -> list[ResultAnswer]:
    """What came of it, by outcome."""
    async with services(request).db.begin() as session:
        await service.get_list(session, list_id)
        found = await load_results(session, list_id)
    return [ResultAnswer(outcome=label, customers=number) for label, number in found]


async def make(
    request: web.Request, session: AsyncSession, body: NewList, state: State = State.OPEN
) -> service.CallList:
    """A list with everybody on it whom the filters mean, as far as the session is narrowed. Raises `Invalid`."""
    parts = services(request)
    filters: Any = body.customers or body.orders
    given = body.model_dump(include={"text", "team_id", "user_ids", "script_id", "ends_at", "grows", "drops"})
    if body.starts_at is not None:
        given["starts_at"] = body.starts_at
    _check_growth(request, given)
    made = await service.add_list(
        session,
        name=body.name,
        page=Page.CUSTOMERS if body.customers is not None else Page.ORDERS,
        filters=filters.model_dump(mode="json", exclude_defaults=True),
        at=parts.now(),
        user_id=person(request).user_id,
        rules=[RuleWanted(**rule.model_dump()) for rule in body.rules],
        state=state,
        **given,
    )
    added = await feed(session, made, parts.now())
    await note(session, request, "call_list.add", made.id, name=made.name, customers=added)
    return made


async def change(
    request: web.Request, session: AsyncSession, list_id: int, version: int, changes: dict[str, Any]
) -> None:
    """Change a list. Raises `NotFound`, `Invalid`, `Conflict`."""
    _check_growth(request, changes)
    if "rules" in changes:
        changes["rules"] = [RuleWanted(**rule) for rule in changes["rules"]]
    changed = await service.change_list(session, list_id, version=version, changes=changes)
    state = {"state": str(changed.state)} if "state" in changes else {}
    await note(session, request, "call_list.change", list_id, fields=sorted(changes), **state)


def _check_growth(request: web.Request, given: dict[str, Any]) -> None:
    """A list that grows by itself asks for nobody's reach, so only who sees everybody may have one."""
    if given.get("grows"):
        reach = reach_of(person(request))
        if reach.customers is not None or reach.orders is not None:
            raise Invalid(
                "You do not see all customers and orders: add people by hand, not by itself.", "grows"
            )


async def _answer(request: web.Request, session: AsyncSession, list_id: int) -> CallListAnswer:
    progress = await load_progress(session, services(request).now())
    return answer_of(await service.get_list(session, list_id), progress.get(list_id, Progress()))


def answer_of(it: service.CallList, progress: Progress) -> CallListAnswer:
    """A list as it is told."""
    fields = {name: getattr(it, name) for name in CallListAnswer.model_fields if name != "progress"}
    return CallListAnswer.model_validate({**fields, "progress": progress})
