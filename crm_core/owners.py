"""Who has a number, ranked: one piece of SQL, used by the card of a call and by the search for owners.

The order of likelihood: chosen the last time this number called; has an open order (the newest first);
spoke with us last; bought last; the oldest customer. Numbers of our own lines belong to nobody.
"""

from crm_core.order_status import OPEN, among_sql

# Takes :e164. Gives the CTE `owner`: id, name, city, vip, chosen, reason, place (1 = most likely).
OWNERS = f"""
WITH known AS (
    SELECT c.id, c.name, c.city, c.vip,
        EXISTS (
            SELECT FROM number_choices h WHERE h.e164 = CAST(:e164 AS text) AND h.customer_id = c.id
        ) AS chosen,
        (
            SELECT o.number FROM orders o
            WHERE o.customer_id = c.id
                AND {among_sql("o.status", OPEN)}
            ORDER BY o.created_at DESC LIMIT 1
        ) AS open_order,
        (
            SELECT o.created_at FROM orders o
            WHERE o.customer_id = c.id ORDER BY o.created_at DESC LIMIT 1
        ) AS bought_at,
        (
            SELECT k.started_at FROM calls k
            WHERE k.customer_id = c.id AND k.answered_at IS NOT NULL
            ORDER BY k.started_at DESC LIMIT 1
        ) AS spoke_at
    FROM customer_numbers n JOIN customers c ON c.id = n.customer_id
    WHERE n.e164 = CAST(:e164 AS text) AND c.merged_into_id IS NULL
        AND NOT EXISTS (SELECT FROM lines l WHERE l.e164 = CAST(:e164 AS text))
    LIMIT 50
), owner AS MATERIALIZED (
    SELECT id, name, city, vip, chosen,
        CASE
            WHEN chosen THEN 'chosen the last time'
            WHEN open_order IS NOT NULL THEN 'order ' || open_order || ' is open'
            WHEN spoke_at IS NOT NULL THEN 'spoke with us on ' || to_char(spoke_at, 'YYYY-MM-DD')
            WHEN bought_at IS NOT NULL THEN 'bought on ' || to_char(bought_at, 'YYYY-MM-DD')
            ELSE 'has this number'
        END AS reason,
        row_number() OVER (
            ORDER BY chosen DESC, (open_order IS NULL),
                greatest(spoke_at, bought_at) DESC NULLS LAST, id
        ) AS place
    FROM known
)
"""
