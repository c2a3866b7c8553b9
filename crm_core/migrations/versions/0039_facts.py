"""Facts are rolled up too: what changes missed calls, orders and goods leaves marks on their hours."""

from collections.abc import Sequence

from alembic import op

revision: str = "0039"
down_revision: str | None = "0038"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OVER = "clock_timestamp() - interval '1 hour'"  # as in step 0031
CATEGORY = """(SELECT min(v.value) FROM jsonb_each_text({0}.properties) v
    WHERE lower(v.key) IN ('category', 'категория', 'категорія', 'kategoria'))"""
FUNCTIONS = (
    # What became of calls that were missed in the week before, and whether they were the last ones.
    f"""
    CREATE FUNCTION mark_missed(c calls) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF c.missed_place IS NOT NULL AND c.started_at < {OVER} THEN
            PERFORM mark_figures(ARRAY['missed'], c.started_at, c.started_at);
        END IF;
        IF c.result IS NULL OR c.direction = 'internal' THEN
            RETURN;
        END IF;
        INSERT INTO figure_marks (family, since, until)
            SELECT DISTINCT 'missed', o.started_at, o.started_at FROM calls o
            WHERE (o.customer_id = c.customer_id OR o.remote_e164 = c.remote_e164) AND o.missed_place IS NOT NULL
                AND o.started_at BETWEEN c.started_at - interval '7 days' AND least(c.started_at, {OVER});
    END $$
    """,
    """
    CREATE FUNCTION mark_missed_by_call() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_missed(OLD);
        IF TG_OP = 'UPDATE' THEN
            PERFORM mark_missed(NEW);
            IF (OLD.line_id, OLD.queue) IS DISTINCT FROM (NEW.line_id, NEW.queue) THEN
                PERFORM mark_placed(w.id) FROM orders w WHERE w.created_in_call_id = NEW.id;
            END IF;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_missed_by_new_calls() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_missed(a.*::calls) FROM added a WHERE a.result IS NOT NULL;
        RETURN NULL;
    END $$
    """,
    f"""
    CREATE FUNCTION mark_placed(wanted bigint) RETURNS void LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until)
            SELECT 'placed', w.created_at, w.created_at FROM orders w WHERE w.id = wanted AND w.created_at < {OVER}
    $$
    """,
    f"""
    CREATE FUNCTION mark_goods(wanted bigint) RETURNS void LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until)
            SELECT 'goods', c.started_at, c.started_at FROM calls c
            WHERE c.started_at < {OVER} AND c.id IN (
                SELECT l.call_id FROM call_links l WHERE l.order_id = wanted
                UNION SELECT h.call_id FROM order_changes h WHERE h.order_id = wanted AND h.call_id IS NOT NULL)
    $$
    """,
    f"""
    CREATE FUNCTION mark_goods_of_deal(wanted bigint) RETURNS void LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until)
            SELECT 'goods', c.started_at, c.started_at FROM call_links l JOIN calls c ON c.id = l.call_id
            WHERE l.deal_id = wanted AND c.started_at < {OVER}
    $$
    """,
    f"""
    CREATE FUNCTION mark_new_orders() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO figure_marks (family, since, until)
            SELECT DISTINCT 'placed', date_trunc('hour', created_at), date_trunc('hour', created_at) + interval '1 hour'
            FROM added WHERE created_at < {OVER};
        INSERT INTO figure_marks (family, since, until)
            SELECT DISTINCT 'placed', o.created_at, o.created_at
            FROM added a JOIN orders o ON o.customer_id = a.customer_id AND o.created_at > a.created_at
            WHERE o.created_at < {OVER};
        RETURN NULL;
    END $$
    """,
    # Whoever bought before buys again: that is told of his later orders.
    f"""
    CREATE FUNCTION mark_later_orders(customer bigint, since timestamptz) RETURNS void LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until)
            SELECT 'placed', o.created_at, o.created_at FROM orders o
            WHERE o.customer_id = customer AND o.created_at > since AND o.created_at < {OVER}
    $$
    """,
    f"""
    CREATE FUNCTION mark_facts_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.created_at < {OVER} THEN
            PERFORM mark_figures(ARRAY['placed'], OLD.created_at, OLD.created_at);
            PERFORM mark_later_orders(OLD.customer_id, OLD.created_at);
        END IF;
        IF TG_OP = 'UPDATE' THEN
            PERFORM mark_placed(NEW.id);
            PERFORM mark_goods(NEW.id);
            IF (OLD.customer_id, OLD.created_at) <> (NEW.customer_id, NEW.created_at) THEN
                PERFORM mark_later_orders(NEW.customer_id, NEW.created_at);
            END IF;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_facts_of_part() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_placed(OLD.order_id);
        IF TG_OP = 'UPDATE' AND NEW.order_id <> OLD.order_id THEN
            PERFORM mark_placed(NEW.order_id);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_facts_of_new_parts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_placed(o.order_id) FROM (SELECT DISTINCT order_id FROM added) o;
        RETURN NULL;
    END $$
    """,
    # What changes what was sold in a call changes what is told of its goods.
    """
    CREATE FUNCTION mark_goods_as_sales() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM added WHERE family = 'sales') THEN
            INSERT INTO figure_marks (family, since, until)
                SELECT 'goods', since, until FROM added WHERE family = 'sales';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_goods_of_linked_deal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND OLD.deal_id IS NOT NULL THEN
            PERFORM mark_by_call(ARRAY['goods'], OLD.call_id);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.deal_id IS NOT NULL THEN
            PERFORM mark_by_call(ARRAY['goods'], NEW.call_id);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_goods_of_deal_item() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM mark_goods_of_deal(OLD.deal_id);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM mark_goods_of_deal(NEW.deal_id);
        END IF;
        RETURN NULL;
    END $$
    """,
    # A product stands in another family, shop or category now, in whatever it was sold.
    f"""
    CREATE FUNCTION mark_products() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_placed(o.id), mark_goods(o.id) FROM (
            SELECT DISTINCT i.order_id AS id FROM was JOIN became USING (id) JOIN order_items i ON i.product_id = was.id
            WHERE (was.family_id, was.shop_id, {CATEGORY.format("was")})
                IS DISTINCT FROM (became.family_id, became.shop_id, {CATEGORY.format("became")})) o;
        PERFORM mark_goods_of_deal(d.id) FROM (
            SELECT DISTINCT i.deal_id AS id FROM was JOIN became USING (id) JOIN deal_items i ON i.product_id = was.id
            WHERE (was.family_id, was.shop_id, {CATEGORY.format("was")})
                IS DISTINCT FROM (became.family_id, became.shop_id, {CATEGORY.format("became")})) d;
        RETURN NULL;
    END $$
    """,
    f"""
    CREATE FUNCTION mark_facts_of_sources() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO figure_marks (family, since, until)
            SELECT DISTINCT 'missed', c.started_at, c.started_at
            FROM was JOIN became USING (id) JOIN calls c ON c.customer_id = was.id
            WHERE was.source IS DISTINCT FROM became.source AND c.missed_place IS NOT NULL AND c.started_at < {OVER};
        PERFORM mark_placed(w.id), mark_goods(w.id)
            FROM was JOIN became USING (id) JOIN orders w ON w.customer_id = was.id
            WHERE was.source IS DISTINCT FROM became.source;
        RETURN NULL;
    END $$
    """,
)
OF_CALL = " OR ".join(
    f"OLD.{column} IS DISTINCT FROM NEW.{column}"
    for column in (
        "direction", "result", "missed_place", "operator_id", "started_by", "queue", "line_id", "customer_id",
        "remote_e164", "started_at", "ended_at",
    )
)  # fmt: skip
_ORDER = (
    "status", "total", "paid", "currency", "delivery_cost", "shop_id", "customer_id", "manager_id", "created_by",
    "created_in_call_id", "created_at",
)  # fmt: skip
OF_ORDER = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _ORDER)
TRIGGERS = (  # name, when and on what, how, which function
    ("missed_added", "INSERT ON calls REFERENCING NEW TABLE AS added", "STATEMENT", "mark_missed_by_new_calls()"),
    ("missed_changed", "UPDATE ON calls", f"ROW WHEN ({OF_CALL})", "mark_missed_by_call()"),
    ("missed_removed", "DELETE ON calls", "ROW", "mark_missed_by_call()"),
    ("placed_added", "INSERT ON orders REFERENCING NEW TABLE AS added", "STATEMENT", "mark_new_orders()"),
    ("placed_changed", "UPDATE ON orders", f"ROW WHEN ({OF_ORDER})", "mark_facts_of_order()"),
    ("placed_removed", "DELETE ON orders", "ROW", "mark_facts_of_order()"),
    *(
        (name, what, how, function)
        for table, short in (("order_items", "item"), ("order_changes", "step"))
        for name, what, how, function in (
            (f"placed_{short}_added", f"INSERT ON {table} REFERENCING NEW TABLE AS added", "STATEMENT",
             "mark_facts_of_new_parts()"),
            (f"placed_{short}_changed", f"UPDATE OR DELETE ON {table}", "ROW", "mark_facts_of_part()"),
        )
    ),
    ("goods_marks", "INSERT ON figure_marks REFERENCING NEW TABLE AS added", "STATEMENT", "mark_goods_as_sales()"),
    ("goods_links", "INSERT OR UPDATE OR DELETE ON call_links", "ROW", "mark_goods_of_linked_deal()"),
    ("goods_deals", "INSERT OR UPDATE OR DELETE ON deal_items", "ROW", "mark_goods_of_deal_item()"),
    (
        "goods_products",
        "UPDATE ON products REFERENCING OLD TABLE AS was NEW TABLE AS became",
        "STATEMENT",
        "mark_products()",
    ),
    (
        "facts_sources",
        "UPDATE ON customers REFERENCING OLD TABLE AS was NEW TABLE AS became",
        "STATEMENT",
        "mark_facts_of_sources()",
    ),
)  # fmt: skip


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    for name, what, how, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER mark_{name} AFTER {what} FOR EACH {how} EXECUTE FUNCTION {function}")


def downgrade() -> None:
    for name, what, _, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER mark_{name} ON {what.partition(' ON ')[2].split()[0]}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function.split('FUNCTION ')[1].split('(')[0]}")
