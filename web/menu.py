"""Where one can go: the places of every day, in the rail, and the settings, on a page of their own.

Pure. A place is offered to whoever holds its right; the page itself checks again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from web import rights
from web.rights import Person, Right


@dataclass(frozen=True, slots=True)
class Place:
    """A page in the menu. `name`: its icon, and how the rail knows it; `says`: what stands on the page of settings."""

    name: str
    address: str
    label: str
    right: Right | None = None
    says: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Settings of one subject."""

    label: str
    places: tuple[Place, ...]


EVERY_DAY = (
    Place("desk", "/", "Desk", rights.VIEW_CUSTOMERS),
    Place("floor", "/floor", "Floor", rights.VIEW_FLOOR),
    Place("customers", "/customers", "Customers", rights.VIEW_CUSTOMERS),
    Place("orders", "/orders", "Orders", rights.VIEW_ORDERS),
    Place("callbacks", "/callbacks", "Callbacks", rights.VIEW_CALLBACKS),
    Place("queue", "/queue", "Queue", rights.VIEW_QUEUE),
    Place("tasks", "/tasks", "Tasks", rights.VIEW_TASKS),
    Place("calls", "/calls", "Calls", rights.VIEW_CALLS),
    Place("link", "/unlinked", "To link", rights.EDIT_CALLS),
    Place("deals", "/deals", "Deals", rights.VIEW_DEALS),
    Place("leads", "/leads", "Leads", rights.VIEW_LEADS),
    Place("products", "/products", "Products", rights.VIEW_PRODUCTS),
    Place("figures", "/figures", "Figures", rights.VIEW_FIGURES),
    Place("review", "/review-tasks", "Reviews", rights.REVIEW_CALLS),
)
ROAD = (  # of those who are not in the house: couriers
    Place("courier", "/courier", "To bring", rights.DELIVER),
    Place("tasks", "/tasks", "Tasks", rights.VIEW_TASKS),
)
SETTINGS = (
    Group(
        "People",
        (
            Place(
                "users",
                "/users",
                "Users",
                rights.VIEW_USERS,
                "Who may sign in, with which role and telephone",
            ),
            Place("users", "/roles", "Teams and roles", rights.VIEW_USERS, "Who sees and changes what"),
            Place("audits", "/journal", "Journal", rights.VIEW_JOURNAL, "Who changed, saw and heard what"),
            Place(
                "callbacks",
                "/attendance",
                "Working time",
                rights.CORRECT_WORK,
                "Who worked when, by day and month, with breaks and corrections",
            ),
            Place(
                "pause",
                "/pauses",
                "Pauses",
                rights.EDIT_PAUSES,
                "Reasons for a pause, and the time after a call",
            ),
        ),
    ),
    Group(
        "Telephone",
        (
            Place("lines", "/lines", "Lines", rights.VIEW_LINES, "Numbers people dial, their shop and hours"),
            Place(
                "callbacks",
                "/calling",
                "Calling hours",
                rights.EDIT_LINES,
                "When customers may be called, and how often it is tried again",
            ),
            Place(
                "listening",
                "/listening",
                "Listening",
                rights.LISTEN_CALLS,
                "Who listened to whom, and whether operators are told",
            ),
            Place(
                "doctor",
                "/doctor",
                "Doctor",
                rights.RUN_DOCTOR,
                "What is wrong with a switchboard, and the fix",
            ),
            Place(
                "mute",
                "/do-not-call",
                "Do not call",
                rights.EDIT_CALL_BANS,
                "Whom nobody calls, and how often a day anybody is tried",
            ),
            Place(
                "tasks",
                "/outcomes",
                "Outcomes",
                rights.EDIT_OUTCOMES,
                "What may come of a call, by line and funnel, and what it asks for",
            ),
            Place(
                "calls",
                "/phrase-tags",
                "Tags",
                rights.EDIT_TAGS,
                "Words that give a call a tag: return, price, complaint",
            ),
            Place(
                "review",
                "/scorecards",
                "Scorecards",
                rights.EDIT_SCORECARDS,
                "By which questions calls are judged",
            ),
            Place(
                "desk",
                "/panels",
                "Panels",
                rights.EDIT_PANELS,
                "Pages of other systems beside the card of a call",
            ),
            Place(
                "forms",
                "/scripts",
                "Scripts",
                rights.EDIT_SCRIPTS,
                "What operators read in their calls, by line, stage and call list",
            ),
            Place(
                "tip",
                "/tips",
                "Tips",
                rights.EDIT_TIPS,
                "What to say or offer, to whom, on the card",
            ),
            Place(
                "rules", "/rules", "Try the rules", rights.TEST_RULES, "What becomes of a number or a channel"
            ),
            Place(
                "audits",
                "/audits",
                "Audits",
                rights.VIEW_AUDITS,
                "Proof that no call was lost or counted twice",
            ),
        ),
    ),
    Group(
        "Shop",
        (
            Place(
                "products",
                "/shops",
                "Shops",
                rights.EDIT_SHOPS,
                "Online stores: name, currency, country, order numbers",
            ),
            Place(
                "funnels",
                "/funnels",
                "Funnels",
                rights.EDIT_FUNNELS,
                "Stages of deals, and why deals are lost",
            ),
            Place(
                "orders",
                "/order-statuses",
                "Statuses of orders",
                rights.EDIT_STATUSES,
                "Names, looks and order of the steps an order takes, and when it is late",
            ),
            Place(
                "users",
                "/assignment",
                "Who gets what",
                rights.EDIT_ASSIGNMENT,
                "Rules that give new orders and leads to colleagues",
            ),
            Place(
                "in",
                "/imports",
                "Imports",
                rights.RUN_IMPORTS,
                "Goods, customers and orders out of files",
            ),
            Place(
                "fields",
                "/fields",
                "Fields of your own",
                rights.EDIT_FIELDS,
                "What you want to know besides of customers, orders, deals and calls",
            ),
            Place(
                "forms",
                "/lead-forms",
                "Web forms",
                rights.EDIT_FORMS,
                "Forms of your site whose senders become leads",
            ),
            Place(
                "selling",
                "/selling",
                "Discounts, coupons, delivery",
                rights.EDIT_SELLING,
                "What may be taken off an order, and what it costs to bring it",
            ),
            Place(
                "selling",
                "/payment-terms",
                "How customers pay",
                rights.EDIT_SELLING,
                "The page they are sent to, what stands on an invoice, what a payment does to an order",
            ),
        ),
    ),
)
_KIN = {
    **dict.fromkeys(("/reviews", "/review-calibrations", "/review-rules", "/votes"), "/review-tasks"),
    "/script-trials": "/scripts",
}
STATUS = Place("status", "/status", "Status", rights.VIEW_STATUS)
SETTINGS_PLACE = Place("settings", "/settings", "Settings")


def offered(person: Person, places: Iterable[Place]) -> tuple[Place, ...]:
    """The places this person may go to."""
    return tuple(place for place in places if place.right is None or person.may(place.right))


def settings_of(person: Person) -> list[Group]:
    """The settings this person may see or change, subject by subject."""
    groups = [Group(group.label, offered(person, group.places)) for group in SETTINGS]
    return [group for group in groups if group.places]


def rail(person: Person) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """What stands in the rail: the places of every day, and below them those of the house."""
    house = offered(person, (STATUS,))
    every_day = EVERY_DAY if person.may(rights.VIEW_CUSTOMERS) else ROAD
    return offered(person, every_day), house + ((SETTINGS_PLACE,) if settings_of(person) else ())


def here(path: str) -> str:
    """The place in the rail that a path belongs to."""
    first = "/" + path.strip("/").split("/")[0]
    first = _KIN.get(first, first)
    if any(place.address == first for group in SETTINGS for place in group.places):
        return SETTINGS_PLACE.name
    return next(
        (place.name for place in (*EVERY_DAY, *ROAD, STATUS, SETTINGS_PLACE) if place.address == first), ""
    )
