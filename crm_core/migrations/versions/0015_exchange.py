"""Imports of goods, customers and orders: files and their refused rows; each barcode once in a shop."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FIRST_KEEP = """
INSERT INTO product_barcodes (shop_id, code, product_id)
SELECT DISTINCT ON (p.shop_id, code) p.shop_id, code, p.id FROM products p CROSS JOIN unnest(p.barcodes) AS code
ORDER BY p.shop_id, code, p.active DESC, p.id
"""
OTHERS_LOSE = """
WITH kept AS (
    SELECT p.id, p.barcodes AS before, (
        SELECT coalesce(array_agg(c.code ORDER BY c.place), '{}')
        FROM unnest(p.barcodes) WITH ORDINALITY AS c (code, place)
        JOIN product_barcodes b ON b.shop_id = p.shop_id AND b.code = c.code AND b.product_id = p.id
    ) AS after
    FROM products p
), changed AS (
    UPDATE products p SET barcodes = kept.after, version = p.version + 1 FROM kept
    WHERE kept.id = p.id AND kept.after <> kept.before RETURNING p.id, kept.before, kept.after
)
INSERT INTO audit_log (action, object_kind, object_id, detail)
SELECT 'product.update', 'product', id::text, jsonb_build_object('barcodes', jsonb_build_array(before, after))
FROM changed
"""
KEEP_BARCODES = """
CREATE FUNCTION keep_barcodes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE other record;
BEGIN
    DELETE FROM product_barcodes
    WHERE product_id = NEW.id AND (shop_id <> NEW.shop_id OR NOT code = ANY (NEW.barcodes));
    INSERT INTO product_barcodes (shop_id, code, product_id)
    SELECT DISTINCT NEW.shop_id, code, NEW.id FROM unnest(NEW.barcodes) AS code ORDER BY code
    ON CONFLICT DO NOTHING;
    SELECT p.name, p.sku, b.code INTO other FROM product_barcodes b JOIN products p ON p.id = b.product_id
    WHERE b.shop_id = NEW.shop_id AND b.code = ANY (NEW.barcodes) AND b.product_id <> NEW.id LIMIT 1;
    IF FOUND THEN
        RAISE unique_violation USING CONSTRAINT = 'pk_product_barcodes',
            MESSAGE = format('%s (%s) has the barcode %s already.', other.name, other.sku, left(other.code, 60));
    END IF;
    RETURN NULL;
END $$
"""
WATCH_BARCODES = """
CREATE TRIGGER keep_barcodes AFTER INSERT OR UPDATE OF barcodes, shop_id ON products
FOR EACH ROW EXECUTE FUNCTION keep_barcodes()
"""


def upgrade() -> None:
    _mappings()
    _imports()
    _refused()
    _external_ids()
    _barcodes()


def _mappings() -> None:
    """Until now only goods had mappings."""
    op.add_column("import_mappings", sa.Column("noun", sa.Text(), server_default="products", nullable=False))
    op.alter_column("import_mappings", "noun", server_default=None)
    op.drop_constraint(op.f("uq_import_mappings_name"), "import_mappings", type_="unique")
    op.create_unique_constraint(op.f("uq_import_mappings_noun_name"), "import_mappings", ["noun", "name"])


def _imports() -> None:
    table = "imports"
    states = "'draft', 'queued', 'running', 'done', 'stopped', 'failed'"
    op.create_table(
        table,
        _id(),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        _json("form"),
        sa.Column("headings", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        _json("columns"),
        _flag("purchases"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _flag("dry_run"),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("done", "created", "updated", "unchanged", "refused")
        ),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _made(),
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_imports_state_known")),
        sa.CheckConstraint("done BETWEEN 0 AND rows", name=op.f("ck_imports_done_within_rows")),
        _to(table, "shop_id", "shops"),
        _to(table, "warehouse_id", "warehouses"),
        _to(table, "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_shop_id"), table, ["shop_id"])
    op.create_index(
        "ix_imports_at_work", table, ["id"], postgresql_where=sa.text("state IN ('queued', 'running')")
    )


def _refused() -> None:
    table = "import_refused_rows"
    op.create_table(
        table,
        _id(),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _json("cells"),
        _made(),
        _to(table, "import_id", "imports", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_import_refused_rows_place", table, ["import_id", "place"])


def _external_ids() -> None:
    table = "external_ids"
    op.create_table(
        table,
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        _made(),
        sa.PrimaryKeyConstraint("object_kind", "external_id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_external_ids_object", table, ["object_kind", "object_id"])


def _barcodes() -> None:
    """A barcode is one product's in its shop. Where two had it the first on sale keeps it; the log says who lost it."""
    table = "product_barcodes"
    op.create_table(
        table,
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        _made(),
        _to(table, "product_id", "products", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", "code", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_product_barcodes_product_id"), table, ["product_id"])
    for statement in (FIRST_KEEP, OTHERS_LOSE, KEEP_BARCODES, WATCH_BARCODES):
        op.execute(statement)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _made() -> sa.Column[Any]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.JSONB(none_as_null=True), nullable=False)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _to(table: str, column: str, target: str, **options: Any) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, **options)
