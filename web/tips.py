"""Tips in the API: what to say or offer to customers whom a segment or rules mean."""

from datetime import date
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import tip as service
from web.api import Operations
from web.fields import VISIBLE, Answer, Day, Given, Id, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_TIPS
from web.segments import Rules
from web.services import services
from web.sessions import person

operations = Operations("tips")
ToTell = Annotated[str, StringConstraints(min_length=1, max_length=service.LONGEST, pattern=VISIBLE)]
Weight = Annotated[int, Field(ge=1, le=9, description="9 is told first")]


class NewTip(Given):
    """What to say, and to whom: a segment, rules as those of segments, or both."""

    text: ToTell
    priority: Weight = 5
    segment_id: Id | None = None
    rules: Rules = Field(default_factory=lambda: dict(service.NO_RULES))
    ends_on: Day | None = None


class TipChange(Given):
    """What shall be different; what is absent stays."""

    version: Version
    text: ToTell | None = None
    priority: Weight | None = None
    segment_id: Id | None = None
    rules: Rules | None = None
    ends_on: Day | None = None
    active: bool | None = None


class KeptTipAnswer(Answer):
    """A tip. It is told until the end of `ends_on`."""

    id: int
    text: str
    priority: int
    segment_id: int | None
    rules: dict[str, Any]
    ends_on: date | None
    active: bool
    version: int


@operations.get("/tips", right=EDIT_TIPS)
async def get_tips(request: web.Request) -> list[KeptTipAnswer]:
    """All of them, the weightiest first."""
    async with services(request).db.begin() as session:
        return [KeptTipAnswer.model_validate(it) for it in await service.list_tips(session)]


@operations.post("/tips", right=EDIT_TIPS, errors=(409,))
async def post_tip(request: web.Request, body: NewTip) -> KeptTipAnswer:
    """Keep a tip. 409 for rules that can not be, for an unknown segment, and for neither."""
    async with services(request).db.begin() as session:
        with possible():
            made = await service.add_tip(session, user_id=person(request).user_id, **body.model_dump())
        await note(session, request, "tip.add", made.id, text=made.text)
        return KeptTipAnswer.model_validate(made)


@operations.patch("/tips/{tip_id}", right=EDIT_TIPS, errors=(409,))
async def patch_tip(request: web.Request, tip_id: Id, body: TipChange) -> KeptTipAnswer:
    """Change a tip. 409 when `version` is stale, and as above."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    for name in ("text", "priority", "rules", "active"):
        if changes.get(name, ...) is None:
            del changes[name]
    async with services(request).db.begin() as session:
        with possible():
            changed = await service.change_tip(session, tip_id, version=body.version, changes=changes)
        await note(session, request, "tip.change", tip_id, fields=sorted(changes))
        return KeptTipAnswer.model_validate(changed)


@operations.delete("/tips/{tip_id}", right=EDIT_TIPS)
async def delete_tip(request: web.Request, tip_id: Id) -> None:
    """Forget a tip."""
    async with services(request).db.begin() as session:
        await service.remove_tip(session, tip_id)
        await note(session, request, "tip.remove", tip_id)
