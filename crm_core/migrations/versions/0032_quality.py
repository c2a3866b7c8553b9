"""Words of what was said, found; and tags of calls by them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The same as `crm_core.keys.search_key` does, for the letters that speech is written in.
WITH_MARKS = (
    "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝàáâãäåçèéêëìíîïðñòóôõöøùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĐđĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĦĨĩĪīĬĭĮįİıĴĵĶķĹĺĻļĽľ"
    "ŁłŃńŅņŇňŊŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŦŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžſȘșȚțẀẁẂẃẄẅ"
)
PLAIN = (
    "aaaaaaceeeeiiiidnoooooouuuuyaaaaaaceeeeiiiidnoooooouuuuyyaaaaaaccccccccddddeeeeeeeeeegggggggghhħiiiiiiiiiijjkkllllll"
    "llnnnnnnŋoooooorrrrrrssssssssttttŧuuuuuuuuuuuuwwyyyzzzzzzsssttwwwwww"
)
GAPS = "'’-–—./_@:,&+"
SPACES = " " * len(GAPS)
MANY = 200_000
ONE_AS_TWO = {"ß": "ss", "Æ": "ae", "æ": "ae", "Œ": "oe", "œ": "oe", "Þ": "th", "þ": "th"}


def upgrade() -> None:
    _words()
    _tags()


def _words() -> None:
    """What is indexed is worked out by a function, so the table of phrases stays as it is."""
    spelt = "said"
    for letter, plain in ONE_AS_TWO.items():
        spelt = f"replace({spelt}, '{letter}', '{plain}')"
    gaps = GAPS.replace("'", "''")
    op.execute(
        "CREATE FUNCTION phrase_words(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"
        f" RETURN to_tsvector('simple'::regconfig, translate({spelt}, '{WITH_MARKS}{gaps}', '{PLAIN}{SPACES}'))"
    )
    # Of very many phrases it takes long, and is built when the service runs (`crm_core/late_index.py`).
    op.execute(f"""DO $$ BEGIN
        IF (SELECT count(*) FROM (SELECT FROM phrases LIMIT {MANY}) few) < {MANY} THEN
            CREATE INDEX ix_phrases_words ON phrases USING gin (phrase_words(text));
        END IF;
    END $$""")


def _tags() -> None:
    op.create_table(
        "phrase_tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("care", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "side IN ('customer', 'operator', 'unknown')", name=op.f("ck_phrase_tags_side_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phrase_tags")),
        sa.UniqueConstraint("name", name=op.f("uq_phrase_tags_name")),
    )
