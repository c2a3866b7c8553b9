"""The doctor visits a real Asterisk, in good order and broken on purpose, one thing at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from asterisk.snippets import KINDS, Kind, snippets
from callcenter.call import Rules
from callcenter.clicktocall import Dialplan
from callcenter.doctor.examine import judge
from callcenter.doctor.finding import Finding, Verdict
from callcenter.doctor.floor_checks import People
from callcenter.doctor.pbx_facts import Flavour, PbxFacts
from callcenter.doctor.visiting import OUR_VARIABLE, look_at
from tests.patience import PATIENCE_S
from tests.pbx.conftest import Office, office
from tests.pbx.tree import Tree

NUMBER = "+74951234567"
PEOPLE = People(phones={"1001": "Anna", "1002": "Boris", "1003": "Clara"}, lines=frozenset({"74951230001"}))


@pytest.fixture
async def here(pbx: Tree) -> AsyncIterator[Office]:
    async with office(pbx, "1001", "1002", "1003") as one:
        yield one


async def visit(pbx: Tree, dialplan: Dialplan | None = None) -> PbxFacts:
    return await look_at(pbx.account, Rules(), dialplan or Dialplan(), sample=NUMBER)


def said(facts: PbxFacts, people: People = PEOPLE) -> dict[str, Finding]:
    return {finding.check: finding for finding in judge(facts, people)}


@contextmanager
def changed(pbx: Tree, name: str, *swaps: tuple[str, str], reload: str | None) -> Iterator[None]:
    """One file of the PBX with each first text replaced by the second, loaded, and put back afterwards."""
    file = pbx.root / "etc/asterisk" / name
    before = after = file.read_text(encoding="utf-8")
    for old, new in swaps:
        assert old in after, f"{old!r} is not in {name}"
        after = after.replace(old, new)
    try:
        file.write_text(after, encoding="utf-8")
        if reload is not None:
            pbx.cli(reload)
        yield
    finally:
        file.write_text(before, encoding="utf-8")
        pbx.cli(reload or "core reload")


def manager(pbx: Tree, *swaps: tuple[str, str]) -> "contextmanager[None]":
    return changed(pbx, "manager.conf", *swaps, reload="manager reload")  # type: ignore[return-value]


READ = "read = system,call,agent,user,cdr,dialplan"
WRITE = "write = system,call,agent,originate,reporting"


async def test_our_own_switchboard_is_found_in_order(here: Office) -> None:
    facts = await visit(here.tree)
    found = judge(facts, PEOPLE)
    wrong = [finding for finding in found if finding.verdict is not Verdict.GOOD]
    assert [(finding.check, finding.says) for finding in wrong] == []
    assert facts.skew_s is not None and abs(facts.skew_s) < PATIENCE_S
    assert facts.interfaces is not None and facts.interfaces.keys() == {
        "PJSIP/1001", "PJSIP/1002", "PJSIP/1003", "PJSIP/trunk",
    }  # fmt: skip


async def test_the_visit_leaves_nothing_but_its_one_variable(here: Office) -> None:
    before = here.tree.cli("dialplan show globals").splitlines()
    await visit(here.tree)
    after = here.tree.cli("dialplan show globals").splitlines()
    left = {line.strip() for line in after} - {line.strip() for line in before}
    assert all(OUR_VARIABLE in line or "variable" in line for line in left)


async def test_a_missing_class_of_events_is_named(here: Office) -> None:
    with manager(here.tree, (READ, "read = system,call,agent,user,cdr")):
        facts = await visit(here.tree)
    assert "dialplan" in facts.reads_missing
    assert said(facts)["read"].verdict is Verdict.CARE


async def test_a_file_that_nobody_loaded_is_seen_through(here: Office) -> None:
    """The file says one thing, the running Asterisk does another: what it does counts."""
    with manager(here.tree, (READ, "read = system,call,agent,user,cdr")):
        pass
    with changed(here.tree, "manager.conf", (READ, "read = call"), reload="manager reload"):
        here.tree.cli("manager reload")
        (here.tree.root / "etc/asterisk/manager.conf").write_text(
            (here.tree.root / "etc/asterisk/manager.conf").read_text().replace("read = call", READ)
        )
        found = said(await visit(here.tree))
    assert found["read"].verdict is Verdict.CARE
    assert "not loaded yet" in found["read not loaded"].says


async def test_events_without_their_instant_are_noticed(here: Office) -> None:
    with manager(here.tree, ("timestampevents = yes", "timestampevents = no")):
        assert said(await visit(here.tree))["timestampevents"].verdict is Verdict.BAD


async def test_a_short_patience_is_noticed(here: Office) -> None:
    with manager(here.tree, ("writetimeout = 5000", "writetimeout = 100")):
        assert "100 ms" in said(await visit(here.tree))["writetimeout"].says


async def test_with_few_rights_the_doctor_says_what_it_can_not_see(here: Office) -> None:
    with manager(here.tree, (WRITE, "write = originate"), (READ, "read = call")):
        found = said(await visit(here.tree))
    unseen = {check for check, finding in found.items() if finding.verdict is Verdict.UNSEEN}
    assert {"read unseen", "writetimeout", "click-to-call", "phones"} <= unseen
    assert found["write"].verdict is Verdict.BAD
    assert (
        found["read"].verdict is Verdict.CARE and "system" in found["read"].says
    )  # FullyBooted did not come


async def test_the_rights_that_we_print_are_enough(here: Office) -> None:
    """The printed account has no class system: what it needs works all the same."""
    with manager(here.tree, (WRITE, "write = call,agent,originate,reporting")):
        facts = await visit(here.tree)
    found = said(facts)
    assert {finding.verdict for finding in found.values()} <= {Verdict.GOOD, Verdict.UNSEEN}
    assert found["click-to-call"].verdict is Verdict.GOOD
    assert found["phones"].verdict is Verdict.GOOD  # by their device states
    assert facts.may_read("dialplan") is True  # shown by the variable


async def test_a_wrong_secret_and_a_forbidden_address_look_the_same_and_the_fix_covers_both(
    pbx: Tree,
) -> None:
    wrong = await look_at(replace(pbx.account, secret="wrong"), Rules(), Dialplan(), sample=NUMBER)
    with manager(pbx, ("permit = 127.0.0.1/255.255.255.255", "permit = 10.9.8.7/255.255.255.255")):
        forbidden = await visit(pbx)
    for facts in (wrong, forbidden):
        finding = said(facts)["reached"]
        assert finding.verdict is Verdict.BAD and finding.fix is not None
        assert "permit = 127.0.0.1/255.255.255.255" in finding.fix.lines
        assert "only-for-tests" not in finding.fix.text + finding.says + repr(facts)


async def test_a_context_that_is_not_there_or_takes_no_number_is_named(pbx: Tree) -> None:
    missing = said(await visit(pbx, Dialplan(context="from-internal-old")))["click-to-call"]
    assert missing.verdict is Verdict.BAD and "no context [from-internal-old]" in missing.says
    useless = said(await visit(pbx, Dialplan(context="callcenter-record")))["click-to-call"]
    assert useless.verdict is Verdict.BAD and NUMBER in useless.says


async def test_a_phone_that_does_not_exist_and_one_that_sleeps_are_told_apart(pbx: Tree) -> None:
    async with office(pbx, "1001"):
        found = said(
            await visit(pbx), replace(PEOPLE, phones={"1001": "Anna", "1002": "Boris", "1044": "Zoe"})
        )
    assert "1044 (Zoe)" in found["phones"].says and found["phones"].verdict is Verdict.BAD
    assert "1002 (Boris)" in found["registered"].says and "1001" not in found["registered"].says


async def test_a_member_of_a_queue_that_is_no_device_is_named(pbx: Tree) -> None:
    swap = ("member => PJSIP/1001,0,Anna", "member => PJSIP/1001,0,Anna\nmember => SIPX/1001,0,Typo")
    with changed(pbx, "queues.conf", swap, reload="queue reload all"):
        found = said(await visit(pbx))
    pbx.cli("queue reload all")
    assert "SIPX/1001" in found["queue members"].says


async def test_a_module_that_is_not_loaded_is_named(pbx: Tree) -> None:
    pbx.cli("module unload res_parking.so")
    try:
        found = said(await visit(pbx))
    finally:
        pbx.cli("module load res_parking.so")
    assert "can not be parked" in found["res_parking"].says


async def test_a_clock_that_is_off_is_noticed(pbx: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own clock is moved: the PBX's keeps the machine's time."""
    import time

    real = time.time
    monkeypatch.setattr("callcenter.doctor.visiting.time.time", lambda: real() - 3600)
    finding = said(await visit(pbx))["clock"]
    assert finding.verdict is Verdict.BAD and "3600.0 s ahead" in finding.says


def appended(pbx: Tree, name: str, text: str, reload: str) -> "contextmanager[None]":
    file = pbx.root / "etc/asterisk" / name
    before = file.read_text(encoding="utf-8")
    return changed(pbx, name, (before, f"{before}\n{text}"), reload=reload)  # type: ignore[return-value]


def part(text: str, title: str) -> str:
    """What stands below the heading of one file."""
    return text.partition(f"= /etc/asterisk/{title} =")[2].partition("\n; ====")[0].partition("\n")[2]


# What FreePBX brings along, as little of it as our pieces touch.
FREEPBX = """
[from-pstn]
exten => _X.,1,Goto(from-trunk,${EXTEN},1)
[from-internal-freepbx]
exten => _X.,1,Gosub(macro-dialout-trunk-predial-hook,s,1)
"""


def without(text: str, contexts: Sequence[str]) -> str:
    """The configuration without these contexts, which the pieces bring along."""
    kept, on = [], True
    for line in text.splitlines():
        if line.startswith("["):
            on = line.strip("[]") not in contexts
        if on:
            kept.append(line)
    return "\n".join(kept)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_we_print_is_loaded_and_makes_the_doctor_content(here: Office, kind: Kind) -> None:
    """The printed pieces take the place of ours; the account is theirs, and click-to-call dials."""
    pbx = here.tree
    text = snippets(kind, username="printed", address="127.0.0.1")
    free = kind != "asterisk"
    own = (pbx.root / "etc/asterisk/extensions.conf").read_text(encoding="utf-8")
    bare = without(own, ("callcenter-in", "callcenter-record", "callcenter-dial"))
    dialplan = part(text, "extensions_custom.conf" if free else "extensions.conf")
    manager_part = part(text, "manager_custom.conf" if free else "manager.conf")
    if free:
        dialplan += FREEPBX + "[globals]\nMIXMON_FORMAT=wav\n"
    else:
        manager_part = manager_part[manager_part.index("[printed]") :]  # the general section is there already
    with (
        changed(pbx, "extensions.conf", (own, bare + "\n" + dialplan), reload="dialplan reload"),
        appended(pbx, "manager.conf", manager_part, "manager reload"),
    ):
        account = replace(pbx.account, username="printed", secret="CHANGE-ME")
        facts = await look_at(account, Rules(), Dialplan(), sample=NUMBER)
        warned = [
            line
            for line in pbx.cli("dialplan show callcenter-record").splitlines()
            if "StopMixMonitor" in line
        ]
    found = said(facts)
    assert facts.flavour is (Flavour.FREEPBX if free else Flavour.ASTERISK)
    assert {finding.verdict for finding in found.values()} <= {Verdict.GOOD, Verdict.UNSEEN}, found
    assert found["click-to-call"].verdict is Verdict.GOOD
    assert len(warned) == 1


async def test_nobody_who_listens_there_is_told_from_somebody_who_does_not_speak_ami(pbx: Tree) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        foreign = await look_at(replace(pbx.account, port=port), Rules(), Dialplan(), sample=NUMBER)
    closed = await look_at(replace(pbx.account, port=port), Rules(), Dialplan(), sample=NUMBER)
    assert (foreign.reach, closed.reach) == ("foreign", "closed")
