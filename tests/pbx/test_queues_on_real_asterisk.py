"""What a real queue does with its callers, as Asterisk's own queue_log tells it and as our visits do."""

import asyncio
import csv
from collections.abc import Iterator
from datetime import timedelta

import pytest

from asterisk import actions
from asterisk.history import Kind, Records, read_cel
from asterisk.site import templates
from callcenter.call import Call, EndedBy, Place, QueueOutcome, Result, Rules, died_in
from callcenter.recovery import from_cel
from tests.pbx.test_calls_on_real_asterisk import Story, story
from tests.pbx.tree import Tree, missing

OVERFLOWS, EMPTIES, KEYS, FULL = "74951230011", "74951230012", "74951230013", "74951230014"
VOTES = "74951230015"

DIALPLAN = f"""
[from-trunk](+)
exten => {OVERFLOWS},1,Answer()
 same => n,Queue(brief,t,,,2)
 same => n,Queue(guarded,t,,,30)
 same => n,Goto(sorry,s,1)
exten => {EMPTIES},1,Queue(guarded,rt,,,30)
 same => n,Goto(sorry,s,1)
exten => {KEYS},1,Answer()
 same => n,Queue(brief,t,,,30)
exten => {FULL},1,Answer()
 same => n,Queue(narrow,t,,,30)
 same => n,Goto(sorry,s,1)
exten => {VOTES},1,Answer()
 same => n,Queue(brief,tc,,,30)
 same => n,ExecIf($["${{QUEUESTATUS}}" = "CONTINUE"]?Gosub(callcenter-vote,s,1))
 same => n,Hangup()

{templates().get_template("snippets/vote.conf").render()}

[keys]
exten => 1,1,WaitExten(20)
"""
QUEUES = """
[brief](usual)
strategy = ringall
timeout = 15
context = keys
member => PJSIP/1001,0,Anna

[guarded](usual)
strategy = ringall
timeout = 2
joinempty = unavailable,invalid,unknown,paused
leavewhenempty = unavailable,invalid,unknown,paused
member => PJSIP/1002,0,Boris

[narrow](usual)
strategy = ringall
maxlen = 1
member => PJSIP/1003,0,Clara
"""
LEFT_BY = {
    "CONNECT": QueueOutcome.ANSWERED,
    "ABANDON": QueueOutcome.ABANDONED,
    "EXITWITHTIMEOUT": QueueOutcome.TIMEOUT,
    "EXITEMPTY": QueueOutcome.LEAVE_EMPTY,
    "EXITWITHKEY": QueueOutcome.KEY_EXIT,
}


@pytest.fixture(scope="module")
def pbx() -> Iterator[Tree]:
    """Our configuration with queues that let their callers go, by every way out that there is."""
    reason = missing()
    if reason is not None:
        pytest.fail(reason)
    with Tree.booted() as tree:
        for name, more in (("extensions.conf", DIALPLAN), ("queues.conf", QUEUES)):
            with (tree.root / "etc/asterisk" / name).open("a") as file:
                file.write(more)
        tree.cli("dialplan reload")
        tree.cli("queue reload all")
        assert "guarded" in tree.cli("queue show")
        yield tree


def log_of(tree: Tree, uniqueid: str) -> list[tuple[str, QueueOutcome | None, int]]:
    """(queue, way out, position at entry) of each stay of this caller, as Asterisk wrote it down."""
    text = (tree.root / "var/log/asterisk/queue_log").read_text()
    stays: list[tuple[str, QueueOutcome | None, int]] = []
    for row in csv.reader(text.splitlines(), delimiter="|", quoting=csv.QUOTE_NONE):
        if row[1] != uniqueid:
            continue
        if row[4] == "ENTERQUEUE":
            stays.append((row[2], None, int(row[7])))
        elif row[4] in LEFT_BY:
            stays[-1] = (stays[-1][0], LEFT_BY[row[4]], stays[-1][2])
    return stays


async def agrees(tree: Tree, call: Call) -> None:
    """Our visits are those of queue_log, which is written a moment later."""
    ours = [(v.queue, v.outcome, v.position) for v in call.visits if v.entered_at]
    for _ in range(40):
        if log_of(tree, call.root) == ours:
            return
        await asyncio.sleep(0.05)
    assert log_of(tree, call.root) == ours


def outcomes(call: Call) -> list[tuple[str, QueueOutcome | None]]:
    return [(visit.queue, visit.outcome) for visit in call.visits]


async def gone(now: Story, line: str) -> Call:
    """A customer who waits for what comes, to the end of the apology."""
    await now.customer_calls(line)
    return await now.the_end()


async def test_time_is_up_and_the_second_queue_answers(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002") as now:
        customer = await now.customer_calls(OVERFLOWS)
        await now.rings("1001")
        boris = await now.rings("1002")
        await boris.answer()
        await now.until(lambda: now.call.operator == "1002")
        customer.hang_up()
        call = await now.the_end()
    assert outcomes(call) == [("brief", QueueOutcome.TIMEOUT), ("guarded", QueueOutcome.ANSWERED)]
    assert call.visits[0].wait_s > 1.9
    assert (call.result, died_in(call)) == (Result.ANSWERED, None)
    await agrees(pbx, call)


async def test_who_gives_up_in_the_second_queue_abandons_that_one_alone(pbx: Tree) -> None:
    async with story(pbx, "1001", "1002") as now:
        customer = await now.customer_calls(OVERFLOWS)
        await now.rings("1001")
        await now.rings("1002")
        await now.until(lambda: now.call.ringing == {"1002"})
        customer.hang_up()
        call = await now.the_end()
    assert outcomes(call) == [("brief", QueueOutcome.TIMEOUT), ("guarded", QueueOutcome.ABANDONED)]
    assert (call.result, died_in(call)) == (Result.ABANDONED, Place.QUEUE)
    await agrees(pbx, call)


async def test_nobody_signed_in_refuses_at_the_door(pbx: Tree) -> None:
    async with story(pbx) as now:
        call = await gone(now, EMPTIES)
    assert outcomes(call) == [("guarded", QueueOutcome.JOIN_EMPTY)]
    assert (call.result, died_in(call)) == (Result.OVERFLOW, Place.ALL_BUSY)
    await agrees(pbx, call)  # queue_log knows nothing of it


async def test_the_last_operator_pauses_and_the_queue_lets_its_caller_go(pbx: Tree) -> None:
    async with story(pbx, "1002") as now:
        await now.customer_calls(EMPTIES)
        await now.rings("1002")
        await actions.queue_pause(now.here.link, "PJSIP/1002", paused=True, reason="lunch")
        call = await now.the_end()
        await actions.queue_pause(now.here.link, "PJSIP/1002", paused=False)
    assert outcomes(call) == [("guarded", QueueOutcome.LEAVE_EMPTY)]
    assert died_in(call) is Place.ALL_BUSY
    await agrees(pbx, call)


async def test_a_full_queue_lets_nobody_in(pbx: Tree) -> None:
    async with story(pbx, "1003") as now:
        first = await now.customer_calls(FULL)
        await now.rings("1003")
        await now.customer_calls(FULL)
        await now.until(lambda: now.ended)
        refused = now.ended[-1]
        first.hang_up()
        await now.until(lambda: not now.tracker.calls)
    assert outcomes(refused) == [("narrow", QueueOutcome.FULL)]
    assert died_in(refused) is Place.ALL_BUSY
    assert outcomes(now.ended[-1]) == [("narrow", QueueOutcome.ABANDONED)]
    for call in (refused, now.ended[-1]):
        await agrees(pbx, call)


async def test_two_in_line_know_their_places(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        first = await now.customer_calls(KEYS)
        await now.rings("1001")
        second = await now.customer_calls(KEYS)
        await now.until(
            lambda: sorted(v.position or 0 for c in now.tracker.calls.values() for v in c.visits) == [1, 2]
        )
        first.hang_up()
        await now.until(lambda: now.ended)
        second.hang_up()
        await now.until(lambda: not now.tracker.calls)
    places = [(v.position, v.left_position) for call in now.ended for v in call.visits]
    assert places == [(1, 1), (2, 1)]
    for call in now.ended:
        assert outcomes(call) == [("brief", QueueOutcome.ABANDONED)]
        await agrees(pbx, call)


async def test_who_is_redirected_has_left_the_queue_without_abandoning_it(pbx: Tree) -> None:
    """queue_log calls it ABANDON: Asterisk sees only that its application was ended."""
    async with story(pbx, "1001", "1002") as now:
        customer = await now.customer_calls(KEYS)
        await now.rings("1001")
        await now.until(lambda: now.call.ringing == {"1001"})
        channel = next(c.name for c in now.call.live_channels if c.extension is None)
        await actions.redirect(now.here.link, channel, exten="1002", context="from-internal")
        await (await now.rings("1002")).answer()
        await now.until(lambda: now.call.operator == "1002")
        customer.hang_up()
        call = await now.the_end()
    assert outcomes(call) == [("brief", QueueOutcome.WITHDRAWN)]
    assert log_of(pbx, call.root) == [("brief", QueueOutcome.ABANDONED, 1)]


async def test_with_fewer_rights_time_up_is_still_no_abandon(pbx: Tree) -> None:
    file = pbx.root / "etc/asterisk/manager.conf"
    before = file.read_text()
    file.write_text(before.replace(",cdr,dialplan", ",cdr"))  # no VarSet, no Newexten
    pbx.cli("manager reload")
    try:
        async with story(pbx, "1001", "1002") as now:
            customer = await now.customer_calls(OVERFLOWS)
            await now.rings("1001")
            await now.rings("1002")
            await now.until(lambda: now.call.ringing == {"1002"})
            customer.hang_up()
            call = await now.the_end()
    finally:
        file.write_text(before)
        pbx.cli("manager reload")
    assert outcomes(call) == [("brief", QueueOutcome.LET_GO), ("guarded", QueueOutcome.ABANDONED)]
    assert (call.result, died_in(call)) == (Result.ABANDONED, Place.QUEUE)


async def test_who_presses_a_key_leaves_the_queue_for_the_menu(pbx: Tree) -> None:
    async with story(pbx) as now:
        customer = await now.customer_calls(KEYS)
        await now.until(lambda: now.call.visits and now.call.visits[0].entered_at)
        channel = next(c.name for c in now.call.live_channels)
        await now.here.link.request("PlayDTMF", Channel=channel, Digit="1", Receive="yes")
        await now.until(lambda: now.call.mark)
        customer.hang_up()
        call = await now.the_end()
    assert outcomes(call) == [("brief", QueueOutcome.KEY_EXIT)]
    assert died_in(call) is Place.MENU
    await agrees(pbx, call)


async def test_who_is_left_by_the_operator_votes_by_a_key(pbx: Tree) -> None:
    async with story(pbx, "1001") as now:
        await now.customer_calls(VOTES)
        anna = await now.rings("1001")
        await anna.answer()
        await now.until(lambda: now.call.operator == "1001")
        anna.hang_up()
        await now.until(lambda: now.call.mark is not None)  # he is asked
        channel = now.call.channels[now.call.root].name
        await actions.play_dtmf(now.here.link, channel, "4", received=True)
        call = await now.the_end()
    assert (call.vote, call.result, call.operator) == (4, Result.ANSWERED, "1001")
    assert outcomes(call) == [("brief", QueueOutcome.ANSWERED)]
    assert call.hanger is EndedBy.OPERATOR
    # Whoever did not hear it finds it in Asterisk's own diary, which is written a moment later.
    book = Records(kind=Kind.CEL, place=str(pbx.root / "var/log/asterisk/cel-custom/Master.csv"))
    from_at, to_at = call.started_at - timedelta(seconds=5), call.started_at + timedelta(minutes=5)
    votes: list[int | None] = []
    for _ in range(40):
        told = from_cel("lab", await read_cel(book, from_at, to_at), Rules(), now=to_at)
        if votes := [it.call.vote for it in told if it.call.linkedid == call.linkedid and it.call.ended_at]:
            break
        await asyncio.sleep(0.05)
    assert votes == [4]
