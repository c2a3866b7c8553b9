"""The simulated switchboard when things break, pile up, or make no sense."""

import asyncio
import contextlib
import random
import socket
import time
from dataclasses import replace

import pytest

from asterisk.fake import (
    Answer,
    Caller,
    Customer,
    Decline,
    Manual,
    RingOut,
    Switchboard,
    busy,
    lab,
    no_answer,
    no_such_number,
)
from asterisk.fake.__main__ import main, read_arguments
from asterisk.fake.traffic import Person, run_traffic
from tests.asterisk.manager import SALES, Manager, until
from tests.patience import PATIENCE_S


async def test_a_cut_connection_leaves_the_calls_alone(board: Switchboard, ami: Manager) -> None:
    call = board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="AgentConnect")
    board.cut()
    await asyncio.wait_for(ami.ended.wait(), 5)
    async with Manager(board.port) as again:
        await again.login()
        assert len(await again.ask_list("CoreShowChannels")) == 2
    assert not call.over


async def test_a_restart_hangs_everything_up_says_shutdown_and_counts_from_zero(
    board: Switchboard, ami: Manager
) -> None:
    board.phone("1002").behave(Decline())
    call = board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="AgentConnect")
    await board.restart(down_s=1)
    await asyncio.wait_for(ami.ended.wait(), 5)
    assert call.over and len(ami.events("Hangup")) == 2
    assert ami.messages[-1]["Event"] == "Shutdown" and ami.messages[-1]["Restart"] == "True"
    async with Manager(board.port) as again:
        await again.login()
        assert int((await again.message(Event="FullyBooted"))["Uptime"]) < 60
        fresh = board.place_call("+79161234567", "Ivan", SALES)
        assert fresh.uniqueid.endswith(".0") and fresh.channel.name.endswith("-00000000")


async def test_a_killed_switchboard_says_nothing(board: Switchboard, ami: Manager) -> None:
    board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=900))
    await ami.message(Event="AgentConnect")
    await board.restart(down_s=1, abrupt=True)
    await asyncio.wait_for(ami.ended.wait(), 5)
    assert not ami.events("Hangup", "Shutdown")
    async with Manager(board.port) as again:
        await again.login()
        assert await again.ask_list("CoreShowChannels") == []


async def test_nothing_is_left_running_when_it_stops() -> None:
    before = asyncio.all_tasks()
    board = Switchboard(lab())
    await board.start()
    async with Manager(board.port) as manager:
        await manager.login()
        board.place_call("+79161234567", "Ivan", SALES)
        await manager.message(Event="AgentCalled")
        await board.stop()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    with socket.create_server(("127.0.0.1", board.port)):
        pass  # the port is free again


CUSTOMERS = (busy(), no_answer(), no_such_number(), Customer(talk_s=2), Customer(talk_s=3, hangs_up=False))
BEHAVIOURS = (
    Manual(),
    Answer(after_s=0.5),
    RingOut(),
    Decline(after_s=0.3),
    Decline(after_s=0.1, rings=False),
)


async def anything(board: Switchboard, ami: Manager, dice: random.Random) -> None:
    """Do one thing out of all that callers, operators and programs can do, sensible or not."""
    extension, number = dice.choice(list(board.pbx.phones)), dice.choice(("+79990000000", "1002", "555"))
    channel = dice.choice([each.name for each in board.pbx.channels.values()] or ["PJSIP/none"])
    place = {"Channel": channel, "Context": dice.choice(("from-internal", "nowhere")), "Exten": number}
    caller = Caller(
        patience_s=dice.uniform(0.1, 20), talk_s=dice.uniform(0.1, 5), hangs_up=dice.random() < 0.5
    )
    match dice.randrange(13):
        case 0 | 1 | 2:
            board.place_call(number, "X", dice.choice(board.config.lines).did, caller=caller)
        case 3:
            board.phone(extension).behave(dice.choice(BEHAVIOURS))
        case 4:
            await board.answer(extension)
        case 5:
            await board.hang_up(extension)
        case 6:
            await board.hold(extension, dice.random() < 0.5)
        case 7:
            board.dial(extension, number)
        case 8:
            await ami.ask("Hangup", Channel=channel)
        case 9:
            await ami.ask(dice.choice(("Redirect", "BlindTransfer")), Priority=1, **place)
        case 10:
            await ami.originate("+79261112233")
        case 11:
            await ami.originate("+79261112233", phone=f"Local/{extension}@c2c-agent/n")
        case 12:
            board.phone(extension).register(dice.random() < 0.7)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_and_programs_do_every_channel_ends_and_every_bridge_is_left(
    board: Switchboard, ami: Manager, seed: int
) -> None:
    dice = random.Random(seed)
    board.customer_of = lambda number: dice.choice(CUSTOMERS)
    for _ in range(60):
        with contextlib.suppress(LookupError):  # a button that makes no sense now
            await anything(board, ami, dice)
        await board.clock.sleep(dice.uniform(0, 1.5))
    await until(lambda: not board.pbx.channels)
    await ami.ask("Ping")
    for begins, ends, key in (
        ("Newchannel", "Hangup", "Uniqueid"),
        ("BridgeEnter", "BridgeLeave", "Uniqueid"),
        ("BridgeCreate", "BridgeDestroy", "BridgeUniqueid"),
        ("QueueCallerJoin", "QueueCallerLeave", "Uniqueid"),
    ):
        one, other = ([each[key] for each in ami.events(event)] for event in (begins, ends))
        assert sorted(one) == sorted(other)
    assert not board.pbx.tasks and not board.pbx.bridges
    assert not any(
        queue.waiting or any(m.in_call for m in queue.members) for queue in board.pbx.queues.values()
    )


async def test_it_keeps_up_with_fifty_calls_a_second() -> None:
    names = {f"{2000 + n}": f"Operator {n}" for n in range(300)}
    config = lab()
    queue = replace(config.queues[3], members=tuple(names))
    extensions = tuple(replace(config.extensions[0], number=n, name=name) for n, name in names.items())
    async with Switchboard(replace(config, extensions=extensions, queues=(queue,), noise=False)) as board:
        for number in names:
            board.phone(number).behave(Answer(after_s=0.1))
        async with Manager(board.port) as manager:
            await manager.login()
            started = time.monotonic()
            calls = []
            for n in range(50):
                calls.append(board.place_call(f"+7916{n:07}", f"C{n}", SALES, caller=Caller(talk_s=0.2)))
                await asyncio.sleep(max(0, started + (n + 1) / 50 - time.monotonic()))
            for call in calls:
                await asyncio.wait_for(call.wait(), PATIENCE_S)
            await until(lambda: len(manager.events("AgentComplete")) == 50)


async def test_traffic_comes_by_itself_and_leaves_one_phone_to_a_person(
    board: Switchboard, ami: Manager
) -> None:
    people = [Person(number=f"+7916123456{n}", name=f"P{n}", did=SALES) for n in range(5)]
    task = asyncio.create_task(run_traffic(board, people, manual=["1001"], every_s=(1, 3), seed=7))
    await until(lambda: len(ami.events("AgentConnect")) >= 3 and ami.events("OriginateResponse", "DialEnd"))
    task.cancel()
    assert board.phone("1001").manual
    assert {each["Interface"] for each in ami.events("AgentConnect")} <= {"PJSIP/1002", "PJSIP/1003"}
    with pytest.raises(ValueError):
        await run_traffic(board, [])


def test_command_line_says_when_the_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "can not listen" in capsys.readouterr().err
    assert read_arguments(["--every", "5"]).every == 5
