"""How long orders stood in each step, and with whom, counted by the database (`crm_core.figure.steps`)."""

from collections.abc import Mapping

from crm_core.figure.counted import Counted
from crm_core.order_status import OPEN, among_sql
from crm_core.read.facts import Facts, Keys, Way

# Changes of the status; with `hands` also of who is in charge. The first row of an order is its beginning.
_TURNS = """SELECT w.id, 0::bigint AS place, w.created_at AS at, NULL::text AS old_status, NULL::text AS new_status,
        NULL::text AS old_hand, NULL::text AS new_hand, false AS moved, false AS given
    FROM orders w WHERE w.created_at >= :since AND w.created_at < :until
    UNION ALL SELECT w.id, h.id, h.created_at, h.what #>> '{status,0}', h.what #>> '{status,1}',
        h.what #>> '{manager_id,0}', h.what #>> '{manager_id,1}', jsonb_exists(h.what, 'status'),
        jsonb_exists(h.what, 'manager_id')
    FROM orders w CROSS JOIN LATERAL (SELECT h.* FROM order_changes h WHERE h.order_id = w.id OFFSET 0) h
    WHERE w.created_at >= :since AND w.created_at < :until
        AND (jsonb_exists(h.what, 'status') OR (:hands AND jsonb_exists(h.what, 'manager_id')))"""
# What held from each turn on: what the last change made of it; before the first one what that one found.
_HELD = f"""SELECT t.*, lead(t.at) OVER way AS left_at,
        count(*) FILTER (WHERE t.moved) OVER way AS moves, count(*) FILTER (WHERE t.given) OVER way AS gifts
    FROM ({_TURNS}) t WINDOW way AS (PARTITION BY t.id ORDER BY t.place)"""
_SAID = f"""SELECT t.id, t.at, t.left_at, t.moves, t.gifts,
        max(t.new_status) OVER (PARTITION BY t.id, t.moves) AS status,
        max(t.new_hand) OVER (PARTITION BY t.id, t.gifts) AS hand,
        first_value(t.old_status) OVER (PARTITION BY t.id ORDER BY t.moved DESC, t.place) AS first_status,
        first_value(t.old_hand) OVER (PARTITION BY t.id ORDER BY t.given DESC, t.place) AS first_hand,
        bool_or(t.given) OVER (PARTITION BY t.id) AS handed
    FROM ({_HELD}) t"""
_STEP = "CASE WHEN t.moves = 0 THEN coalesce(t.first_status, w.status) ELSE t.status END"
_HAND = """CASE WHEN NOT t.handed THEN w.manager_id WHEN t.gifts = 0 THEN t.first_hand::bigint
            ELSE t.hand::bigint END"""
STEPS = Facts(
    source=f"""SELECT s.* FROM (SELECT w.id, w.created_at AS at, {_STEP} AS step,
                CASE WHEN :hands THEN coalesce({_HAND}, w.created_by) END AS operator,
                w.shop_id AS shop, w.customer_id, w.created_in_call_id AS call_id, t.left_at, t.at AS came_at,
                extract(epoch FROM coalesce(t.left_at, :now) - t.at) AS stay_s
            FROM ({_SAID}) t JOIN orders w ON w.id = t.id) s
        WHERE {among_sql("s.step", OPEN)} AND s.stay_s >= 0""",
    ways={
        Way.STEP: "f.step",
        Way.OPERATOR: "f.operator",
        Way.SHOP: "f.shop",
        Way.LINE: "(SELECT c.line_id FROM calls c WHERE c.id = f.call_id)",
        Way.SOURCE: "(SELECT k.source FROM customers k WHERE k.id = f.customer_id)",
    },
    counts={"came": "true", "left": "f.left_at IS NOT NULL", "there": "f.left_at IS NULL"},
    spreads={
        "stay": "CASE WHEN f.left_at IS NOT NULL THEN f.stay_s END",
        "wait": "CASE WHEN f.left_at IS NULL THEN f.stay_s END",
        "time": "f.stay_s",
    },
    lasting={"wait": "f.came_at"},
    whole={"time": ("stay", "wait")},
)


def with_all_time(found: Mapping[Keys, Counted]) -> dict[Keys, Counted]:
    """The same with the time of all rows together in each."""
    whole = found.get((), Counted()).spread("time").whole_us
    return {keys: counted.joined(Counted({"all_us": whole})) for keys, counted in found.items()}
