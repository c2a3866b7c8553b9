"""What somebody does with a call while it lasts: hang up, hold, transfer, park, keys, silence in the recording.

Every answer is the true result: 204 comes when the switchboard has said that it happened.
"""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from callcenter.control import Act
from callcenter.target import Target
from crm_core.call_act import ActKind, recent_targets
from web.api import Operations
from web.calls import ToDial
from web.fields import Answer, Given, Id
from web.listing import possible
from web.rights import CONTROL_CALLS, Scope
from web.services import services
from web.sessions import person

operations = Operations("calls")

_ID: JsonDict = {"type": "integer"}
_TEXT: JsonDict = {"type": "string"}
_NONE: JsonDict = {"type": "null"}
_FIELDS = {"user_id": _ID, "queue": _TEXT, "to": _TEXT}


def _one_of(*names: str) -> JsonDict:
    """Exactly one of these fields is given, in the words of a JSON schema."""
    choices: list[JsonDict] = [
        {"required": [name], "properties": {n: _FIELDS[n] if n == name else _NONE for n in names}}
        for name in names
    ]
    return {"oneOf": list(choices)}


Said = Annotated[
    str | None,
    StringConstraints(max_length=200),
    Field(description="one line for whoever gets the call; stands on top of the card"),
]


class Asked(Given):
    """Whom to ask first: a colleague, or a number as people write it."""

    model_config = ConfigDict(json_schema_extra=_one_of("user_id", "to"))

    user_id: Id | None = None
    to: ToDial | None = None
    said: Said = None

    @model_validator(mode="after")
    def _one(self) -> "Asked":
        if (self.user_id is None) == (self.to is None):
            raise ValueError("give user_id or to, one of them")
        return self


class Receiver(Given):
    """Who gets the call: a colleague, a queue, or a number as people write it."""

    model_config = ConfigDict(json_schema_extra=_one_of("user_id", "queue", "to"))

    user_id: Id | None = None
    queue: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = None
    to: ToDial | None = None
    said: Said = None

    @model_validator(mode="after")
    def _one(self) -> "Receiver":
        if [self.user_id, self.queue, self.to].count(None) != 2:
            raise ValueError("give user_id, queue or to, one of them")
        return self


class Keys(Given):
    """Keys of a telephone, pressed one after the other; kept nowhere."""

    digits: Annotated[
        str, StringConstraints(pattern=r"^[0-9*#A-D]{1,40}$"), Field(description="0-9, *, #, A-D")
    ]


class QueueTarget(Answer):
    """A queue: how many callers wait, how many members are free."""

    name: str
    waiting: int
    free: int


class TargetsAnswer(Answer):
    """Where a call can be sent beside colleagues, who come over the push connection."""

    queues: list[QueueTarget]
    recent: list[str]


def _given(kind: ActKind, body: Asked | Receiver) -> Act:
    return Act(
        kind=kind, target=Target(**body.model_dump(exclude={"said"})), said=(body.said or "").strip() or None
    )


async def _act(request: web.Request, call_id: UUID, act: Act) -> None:
    who = person(request)
    anybody = who.scope(CONTROL_CALLS) is Scope.ALL
    with possible():
        await services(request).live.act(call_id, who.user_id, act, anybody=anybody)


PLAIN = {
    "hold": (ActKind.HOLD, "Let the customer hear music. 409 where the switchboard lacks our lines for it."),
    "resume": (ActKind.RESUME, "Take the customer back from hold."),
    "consult/complete": (ActKind.COMPLETE, "Connect the customer with whom one asked, also while it rings."),
    "consult/cancel": (ActKind.CANCEL, "Go back to the customer; whom one asked is let go."),
    "consult/swap": (ActKind.SWAP, "Change between the customer and whom one asked; the other waits."),
    "consult/conference": (ActKind.CONFERENCE, "All three talk."),
    "park": (ActKind.PARK, "Let the customer wait where everybody can fetch him; the push tells the slot."),
    "retrieve": (ActKind.RETRIEVE, "Fetch a parked customer: one's own phone rings. Also a colleague's."),
    "recording/pause": (ActKind.PAUSE_RECORDING, "Record silence until resumed, transferred or over."),
    "recording/resume": (ActKind.RESUME_RECORDING, "Record sound again."),
}
"""Acts that need nothing but the call: the end of the path, what to do, what the description says of it."""


def _plain(path: str, kind: ActKind, says: str) -> None:
    async def act(request: web.Request, call_id: UUID) -> None:
        await _act(request, call_id, Act(kind=kind))

    act.__name__, act.__doc__ = f"post_{kind.value}", says
    operations.post(f"/calls/{{call_id}}/{path}", right=CONTROL_CALLS, status=204, errors=(409,))(act)


for path, (kind, says) in PLAIN.items():
    _plain(path, kind, says)


@operations.post("/calls/{call_id}/hangup", right=CONTROL_CALLS, status=202, errors=(409,))
async def post_hangup(request: web.Request, call_id: UUID) -> None:
    """End a live call of one's own."""
    await _act(request, call_id, Act(kind=ActKind.HANG_UP))


@operations.post("/calls/{call_id}/transfer", right=CONTROL_CALLS, status=204, errors=(409,))
async def post_transfer(request: web.Request, call_id: UUID, body: Receiver) -> None:
    """Give the call away at once (blind transfer). 409 for what the switchboard does not know."""
    await _act(request, call_id, _given(ActKind.BLIND_TRANSFER, body))


@operations.post("/calls/{call_id}/consult", right=CONTROL_CALLS, status=204, errors=(409,))
async def post_consult(request: web.Request, call_id: UUID, body: Asked) -> None:
    """Ask somebody first while the customer hears music (attended transfer); the stages come over the push."""
    await _act(request, call_id, _given(ActKind.CONSULT, body))


@operations.post("/calls/{call_id}/dtmf", right=CONTROL_CALLS, status=204, errors=(409,))
async def post_dtmf(request: web.Request, call_id: UUID, body: Keys) -> None:
    """Press keys towards the other side."""
    await _act(request, call_id, Act(kind=ActKind.DTMF, digits=body.digits))


@operations.get("/calls/{call_id}/targets", right=CONTROL_CALLS)
async def get_targets(request: web.Request, call_id: UUID) -> TargetsAnswer:
    """Queues with who waits there, and to whom one transferred last."""
    parts = services(request)
    async with parts.db.begin() as session:
        recent = await recent_targets(session, person(request).user_id)
    queues = [QueueTarget.model_validate(queue) for queue in await parts.live.queues(call_id)]
    return TargetsAnswer(queues=queues, recent=recent)
