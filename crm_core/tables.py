"""Every table of the house, known to SQLAlchemy once this is imported."""

from crm_core import (
    audit,
    call,
    call_audit,
    call_link,
    callback,
    customer,
    deal,
    draft,
    flight,
    line,
    line_hours,
    order,
    outbox,
    pop,
    product,
    queue_visit,
    recording,
    sign_in,
    user,
)
from crm_core.db import Base

MODULES = (
    audit,
    call,
    call_audit,
    call_link,
    callback,
    customer,
    deal,
    draft,
    flight,
    line,
    line_hours,
    order,
    outbox,
    pop,
    product,
    queue_visit,
    recording,
    sign_in,
    user,
)
METADATA = Base.metadata
