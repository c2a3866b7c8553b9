"""Deals of a funnel by the stages they were in, counted by the database (`crm_core.figure.funnel` says what counts)."""

from crm_core.read.facts import Facts, Way

# By the funnels, for the index of their deals.
_OPENED = "funnels u JOIN deals d ON d.funnel_id = u.id AND d.created_at >= :since AND d.created_at < :until"
_SOURCE = "(SELECT k.source FROM customers k WHERE k.id = f.customer_id)"
# A step of before its stage was kept is known by the words of that day, if these are still the words of today.
_STAGE = """CASE WHEN m.stage IS NOT NULL THEN m.funnel_id = u.id AND s.code = m.stage
            ELSE s.name = m.to_stage AND m.funnel = u.name END"""
_STEPS = f"""SELECT m.id, m.deal_id, s.id AS stage, m.created_at AS since, lead(s.id) OVER way AS next,
        lead(m.created_at) OVER way AS until, lead(m.reason) OVER way AS reason
    FROM {_OPENED} CROSS JOIN LATERAL (SELECT m.* FROM deal_moves m WHERE m.deal_id = d.id OFFSET 0) m
    LEFT JOIN LATERAL (SELECT s.id FROM funnel_stages s WHERE s.funnel_id = u.id AND {_STAGE}
        ORDER BY s.position LIMIT 1) s ON true
    WINDOW way AS (PARTITION BY m.deal_id ORDER BY m.id)"""
_STAYS = f"""SELECT m.deal_id, m.stage, m.until, m.reason,
        sum(extract(epoch FROM coalesce(m.until, :now) - m.since)) OVER stay AS spent_s,
        row_number() OVER (stay ORDER BY m.id DESC) = 1 AS newest,
        CASE WHEN m.until IS NULL THEN 'there' WHEN n.kind = 'lost' THEN 'gone'
            WHEN n.kind = 'won' OR n.position > s.position THEN 'on' ELSE 'back' END AS fate
    FROM ({_STEPS}) m JOIN funnel_stages s ON s.id = m.stage AND s.kind = 'open'
    LEFT JOIN funnel_stages n ON n.id = m.next WINDOW stay AS (PARTITION BY m.deal_id, m.stage)"""
STAGES = Facts(
    source=f"""SELECT v.deal_id AS id, d.created_at AS at, d.responsible_id AS operator, d.customer_id,
            d.funnel_id AS funnel, v.stage, v.fate,
            :now - make_interval(secs => v.spent_s::float) AS came_at, v.spent_s,
            CASE WHEN v.fate = 'gone' THEN v.reason END AS reason
        FROM ({_STAYS}) v JOIN deals d ON d.id = v.deal_id WHERE v.newest""",
    ways={
        Way.FUNNEL: "f.funnel",
        Way.STAGE: "f.stage",
        Way.REASON: "f.reason",
        Way.OPERATOR: "f.operator",
        Way.SOURCE: _SOURCE,
    },
    counts={
        "entered": "true",
        **{fate: f"f.fate = '{fate}'" for fate in ("on", "gone", "back", "there")},
        "decided": "f.fate <> 'there'",
    },
    spreads={
        "stay": "CASE WHEN f.fate <> 'there' THEN f.spent_s END",
        "wait": "CASE WHEN f.fate = 'there' THEN f.spent_s END",
        "time": "f.spent_s",
    },
    lasting={"wait": "f.came_at"},
    whole={"time": ("stay", "wait")},
    summed=("wait",),
)
DEALS = Facts(
    source=f"""SELECT d.id, d.created_at AS at, d.responsible_id AS operator, d.customer_id, d.funnel_id AS funnel,
            d.amount, d.currency, s.kind,
            CASE WHEN s.kind = 'won' THEN extract(epoch FROM d.closed_at - d.created_at) END AS win_s
        FROM {_OPENED} JOIN funnel_stages s ON s.funnel_id = d.funnel_id AND s.code = d.stage""",
    ways={Way.FUNNEL: "f.funnel", Way.OPERATOR: "f.operator", Way.SOURCE: _SOURCE},
    counts={
        "opened": "true",
        "won": "f.kind = 'won'",
        "off": "f.kind = 'lost'",
        "standing": "f.kind = 'open'",
        "closed": "f.kind <> 'open'",
    },
    spreads={"win": "f.win_s"},
    sums={
        "won_sum": "CASE WHEN f.kind = 'won' THEN f.amount END",
        "lost_sum": "CASE WHEN f.kind = 'lost' THEN f.amount END",
    },
)
