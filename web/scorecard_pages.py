"""Pages of scorecards: which there are, and the text of one."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from crm_core.score import MOST_QUESTIONS, Kind
from crm_core.scorecard import Card, list_cards, load_card
from web import scorecards
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_SCORECARDS
from web.services import services

pages = Pages()
SPARE = 4
"""Empty lines below the questions that are there."""


@pages.get("/scorecards", right=EDIT_SCORECARDS)
async def show_cards(request: web.Request) -> web.Response:
    """Every card with its questions."""
    async with services(request).db.begin() as session:
        rows = await list_cards(session)
    return render(request, "scorecards.html", {"rows": rows})


@pages.get("/scorecards/new", right=EDIT_SCORECARDS)
async def new_card(request: web.Request) -> web.Response:
    """An empty card."""
    return _form(request, None)


@pages.post("/scorecards/new", right=EDIT_SCORECARDS)
async def add_card(request: web.Request) -> web.Response:
    """Make a card."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = {"name": typed.get("name", ""), "questions": _questions(typed)}
        await scorecards.post_scorecard(request, checked(scorecards.NewScorecard, {}, **given))
        return go("/scorecards", "created")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return _form(request, None, flash, typed)

    return await settle(request, step, again)


@pages.get("/scorecards/{scorecard_id}", right=EDIT_SCORECARDS)
async def show_card(request: web.Request) -> web.Response:
    """One card, to be changed."""
    return _form(request, await _card(request))


@pages.post("/scorecards/{scorecard_id}", right=EDIT_SCORECARDS)
async def change_card(request: web.Request) -> web.Response:
    """Write the next edition."""
    card_id = number_in(request, "scorecard_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = {
            "name": typed.get("name", ""),
            "questions": _questions(typed),
            "active": typed.get("active") == "yes",
            "version": int(typed["version"]) if typed.get("version", "").isdecimal() else -1,
        }
        body = checked(scorecards.ScorecardChange, {}, **given)
        await scorecards.patch_scorecard(request, card_id, body)
        return go("/scorecards", "saved")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return _form(request, await _card(request), flash, typed)

    return await settle(request, step, again)


async def _card(request: web.Request) -> Card:
    async with services(request).db.begin() as session:
        return await load_card(session, number_in(request, "scorecard_id"))


def _form(
    request: web.Request,
    card: Card | None,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    """The form with what is kept, or with what was typed into it."""
    rows: list[Mapping[str, Any]] = _questions(typed) if typed else []
    if not typed and card is not None:
        rows = [asdict(it) for it in card.questions]
    spare = min(SPARE if rows else 6, MOST_QUESTIONS - len(rows))
    context = {"card": card, "rows": [*rows, *({} for _ in range(spare))]}
    return render(request, "scorecard.html", context, flash=flash, typed=typed)


def _questions(typed: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The lines that have a text, in their order."""
    found: list[Mapping[str, Any]] = []
    for place in range(MOST_QUESTIONS + SPARE):
        if not (text := typed.get(f"text_{place}", "")):
            continue
        key, weight = typed.get(f"key_{place}", ""), typed.get(f"weight_{place}", "")
        found.append(
            {
                "key": int(key) if key.isdecimal() else None,
                "text": text,
                "kind": typed.get(f"kind_{place}", Kind.SCALE),
                "weight": int(weight) if weight.isascii() and weight.isdecimal() else -1,
                "critical": typed.get(f"critical_{place}") == "yes",
            }
        )
    return found
