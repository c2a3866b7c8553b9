"""What we make of a call: the rules of a switchboard tried by an administrator, on a page and in the API."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints, ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.directory import load_directory
from callcenter.numbers import Numbers
from callcenter.tester import Trial, Verdict, judge
from crm_core.customer import CustomerNumber
from web.api import Operations
from web.errors import Refusal
from web.fields import Answer, Given
from web.pages import Flash, Pages, render
from web.rights import TEST_RULES, Scope
from web.services import Services, services
from web.switchboards import number_rules, rules_of, switchboard

operations = Operations("status")
pages = Pages()
Short = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,120}$")]
Channel = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,20}/[!-~]{1,100}$"),
    Field(description="as the switchboard says it, PJSIP/1001-0000001f; the serial number may be left out"),
]


class RulesQuery(Given):
    """A call to try: `channel` calls `did` showing `number`; a phone of ours goes out over `trunk`."""

    pbx: Short
    channel: Channel
    number: Short = ""
    context: Short = ""
    did: Short = ""
    trunk: Short = ""


class RulesAnswer(Answer):
    """What becomes of it; `why` and `number_rule` say which rules decided.

    `kind`: extension, trunk, local or plumbing; `direction` null: it begins no call; `customers`: how many have it.
    """

    kind: str
    peer: str
    extension: str | None
    why: str
    direction: str | None
    trunk: str | None
    line: str | None
    line_name: str | None
    shop: str | None
    remote_number: str | None
    e164: str | None
    display: str | None
    region: str | None
    country: str
    number_rule: str | None
    ours: bool
    customers: int


@operations.get("/rules/test", right=TEST_RULES, at_least=Scope.ALL, errors=(404,))
async def get_verdict(request: web.Request, query: RulesQuery) -> RulesAnswer:
    """What the live path would make of a call. 404 for a switchboard that is not in the settings."""
    return await _judged(services(request), query)


@pages.get("/rules", right=TEST_RULES, at_least=Scope.ALL)
async def show_tester(request: web.Request) -> web.Response:
    """The same as a form; what was typed stays in the address."""
    parts = services(request)
    typed = {name: value.strip() for name, value in request.query.items() if name in RulesQuery.model_fields}
    verdict, flash = None, None
    if typed.get("channel"):
        try:
            verdict = await _judged(parts, RulesQuery.model_validate(typed))
        except ValidationError:
            flash = Flash("bad", "Write the channel as the switchboard does, for instance PJSIP/1001.")
        except Refusal as refusal:
            flash = Flash("bad", str(refusal))
    boards = [(pbx.name, pbx.name) for pbx in parts.settings.switchboards]
    context = {"boards": boards, "verdict": verdict, "given": typed}
    return render(request, "rules.html", context, flash=flash, typed=typed)


async def _judged(parts: Services, query: RulesQuery) -> RulesAnswer:
    pbx = switchboard(parts.settings, query.pbx)
    if pbx is None:
        raise Refusal(404, "There is no such switchboard in the settings.")
    numbers = Numbers(parts.settings.country, {pbx.name: number_rules(pbx)})
    async with parts.db.begin() as session:
        directory = await load_directory(session)
        verdict = judge(Trial(**query.model_dump()), rules_of(pbx), numbers, directory, parts.now())
        return _answer(verdict, await _customers(session, verdict))


async def _customers(session: AsyncSession, verdict: Verdict) -> int:
    if verdict.ours or verdict.number is None or verdict.number.e164 is None:
        return 0
    query = select(func.count()).where(CustomerNumber.e164 == verdict.number.e164)
    return int(await session.scalar(query) or 0)


def _answer(verdict: Verdict, customers: int) -> RulesAnswer:
    call, number, line = verdict.call, verdict.number, verdict.line
    return RulesAnswer(
        kind=verdict.party.kind,
        peer=verdict.party.peer,
        extension=verdict.party.extension,
        why=verdict.why,
        direction=call.direction if call else None,
        trunk=call.trunk if call else None,
        line=call.line if call else None,
        line_name=line.name if line else None,
        shop=line.shop if line else None,
        remote_number=call.remote_number if call else None,
        e164=number.e164 if number else None,
        display=number.display if number else None,
        region=number.region if number else None,
        country=verdict.country,
        number_rule=verdict.number_rule,
        ours=verdict.ours,
        customers=customers,
    )
