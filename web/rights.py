"""Who may do what: a role holds rights by object and action, each with a scope.

Pure. A handler names the right it needs; the scope it gets back narrows what it may reach:
OWN is what the person took part in, TEAM is his team's, ALL is everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from crm_core.errors import Forbidden
from crm_core.user import Role


class Scope(IntEnum):
    """How far a right reaches; comparable, so that `>=` means "at least"."""

    NONE = 0
    OWN = 1
    TEAM = 2
    ALL = 3


class Right(NamedTuple):
    """One action on one kind of object: ("calls", "view")."""

    object: str
    action: str

    def __str__(self) -> str:
        return f"{self.object}.{self.action}"


VIEW_CUSTOMERS, EDIT_CUSTOMERS = Right("customers", "view"), Right("customers", "edit")
MERGE_CUSTOMERS, HAND_OVER = Right("customers", "merge"), Right("customers", "hand_over")
EDIT_SEGMENTS, EDIT_FIELDS = Right("segments", "edit"), Right("fields", "edit")
VIEW_ORDERS, EDIT_ORDERS = Right("orders", "view"), Right("orders", "edit")
VIEW_DEALS, EDIT_DEALS = Right("deals", "view"), Right("deals", "edit")
EDIT_SELLING = Right("selling", "edit")  # limits of discounts, coupons, delivery
EDIT_ASSIGNMENT = Right("assignment", "edit")  # rules of who gets an order
EDIT_STATUSES = Right("statuses", "edit")  # of orders
REFUND_PAYMENTS = Right("payments", "refund")
REPORT_PAYMENTS = Right("payments", "report")  # of a gateway or the store, by the number of the order
VIEW_CALLBACKS, EDIT_CALLBACKS = Right("callbacks", "view"), Right("callbacks", "edit")
VIEW_PROMISES, KEEP_PROMISES = Right("promises", "view"), Right("promises", "keep")
VIEW_PRODUCTS, EDIT_PRODUCTS = Right("products", "view"), Right("products", "edit")
VIEW_PURCHASES = Right("purchases", "view")  # what goods cost us, and so the margin
SELL_BEYOND = Right("stock", "sell_beyond")  # more than there is
VIEW_CALLS, EDIT_CALLS, MAKE_CALLS = Right("calls", "view"), Right("calls", "edit"), Right("calls", "make")
CONTROL_CALLS = Right("calls", "control")
KEEP_WORK, VIEW_WORK, CORRECT_WORK = Right("work", "keep"), Right("work", "view"), Right("work", "correct")
LISTEN_CALLS = Right("calls", "listen")  # while they last: hear, whisper, speak with both, take over
SET_LISTENING = Right("listening", "edit")  # whether operators are told
HEAR_RECORDINGS, DOWNLOAD_RECORDINGS = Right("recordings", "hear"), Right("recordings", "download")
REPORT_SITE = Right("site", "report")
VIEW_STATUS = Right("status", "view")
VIEW_FLIGHT = Right("flight", "view")  # the time line of a call
READ_FLIGHT = Right("flight", "read")  # what the switchboard said, as it came
TEST_RULES = Right("rules", "test")
VIEW_USERS, EDIT_USERS = Right("users", "view"), Right("users", "edit")
EDIT_EXTENSIONS = Right("extensions", "edit")
RUN_DOCTOR = Right("doctor", "run")
VIEW_AGENTS, SET_AGENTS, EDIT_PAUSES = (
    Right("agents", "view"),
    Right("agents", "set"),
    Right("pauses", "edit"),
)
VIEW_AUDITS, RUN_AUDITS = Right("audits", "view"), Right("audits", "run")
VIEW_LINES, EDIT_LINES = Right("lines", "view"), Right("lines", "edit")
EDIT_SHOPS = Right("shops", "edit")  # their currency, country and order numbers
EDIT_FUNNELS = Right("funnels", "edit")
TAKE_TURNS = Right("queue", "take")  # the next who waits for a call
VIEW_QUEUE = Right("queue", "view")  # all who wait, and how they are ranked
EDIT_CALL_BANS = Right("bans", "edit")  # whom nobody may call, and how often a day anybody
CALL_ANYWAY = Right("bans", "override")
EDIT_TIPS = Right("tips", "edit")  # what operators are told to say or offer
EDIT_SCRIPTS = Right("scripts", "edit")  # what operators read in their calls
RUN_CALL_LISTS = Right("call_lists", "run")  # make them, say who works on them, see how far they have come
VIEW_CALIBRATION = Right("forecasts", "view")  # how often the card guessed right
EDIT_PANELS = Right("panels", "edit")  # pages of other systems beside the card
EDIT_TAGS = Right("tags", "edit")  # which words give a call a tag
EDIT_OUTCOMES = Right("outcomes", "edit")  # what may come of a call, and what it asks for
VIEW_TASKS, EDIT_TASKS = Right("tasks", "view"), Right("tasks", "edit")  # edit: close, take, comment
GIVE_TASKS = Right("tasks", "give")
VIEW_LEADS, EDIT_LEADS, EDIT_FORMS = Right("leads", "view"), Right("leads", "edit"), Right("forms", "edit")
DELIVER = Right("deliveries", "mark")
RUN_IMPORTS = Right("imports", "run")  # and the right to edit what is in the file
EXPORT_CUSTOMERS, EXPORT_ORDERS = Right("customers", "export"), Right("orders", "export")
EXPORT_PRODUCTS, EXPORT_CALLS = Right("products", "export"), Right("calls", "export")

VIEW_FIGURES = Right("figures", "view")  # own: what one's own calls came to
VIEW_REVIEWS, REVIEW_CALLS = Right("reviews", "view"), Right("reviews", "make")  # own: of one's own calls
EDIT_SCORECARDS = Right(
    "scorecards", "edit"
)  # by which questions calls are judged, and which are drawn for it
EDIT_TARGETS = Right("targets", "edit")  # what queues shall reach
VIEW_FLOOR = Right("floor", "view")  # the board of who does what now
EDIT_ALERTS = Right("alerts", "edit")  # of what the floor is warned, and who is told
KEEP_REPORTS = Right("reports", "keep")  # under a name, also for others; as a file
SEND_REPORTS = Right("reports", "send")  # by e-mail, regularly
EDIT_COSTS = Right("costs", "edit")  # what sources of customers cost
VIEW_NOTICES = Right("notices", "view")  # what one is told
KEEP_VIEWS = Right("views", "keep")  # filters of a list under a name
VIEW_JOURNAL = Right("journal", "view")  # who did, saw and heard what

_DESK: Mapping[Right, Scope] = {
    VIEW_CUSTOMERS: Scope.ALL,
    EDIT_CUSTOMERS: Scope.ALL,
    MERGE_CUSTOMERS: Scope.ALL,
    VIEW_ORDERS: Scope.ALL,
    EDIT_ORDERS: Scope.ALL,
    VIEW_DEALS: Scope.ALL,
    EDIT_DEALS: Scope.ALL,
    VIEW_CALLBACKS: Scope.ALL,
    EDIT_CALLBACKS: Scope.ALL,
    VIEW_PROMISES: Scope.OWN,
    KEEP_PROMISES: Scope.ALL,
    VIEW_PRODUCTS: Scope.ALL,
    MAKE_CALLS: Scope.OWN,
    VIEW_CALLS: Scope.OWN,
    EDIT_CALLS: Scope.OWN,
    CONTROL_CALLS: Scope.OWN,
    HEAR_RECORDINGS: Scope.OWN,
    VIEW_AGENTS: Scope.ALL,
    SET_AGENTS: Scope.OWN,
    VIEW_FLIGHT: Scope.OWN,
    VIEW_TASKS: Scope.ALL,
    EDIT_TASKS: Scope.ALL,
    GIVE_TASKS: Scope.ALL,
    VIEW_LEADS: Scope.ALL,
    EDIT_LEADS: Scope.ALL,
    VIEW_NOTICES: Scope.OWN,
    KEEP_VIEWS: Scope.OWN,
    TAKE_TURNS: Scope.OWN,
    VIEW_FIGURES: Scope.OWN,
    VIEW_REVIEWS: Scope.OWN,
    KEEP_WORK: Scope.OWN,
    VIEW_WORK: Scope.OWN,
}
_FLOOR = {
    VIEW_FLOOR: Scope.ALL,
    EDIT_ALERTS: Scope.ALL,
    VIEW_QUEUE: Scope.ALL,
    EDIT_CALL_BANS: Scope.ALL,
    CALL_ANYWAY: Scope.ALL,
    RUN_CALL_LISTS: Scope.ALL,
    EDIT_SCRIPTS: Scope.ALL,
    EDIT_TIPS: Scope.ALL,
    VIEW_FIGURES: Scope.ALL,
    VIEW_REVIEWS: Scope.ALL,
    REVIEW_CALLS: Scope.ALL,
    EDIT_SCORECARDS: Scope.ALL,
    EDIT_TARGETS: Scope.ALL,
    KEEP_REPORTS: Scope.ALL,
    SEND_REPORTS: Scope.ALL,
    VIEW_PROMISES: Scope.ALL,
    VIEW_CALLS: Scope.ALL,
    EDIT_CALLS: Scope.ALL,
    CONTROL_CALLS: Scope.ALL,
    LISTEN_CALLS: Scope.ALL,
    VIEW_WORK: Scope.ALL,
    CORRECT_WORK: Scope.ALL,
    HEAR_RECORDINGS: Scope.ALL,
    DOWNLOAD_RECORDINGS: Scope.ALL,
    VIEW_STATUS: Scope.ALL,
    SET_AGENTS: Scope.ALL,
    SELL_BEYOND: Scope.ALL,
    HAND_OVER: Scope.ALL,
    EDIT_SEGMENTS: Scope.ALL,
    REFUND_PAYMENTS: Scope.ALL,
    VIEW_FLIGHT: Scope.ALL,
    READ_FLIGHT: Scope.ALL,
    DELIVER: Scope.ALL,
}
_ROAD = {VIEW_NOTICES: Scope.OWN, VIEW_TASKS: Scope.OWN, EDIT_TASKS: Scope.OWN, DELIVER: Scope.OWN}
_GOODS = {
    EDIT_PRODUCTS: Scope.ALL,
    VIEW_PURCHASES: Scope.ALL,
    EDIT_SELLING: Scope.ALL,
    EDIT_COSTS: Scope.ALL,
    EDIT_STATUSES: Scope.ALL,
    EDIT_ASSIGNMENT: Scope.ALL,
}
_EXCHANGE = {
    RUN_IMPORTS: Scope.ALL,
    EXPORT_CUSTOMERS: Scope.ALL,
    EXPORT_ORDERS: Scope.ALL,
    EXPORT_PRODUCTS: Scope.ALL,
    EXPORT_CALLS: Scope.ALL,
}
_HOUSE = {
    VIEW_USERS: Scope.ALL,
    EDIT_USERS: Scope.ALL,
    EDIT_EXTENSIONS: Scope.ALL,
    RUN_DOCTOR: Scope.ALL,
    EDIT_PAUSES: Scope.ALL,
    SET_LISTENING: Scope.ALL,
    TEST_RULES: Scope.ALL,
    VIEW_AUDITS: Scope.ALL,
    RUN_AUDITS: Scope.ALL,
    VIEW_LINES: Scope.ALL,
    EDIT_LINES: Scope.ALL,
    EDIT_SHOPS: Scope.ALL,
    EDIT_FUNNELS: Scope.ALL,
    EDIT_OUTCOMES: Scope.ALL,
    EDIT_PANELS: Scope.ALL,
    EDIT_TAGS: Scope.ALL,
    VIEW_CALIBRATION: Scope.ALL,
    VIEW_JOURNAL: Scope.ALL,
    EDIT_FIELDS: Scope.ALL,
    EDIT_FORMS: Scope.ALL,
}
_STORE = {REPORT_SITE: Scope.ALL, REPORT_PAYMENTS: Scope.ALL}

# No built-in role is narrowed to a team; a role of one's own may be (crm_core/team.py).
RIGHTS: Mapping[Role, Mapping[Right, Scope]] = {
    Role.OPERATOR: _DESK,
    Role.SENIOR: _DESK,
    Role.SUPERVISOR: {**_DESK, **_FLOOR},
    Role.MANAGER: {**_DESK, **_FLOOR, **_GOODS, **_EXCHANGE, **_STORE},
    Role.ADMIN: {**_DESK, **_FLOOR, **_GOODS, **_EXCHANGE, **_HOUSE, **_STORE},
    Role.COURIER: _ROAD,
}


_NOUNS = ("customers", "orders", "deals", "callbacks")
_BY_TEAM = frozenset(
    (
        *(VIEW_FLOOR, VIEW_FIGURES, VIEW_CALLS, EDIT_CALLS, LISTEN_CALLS, HEAR_RECORDINGS, VIEW_FLIGHT),
        *(VIEW_PROMISES, VIEW_WORK, CORRECT_WORK, VIEW_REVIEWS, REVIEW_CALLS),
    )
)


def every_right() -> list[Right]:
    """All rights that there are, by object."""
    return sorted({value for value in globals().values() if isinstance(value, Right)})


def scopes_of(right: Right) -> list[Scope]:
    """How far a role of one's own can make `right` reach; of much there is only all or nothing."""
    if right.object in _NOUNS or right in _BY_TEAM:
        return list(Scope)
    known = {Scope.NONE} | {rights[right] for rights in RIGHTS.values() if right in rights}
    return sorted(known)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who is signed in, as the session says it at this request."""

    user_id: int
    login: str
    name: str
    role: Role
    timezone: str
    session_id: bytes  # sha256 of the cookie: names the session without being able to use it
    expires_at: datetime
    team: frozenset[int] = frozenset()  # ids of everybody in it
    differs: Mapping[Right, Scope] = field(default_factory=dict)  # where a role of one's own is not as `role`

    def scope(self, right: Right) -> Scope:
        """How far this person's `right` reaches; NONE when the role does not hold it."""
        held = self.differs.get(right)
        return RIGHTS[self.role].get(right, Scope.NONE) if held is None else held

    def circle(self, right: Right) -> frozenset[int]:
        """Whose objects count as one's own for `right`: oneself, the team, or nobody without the right."""
        match self.scope(right):
            case Scope.NONE:
                return frozenset()
            case Scope.TEAM:
                return self.team | {self.user_id}
        return frozenset((self.user_id,))

    def whose(self, right: Right) -> frozenset[int] | None:
        """Whose objects `right` reaches; None: everybody's."""
        return None if self.scope(right) is Scope.ALL else self.circle(right)

    def may(self, right: Right) -> bool:
        """True when the role holds `right` at all; for menus and buttons."""
        return self.scope(right) > Scope.NONE


def require(person: Person, right: Right, at_least: Scope = Scope.OWN) -> Scope:
    """The scope of `right`; raises `Forbidden` when it is smaller than `at_least`."""
    scope = person.scope(right)
    if scope < at_least:
        raise Forbidden(f"Your role ({person.role}) may not do this: {right}.")
    return scope
