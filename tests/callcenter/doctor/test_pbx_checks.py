# ruff: noqa: E501  (a row of a table is a line)
"""What the doctor says of a switchboard: facts in, one line and the exact fix out."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from callcenter.call import Rules
from callcenter.doctor.control_checks import EXTENSIONS
from callcenter.doctor.examine import judge
from callcenter.doctor.finding import Finding, Verdict
from callcenter.doctor.floor_checks import People
from callcenter.doctor.pbx_facts import Flavour, Member, PbxFacts, Reach

WELL = PbxFacts(
    pbx="warsaw",
    host="10.0.0.5",
    port=5038,
    username="crm",
    reach=Reach.CONNECTED,
    our_address="10.0.0.7",
    ami_version="11.0.0",
    version="Asterisk 22.10.1",
    latency_s=0.001,
    skew_s=0.02,
    reads=frozenset({"system", "call", "agent", "user", "cdr", "dialplan"}),
    writes=frozenset({"system", "call", "agent", "originate", "reporting"}),
    stamped=True,
    writetimeout_ms=5000,
    config_seen=True,
    may_filter=True,
    context_dials=True,
    context_exists=True,
    sample="+48512345678",
    interfaces={"PJSIP/1001": "Not in use", "PJSIP/1002": "Not in use", "PJSIP/trunk": "Not in use"},
    queues=("sales",),
    members=(
        Member(queue="sales", interface="PJSIP/1001", name="Anna", state="1"),
        Member(queue="sales", interface="Local/1002@from-queue/n", name="Boris", state="1"),
    ),
    modules={"app_queue": True, "app_mixmonitor": True, "res_parking": True, "pbx_config": True},
    parking=("default",),
    spool="/var/spool/asterisk",
    extensions=dict.fromkeys(EXTENSIONS, True),
    features={"atxfer": "*2", "atxferabort": "*1", "atxferswap": "*4", "atxferthreeway": "*3"},
    application_map=frozenset({"callcenter-anew"}),
)
NO_RECORD = {place: place[0] != "callcenter-record" for place in EXTENSIONS}
OLD_RECORD = {place: place[1] != "anew" for place in EXTENSIONS}
NO_HOLD = {place: place[0] != "callcenter-hold" for place in EXTENSIONS}
PEOPLE = People(phones={"1001": "Anna", "1002": "Boris"}, lines=frozenset({"48223071120"}))


def said(facts: PbxFacts, people: People | None = PEOPLE) -> dict[str, Finding]:
    """The findings by check."""
    return {finding.check: finding for finding in judge(facts, people)}


def verdicts(findings: Iterable[Finding]) -> set[Verdict]:
    return {finding.verdict for finding in findings}


def test_of_a_healthy_switchboard_nothing_bad_is_said() -> None:
    assert verdicts(said(WELL).values()) == {Verdict.GOOD}


@pytest.mark.parametrize(
    ("wrong", "check", "verdict", "words", "fix"),
    [
        ({"reads_missing": {"dialplan"}}, "read", "care", "names of recordings", "read = system,call,agent"),
        ({"reads": {"system", "agent", "dialplan"}}, "read", "bad", "no call is seen", "read = "),
        ({"reads": {"system", "call", "dialplan"}}, "read", "bad", "no queue is seen", "[crm]"),
        ({"reads": None, "reads_seen": {"system"}}, "read unseen", "unseen", "call, agent, dialplan", "test calls"),
        ({"reads": {"all"}}, "read too much", "care", "hears more", "read = "),
        ({"writes": {"call", "agent", "reporting"}}, "write", "bad", "click-to-call", "write = call,agent,originate"),
        ({"writes": {"originate", "agent", "reporting"}}, "write", "bad", "hanging up", "manager reload"),
        ({"writes": {"call", "originate", "agent"}}, "write", "bad", "live channels", "write = "),
        ({"writes": {"call", "originate", "reporting"}}, "write", "care", "queues", "write = "),
        ({"writes": {"call", "agent", "originate", "reporting", "command"}}, "write too much", "care", "command", "write = "),
        ({"extensions": NO_RECORD}, "callcenter-record", "care", "who spoke", "--snippets asterisk"),
        ({"extensions": OLD_RECORD}, "callcenter-anew", "care", "no `anew`", "Replace [callcenter-record]"),
        ({"application_map": frozenset()}, "callcenter-anew", "care", "silent", 'callcenter-anew => D,self,Gosub,"callcenter-record,anew,1"'),
        ({"application_map": None}, "callcenter-anew", "unseen", "write class system", "[applicationmap]"),
        ({"application_map": frozenset(), "flavour": Flavour.FREEPBX}, "callcenter-anew", "care", "silent", "features_applicationmap_custom.conf"),
        ({"extensions": NO_HOLD}, "hold", "care", "00@callcenter-hold", "[callcenter-hold]"),
        ({"features": WELL.features | {"atxfer": ""}}, "atxfer", "care", "not set", "[featuremap]"),
        ({"features": WELL.features | {"atxferswap": "*5"}}, "atxferswap", "care", "is *5", "atxferswap => *4"),
        ({"writes": None}, "write", "unseen", "ListCommands", ""),
        ({"stamped": False}, "timestampevents", "bad", "by arrival", "timestampevents = yes"),
        ({"stamped": None}, "timestampevents", "unseen", "none came", "[general]"),
        ({"writetimeout_ms": None}, "writetimeout", "care", "100 ms", "writetimeout = 5000"),
        ({"writetimeout_ms": 200}, "writetimeout", "care", "200 ms", "writetimeout = 5000"),
        ({"config_seen": False}, "writetimeout", "unseen", "can not be seen", "writetimeout = 5000"),
        ({"skew_s": 2.5}, "clock", "care", "2.5 s ahead of ours", "timedatectl"),
        ({"skew_s": -3600.0}, "clock", "bad", "3600.0 s behind ours", "timedatectl"),
        ({"latency_s": 0.8}, "distance", "care", "800 ms", "network"),
        ({"context_dials": False, "context_exists": False}, "click-to-call", "bad", "no context [callcenter-dial]", "--snippets asterisk"),
        ({"context_dials": False}, "click-to-call", "bad", "no extension for +48512345678", "extensions.conf"),
        ({"context_dials": None, "context_exists": None}, "click-to-call", "unseen", "can not be seen", ""),
        ({"interfaces": {"PJSIP/1001": "Not in use", "PJSIP/trunk": ""}}, "phones", "bad", "1002 (Boris)", "channel = "),
        ({"interfaces": {"PJSIP/1001": "Unavailable", "PJSIP/1002": "", "PJSIP/t": ""}}, "registered", "care", "1001 (Anna)", "pjsip show"),
        ({"interfaces": {"PJSIP/anna": "", "PJSIP/trunk": ""}}, "extensions", "bad", "looks like a phone", "extensions = "),
        ({"interfaces": {"PJSIP/1001": "", "PJSIP/1002": ""}}, "trunks", "care", "taken for a trunk", "trunks = "),
        ({"interfaces": None}, "phones", "unseen", "can not be seen", ""),
        ({"members": (Member(queue="sales", interface="PJSIP/1009", name="", state="4"),)}, "queue members", "bad", "PJSIP/1009 in sales", "queues.conf"),
        ({"members": (Member(queue="sales", interface="PJSIP/1009", name="", state="1"),)}, "strangers in queues", "care", "1009", "Users"),
        ({"members": ()}, "outside queues", "care", "1001 (Anna), 1002 (Boris)", "log in"),
        ({"queues": ()}, "queues", "care", "no queue", ""),
        ({"modules": {"app_mixmonitor": False}}, "app_mixmonitor", "bad", "nothing is recorded", "load = app_mixmonitor.so"),
        ({"parking": ()}, "parking", "care", "no parking lot", "parkpos"),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_what_to_write(
    wrong: dict[str, Any], check: str, verdict: str, words: str, fix: str
) -> None:
    facts = replace(WELL, **{name: frozenset(v) if isinstance(v, set) else v for name, v in wrong.items()})
    finding = said(facts)[check]
    assert finding.verdict == verdict
    assert words in finding.says
    assert fix in (finding.fix.text if finding.fix else "")


@pytest.mark.parametrize(
    ("people", "check", "verdict", "words", "fix"),
    [
        (replace(PEOPLE, phones={}), "operators", "bad", "no card will appear", "callcenter user add"),
        (
            replace(PEOPLE, stray_phones={"1003": 7}),
            "nobody's phones",
            "care",
            "1003 (7 calls)",
            "--extension 1003",
        ),
        (
            replace(PEOPLE, stray_lines={"48221": 9}),
            "lines",
            "care",
            "48221 (9 calls)",
            "shop line PREFIX 48221",
        ),
        (replace(PEOPLE, lines=frozenset()), "lines", "care", "No line is known", "--pbx warsaw"),
    ],
)
def test_what_our_tables_lack_is_named_too(
    people: People, check: str, verdict: str, words: str, fix: str
) -> None:
    finding = said(WELL, people)[check]
    assert (finding.verdict, words in finding.says) == (verdict, True)
    assert finding.fix is not None and fix in finding.fix.text


@pytest.mark.parametrize(
    ("reach", "words", "fix"),
    [
        (Reach.NO_NAME, "unknown here", "AMI_HOST"),
        (Reach.CLOSED, "Nothing accepts", "bindaddr = 0.0.0.0"),
        (Reach.SILENT, "does not answer", "firewall"),
        (Reach.LOST, "hangs up", "firewall"),
        (Reach.TLS, "TLS", "tls = false"),
        (Reach.FOREIGN, "What listens", "Asterisk 12 or newer"),
        (Reach.REFUSED, "refuses our login as crm", "permit = 10.0.0.7/255.255.255.255"),
    ],
)
def test_who_can_not_come_in_is_told_why_and_nothing_else(reach: Reach, words: str, fix: str) -> None:
    (finding,) = judge(replace(WELL, reach=reach, detail="why"), PEOPLE)
    assert finding.verdict is Verdict.BAD and words in finding.says
    assert finding.fix is not None and fix in finding.fix.text


def test_on_freepbx_only_files_are_named_that_it_does_not_write_itself() -> None:
    facts = replace(WELL, flavour=Flavour.FREEPBX, stamped=False, context_exists=False, context_dials=False)
    found = said(replace(facts, reads_missing=frozenset({"dialplan"})))
    named = {finding.fix.file for finding in found.values() if finding.fix and finding.fix.file}
    assert {"/etc/asterisk/manager_custom.conf", "/etc/asterisk/extensions_custom.conf"} <= named
    assert not any(name.endswith(("/manager.conf", "/extensions.conf")) for name in named)
    stamps = found["timestampevents"].fix
    assert stamps is not None and stamps.lines[0] == "[general](+)"  # adds to the section that FreePBX wrote


def test_a_file_that_was_changed_but_not_loaded_is_seen_through() -> None:
    found = said(replace(WELL, reads_missing=frozenset({"dialplan"})))
    assert "not loaded yet" in found["read not loaded"].says


def test_an_event_that_came_proves_its_class_whatever_could_not_be_read() -> None:
    facts = replace(WELL, reads=None, reads_seen=frozenset({"call", "agent", "dialplan", "system"}))
    assert said(facts)["read"].verdict is Verdict.GOOD


def test_without_our_tables_nothing_is_said_about_people() -> None:
    found = said(WELL, None)
    assert "phones" not in found and "lines" not in found
    assert found["click-to-call"].verdict is Verdict.GOOD


def test_phones_with_names_of_their_own_are_known_by_the_rules() -> None:
    import re

    rules = Rules(extensions=re.compile(r"agent-(\d+)"))
    facts = replace(WELL, rules=rules, interfaces={"PJSIP/agent-1001": "Not in use", "PJSIP/trunk": ""})
    assert facts.extension_of("PJSIP/agent-1001") == "1001"
    assert "1002 (Boris)" in said(facts)["phones"].says
