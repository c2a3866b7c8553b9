"""Calls looked at by their quality, and the customer's vote."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _cards()
    _calibrations()
    _reviews()
    _to_review()
    _votes()


def _cards() -> None:
    op.create_table(
        "scorecards",
        _id(),
        _text("name"),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scorecards")),
        sa.UniqueConstraint("name", name=op.f("uq_scorecards_name")),
    )
    op.create_table(
        "scorecard_editions",
        _id(),
        _number("scorecard_id"),
        _number("number"),
        _text("name"),
        sa.Column("questions", postgresql.JSONB(), nullable=False),
        _number("made_by", nullable=True),
        _made_at(),
        _to("scorecard_editions", "made_by", "users.id"),
        _to("scorecard_editions", "scorecard_id", "scorecards.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scorecard_editions")),
        sa.UniqueConstraint("scorecard_id", "number", name=op.f("uq_scorecard_editions_scorecard_id_number")),
    )


def _calibrations() -> None:
    op.create_table(
        "review_calibrations",
        _id(),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        _number("operator_id"),
        _number("edition_id"),
        _number("made_by", nullable=True),
        _made_at(),
        _to("review_calibrations", "call_id", "calls.id", ondelete="CASCADE"),
        _to("review_calibrations", "edition_id", "scorecard_editions.id"),
        _to("review_calibrations", "made_by", "users.id"),
        _to("review_calibrations", "operator_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_calibrations")),
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        _id(),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        _number("operator_id"),
        _number("reviewer_id"),
        _number("edition_id"),
        _number("calibration_id", nullable=True),
        sa.Column("marks", postgresql.JSONB(), nullable=False),
        sa.Column("score", sa.Numeric(precision=4, scale=1), nullable=False),
        sa.Column("zeroed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _text("comment"),
        _at("reviewed_at"),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        _to("reviews", "calibration_id", "review_calibrations.id", ondelete="CASCADE"),
        _to("reviews", "call_id", "calls.id", ondelete="CASCADE"),
        _to("reviews", "edition_id", "scorecard_editions.id"),
        _to("reviews", "operator_id", "users.id"),
        _to("reviews", "reviewer_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint(
            "call_id",
            "operator_id",
            "reviewer_id",
            "calibration_id",
            name=op.f("uq_reviews_call_id_operator_id_reviewer_id_calibration_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_reviews_operator", "reviews", ["operator_id", sa.text("reviewed_at DESC")])
    op.create_index("ix_reviews_reviewed_at", "reviews", [sa.text("reviewed_at DESC")])
    op.create_index("ix_reviews_reviewer", "reviews", ["reviewer_id", sa.text("reviewed_at DESC")])
    op.create_table(
        "review_appeals",
        sa.Column("review_id", sa.BigInteger(), autoincrement=False, nullable=False),
        _text("text"),
        _at("appealed_at"),
        _number("decided_by", nullable=True),
        _at("decided_at", nullable=True),
        _text("outcome", nullable=True),
        _text("answer", nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        _made_at(),
        sa.CheckConstraint("outcome IN ('upheld', 'changed')", name=op.f("ck_review_appeals_outcome_known")),
        _to("review_appeals", "decided_by", "users.id"),
        _to("review_appeals", "review_id", "reviews.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_review_appeals")),
    )
    op.create_index(
        "ix_review_appeals_open",
        "review_appeals",
        ["review_id"],
        postgresql_where=sa.text("decided_at IS NULL"),
    )


def _to_review() -> None:
    op.create_table(
        "review_rules",
        _id(),
        _text("name"),
        _number("scorecard_id"),
        _number("per_operator"),
        _number("min_talk_s"),
        _text("pick"),
        _number("line_id", nullable=True),
        _text("outcome", nullable=True),
        _number("tag_id", nullable=True),
        _number("team_id", nullable=True),
        sa.Column("reviewers", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("drawn_week", sa.Date(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint(
            "pick IN ('random', 'long_without_order')", name=op.f("ck_review_rules_pick_known")
        ),
        sa.CheckConstraint("per_operator BETWEEN 1 AND 50", name=op.f("ck_review_rules_per_operator_range")),
        _to("review_rules", "line_id", "lines.id", ondelete="CASCADE"),
        _to("review_rules", "scorecard_id", "scorecards.id"),
        _to("review_rules", "tag_id", "phrase_tags.id", ondelete="CASCADE"),
        _to("review_rules", "team_id", "teams.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_rules")),
    )
    op.create_table(
        "review_tasks",
        _id(),
        _number("rule_id", nullable=True),
        _number("calibration_id", nullable=True),
        sa.Column("week", sa.Date(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        _number("operator_id"),
        _number("reviewer_id", nullable=True),
        _number("scorecard_id"),
        _number("review_id", nullable=True),
        _at("skipped_at", nullable=True),
        _number("skipped_by", nullable=True),
        _text("skip_reason", nullable=True),
        _made_at(),
        sa.CheckConstraint(
            "num_nonnulls(rule_id, calibration_id) <= 1", name=op.f("ck_review_tasks_one_cause")
        ),
        _to("review_tasks", "calibration_id", "review_calibrations.id", ondelete="CASCADE"),
        _to("review_tasks", "call_id", "calls.id", ondelete="CASCADE"),
        _to("review_tasks", "operator_id", "users.id"),
        _to("review_tasks", "review_id", "reviews.id", ondelete="SET NULL"),
        _to("review_tasks", "reviewer_id", "users.id"),
        _to("review_tasks", "rule_id", "review_rules.id", ondelete="SET NULL"),
        _to("review_tasks", "scorecard_id", "scorecards.id"),
        _to("review_tasks", "skipped_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_tasks")),
        sa.UniqueConstraint(
            "calibration_id", "reviewer_id", name=op.f("uq_review_tasks_calibration_id_reviewer_id")
        ),
        sa.UniqueConstraint(
            "rule_id", "call_id", "operator_id", name=op.f("uq_review_tasks_rule_id_call_id_operator_id")
        ),
    )
    op.create_index("ix_review_tasks_call", "review_tasks", ["call_id"])
    op.create_index(
        "ix_review_tasks_open",
        "review_tasks",
        ["reviewer_id"],
        postgresql_where=sa.text("review_id IS NULL AND skipped_at IS NULL"),
    )
    op.create_index("ix_review_tasks_week", "review_tasks", ["week"])


def _votes() -> None:
    op.create_table(
        "call_votes",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        _number("stars"),
        _text("way"),
        _number("operator_id", nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        _at("voted_at"),
        _made_at(),
        sa.CheckConstraint("way IN ('phone', 'link')", name=op.f("ck_call_votes_way_known")),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_call_votes_stars_range")),
        _to("call_votes", "call_id", "calls.id", ondelete="CASCADE"),
        _to("call_votes", "operator_id", "users.id"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_votes")),
    )
    op.create_index("ix_call_votes_operator", "call_votes", ["operator_id", sa.text("voted_at DESC")])
    op.create_index("ix_call_votes_voted_at", "call_votes", [sa.text("voted_at DESC")])
    op.create_table(
        "vote_links",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _at("expires_at"),
        _number("made_by", nullable=True),
        _made_at(),
        _to("vote_links", "call_id", "calls.id", ondelete="CASCADE"),
        _to("vote_links", "made_by", "users.id"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_vote_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_vote_links_digest")),
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=nullable)


def _made_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _to(table: str, column: str, other: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other.split('.')[0]}"
    return sa.ForeignKeyConstraint([column], [other], name=op.f(name), ondelete=ondelete)
