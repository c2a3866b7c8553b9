"""The reports of facts that there are: of what each tells, by what, and what it says about itself."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.figure.counted import Counted
from crm_core.figure.figure import Unit
from crm_core.figure.funnel import DEAL_FIGURES, STAGE_FIGURES
from crm_core.figure.goods import GOODS_FIGURES
from crm_core.figure.missed import MISSED_FIGURES
from crm_core.figure.steps import STEP_FIGURES
from crm_core.funnel import SALES
from crm_core.read import fact_rolled
from crm_core.read.fact_days import CLOCK, apart_of_days
from crm_core.read.facts import Asking, Keys, Way
from crm_core.read.funnel_way import DEALS, STAGES
from crm_core.read.goods import ABOUT, PLACED, SOLD
from crm_core.read.missed import MISSED, line_numbers, load_basis, lost_by_line, with_lost_money
from crm_core.read.step_times import STEPS, with_all_time
from web.fact_report import FactQuery, FactReport, Theme, stretch_of
from web.figures import Asked


async def _with_money(
    session: AsyncSession, found: Mapping[Keys, Counted], it: Asked, way: Way, asking: Asking
) -> Mapping[Keys, Counted]:
    if it.within.operators is not None:
        return found
    stretch = stretch_of(it)
    lines = await load_basis(session, it.last, stretch.zone, it.rules)
    lost = await apart_of_days(session, fact_rolled.LOST_BY_LINE, way, asking, stretch)
    if lost is None:
        by_line = await lost_by_line(session, way, asking)
    else:
        by_line = {keys: line_numbers(amounts.get("lost_by_line", {})) for keys, amounts in lost.items()}
    return with_lost_money(found, by_line, lines)


OF_MISSED = FactReport(
    theme=Theme.MISSED,
    page="/reports/missed",
    name="Missed calls and what became of them",
    facts=(MISSED,),
    figures=MISSED_FIGURES,
    ways=(Way.LINE, Way.QUEUE, Way.OPERATOR, Way.CALLER, Way.SOURCE, Way.SHOP, *CLOCK),
    note="A missed call counts in the hour and day in which it began. By operator it stands with whoever called first,"
    " else with whoever answered when the customer called again.",
    only_all=frozenset(("lost_money",)),
    rolled=((fact_rolled.OF_MISSED,),),
    more=_with_money,
)
_OF_DEALS = dict.fromkeys(
    ("entered", "on", "gone", "back", "there", "decided", "opened", "won", "off", "standing", "closed"),
    "deals",
)
_DEAL_NOTE = (
    "A deal counts on the day it was opened, with all that became of it by now; by operator for whoever"
    " is responsible."
)


def _funnel(query: FactQuery) -> Mapping[Way, int]:
    return {Way.FUNNEL: query.funnel_id or SALES}


OF_FUNNEL = FactReport(
    theme=Theme.FUNNEL,
    page="/reports/funnel",
    name="Funnel and bottlenecks",
    facts=(STAGES,),
    figures=STAGE_FIGURES,
    ways=(Way.STAGE, Way.OPERATOR, Way.SOURCE, Way.REASON),
    note=_DEAL_NOTE
    + " In a stage counts how a deal left it the last time; a stage that it passed over it was not in.",
    lists=_OF_DEALS,
    apart=frozenset(one.code for one in STAGE_FIGURES if one.unit is not Unit.COUNT),
    within=_funnel,
    rolled=((fact_rolled.OF_STAGES,),),
)
OF_DEALS = FactReport(
    theme=Theme.DEALS,
    page="/reports/funnel",
    name="Deals and what became of them",
    facts=(DEALS,),
    figures=DEAL_FIGURES,
    ways=(Way.OPERATOR, Way.SOURCE, *CLOCK),
    note=_DEAL_NOTE,
    lists=_OF_DEALS,
    within=_funnel,
    rolled=((fact_rolled.OF_DEALS,),),
)


async def _with_all_time(
    session: AsyncSession, found: Mapping[Keys, Counted], it: Asked, way: Way, asking: Asking
) -> Mapping[Keys, Counted]:
    return with_all_time(found)


def _hands(query: FactQuery, way: Way, own: bool) -> Mapping[str, bool]:
    return {"hands": own or way is Way.OPERATOR or query.operator_id is not None}


OF_STEPS = FactReport(
    theme=Theme.STEPS,
    page="/reports/steps",
    name="Time of orders in their steps",
    facts=(STEPS,),
    figures=STEP_FIGURES,
    ways=(Way.STEP, Way.OPERATOR, Way.SHOP, Way.LINE, Way.SOURCE, *CLOCK),
    note="An order counts on the day it was placed; by operator a stay is his from when he was put in charge until"
    " somebody else was, and before anybody was in charge it is of whoever took the order.",
    lists=dict.fromkeys(("came", "left", "there"), "orders"),
    apart=frozenset(one.code for one in STEP_FIGURES if one.unit is not Unit.COUNT),
    given=_hands,
    rolled=(fact_rolled.OF_STEPS,),
    more=_with_all_time,
)
OF_GOODS = FactReport(
    theme=Theme.GOODS,
    page="/reports/goods",
    name="Goods: calls, orders, money",
    facts=(ABOUT, SOLD, PLACED),
    figures=GOODS_FIGURES,
    ways=(Way.PRODUCT, Way.CATEGORY, Way.FAMILY, Way.SHOP, Way.OPERATOR, Way.LINE, Way.SOURCE, *CLOCK),
    note="A call, with what was sold in it, counts in the hour and day in which it began; an order on the day it was"
    " placed, as it stands by now. What holds several goods counts once for each of them and once together."
    " A category is the property of a product that is called so.",
    lists=dict.fromkeys(
        ("phone_orders", "phone_priced", "placed", "every", "off", "standing", "priced", "again"), "orders"
    ),
    rolled=[(it,) for it in fact_rolled.OF_GOODS],
    sort="turnover",
)
REPORTS = {report.theme: report for report in (OF_MISSED, OF_FUNNEL, OF_DEALS, OF_STEPS, OF_GOODS)}
