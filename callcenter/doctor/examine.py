"""The whole examination: every switchboard, then our own side; a list of findings, part by part."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import phonenumbers

from asterisk.events import Event
from callcenter.attach import Switch
from callcenter.directory import Directory, load_directory
from callcenter.doctor import places
from callcenter.doctor.control_checks import CONTROL
from callcenter.doctor.finding import Finding, Verdict
from callcenter.doctor.floor_checks import ALONE, FLOOR, People
from callcenter.doctor.house_checks import HOUSE
from callcenter.doctor.house_facts import HouseFacts, Premises
from callcenter.doctor.house_visit import look_at_house
from callcenter.doctor.pbx_checks import FIRST, LINK
from callcenter.doctor.pbx_facts import PbxFacts, Reach
from callcenter.doctor.records_checks import look_at_records, records
from callcenter.doctor.sound_checks import SOUND
from callcenter.doctor.tried import Delivered, Tried, review
from callcenter.doctor.visiting import look_at
from crm_core.db import Database
from crm_core.pop import Pop, pops_of
from crm_core.read.calls import list_calls
from crm_core.read.habits import Habits, LastCall, load_habits, load_last_call
from crm_core.read.one_call import CallPage, load_call
from crm_core.read.sound import load_sounds

LATELY = timedelta(days=30)
WRITTEN = timedelta(minutes=2)  # by then Asterisk has written down what it knows of a call


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """Knows the house and can be asked again and again. `heard`: kinds of events a running link has heard, by PBX."""

    premises: Premises
    switches: Sequence[Switch]
    db: Database | None
    now: Callable[[], datetime]
    why_no_db: str = ""
    heard: Callable[[], Mapping[str, Iterable[type[Event]]]] = dict

    async def examine(self, *, deep: bool = True) -> list[Finding]:
        """Look at everything. `deep` also loads the speech model, which may take a minute."""
        pbxs, people = await asyncio.gather(self._pbxs(), self._people())
        spools = {f.pbx: f.spool for f in pbxs}
        house = await look_at_house(
            self.premises, self.db, spools=spools, now=self.now(), deep=deep, why_no_db=self.why_no_db
        )
        findings = [finding for facts in pbxs for finding in judge(facts, (people or {}).get(facts.pbx))]
        findings += await self._records()
        if not pbxs:
            findings.append(no_switchboard())
        findings += sound_findings(house)
        findings += _flat(check(house) for check in HOUSE)
        return findings

    async def look_back(
        self, calls: int, since: datetime | None = None
    ) -> list[tuple[CallPage, list[Finding]]]:
        """The last calls (since then), newest first, each with what was recognised of it."""
        if self.db is None:
            return []
        async with self.db.begin() as session:
            rows = await list_calls(session, user_id=0, everybody=True, since=since, limit=calls)
            ids = [row.id for row in rows.rows]
            sounds, pops = await load_sounds(session, ids), await pops_of(session, ids)
            pages = [await load_call(session, one, user_id=0, everybody=True) for one in ids]
        now = self.now()
        return [
            (
                page,
                review(
                    Tried(call=page, sound=sounds[page.id], pops=_delivered(pops.get(page.id, [])), now=now)
                ),
            )
            for page in pages
        ]

    async def _pbxs(self) -> list[PbxFacts]:
        heard, sample = self.heard(), sample_number(self.premises.country)
        return await asyncio.gather(
            *(
                look_at(
                    switch.account,
                    switch.rules,
                    switch.dialplan,
                    sample=switch.dialplan.number(sample),
                    heard=heard.get(switch.account.pbx, ()),
                )
                for switch in self.switches
            )
        )

    async def _records(self) -> list[Finding]:
        """What is kept by each switchboard itself."""
        now = self.now()
        found: list[Finding] = []
        if self.premises.demo:
            return found  # the simulated switchboard writes nothing down
        for switch in self.switches:
            pbx = switch.account.pbx
            seen = await look_at_records(pbx, switch.records, await self._last_call(pbx, now), now)
            found += records(pbx, seen)
        return found

    async def _last_call(self, pbx: str, now: datetime) -> LastCall | None:
        if self.db is None:
            return None
        with suppress(Exception):  # the finding about the database says why
            async with self.db.begin() as session:
                return await load_last_call(session, pbx, now - LATELY, now - WRITTEN)
        return None

    async def _people(self) -> dict[str, People] | None:
        """What the tables say of each switchboard; None while the database does not tell."""
        if self.db is None:
            return None
        try:
            async with self.db.begin() as session:
                directory = await load_directory(session)
                since = self.now() - LATELY
                return {
                    pbx: _people_of(pbx, directory, await load_habits(session, pbx, since))
                    for pbx in (switch.account.pbx for switch in self.switches)
                }
        except Exception:  # the finding about the database says why
            return None


def judge(facts: PbxFacts, people: People | None) -> list[Finding]:
    """Every finding about one switchboard; without `people` those that need no tables of ours."""
    if facts.reach is not Reach.CONNECTED:
        return _flat(check(facts) for check in FIRST)
    link = _flat(check(facts) for check in (*FIRST, *LINK, *CONTROL))
    floor = FLOOR if people is not None else ALONE
    return link + _flat(check(facts, people or People()) for check in floor)


def sound_findings(house: HouseFacts) -> list[Finding]:
    """Every finding about each folder of recordings; one of a switchboard's own is called after it."""
    found = []
    for sound, habits in ((house.sound, house.habits), *house.others):
        for finding in _flat(check(replace(house, sound=sound, habits=habits)) for check in SOUND):
            about = f"{finding.about} of {sound.pbx}" if sound.pbx else finding.about
            found.append(replace(finding, about=about))
    return found


def no_switchboard() -> Finding:
    """Nothing is configured to attach to."""
    lines = ('AMI_HOST = "10.0.0.5"', 'AMI_USERNAME = "callcenter"', 'AMI_SECRET = "…"')
    fix = places.setting(
        "Say where the switchboard is; its side is printed by: callcenter doctor --snippets asterisk", *lines
    )
    says = "No switchboard is configured: no call will ever be seen."
    return Finding(about="switchboard", check="configured", verdict=Verdict.BAD, says=says, fix=fix)


def sample_number(country: str) -> str:
    """A number of that country as it could be dialled, E.164."""
    example = phonenumbers.example_number(country)
    return (
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        if example
        else "+12015550123"
    )


def _delivered(pops: Iterable[tuple[str, Pop]]) -> list[Delivered]:
    return [
        Delivered(name=name, rang_at=pop.rang_at, sent_at=pop.sent_at, shown_at=pop.shown_at)
        for name, pop in pops
    ]


def _people_of(pbx: str, directory: Directory, habits: Habits) -> People:
    names = directory.operators
    return People(
        phones={ext: names[user].name for (of, ext), user in directory.by_phone.items() if of == pbx},
        lines=frozenset(number for of, number in directory.lines if of == pbx),
        stray_lines=habits.stray_lines,
        stray_phones=habits.stray_phones,
    )


def _flat(answers: Iterable[Finding | Iterator[Finding] | None]) -> list[Finding]:
    found: list[Finding] = []
    for answer in answers:
        if isinstance(answer, Finding):
            found.append(answer)
        elif answer is not None:
            found.extend(answer)
    return found
