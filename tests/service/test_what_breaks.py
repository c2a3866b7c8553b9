"""Whatever dies in mid-call, afterwards the call is there once, closed, with what the operator had typed."""

import asyncio
from pathlib import Path

import aiohttp
import psutil

from asterisk.fake.people import Caller
from tests.callcenter.conftest import picks_up
from tests.patience import PATIENCE_S

IVAN, DIRECT = "+79161234567", "74951230003"


async def test_the_service_is_killed_in_mid_call(service, board) -> None:
    async with service.signed_in("anna") as anna:
        call = board.place_call(IVAN, "Ivan Petrov", DIRECT, caller=Caller(talk_s=600))
        entry = await anna.looks("ringing")
        await board.answer("1001")
        await anna.looks("talking")
        await _accepted(
            anna, "PUT", f"/calls/{entry['call']['id']}/note", text="wants two blue mugs", version=0
        )
        service.kill()
        await service.start()
        again = await anna.looks("talking")
        assert again["card"]["note"]["text"] == "wants two blue mugs"
        call.hang_up()
        await anna.looks("wrap_up")
        await _closed_once(anna, entry, note="wants two blue mugs")


async def test_the_caller_hangs_up_while_the_service_is_dead(service, board) -> None:
    async with service.signed_in("anna") as anna:
        call = board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=600))
        entry = await anna.looks("ringing")
        await board.answer("1001")
        await anna.looks("talking")
        await _written(anna, entry, "talking")
        service.kill()
        call.hang_up()
        await call.wait()
        await service.start()
        await anna.looks("wrap_up")
        row = await _closed_once(anna, entry)
        assert row["ended_reason"] == "ended while disconnected"


async def test_the_database_is_killed_in_mid_call(service, board) -> None:
    async with service.signed_in("anna") as anna:
        call = board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=600))
        entry = await anna.looks("ringing")
        await board.answer("1001")
        await anna.looks("talking")
        service.kill_database()
        call.hang_up()
        await call.wait()
        await _accepted(anna, "PUT", f"/calls/{entry['call']['id']}/note", text="typed meanwhile", version=0)
        await anna.looks("wrap_up")
        await _closed_once(anna, entry, note="typed meanwhile")


async def test_a_call_that_begins_while_the_database_is_away_is_shown_and_kept(service, board) -> None:
    async with service.signed_in("anna") as anna:
        await anna.looks(None)
        service.kill_database()
        call = board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=8))
        await picks_up(board, "1001")
        await call.wait()
        entry = await anna.looks("wrap_up")
        await _closed_once(anna, entry)


async def test_the_database_dies_in_the_moment_in_which_the_service_is_ready(service) -> None:
    async with service.signed_in("anna") as anna:
        for _ in range(3):
            service.kill()
            await service.start()
            service.kill_database()
            await anna.looks(None)


async def test_ctrl_c_leaves_nothing_running(service) -> None:
    children = psutil.Process(service.process.pid).children(recursive=True)
    assert children, "the database is a child"
    assert service.stop() == 0
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert not alive


async def test_a_taken_port_is_said_and_nothing_is_left_behind(service, tmp_path) -> None:
    other = tmp_path / "second"
    other.mkdir()
    service_two = type(service)(other, 1)
    service_two.env["CALLCENTER_HTTP_PORT"] = str(service.http_port)
    said = service_two.command("run")
    assert said.returncode == 1
    assert f"Port {service.http_port} is taken" in said.stderr


async def test_a_database_that_is_not_there_is_said(tmp_path: Path, service) -> None:
    other = type(service)(tmp_path, 1)
    other.env["CALLCENTER_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    said = other.command("run")
    assert said.returncode == 1
    assert "database can not be reached" in said.stderr and "Traceback" not in said.stderr


async def test_a_wrong_secret_is_said_by_readyz_with_its_fix(tmp_path: Path, board, service) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    wrong = type(service)(folder, board.port, secret="not the secret")
    await wrong.start()
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_S):
            while True:
                async with http.get(wrong.url("/readyz")) as answer:
                    checks = {each["name"]: each for each in (await answer.json())["checks"]}
                if "refused" in checks["pbx:pbx"]["detail"]:
                    break
                await asyncio.sleep(0.1)
        assert answer.status == 503
        assert "secret" in checks["pbx:pbx"]["fix"]
    finally:
        wrong.stop()


async def _written(desk, entry, state: str) -> None:
    """Wait for the few hundredths of a second after which this state of the call survives a kill."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (await desk.ask("GET", f"/calls/{entry['call']['id']}"))["state"] == state:
                    return
            except aiohttp.ClientResponseError as refusal:
                assert refusal.status == 404, refusal
            await asyncio.sleep(0.02)


async def _accepted(desk, method: str, path: str, **body: object) -> None:
    """As the page does it: again and again until the server has taken what was typed."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await desk.ask(method, path, **body)
            except aiohttp.ClientResponseError as refusal:
                assert refusal.status >= 500, refusal
                await asyncio.sleep(0.1)


async def _closed_once(desk, entry, note: str = "") -> dict:
    """The one row of this call, once it is written."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                items = (await desk.ask("GET", "/calls"))["items"]
            except aiohttp.ClientResponseError:
                items = []
            if items and items[0]["ended_at"]:
                break
            await asyncio.sleep(0.1)
    assert [item["id"] for item in items] == [entry["call"]["id"]]
    assert (items[0]["result"], items[0]["note"]) == ("answered", note)
    return await desk.ask("GET", f"/calls/{entry['call']['id']}")
