"""When a callback may be planned, and when it had better be: for the forms, in the customer's time and one's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.best_time import Proposal
from crm_core.callback import own_zone
from crm_core.calling_hours import OutsideHours, load_calling
from crm_core.errors import Invalid
from crm_core.phone import normalise
from crm_core.read.best_time import propose_times
from web.api import Operations
from web.customers import Written
from web.errors import Choice, FieldError, Refusal
from web.fields import Answer, Given, Id, Instant
from web.listing import possible
from web.rights import VIEW_CALLBACKS
from web.services import services

operations = Operations("callbacks")


class WhenQuery(Given):
    """Whom, and (`at`) the moment somebody thinks of."""

    number: Written
    customer_id: Id | None = None
    at: Instant | None = None


class ProposalAnswer(Answer):
    """A moment when they are likely to answer: `answered` of `tried` calls between these hours of theirs, so many of
    these on `that_weekday`."""

    at: datetime
    local: str
    from_hour: int
    to_hour: int
    answered: int
    tried: int
    that_weekday: int


class WhenAnswer(Answer):
    """Their time zone and clock; whether `at` (else now) is allowed, and the next allowed moment from it on."""

    timezone: str
    now_there: str
    allowed: bool
    next_allowed: datetime
    next_there: str
    proposals: list[ProposalAnswer]


@operations.get("/calling-times", right=VIEW_CALLBACKS, errors=(404, 409))
async def get_when(request: web.Request, query: WhenQuery) -> WhenAnswer:
    """When this number may be called, and when they are likely to answer. 409 for a number that is none."""
    parts = services(request)
    with possible():
        e164 = normalise(query.number, country=parts.settings.country).e164
        if e164 is None:
            raise Invalid("This is not a telephone number.", "number")
    async with parts.db.begin() as session:
        return await load_when(session, e164, query.customer_id, query.at or parts.now(), parts.now())


async def load_when(
    session: AsyncSession, e164: str, customer_id: int | None, at: datetime, now: datetime
) -> WhenAnswer:
    """The same for a page."""
    calling = await load_calling(session)
    zone = calling.zone(e164, await own_zone(session, customer_id))
    found = await propose_times(session, calling, number=e164, customer_id=customer_id, zone=zone, now=now)
    following = calling.next_allowed(at, zone)
    return WhenAnswer(
        timezone=zone,
        now_there=_there(now, zone),
        allowed=following == at,
        next_allowed=following,
        next_there=_there(following, zone),
        proposals=[_proposal(one, zone) for one in found],
    )


@contextmanager
def plannable() -> Iterator[None]:
    """Where a callback is planned: 409 with the next allowed moment to choose when the customer sleeps then."""
    try:
        with possible():
            yield
    except Refusal as refused:
        cause = refused.__cause__
        if not isinstance(cause, OutsideHours) or cause.proposed is None:
            raise
        proposed = cause.proposed.isoformat(timespec="seconds").replace("+00:00", "Z")
        error = FieldError(field="due_at", message=str(cause))
        choice = Choice(value=proposed, label="The next allowed moment")
        raise Refusal(409, str(cause), errors=[error], choices=[choice]) from None


def _proposal(one: Proposal, zone: str) -> ProposalAnswer:
    return ProposalAnswer(
        at=one.at,
        local=_there(one.at, zone),
        from_hour=one.from_hour,
        to_hour=one.to_hour,
        answered=one.answered,
        tried=one.tried,
        that_weekday=one.that_weekday,
    )


def _there(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}"
