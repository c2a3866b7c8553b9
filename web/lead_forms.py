"""Web forms in the API: kept by administrators, sent by the pages of a shop's own site (no sign-in, CORS).

What comes through `POST /forms/{key}` is hostile: it is bounded, counted per address, and kept as text. A form
that says its site is taken from that site's pages and from servers; a page of another site is refused.
"""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import lead_form
from crm_core.lead import LONGEST_MESSAGE, lead_from_form
from crm_core.user import Role
from web.api import PREFIX, Operations
from web.errors import Refusal
from web.fields import VISIBLE, Answer, Given, Id, ShortText, Version
from web.listing import possible
from web.middleware import visitor_address
from web.noted import note
from web.rights import EDIT_FORMS
from web.services import services
from web.throttle import count_attempt

operations = Operations("leads")
Key = Annotated[str, StringConstraints(pattern=lead_form.KEY)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Site = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9][A-Za-z0-9.-]{0,200}(:[0-9]{1,5})?$"),
    Field(description="scheme and host alone, as a browser's Origin"),
]
PER_ADDRESS, PER_FORM = 10, 500  # within five minutes


class FormAnswer(Answer):
    """A form and where what it asks is sent to: `POST /api/v1/forms/{key}`."""

    id: int
    key: str
    name: str
    shop_id: int
    origin: str | None
    fields: list[str]
    responsible_id: int | None
    role: Role | None
    active: bool
    version: int


class NewForm(Given):
    """A form of a web site. `origin`: the site whose pages may send it (null: only servers). What comes is for
    `responsible_id`, else for everybody of `role`. `fields`: what is asked besides name, telephone, e-mail, message."""

    name: Label
    shop_id: Id
    origin: Site | None = None
    fields: Annotated[list[Label], Field(default_factory=list, max_length=lead_form.MOST_FIELDS)]
    responsible_id: Id | None = None
    role: Role | None = None


class FormChange(Given):
    """What shall be different; what is absent stays."""

    version: Version
    name: Label = ""
    shop_id: Id = 1
    origin: Site | None = None
    fields: Annotated[list[Label], Field(default_factory=list, max_length=lead_form.MOST_FIELDS)]
    responsible_id: Id | None = None
    role: Role | None = None
    active: bool = True


class Submission(Given):
    """What somebody typed; a telephone number or an e-mail is needed. `website` is a trap for machines: a page
    hides it and people leave it empty."""

    name: ShortText | None = None
    phone: ShortText | None = None
    email: ShortText | None = None
    message: Annotated[str, StringConstraints(max_length=LONGEST_MESSAGE)] | None = None
    page: Annotated[str, StringConstraints(max_length=2000)] | None = None
    fields: Annotated[dict[str, ShortText], Field(default_factory=dict, max_length=50)]
    website: ShortText | None = None


class Received(Answer):
    """It has arrived."""

    received: bool = True


@operations.post("/forms/{key}", public=True, status=202, errors=(403, 404, 409, 429))
async def post_form(request: web.Request, key: Key, body: Submission) -> web.Response:
    """Send a form of a web site. 403 from a page of another site, 409 without a way to reach the sender, 429 when
    too many came from one address."""
    parts = services(request)
    address, now = visitor_address(request), parts.now()
    await count_attempt(parts.db, f"forms:{address[:100]}", limit=PER_ADDRESS, now=now)
    async with parts.db.begin() as session:
        form = await lead_form.form_of(session, key)
        allowed = _cors(request, form.origin)
    await count_attempt(parts.db, f"form:{key}", limit=PER_FORM, now=now)
    if not body.website:
        given = body.model_dump(exclude={"fields", "website"})
        async with parts.db.begin() as session:
            form = await lead_form.form_of(session, key)
            with possible():
                await lead_from_form(session, form, answers=body.fields, at=now, **given)
    return web.json_response(Received().model_dump(), status=202, headers=allowed)


async def ask_first(request: web.Request) -> web.Response:
    """A browser asks whether a page of another site may send the form (CORS preflight)."""
    async with services(request).db.begin() as session:
        form = await lead_form.form_of(session, request.match_info["key"].replace("\0", ""))
    allowed = _cors(request, form.origin)
    more = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type"}
    return web.Response(status=204, headers=allowed | more | {"Access-Control-Max-Age": "600"})


def add_preflight(app: web.Application) -> None:
    """Let browsers ask; no operation of the API, so not in its description."""
    app.router.add_route("OPTIONS", f"{PREFIX}/forms/{{key}}", ask_first)


def _cors(request: web.Request, site: str | None) -> dict[str, str]:
    """The headers that let the page of `site` read the answer. Raises `Refusal` 403 for another site's page."""
    origin = request.headers.get("Origin")
    if origin is None:
        return {}
    if site is None or origin.lower() != site:
        raise Refusal(403, "This form is not taken from this site.")
    return {
        "Access-Control-Allow-Origin": origin,
        "Vary": "Origin",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


@operations.get("/lead-forms", right=EDIT_FORMS)
async def get_forms(request: web.Request) -> list[FormAnswer]:
    """Every form, by name."""
    async with services(request).db.begin() as session:
        return [FormAnswer.model_validate(it) for it in await lead_form.list_forms(session)]


@operations.post("/lead-forms", right=EDIT_FORMS, errors=(409,))
async def post_lead_form(request: web.Request, body: NewForm) -> FormAnswer:
    """Add a form. 409 for an unknown shop or colleague, and when nobody would get what comes."""
    async with services(request).db.begin() as session:
        with possible():
            made = await lead_form.create_form(session, **body.model_dump())
        await note(session, request, "form.add", made.id)
        return FormAnswer.model_validate(made)


@operations.patch("/lead-forms/{form_id}", right=EDIT_FORMS, errors=(409,))
async def patch_lead_form(request: web.Request, form_id: Id, body: FormChange) -> FormAnswer:
    """Change a form, or take it out of use. 409 when `version` is stale."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    async with services(request).db.begin() as session:
        with possible():
            changed = await lead_form.update_form(session, form_id, version=body.version, changes=changes)
        await note(session, request, "form.change", form_id, fields=sorted(changes))
        return FormAnswer.model_validate(changed)
