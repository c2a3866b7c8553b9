"""Pages of tips: all of them with whom they mean, and one with its rules."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.custom_field import FieldOf, list_fields
from crm_core.errors import Invalid
from crm_core.segment import list_segments
from crm_core.tip import NO_RULES, get_tip, list_tips
from web import segment_form, tips
from web.forms import checked, fields, id_or_none, settle, whole_or_none
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_TIPS
from web.rule_words import why_told
from web.segment_pages import rules_context, rules_typed
from web.services import services

pages = Pages()


@pages.get("/tips", right=EDIT_TIPS)
async def show_tips(request: web.Request) -> web.Response:
    """All of them, the weightiest first."""
    async with services(request).db.begin() as session:
        names = {it.id: it.name for it in await list_segments(session)}
        rows = [
            (it, why_told(names.get(it.segment_id or 0), None if it.rules == NO_RULES else it.rules))
            for it in await list_tips(session)
        ]
    return render(request, "tips.html", {"rows": rows, "today": services(request).now().date()})


@pages.get("/tips/new", right=EDIT_TIPS)
async def new_tip(request: web.Request) -> web.Response:
    """A tip to begin with."""
    return await _form(request, None)


@pages.get("/tips/{tip_id}", right=EDIT_TIPS)
async def show_tip(request: web.Request) -> web.Response:
    """One tip to change."""
    return await _form(request, number_in(request, "tip_id"))


async def _form(
    request: web.Request,
    tip_id: int | None,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    root: segment_form.Group | None = None,
    focus: str = "",
) -> web.Response:
    """The tip as it is kept, as it was typed, or as a button made its rules (`root`, whose `focus` is new)."""
    async with services(request).db.begin() as session:
        found = await get_tip(session, tip_id) if tip_id is not None else None
        own = {it.code: it for it in await list_fields(session, FieldOf.CUSTOMER)}
        segments = [(it.id, it.name) for it in await list_segments(session)]
    if root is None and typed:
        root = segment_form.of_form(typed)
    if root is None:
        root = segment_form.of_rules(found.rules if found else NO_RULES)
        root.parts = root.parts or [segment_form.Test()]
    context = {"it": found, "root": root, "segments": segments, **rules_context(own, "/tips/edit", focus)}
    return render(request, "tip.html", context, flash=flash, typed=typed)


@pages.post("/tips/edit", right=EDIT_TIPS, audited=False)
async def edit_rules(request: web.Request) -> web.Response:
    """The form with one more rule or group, or with one less; nothing is kept yet."""
    typed = await fields(request)
    tip_id = id_or_none(typed.get("tip_id", ""), "tip_id")
    try:
        root, focus = segment_form.edited(segment_form.of_form(typed), typed.get("edit", ""))
    except Invalid as wrong:
        return await _form(request, tip_id, Flash("bad", str(wrong)), typed)
    return await _form(request, tip_id, typed=typed, root=root, focus=focus)


@pages.post("/tips", right=EDIT_TIPS)
async def add_tip(request: web.Request) -> web.Response:
    """Keep a new tip."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await tips.post_tip(request, checked(tips.NewTip, {}, **await _typed(request, typed)))
        return go("/tips", "created")

    return await settle(request, step, lambda flash, typed: _form(request, None, flash, typed))


@pages.post("/tips/{tip_id}", right=EDIT_TIPS)
async def change_tip(request: web.Request) -> web.Response:
    """Keep what the form says, or (`do`) tell it no longer, again, or forget it."""
    tip_id = number_in(request, "tip_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        act = typed.get("do", "save")
        if act == "remove":
            await tips.delete_tip(request, tip_id)
            return go("/tips", "removed")
        given = {"active": act == "use"} if act in ("rest", "use") else await _typed(request, typed)
        version = whole_or_none(typed.get("version", ""), "version")
        await tips.patch_tip(request, tip_id, checked(tips.TipChange, {}, version=version, **given))
        return go("/tips", "saved")

    return await settle(request, step, lambda flash, typed: _form(request, tip_id, flash, typed))


async def _typed(request: web.Request, typed: Mapping[str, str]) -> dict[str, object]:
    return {
        "text": typed.get("text", ""),
        "priority": whole_or_none(typed.get("priority", ""), "weight") or 5,
        "segment_id": id_or_none(typed.get("segment_id", ""), "segment_id"),
        "ends_on": typed.get("ends_on") or None,
        "rules": await rules_typed(request, typed),
    }
