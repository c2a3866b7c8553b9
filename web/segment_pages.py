"""Pages of segments: the list with counts, the rules as groups of a form, the matrix one clicks into, hand-overs."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core import segment as service
from crm_core.custom_field import CustomField, FieldOf, list_fields
from crm_core.errors import Invalid
from crm_core.read.rfm import FREQUENCY, RECENCY, load_matrix
from crm_core.read.segments import compiled, count_customers, in_segment
from crm_core.segment_rule import CUSTOM, FIELDS, OPS, kind_of
from web import segment_form, segments
from web.errors import Refusal
from web.forms import checked, fields, id_or_none, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_SEGMENTS, VIEW_CUSTOMERS
from web.rule_words import OP_WORDS, field_word
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/segments", right=VIEW_CUSTOMERS)
async def show_segments(request: web.Request) -> web.Response:
    """Every segment with how many belong to it now, and the matrix."""
    parts = services(request)
    async with parts.db.begin() as session:
        rows: list[tuple[service.Segment, int | None]] = []
        for segment in await service.list_segments(session):
            try:
                condition = await in_segment(session, segment.id, parts.now())
                rows.append((segment, await count_customers(session, condition)))
            except Invalid:  # a field of the house that it named is no more
                rows.append((segment, None))
        cells = await load_matrix(session, parts.now())
    most = max((cell.customers for cell in cells.values()), default=0) or 1
    context = {
        "segments": rows,
        "cells": cells,
        "shade": {place: -(-4 * cell.customers // most) for place, cell in cells.items()},
        "recency": list(zip(range(5, 0, -1), (*RECENCY, None), strict=True)),
        "frequency": list(zip(range(1, 6), (*FREQUENCY, None), strict=True)),
        "may_edit": person(request).may(EDIT_SEGMENTS),
    }
    return render(request, "segments.html", context)


@pages.get("/segments/new", right=EDIT_SEGMENTS)
async def new_segment(request: web.Request) -> web.Response:
    """An empty set of rules."""
    return await _form(request, None)


@pages.get("/segments/{segment_id}", right=EDIT_SEGMENTS)
async def show_segment(request: web.Request) -> web.Response:
    """One set of rules to change."""
    return await _form(request, number_in(request, "segment_id"))


async def _form(
    request: web.Request,
    segment_id: int | None,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    root: segment_form.Group | None = None,
    focus: str = "",
) -> web.Response:
    """The rules as they are kept, as they were typed, or as a button made them (`root`, whose `focus` is new)."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await service.get_segment(session, segment_id) if segment_id is not None else None
        own = {it.code: it for it in await list_fields(session, FieldOf.CUSTOMER)}
        count = None
        if found is not None:
            try:
                count = await count_customers(session, await in_segment(session, found.id, parts.now()))
            except Invalid as wrong:
                flash = flash or Flash("bad", str(wrong))
    if root is None and typed:
        root = segment_form.of_form(typed)
    if root is None:
        root = segment_form.of_rules(found.rules if found else {"all": []})
        root.parts = root.parts or [segment_form.Test()]
    context = {
        "segment": found,
        "root": root,
        "count": count,
        **rules_context(own, "/segments/edit", focus),
    }
    return render(request, "segment.html", context, flash=flash, typed=typed)


def rules_context(own: Mapping[str, CustomField], edit_at: str, focus: str = "") -> dict[str, Any]:
    """What `rules_form.html` needs; `own`: the customers' own fields by code, `edit_at`: where its buttons go."""
    named = {code: field_word(code) for code in FIELDS}
    named |= {f"{CUSTOM}{code}": field.name for code, field in own.items()}
    rules = {code: field.rule for code, field in own.items()}
    fitting = {code: " ".join(OPS[kind]) for code in named if (kind := kind_of(code, rules)) is not None}
    return {
        "focus": focus,
        "nest": segment_form.NEST,
        "fields": [(code, said, fitting[code]) for code, said in named.items() if code in fitting],
        "ops": list(OP_WORDS.items()),
        "edit_at": edit_at,
    }


@pages.post("/segments/edit", right=EDIT_SEGMENTS, audited=False)
async def edit_rules(request: web.Request) -> web.Response:
    """The form with one more rule or group, or with one less; nothing is kept yet."""
    typed = await fields(request)
    segment_id = id_or_none(typed.get("segment_id", ""), "segment_id")
    try:
        root, focus = segment_form.edited(segment_form.of_form(typed), typed.get("edit", ""))
    except Invalid as wrong:
        return await _form(request, segment_id, Flash("bad", str(wrong)), typed)
    return await _form(request, segment_id, typed=typed, root=root, focus=focus)


@pages.post("/segments", right=EDIT_SEGMENTS)
async def add_segment(request: web.Request) -> web.Response:
    """Keep a new set of rules."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(segments.NewSegment, typed, rules=await rules_typed(request, typed))
        made = await segments.post_segment(request, body)
        return go(f"/segments/{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _form(request, None, flash, typed))


@pages.post("/segments/count", right=EDIT_SEGMENTS, audited=False)
async def count(request: web.Request) -> web.Response:
    """How many the rules of the form mean now; or what is wrong with them."""
    typed = await fields(request)
    parts = services(request)
    try:
        rules = await rules_typed(request, typed)
        async with parts.db.begin() as session:
            condition = compiled(await service.checked_rules(session, rules), parts.now())
            return web.json_response({"customers": await count_customers(session, condition)})
    except (Invalid, Refusal) as wrong:
        return web.json_response({"wrong": str(wrong)})


@pages.post("/segments/{segment_id}", right=EDIT_SEGMENTS)
async def change_segment(request: web.Request) -> web.Response:
    """Change a set of rules, or (`do` = remove) forget it."""
    segment_id = number_in(request, "segment_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        if typed.get("do") == "remove":
            await segments.delete_segment(request, segment_id)
            return go("/segments", "removed")
        body = checked(segments.SegmentChange, typed, rules=await rules_typed(request, typed))
        await segments.patch_segment(request, segment_id, body)
        return go(f"/segments/{segment_id}", "saved")

    return await settle(request, step, lambda flash, typed: _form(request, segment_id, flash, typed))


async def rules_typed(request: web.Request, typed: Mapping[str, str]) -> dict[str, Any]:
    """The rules that the form says. Raises `Invalid`."""
    async with services(request).db.begin() as session:
        own = {it.code: it.rule for it in await list_fields(session, FieldOf.CUSTOMER)}
    return segment_form.to_rules(segment_form.of_form(typed), lambda field: kind_of(field, own))
