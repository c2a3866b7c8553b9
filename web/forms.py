"""Forms of the pages: read, do, go on; a refused one comes back with the reason and all that was typed."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import ValidationError

from crm_core.errors import Conflict, Invalid
from web.errors import Refusal, from_validation
from web.fields import BIGGEST_ID, Given
from web.given_back import give_back
from web.pages import Flash
from web.reach import find_referred, in_form, narrowed
from web.trail import SENT

Model = TypeVar("Model", bound=Given)
Again = Callable[[Flash, Mapping[str, str]], Awaitable[web.Response]]
Step = Callable[[Mapping[str, str]], Awaitable[web.Response]]


async def fields(request: web.Request) -> dict[str, str]:
    """The text fields of the form, trimmed; of a repeated field the first.

    Raises `NotFound` when one refers to what the visitor may not see.
    """
    form = await request.post()
    request[SENT] = sorted({name for name, value in form.items() if value != ""})
    found: dict[str, str] = {}
    for name, value in form.items():
        if isinstance(value, str):
            found.setdefault(name, value.strip().replace("\0", ""))
    await find_referred(request, in_form(found))
    return found


def checked(model: type[Model], given: Mapping[str, Any], **fixed: Any) -> Model:
    """`given` as `model`; empty fields are None. Raises `Refusal` 422 that names the fields."""
    values = {
        name: given[name] if given[name] != "" else None for name in model.model_fields if name in given
    }
    try:
        return model.model_validate(values | fixed)
    except ValidationError as error:
        raise from_validation(error) from None


def id_or_none(text: str, field: str) -> int | None:
    """The id that was chosen in a form; None for nothing. Raises `Invalid`."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= BIGGEST_ID:
        raise Invalid("Choose one of the list.", field)
    return int(text)


async def ticked(request: web.Request, name: str) -> list[int]:
    """The ids that were ticked under this name. Raises `Invalid`."""
    chosen = (id_or_none(str(value), name) for value in (await request.post()).getall(name, []))
    return [id_ for id_ in chosen if id_ is not None]


def whole_or_none(text: str, field: str) -> int | None:
    """The whole number that was typed; None for nothing. Raises `Refusal` 422."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Refusal(422, f"{field.capitalize()}: write a whole number.")
    return int(text)


async def settle(request: web.Request, step: Step, again: Again) -> web.Response:
    """Do what the form asks; when it is refused show `again` with the reason and what was typed."""
    typed = await fields(request)
    try:
        return await step(typed)
    except (Conflict, Invalid, Refusal) as refusal:
        with narrowed(request):
            answer = await again(Flash("bad", sentence(refusal)), typed)
        if answer.text:
            answer.text = give_back(
                answer.text, address=request.path, sent=await _sent(request), wrong=beside(refusal)
            )
        return answer


async def _sent(request: web.Request) -> dict[str, list[str]]:
    form = await request.post()
    return {name: [value for value in form.getall(name) if isinstance(value, str)] for name in form}


def beside(refusal: Exception) -> dict[str, str]:
    """What is told beside each field of a form that was refused."""
    match refusal:
        case Refusal():
            told = {error.field: error.message for error in reversed(refusal.errors) if error.field}
            # "barcodes.1" is a line of the field "barcodes", "numbers.0" what stands in the field "number".
            lists = {name.partition(".")[0]: message for name, message in told.items() if "." in name}
            return {name.removesuffix("s"): message for name, message in lists.items()} | lists | told
        case Invalid(field=str(name)):
            return {name: str(refusal)}
    return {}


def sentence(refusal: Exception) -> str:
    """What is told at the top of a form that was refused."""
    if isinstance(refusal, Refusal) and refusal.errors:
        # What is told of a field of the house names it itself.
        said = (
            error.message
            if error.field.startswith("custom.")
            else f"{error.field.partition('.')[0].replace('_', ' ')}: {error.message}"
            for error in refusal.errors
        )
        text = "; ".join(said)
        return text[:1].upper() + text[1:]
    return str(refusal)
