"""What the settings say about a switchboard, in the words of the room that uses it."""

import re

from callcenter.audit import Audited, records
from callcenter.call import Rules
from callcenter.numbers import TrunkRule
from crm_core.phone import NumberRule
from recordings.roots import Roots
from recordings.store import Root
from web.settings import PbxSettings, Settings


def rules_of(pbx: PbxSettings) -> Rules:
    """Return whose channel is whose."""
    return Rules(re.compile(pbx.extensions), re.compile(pbx.trunks) if pbx.trunks else None)


def number_rules(pbx: PbxSettings) -> tuple[TrunkRule, ...]:
    """Return how its trunks spell numbers."""
    return tuple(
        TrunkRule(
            trunk=re.compile(each.trunk) if each.trunk else None,
            rule=NumberRule(each.pattern, each.replace),
        )
        for each in pbx.number_rules
    )


def audited(pbx: PbxSettings) -> Audited:
    """Return where it keeps its own records, and how to read them."""
    cel, cdr = (place.get_secret_value() if place else None for place in (pbx.cel, pbx.cdr))
    return Audited(
        pbx=pbx.name, rules=rules_of(pbx), records=records(cel=cel, cdr=cdr, timezone=pbx.records_timezone)
    )


def roots(settings: Settings) -> Roots:
    """Return the folders of recordings."""
    own = {pbx.name: Root(pbx.recordings_dir) for pbx in settings.switchboards if pbx.recordings_dir}
    return Roots(Root(settings.recordings_dir) if settings.recordings_dir else None, own)


def switchboard(settings: Settings, name: str) -> PbxSettings | None:
    """Return the settings of one switchboard, None when it is not attached (any more)."""
    return next((pbx for pbx in settings.switchboards if pbx.name == name), None)


def rules_by_name(settings: Settings, name: str) -> Rules:
    """Return the rules of a switchboard; the usual ones when it is attached no more."""
    pbx = switchboard(settings, name)
    return rules_of(pbx) if pbx is not None else Rules()
