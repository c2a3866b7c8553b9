"""Panels of other systems beside the card: kept by administrators, read by every desk."""

from typing import Annotated
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import panel
from crm_core.panel import LONGEST, Where
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_PANELS, VIEW_AGENTS
from web.services import services
from web.sessions import person

operations = Operations("panels")
PanelName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Address = Annotated[
    str,
    StringConstraints(pattern=rf"^https?://[!-~]{{1,{LONGEST - 10}}}$"),
    Field(description="{phone}, {name}, {did}, {call_id}, {queue}, {customer_id}, {order_id} are filled in"),
]
Lines = Annotated[list[Id], Field(max_length=200)]
Position = Annotated[int, Field(ge=0, le=10_000)]


class NewPanel(Given):
    """A page of another system. `line_ids`: for calls to these lines (none: every call); `automatic`: loaded with the
    card; `own_origin`: it keeps its own cookies and storage."""

    name: PanelName
    address: Address
    place: Where = Where.BESIDE
    line_ids: Lines = Field(default=[])
    automatic: bool = False
    own_origin: bool = False


class PanelChange(Given):
    """What shall be different; what is absent stays. Not active: on no card."""

    version: Version
    name: PanelName | None = None
    address: Address | None = None
    place: Where | None = None
    line_ids: Lines | None = None
    automatic: bool | None = None
    own_origin: bool | None = None
    active: bool | None = None
    position: Position | None = None


class PanelAnswer(Answer):
    """A page of another system beside the card, its address with holes."""

    id: int
    name: str
    address: str
    place: Where
    line_ids: list[int]
    automatic: bool
    own_origin: bool
    active: bool
    position: int
    version: int


def our_hosts(request: web.Request) -> set[str]:
    """The names under which we are reached; a panel is never one of ours, on whatever port."""
    named = (f"//{request.host}", services(request).settings.public_url or "")
    return {host for each in named if (host := _host(each))}


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


@operations.get("/panels", right=VIEW_AGENTS)
async def get_panels(request: web.Request) -> list[PanelAnswer]:
    """The panels in their order; who does not keep them sees those that are in use."""
    every = person(request).may(EDIT_PANELS)
    async with services(request).db.begin() as session:
        found = await panel.list_panels(session, active=None if every else True)
        return [PanelAnswer.model_validate(it) for it in found]


@operations.post("/panels", right=EDIT_PANELS, errors=(409,))
async def post_panel(request: web.Request, body: NewPanel) -> PanelAnswer:
    """Add a panel. 409 for an address that is ours or has holes that nothing fills, and for a name in use."""
    async with services(request).db.begin() as session:
        with possible():
            made = await panel.create_panel(session, ours=our_hosts(request), **body.model_dump())
        await note(session, request, "panel.add", made.id, name=made.name, address=made.address)
        return PanelAnswer.model_validate(made)


@operations.patch("/panels/{panel_id}", right=EDIT_PANELS, errors=(409,))
async def patch_panel(request: web.Request, panel_id: Id, body: PanelChange) -> PanelAnswer:
    """Change a panel. 409 when it was changed meanwhile, or can not be so."""
    changes = body.model_dump(exclude_none=True)
    async with services(request).db.begin() as session:
        with possible():
            made = await panel.update_panel(session, panel_id, ours=our_hosts(request), **changes)
        said = {name: value for name, value in changes.items() if name != "version"}
        await note(session, request, "panel.change", panel_id, **said)
        return PanelAnswer.model_validate(made)


@operations.delete("/panels/{panel_id}", right=EDIT_PANELS)
async def delete_panel(request: web.Request, panel_id: Id) -> None:
    """Take a panel away."""
    async with services(request).db.begin() as session:
        gone = await panel.remove_panel(session, panel_id)
        await note(session, request, "panel.remove", panel_id, name=gone.name, address=gone.address)
