"""Every noun that can be imported, by its name."""

from crm_core.errors import Invalid
from crm_core.exchange.goods import GOODS
from crm_core.exchange.noun import Noun
from crm_core.exchange.people import PEOPLE
from crm_core.exchange.sales import SALES

NOUNS = {noun.name: noun for noun in (GOODS, PEOPLE, SALES)}


def noun_of(name: str) -> Noun:
    """The noun of this name. Raises `Invalid`."""
    if name not in NOUNS:
        raise Invalid(f"{name[:40]!r} can not be imported; {', '.join(NOUNS)} can.", "noun")
    return NOUNS[name]
