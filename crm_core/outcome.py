"""What came of a call: trees of outcomes, one for the house and where wanted one for a line or a funnel.

An operator chooses a leaf. Calls name their outcome by its code, which is the only one of its kind in the house and
stays; an outcome that is offered no longer keeps its name for the calls that have it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.db import Base, Flag, Id, Texts, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.funnel import Funnel
from crm_core.line import Line
from crm_core.outbox import announce
from crm_core.reason import KNOWN

TOPIC = "outcome"
HOUSE = 1  # the tree of every call that no other tree is for
MOST = 60  # outcomes of one tree
DEEPEST = 3  # groups in groups
HAPPENED = {  # what an outcome may be proposed for besides the reasons of `crm_core.reason`
    "order_taken": "An order was taken in the call",
    "not_reached": "Nobody was reached",
}
ASKS = ("needs_customer", "needs_link", "needs_note", "needs_next")


class OutcomeTree(Base):
    """Outcomes that belong together. The one of the house counts where no line or funnel has its own."""

    __tablename__ = "outcome_trees"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[Id]
    name: Mapped[str]
    version: Mapped[Version]

    outcomes: Mapped[list["Outcome"]] = relationship(
        lazy="selectin", order_by="Outcome.position", cascade="all, delete-orphan"
    )
    uses: Mapped[list["OutcomeUse"]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @property
    def line_ids(self) -> list[int]:
        """Whose calls end with this tree."""
        return sorted(use.line_id for use in self.uses if use.line_id is not None)

    @property
    def funnel_ids(self) -> list[int]:
        """Calls about deals of these funnels end with this tree."""
        return sorted(use.funnel_id for use in self.uses if use.funnel_id is not None)


class OutcomeUse(Base):
    """This tree is for this line, or for this funnel."""

    __tablename__ = "outcome_uses"
    __table_args__ = (
        UniqueConstraint("line_id"),
        UniqueConstraint("funnel_id"),
        CheckConstraint("num_nonnulls(line_id, funnel_id) = 1", name="one_object"),
    )

    id: Mapped[Id]
    tree_id: Mapped[int] = mapped_column(ForeignKey("outcome_trees.id", ondelete="CASCADE"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"))
    funnel_id: Mapped[int | None] = mapped_column(ForeignKey("funnels.id", ondelete="CASCADE"))


class Outcome(Base):
    """One outcome, or a group of them (it has others below it).

    It may ask for a customer, for what the call was about, for a note, for a next step. `about`: the reasons of
    `crm_core.reason` that it shows to have been right, and what of `HAPPENED` it stands for.
    """

    __tablename__ = "outcomes"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("code ~ '^[a-z0-9_-]{1,40}$'", name="code_plain"),
    )

    id: Mapped[Id]
    tree_id: Mapped[int] = mapped_column(ForeignKey("outcome_trees.id", ondelete="CASCADE"), index=True)
    code: Mapped[str]
    parent: Mapped[str | None]
    label: Mapped[str]
    position: Mapped[int]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    needs_customer: Mapped[Flag]
    needs_link: Mapped[Flag]
    needs_note: Mapped[Flag]
    needs_next: Mapped[Flag]
    about: Mapped[Texts]


@dataclass(frozen=True, kw_only=True)
class OutcomeWanted:
    """An outcome as the administrator wants it; without `code` a new one. `parent`: its group by code or label."""

    label: str
    code: str | None = None
    parent: str | None = None
    active: bool = True
    needs_customer: bool = True
    needs_link: bool = False
    needs_note: bool = False
    needs_next: bool = False
    about: Sequence[str] = ()


async def list_trees(session: AsyncSession) -> Sequence[OutcomeTree]:
    """Every tree, that of the house first."""
    return (await session.scalars(select(OutcomeTree).order_by(OutcomeTree.id))).all()


async def labels(session: AsyncSession) -> Mapping[str, str]:
    """How every outcome is called that calls may have, by code."""
    rows = await session.execute(select(Outcome.code, Outcome.label).order_by(Outcome.id))
    return {row.code: row.label for row in rows}


async def choices(session: AsyncSession) -> Mapping[str, str]:
    """The outcomes that can be chosen now, groups before their outcomes: code -> "Group › Outcome"."""
    found = {}
    for tree in await list_trees(session):
        known = {one.code: one for one in tree.outcomes}
        for one in leaves(tree.outcomes):
            found[one.code] = " › ".join([*(group.label for group in _above(one, known)), one.label])
    return found


def leaves(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those that can be chosen: offered, and no group."""
    offered = [one for one in outcomes if one.active]
    groups = {one.parent for one in offered}
    return [one for one in offered if one.code not in groups]


async def chosen(session: AsyncSession, code: str) -> Outcome:
    """The outcome that may be given now. Raises `Invalid`."""
    found = await session.scalar(select(Outcome).where(Outcome.code == code))
    if found is None or not found.active:
        raise Invalid(f"{code[:40]!r} is no outcome of a call.", "code")
    below = select(Outcome.id).where(Outcome.parent == code, Outcome.active)
    if await session.scalar(below.limit(1)):
        raise Invalid(f"“{found.label}” is a group: choose one of its outcomes.", "code")
    return found


async def get_tree(session: AsyncSession, tree_id: int, *, lock: bool = False) -> OutcomeTree:
    """The tree with its outcomes. Raises `NotFound`."""
    found = await session.get(OutcomeTree, tree_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound(f"There is no tree of outcomes {tree_id}.")
    return found


async def add_tree(session: AsyncSession, *, name: str) -> OutcomeTree:
    """Another tree, which begins with what the house's offers. Raises `Invalid`, `Conflict` for a name in use."""
    made = OutcomeTree(name=await _free_name(session, name), version=1, outcomes=[], uses=[])
    house = await get_tree(session, HOUSE)
    names = {one.code: one.label for one in house.outcomes}
    wanted = [
        OutcomeWanted(
            label=one.label,
            parent=names.get(one.parent or ""),
            about=one.about,
            **{ask: getattr(one, ask) for ask in ASKS},
        )
        for one in house.outcomes
        if one.active
    ]
    _put(made, wanted, await _taken(session))
    session.add(made)
    await session.flush()
    await announce(session, TOPIC, {"id": made.id})
    return made


async def change_tree(
    session: AsyncSession, tree_id: int, *, version: int, changes: Mapping[str, Any]
) -> OutcomeTree:
    """Change `name`, `line_ids`, `funnel_ids` and `outcomes` (all of them, in their order; one that is left out is
    offered no longer). Raises `NotFound`, `Invalid`, `Conflict` when `version` is not the newest."""
    tree = await get_tree(session, tree_id, lock=True)
    if tree.version != version:
        raise Conflict(f"The outcomes “{tree.name}” were changed by somebody else meanwhile.")
    if "name" in changes and changes["name"] != tree.name:
        tree.name = await _free_name(session, changes["name"])
    if "outcomes" in changes:
        _put(tree, changes["outcomes"], await _taken(session))
    if "line_ids" in changes or "funnel_ids" in changes:
        await _use(
            session,
            tree,
            changes.get("line_ids", tree.line_ids),
            changes.get("funnel_ids", tree.funnel_ids),
        )
    tree.version += 1
    await session.flush()
    await announce(session, TOPIC, {"id": tree.id})
    return tree


async def _use(
    session: AsyncSession, tree: OutcomeTree, line_ids: Sequence[int], funnel_ids: Sequence[int]
) -> None:
    """Let these lines and funnels have this tree; whatever they had before is theirs no more."""
    if tree.id == HOUSE and (line_ids or funnel_ids):
        raise Invalid(
            "The outcomes of the house are for every line and funnel that has none of its own.", "line_ids"
        )
    for table, wanted, field in ((Line, line_ids, "line_ids"), (Funnel, funnel_ids, "funnel_ids")):
        known = set(await session.scalars(select(table.id).where(table.id.in_(wanted))))
        if strangers := set(wanted) - known:
            raise Invalid(f"There is no {field[:-4]} {min(strangers)}.", field)
    for column, wanted in ((OutcomeUse.line_id, line_ids), (OutcomeUse.funnel_id, funnel_ids)):
        for use in await session.scalars(select(OutcomeUse).where(column.in_(wanted))):
            await session.delete(use)
    tree.uses = []
    await session.flush()
    tree.uses = [OutcomeUse(line_id=id_) for id_ in line_ids] + [
        OutcomeUse(funnel_id=id_) for id_ in funnel_ids
    ]


def _put(tree: OutcomeTree, wanted: Sequence[OutcomeWanted], taken: set[str]) -> None:
    """Let the tree have these outcomes in this order. Raises `Invalid`."""
    if len(wanted) > MOST:
        raise Invalid(f"{MOST} outcomes are more than anybody reads.", "outcomes")
    known = {one.code: one for one in tree.outcomes}
    if strangers := {one.code for one in wanted if one.code} - set(known):
        raise Invalid(f"The tree has no outcome {min(strangers)[:40]!r}.", "outcomes")
    kept = {one.code for one in wanted if one.code}
    if len(kept) < sum(1 for one in wanted if one.code):
        raise Invalid("An outcome stands in the list twice.", "outcomes")
    taken = taken | set(known)
    placed: list[tuple[Outcome, str | None]] = []
    for position, one in enumerate(wanted, 1):
        label = named(one.label, "outcomes")
        code = one.code or _free_code(label, taken)
        taken.add(code)
        row = known.get(code) or Outcome(code=code)
        row.label, row.position, row.active = label, position, one.active
        for ask in ASKS:
            setattr(row, ask, getattr(one, ask))
        if strange := set(one.about) - {*KNOWN, *HAPPENED}:
            raise Invalid(f"{min(strange)[:40]!r} is no reason of a call.", "outcomes")
        row.about = list(one.about)
        placed.append((row, one.parent))
    by_name = {row.label: row.code for row, _ in reversed(placed)} | {row.code: row.code for row, _ in placed}
    for row, parent in placed:
        if parent and parent not in by_name:
            raise Invalid(f"There is no group {parent[:40]!r} to put “{row.label}” in.", "outcomes")
        row.parent = by_name[parent] if parent else None
    here = {row.code: row for row, _ in placed}
    for row, _ in placed:
        if len(_above(row, here)) >= DEEPEST:
            raise Invalid(f"“{row.label}” lies too deep: {DEEPEST} levels are the most.", "outcomes")
    for code, row in known.items():
        if code not in kept:
            row.active, row.position = False, MOST + 1
    tree.outcomes = sorted({**known, **here}.values(), key=lambda row: row.position)


def _above(row: Outcome, known: Mapping[str, Outcome]) -> list[Outcome]:
    """The groups that it lies in, the outermost first. Raises `Invalid` for a ring."""
    found: list[Outcome] = []
    while row.parent is not None and row.parent in known:
        row = known[row.parent]
        if row in found or len(found) > DEEPEST:
            raise Invalid(f"“{row.label}” can not lie in itself.", "outcomes")
        found.insert(0, row)
    return found


def _free_code(label: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30].strip("_") or "outcome"
    return next(it for n in range(1, 9999) if (it := base if n == 1 else f"{base}_{n}") not in taken)


async def _taken(session: AsyncSession) -> set[str]:
    return set(await session.scalars(select(Outcome.code)))


async def _free_name(session: AsyncSession, name: str) -> str:
    name = named(name, "name")
    if await session.scalar(select(func.count()).select_from(OutcomeTree).where(OutcomeTree.name == name)):
        raise Conflict(f"There are already outcomes “{name}”.")
    return name


def named(name: str, field: str) -> str:
    """A name as it is kept. Raises `Invalid`."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise Invalid("Give it a name of at most 60 letters.", field)
    return name
