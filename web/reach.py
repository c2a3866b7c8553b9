"""What a request may reach: lists are narrowed, and what is named by its id is looked for within reach.

`api.py` and `pages.py` do this for every route; no handler has to think of it. A reading one runs with every query
narrowed (`crm_core.reach`). One that changes something runs unnarrowed, because totals and rules concern the whole,
but only after the customers, orders, deals and callbacks that its address and body name were found within reach.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import select

from crm_core.errors import NotFound
from crm_core.reach import ENTITIES, Reach, seeing
from web.rights import Person, Right
from web.services import services
from web.sessions import person

_NAMED = {f"{noun.removesuffix('s')}_id": noun for noun in ENTITIES}
_CHOSEN = re.compile(r"(order|deal):([0-9]{1,18})")  # the choice of what a call is about, in forms


def reach_of(who: Person, right: Right | None = None) -> Reach:
    """What this person sees; of the noun of `right` what that right reaches."""
    rights = {noun: Right(noun, "view") for noun in ENTITIES}
    if right is not None and right.object in rights:
        rights[right.object] = right
    return Reach(**{noun: who.whose(held) for noun, held in rights.items()})


@contextmanager
def narrowed(request: web.Request) -> Iterator[None]:
    """Queries inside find only what the visitor may see."""
    with seeing(reach_of(person(request))):
        yield


async def find_named(request: web.Request, right: Right | None, body: BaseModel | None = None) -> None:
    """Raises `NotFound` when the address, the body or the form names something beyond the visitor's reach."""
    reach = reach_of(person(request), right)
    if reach.unlimited:
        return
    # What the body names is only referred to, so that it has to be seen; the address names what is changed.
    await _find(request, reach, request.match_info)
    referred = _given(body) if body is not None else await _form(request)
    await _find(request, reach_of(person(request)), referred)


async def _find(request: web.Request, reach: Reach, given: Mapping[str, Any]) -> None:
    wanted = [
        (noun, int(given[name]))
        for name, noun in _NAMED.items()
        if str(given.get(name) or "").isdecimal() and getattr(reach, noun) is not None
    ]
    if not wanted:
        return
    with seeing(reach):
        async with services(request).db.begin() as session:
            for noun, id_ in wanted:
                entity = ENTITIES[noun]
                if (
                    0 < id_ < 2**63
                    and await session.scalar(select(entity.id).where(entity.id == id_)) is None
                ):
                    raise NotFound(f"There is no such {noun.removesuffix('s')}.")


def _given(body: BaseModel) -> Mapping[str, Any]:
    return {name: getattr(body, name) for name in _NAMED if name in type(body).model_fields}


async def _form(request: web.Request) -> Mapping[str, Any]:
    if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return {}
    form = await request.post()
    given: dict[str, Any] = {name: form[name] for name in _NAMED if isinstance(form.get(name), str)}
    if chosen := _CHOSEN.fullmatch(str(form.get("object", ""))):
        given[f"{chosen[1]}_id"] = chosen[2]
    return given
