"""Every noun of the web: what the API and the pages are made of. `web/app.py` takes both from here."""

import aiohttp_jinja2
from aiohttp import web

from web import (
    agents,
    audit_pages,
    audits,
    board_pages,
    call_control,
    call_pages,
    call_sound,
    call_work,
    callback_pages,
    callback_when,
    callbacks,
    calling,
    calling_pages,
    calls,
    contacts,
    courier_pages,
    custom_fields,
    customer_pages,
    customers,
    deal_pages,
    deals,
    deliveries,
    desk_page,
    doctor_pages,
    document_pages,
    documents,
    exports,
    field_pages,
    flight_pages,
    funnel_pages,
    funnels,
    import_pages,
    import_source_pages,
    import_sources,
    imports,
    journal,
    lead_forms,
    lead_pages,
    leads,
    line_pages,
    lines,
    lookups,
    mentions,
    merge_pages,
    merges,
    order_pages,
    order_status_pages,
    order_statuses,
    orders,
    pause_pages,
    pauses,
    person_pages,
    product_pages,
    products,
    promises,
    role_pages,
    roles,
    segment_pages,
    segments,
    selling,
    selling_pages,
    settings_page,
    site,
    status,
    talks,
    task_pages,
    tasks,
    tester_pages,
    user_pages,
    views,
)
from web.api import Api
from web.pages import Pages
from web.say import teach

OPERATIONS = (
    customers.operations,
    contacts.operations,
    merges.operations,
    custom_fields.operations,
    mentions.operations,
    segments.operations,
    orders.operations,
    deals.operations,
    funnels.operations,
    order_statuses.operations,
    callback_when.operations,  # before one callback: /callbacks/when
    callbacks.operations,
    calling.operations,
    calls.operations,
    call_control.operations,
    call_work.operations,
    call_sound.operations,
    flight_pages.operations,
    tester_pages.operations,
    lookups.operations,
    products.operations,
    promises.operations,
    imports.operations,
    import_sources.operations,
    selling.operations,
    exports.operations,
    site.operations,
    talks.operations,
    lines.operations,
    status.operations,
    agents.operations,
    pauses.operations,
    audits.operations,
    tasks.operations,
    documents.operations,
    deliveries.operations,
    roles.operations,
    journal.operations,
    leads.operations,
    lead_forms.operations,
    views.operations,
)
PAGES: tuple[Pages, ...] = (
    desk_page.pages,
    segment_pages.pages,  # before one customer: /customers/handover
    merge_pages.pages,  # before one customer: /customers/duplicates
    customer_pages.pages,
    person_pages.pages,
    field_pages.pages,
    mentions.pages,
    order_pages.pages,
    product_pages.pages,
    import_source_pages.pages,  # before one import: /imports/sources
    import_pages.pages,
    selling_pages.pages,
    board_pages.pages,  # before one deal: /deals/board
    deal_pages.pages,
    promises.pages,
    callback_pages.pages,
    calling_pages.pages,
    task_pages.pages,
    courier_pages.pages,
    document_pages.pages,
    lead_pages.pages,
    call_pages.pages,
    flight_pages.pages,
    tester_pages.pages,
    settings_page.pages,
    user_pages.pages,
    role_pages.pages,
    journal.pages,
    views.pages,
    audit_pages.pages,
    line_pages.pages,
    pause_pages.pages,
    funnel_pages.pages,
    order_status_pages.pages,
    status.pages,
    doctor_pages.pages,
)


def add_operations(api: Api) -> None:
    """Take the nouns into the API."""
    for operations in OPERATIONS:
        api.add(operations)


def add_pages(app: web.Application) -> None:
    """Take the pages into the application, and teach its templates to say times and sums."""
    for pages in PAGES:
        pages.register(app)
    lead_forms.add_preflight(app)
    teach(aiohttp_jinja2.get_env(app))
    aiohttp_jinja2.get_env(app).globals["export_query"] = exports.export_query
