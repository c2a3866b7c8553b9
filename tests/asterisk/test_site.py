"""The switchboard's configuration: complete, made from a site's facts, and closed to what is no fact."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk.modules import MODULES
from asterisk.site import Line, Phone, Queue, Site, Trunk, files, write

SITE = Site(
    trunk=Trunk(host="sip.example", number="74951230000"),
    phones=(
        Phone(extension="1001", name="Anna", password="a-secret"),
        Phone(extension="1002", name="Žofie", password="b-secret"),
    ),
    queues=(Queue(name="sales", members=("1001", "1002"), strategy="ringall"),),
    lines=(
        Line(number="74951230001", name="Sales", queue="sales"),
        Line(number="74951230003", name="Anna", extension="1001"),
    ),
    ami_secret="ami-secret",
)


def section(text: str, name: str) -> list[str]:
    """The lines of one section, without comments."""
    _, _, rest = f"\n{text}".partition(f"\n[{name}]")
    lines = rest.partition("\n")[2].partition("\n[")[0].splitlines()
    return [line for line in lines if line and not line.startswith(";")]


def test_nothing_of_the_templates_is_left_in_the_files() -> None:
    for name, text in files(SITE).items():
        assert "{{" not in text and "{%" not in text, name
        assert text.endswith("\n"), name


def test_events_carry_the_instant_of_the_switchboard() -> None:
    assert "timestampevents = yes" in section(files(SITE)["manager.conf"], "general")


def test_the_account_may_read_and_ask_what_the_program_needs_and_no_more() -> None:
    account = dict(line.split(" = ") for line in section(files(SITE)["manager.conf"], "callcenter"))
    assert account["secret"] == "ami-secret"
    assert account["read"] == "system,call,agent,user,cdr,dialplan"
    assert {"command", "config", "all"}.isdisjoint(account["write"].split(","))
    assert account["deny"] == "0.0.0.0/0.0.0.0"


def test_each_line_leads_where_the_site_says() -> None:
    dialplan = section(files(SITE)["extensions.conf"], "from-trunk")
    assert " same => n,Queue(sales,t,,,120)" in dialplan
    assert " same => n,Dial(PJSIP/1001,120,t)" in dialplan


def test_the_members_of_a_queue_are_phones_of_the_house() -> None:
    members = section(files(SITE)["queues.conf"], "sales")
    assert "member => PJSIP/1002,0,Žofie" in members
    with pytest.raises(ValueError, match="1009"):
        files(replace(SITE, queues=(Queue(name="sales", members=("1009",)),)))


def test_a_provider_that_gave_us_a_name_is_registered_with() -> None:
    trunk = Trunk(host="sip.example", number="74951230000", username="acme", password="t-secret")
    assert "type = registration" in files(replace(SITE, trunk=trunk))["pjsip.conf"]
    assert "type = registration" not in files(SITE)["pjsip.conf"]


def test_every_application_of_the_dialplan_has_its_module() -> None:
    loaded = {name for names in MODULES.values() for name in names}
    for application in ("dial", "queue", "mixmonitor", "playback", "playtones"):
        assert f"app_{application}" in loaded


@pytest.mark.parametrize("bad", ["a\nsecret = x", "a;b", "a,b", "${SHELL(id)}", 'a" <1>', "x&PJSIP/trunk"])
def test_a_value_that_would_be_syntax_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="forbidden"):
        replace(SITE, phones=(Phone(extension="1001", name=bad, password="p"),))


@settings(deadline=None)  # a busy machine is no bug
@given(st.text())
def test_a_name_never_makes_a_line_of_its_own(name: str) -> None:
    usual = files(SITE)["pjsip.conf"].splitlines()
    try:
        site = replace(SITE, phones=(replace(SITE.phones[0], name=name), SITE.phones[1]))
    except ValueError:
        return
    assert len(files(site)["pjsip.conf"].split("\n")) == len(usual) + 1


def test_files_with_passwords_are_for_their_owner_only(tmp_path: Path) -> None:
    write(SITE, tmp_path / "etc")
    for file in (tmp_path / "etc").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_are_not_shown_with_the_site() -> None:
    assert "secret" not in repr(SITE).replace("ami_secret", "")


def test_who_is_left_by_the_operator_is_asked_for_his_vote_where_the_site_says() -> None:
    dialplan = files(replace(SITE, vote="custom/vote"))["extensions.conf"]
    assert " same => n,Queue(sales,tc,,,120)" in section(dialplan, "from-trunk")
    assert " same => n(said),UserEvent(CallcenterVote,Vote: ${stars})" in section(dialplan, "callcenter-vote")
    assert "callcenter-vote" not in files(SITE)["extensions.conf"]
