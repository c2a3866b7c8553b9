"""Everything the operator sees about a caller, in one round trip: one SQL statement that answers in JSON.

Sums are texts with two decimals ("148.00"), instants ISO 8601 in UTC. Every part is limited, so the card of
a customer with ten thousand orders costs what any other does, except for the totals.
"""

import json
import logging
import re
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, BigInteger, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from crm_core.db import Reader
from crm_core.order_status import OPEN, RELEASED, among_sql
from crm_core.outage import is_outage
from crm_core.owners import OWNERS
from crm_core.phone import display, normalise
from crm_core.reason import forecast

log = logging.getLogger(__name__)


async def load_card(
    conn: AsyncConnection | AsyncSession,
    *,
    e164: str | None,
    customer_id: int | None,
    call_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    """The card of a call: whose it is, what they bought, what was said, what is due, what is being written.

    The customer is `customer_id`, else the one the call was given, else the one chosen for the number the
    last time, else its only owner; with several owners and no choice there are `candidates` and no customer.
    """
    found = await conn.execute(
        _CARD, {"e164": e164 or None, "customer_id": customer_id, "call_id": call_id, "now": now}
    )
    return _dressed(json.loads(found.scalar_one()), e164, now)


async def read_card(
    reader: Reader, *, e164: str | None, customer_id: int | None, call_id: UUID, now: datetime
) -> dict[str, Any]:
    """The same for a phone that rings: by the shortest way to the database."""
    found = await reader.value(_NUMBERED, e164 or None, customer_id, call_id, now)
    return _dressed(json.loads(found), e164, now)


async def make_ready(reader: Reader) -> None:
    """Open the connections that cards are read by: whose call comes first on one waited 50 ms for it and its plan."""
    try:
        await reader.warm(_NUMBERED, None, None, UUID(int=0), datetime.now(UTC))
    except Exception as error:
        if not is_outage(error):
            raise
        log.warning("cards are read by connections that are opened when needed: %s", error)


def _dressed(card: dict[str, Any], e164: str | None, now: datetime) -> dict[str, Any]:
    """What is easier said here than in SQL: numbers as people read them, local hours, why they probably call."""
    customer = card["customer"]
    if customer is not None:
        for number in customer["numbers"]:
            number["display"] = display(number["e164"])
        customer["timezone"] = customer["timezone"] or _zone(e164 or _first(customer["numbers"]))
    card["read_at"] = now.isoformat()
    card["forecast"] = forecast(card, now)
    return card


def _first(numbers: list[dict[str, Any]]) -> str | None:
    return numbers[0]["e164"] if numbers else None


def _zone(e164: str | None) -> str | None:
    """The number's zone, when its country has only one."""
    zones = normalise(e164, country="").timezones if e164 else ()
    return zones[0] if len(zones) == 1 else None


_SQL = f"""
{OWNERS},
this AS MATERIALIZED (
    SELECT id, customer_id, note, note_version, noted_at, disposition FROM calls
    WHERE id = coalesce((SELECT call_id FROM call_aliases WHERE id = :call_id), :call_id)
),
who AS MATERIALIZED (
    SELECT coalesce(c.merged_into_id, c.id) AS id FROM customers c
    WHERE c.id = coalesce(
        :customer_id,
        (SELECT customer_id FROM this),
        (SELECT id FROM owner WHERE place = 1 AND (chosen OR (SELECT count(*) FROM owner) = 1))
    )
),
open_order AS (
    SELECT o.*, true AS open FROM orders o WHERE o.customer_id = (SELECT id FROM who)
    AND {among_sql("o.status", OPEN)} ORDER BY o.created_at DESC LIMIT 10
),
closed_order AS (
    SELECT o.*, false AS open FROM orders o WHERE o.customer_id = (SELECT id FROM who)
    AND NOT {among_sql("o.status", OPEN)} ORDER BY o.created_at DESC LIMIT 5
),
shown_order AS (SELECT * FROM open_order UNION ALL SELECT * FROM closed_order),
newest_order AS (
    SELECT o.currency FROM orders o WHERE o.customer_id = (SELECT id FROM who) ORDER BY o.created_at DESC LIMIT 1
)
SELECT json_build_object(
    'customer', (
        SELECT json_build_object(
            'id', c.id, 'name', c.name, 'vip', c.vip, 'bad', c.bad, 'tags', c.tags, 'email', c.email,
            'city', c.city, 'country', c.country, 'address', c.address, 'timezone', c.timezone,
            'note', c.note, 'source', c.source,
            'numbers', (
                SELECT coalesce(json_agg(json_build_object(
                    'id', n.id, 'e164', n.e164, 'label', n.label) ORDER BY n.position, n.id), '[]')
                FROM customer_numbers n WHERE n.customer_id = c.id
            ),
            'totals', (
                SELECT json_build_object(
                    'orders', count(*),
                    'sum', coalesce(sum(o.total) FILTER (
                        WHERE o.currency = (SELECT currency FROM newest_order)), 0.00)::text,
                    'currency', (SELECT currency FROM newest_order),
                    'last_at', max(o.created_at))
                FROM orders o WHERE o.customer_id = c.id AND NOT {among_sql("o.status", RELEASED)}
            ))
        FROM customers c WHERE c.id = (SELECT id FROM who)
    ),
    'candidates', (
        SELECT coalesce(json_agg(json_build_object(
            'id', id, 'name', name, 'city', city, 'reason', reason, 'vip', vip) ORDER BY place), '[]')
        FROM owner WHERE (SELECT count(*) FROM owner) > 1
    ),
    'orders', (
        SELECT coalesce(json_agg(json_build_object(
            'id', o.id, 'number', o.number, 'status', o.status, 'open', o.open,
            'status_label', s.name, 'status_tone', s.tone, 'status_shape', s.shape,
            'total', o.total::text, 'currency', o.currency, 'paid', o.paid::text,
            'delivery_method', o.delivery_method, 'delivery_address', o.delivery_address,
            'delivery_city', o.delivery_city, 'delivery_postcode', o.delivery_postcode,
            'payment_method', o.payment_method, 'tracking', o.tracking, 'promised_at', o.promised_at,
            'created_at', o.created_at, 'shop_id', o.shop_id, 'version', o.version,
            'owners', json_build_array(o.created_by),
            'items', (
                SELECT coalesce(string_agg(
                    CASE WHEN i.quantity = 1 THEN i.name ELSE i.quantity || ' × ' || i.name END,
                    ', ' ORDER BY i.id), '')
                FROM order_items i WHERE i.order_id = o.id
            )) ORDER BY o.open DESC, o.created_at DESC), '[]')
        FROM shown_order o JOIN order_statuses s ON s.code = o.status
    ),
    'deals', (
        SELECT coalesce(json_agg(json_build_object(
            'id', d.id, 'title', d.title, 'funnel', d.funnel,
            'funnel_id', d.funnel_id, 'stage', d.stage, 'stage_label', d.stage_label,
            'amount', d.amount::text, 'currency', d.currency, 'open', d.open, 'version', d.version,
            'owners', CASE WHEN NOT d.for_all THEN json_build_array(d.responsible_id) END)
            ORDER BY d.open DESC, d.created_at DESC), '[]')
        FROM (
            SELECT d.*, d.closed_at IS NULL AS open, f.name AS funnel, s.name AS stage_label
            FROM deals d JOIN funnels f ON f.id = d.funnel_id
                JOIN funnel_stages s ON s.funnel_id = d.funnel_id AND s.code = d.stage
            WHERE d.customer_id = (SELECT id FROM who)
            ORDER BY (d.closed_at IS NULL) DESC, d.created_at DESC LIMIT 5
        ) d
    ),
    'calls', (
        SELECT coalesce(json_agg(json_build_object(
            'id', k.id, 'direction', k.direction, 'result', k.result, 'disposition', k.disposition,
            'operator', coalesce(u.name, k.operator_extension), 'started_at', k.started_at,
            'talk_s', k.talk_s, 'note', k.note, 'about', oc.about,
            'recorded', EXISTS (
                SELECT FROM recordings r WHERE r.call_id = k.id AND r.state = 'ready'))
            ORDER BY k.started_at DESC), '[]')
        FROM (
            SELECT p.* FROM (
                (SELECT k.* FROM calls k WHERE k.customer_id = (SELECT id FROM who)
                    ORDER BY k.started_at DESC LIMIT 9)
                UNION ALL
                (SELECT k.* FROM calls k
                    WHERE k.remote_e164 = CAST(:e164 AS text) AND NOT EXISTS (SELECT FROM who)
                    ORDER BY k.started_at DESC LIMIT 9)
            ) p
            WHERE p.id NOT IN (SELECT id FROM this) ORDER BY p.started_at DESC LIMIT 8
        ) k LEFT JOIN users u ON u.id = k.operator_id
            LEFT JOIN outcomes oc ON oc.code = k.disposition
    ),
    'tasks', (
        SELECT coalesce(json_agg(json_build_object(
            'id', b.id, 'kind', b.kind, 'due_at', b.due_at, 'reason', b.reason, 'note', b.note,
            'number', b.number, 'assigned_to', coalesce(u.name, b.role), 'overdue', coalesce(b.due_at < :now, false),
            'owners', CASE
                WHEN b.assigned_to IS NOT NULL THEN json_build_array(b.assigned_to, b.created_by)
                WHEN b.team_id IS NOT NULL THEN (SELECT json_agg(m.id) FROM users m WHERE m.team_id = b.team_id)
            END)
            ORDER BY b.due_at NULLS LAST, b.id), '[]')
        FROM (
            (SELECT b.id, 'callback' AS kind, b.due_at, b.reason, b.note, b.number, b.assigned_to, NULL AS role,
                b.created_by, b.team_id
                FROM callbacks b WHERE b.customer_id = (SELECT id FROM who)
                AND b.state = 'open' ORDER BY b.due_at LIMIT 10)
            UNION
            (SELECT b.id, 'callback', b.due_at, b.reason, b.note, b.number, b.assigned_to, NULL, b.created_by,
                b.team_id
                FROM callbacks b WHERE b.number = CAST(:e164 AS text) AND b.state = 'open'
                AND (b.customer_id IS NULL OR NOT EXISTS (SELECT FROM who)) ORDER BY b.due_at LIMIT 10)
            UNION ALL
            (SELECT t.id, t.kind, t.due_at, t.title, t.text, NULL, t.performer_id,
                coalesce((SELECT m.name FROM teams m WHERE m.id = t.team_id), t.role), NULL, NULL
                FROM tasks t WHERE t.customer_id = (SELECT id FROM who)
                AND t.state = 'open' ORDER BY t.due_at LIMIT 10)
        ) b LEFT JOIN users u ON u.id = b.assigned_to
    ),
    'promises', (
        SELECT coalesce(json_agg(json_build_object(
            'id', p.id, 'text', p.text, 'due_at', p.due_at, 'state', p.state, 'order_id', p.order_id,
            'order_number', o.number, 'by', u.name, 'version', p.version) ORDER BY p.due_at, p.id), '[]')
        FROM (
            SELECT * FROM promises p WHERE p.customer_id = (SELECT id FROM who) AND p.closed_at IS NULL
            ORDER BY p.due_at LIMIT 5
        ) p LEFT JOIN users u ON u.id = p.made_by LEFT JOIN orders o ON o.id = p.order_id
    ),
    'notes', (
        SELECT coalesce(json_agg(json_build_object(
            'id', n.id, 'text', n.text, 'author', u.name, 'at', n.created_at)
            ORDER BY n.created_at DESC), '[]')
        FROM (
            SELECT n.* FROM customer_notes n WHERE n.customer_id = (SELECT id FROM who)
            ORDER BY n.id DESC LIMIT 10
        ) n LEFT JOIN users u ON u.id = n.user_id
    ),
    'links', (
        SELECT coalesce(json_agg(json_build_object(
            'id', l.id, 'kind', CASE WHEN l.order_id IS NULL THEN 'deal' ELSE 'order' END,
            'object_id', coalesce(l.order_id, l.deal_id), 'label', coalesce(o.number, d.title),
            'role', l.role, 'rule', l.rule) ORDER BY l.id), '[]')
        FROM this JOIN call_links l ON l.call_id = this.id AND l.removed_at IS NULL
            LEFT JOIN orders o ON o.id = l.order_id LEFT JOIN deals d ON d.id = l.deal_id
    ),
    'cart', (
        SELECT json_build_object(
            'id', c.id, 'shop_id', c.shop_id, 'total', c.total::text, 'currency', c.currency, 'url', c.url,
            'updated_at', c.updated_at, 'items', (
                SELECT json_agg(json_build_object(
                    'sku', i.it ->> 'sku', 'name', i.it ->> 'name', 'quantity', (i.it ->> 'quantity')::int,
                    'price', i.it ->> 'price', 'product_id', p.id, 'stock', p.stock) ORDER BY i.place)
                FROM jsonb_array_elements(c.items) WITH ORDINALITY AS i(it, place)
                    LEFT JOIN products p ON p.shop_id = c.shop_id AND p.sku = i.it ->> 'sku'
            ))
        FROM (
            (SELECT c.* FROM carts c WHERE c.customer_id = (SELECT id FROM who)
                AND c.order_id IS NULL AND c.items <> '[]' ORDER BY c.updated_at DESC LIMIT 1)
            UNION ALL
            (SELECT c.* FROM carts c WHERE c.e164 = CAST(:e164 AS text) AND c.customer_id IS NULL
                AND c.order_id IS NULL AND c.items <> '[]' ORDER BY c.updated_at DESC LIMIT 1)
        ) c ORDER BY c.updated_at DESC LIMIT 1
    ),
    'visits', (
        SELECT coalesce(json_agg(json_build_object('title', v.title, 'url', v.url, 'at', v.at)
            ORDER BY v.at DESC), '[]')
        FROM (
            SELECT * FROM (
                (SELECT v.* FROM site_visits v WHERE v.customer_id = (SELECT id FROM who)
                    ORDER BY v.at DESC LIMIT 5)
                UNION ALL
                (SELECT v.* FROM site_visits v WHERE v.e164 = CAST(:e164 AS text) AND v.customer_id IS NULL
                    ORDER BY v.at DESC LIMIT 5)
            ) v ORDER BY v.at DESC LIMIT 5
        ) v
    ),
    'focus', (
        SELECT coalesce(json_agg(json_build_object(
            'user_id', f.user_id, 'kind', CASE WHEN f.order_id IS NULL THEN 'deal' ELSE 'order' END,
            'object_id', coalesce(f.order_id, f.deal_id)) ORDER BY f.id), '[]')
        FROM this JOIN call_focus f ON f.call_id = this.id AND f.closed_at IS NULL
    ),
    'note', coalesce(
        (SELECT json_build_object('text', note, 'version', note_version, 'saved_at', noted_at) FROM this),
        '{{"text": "", "version": 0, "saved_at": null}}'::json
    ),
    'draft', (
        SELECT f.body || jsonb_build_object('version', f.version, 'user_id', f.user_id)
        FROM this JOIN call_drafts f ON f.call_id = this.id ORDER BY f.updated_at DESC LIMIT 1
    ),
    'baton', (
        SELECT json_build_object(
            'id', b.id, 'giver', json_build_object('id', b.giver_id, 'name', g.name),
            'taker', CASE WHEN t.id IS NOT NULL THEN json_build_object('id', t.id, 'name', t.name) END,
            'said', b.said, 'doing', b.doing, 'at', b.at)
        FROM this JOIN call_batons b ON b.call_id = this.id JOIN users g ON g.id = b.giver_id
            LEFT JOIN users t ON t.id = b.taker_id
        ORDER BY b.id DESC LIMIT 1
    ),
    'disposition', (SELECT disposition FROM this)
)::text
"""
_TYPES = {"e164": "text", "customer_id": "bigint", "call_id": "uuid", "now": "timestamptz"}
_NUMBERED = reduce(
    lambda sql, named: re.sub(rf":{named[1][0]}\b", f"${named[0]}::{named[1][1]}", sql),
    enumerate(_TYPES.items(), 1),
    _SQL,
)
# The JSON above has colons that are no parameters.
_CARD = text(_SQL.replace('": ', '"\\: ')).bindparams(
    bindparam("e164", type_=Text),
    bindparam("customer_id", type_=BigInteger),
    bindparam("call_id", type_=Uuid),
    bindparam("now", type_=TIMESTAMP(timezone=True)),
)
