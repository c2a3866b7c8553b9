"""The history of an order as a person reads it."""

from datetime import date
from decimal import Decimal

from crm_core.order_history import EDITABLE
from web.order_words import LABELS, Said, said

NAMES = {"status": {"new": "New", "work.sew": "Sewing"}, "manager_id": {7: "Anna"}, "deal_id": {}}


def test_every_field_that_can_be_changed_has_a_word() -> None:
    assert set(LABELS) >= EDITABLE | {"total", "payment", "created"}


def test_a_change_is_told_in_words_what_matters_most_first() -> None:
    what = {
        "delivery_date": ["2026-11-24", None],
        "delivery_method": [None, "DPD"],
        "delivery_method_id": [None, 3],
        "items": [["1 × Mug à 8.90", "1 × Cup à 5.00"], ["2 × Mug à 8.90", "1 × Cup à 5.00"]],
        "manager_id": [None, 7],
        "status": ["new", "work.sew"],
        "total": ["13.90", "22.80"],
        "comment": ["2026-01-01", "10"],
    }
    assert said(what, NAMES) == [
        Said(label="Status", before="New", after="Sewing"),
        Said(label="Items", before=["1 × Mug à 8.90"], after=["2 × Mug à 8.90"], kind="lines"),
        Said(label="Total", before=Decimal("13.90"), after=Decimal("22.80"), kind="money"),
        Said(label="Delivery", before=None, after="DPD"),
        Said(label="Day of delivery", before=date(2026, 11, 24), after=None, kind="day"),
        Said(label="Our comment", before="2026-01-01", after="10"),
        Said(label="In charge", before=None, after="Anna"),
    ]


def test_a_payment_tells_the_sum_and_what_is_gone_keeps_its_code() -> None:
    what = {"payment": [None, "final 12.00 card"], "paid": ["0.00", "12.00"], "status": ["work.gone", "new"]}
    assert [(it.label, it.before, it.after, it.kind) for it in said(what, NAMES)] == [
        ("Status", "work.gone", "New", "text"),
        ("Payment", None, "final 12.00 card", "coded"),
    ]
