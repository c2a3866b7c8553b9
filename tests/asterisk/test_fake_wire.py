"""The simulated switchboard on the wire: login, classes of events, bad input."""

import asyncio
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk.fake import (
    Caller,
    Switchboard,
    lab,
    wire,
)
from asterisk.fake.wire import parse
from tests.asterisk.manager import SALES, Manager, until
from tests.patience import PATIENCE_S


async def test_greets_like_asterisk_22_and_says_fully_booted_after_login(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        assert manager.banner == b"Asterisk Call Manager/11.0.0\r\n"
        response = await manager.login()
        assert response["Message"] == "Authentication accepted"
        booted = await manager.message(Event="FullyBooted")
        assert booted["Status"] == "Fully Booted" and "Uptime" in booted


async def test_login_by_md5_challenge(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        challenge = (await manager.ask("Challenge", AuthType="MD5"))["Challenge"]
        key = hashlib.md5(f"{challenge}crm-secret".encode()).hexdigest()
        assert (await manager.ask("Login", AuthType="MD5", Username="crm", Key=key))["Response"] == "Success"


async def test_wrong_secret_is_refused_and_the_connection_closed(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        refusal = await manager.login(secret="guess")
        assert (refusal["Response"], refusal["Message"]) == ("Error", "Authentication failed")
        await asyncio.wait_for(manager.ended.wait(), PATIENCE_S)


async def test_nothing_can_be_asked_before_login(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        assert (await manager.ask("CoreShowChannels"))["Message"] == "Permission denied"


async def test_ping_logoff_and_an_action_that_does_not_exist(ami: Manager) -> None:
    assert (await ami.ask("Ping"))["Ping"] == "Pong"
    refusal = await ami.ask("MakeCoffee")
    assert refusal["Message"].startswith("Invalid/unknown command: MakeCoffee.")
    assert (await ami.ask("Logoff"))["Response"] == "Goodbye"
    await asyncio.wait_for(ami.ended.wait(), PATIENCE_S)


async def test_a_frugal_account_gets_no_dialplan_events_and_may_not_send_digits(board: Switchboard) -> None:
    async with Manager(board.port) as manager:
        await manager.login("crm-lite")
        await board.place_call("+79161234567", "Ivan", SALES, caller=Caller(talk_s=1)).wait()
        await manager.message(Event="Cdr")
        assert not manager.events("VarSet", "Newexten")
        assert manager.events("AgentConnect", "BridgeEnter")
        assert (await manager.ask("Events", EventMask="off"))["Events"] == "Off"


async def test_events_carry_a_timestamp_only_where_the_site_switched_them_on(ami: Manager) -> None:
    assert float((await ami.message(Event="FullyBooted"))["Timestamp"]) > 1.6e9
    async with Switchboard(lab(timestamps=False)) as other, Manager(other.port) as manager:
        await manager.login()
        assert "Timestamp" not in await manager.message(Event="FullyBooted")


@given(
    st.dictionaries(
        st.text("abcXYZ-", min_size=1), st.text(st.characters(blacklist_characters="\r\n")), max_size=5
    )
)
def test_any_action_that_fits_the_grammar_is_read(headers: dict[str, str]) -> None:
    block = "".join(f"{key}: {value}\r\n" for key, value in headers.items()).encode("utf-8", "replace")
    found = parse(block)
    assert found.keys() == {key.strip().lower() for key in headers}


async def test_garbage_on_the_wire_harms_nobody(board: Switchboard, ami: Manager) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", board.port)
    writer.write(b"\x00\xff\xfe: x\r\n\r\n" + b"A" * 100_000)
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    assert (await ami.ask("Ping"))["Response"] == "Success"


async def test_a_reader_that_does_not_read_is_dropped(
    board: Switchboard, ami: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "STALLED_BYTES", 100_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", board.port, limit=1000)
    writer.write(b"Action: Login\r\nUsername: crm\r\nSecret: crm-secret\r\n\r\n")
    await until(lambda: len(board.pbx.listeners) == 2 and not reader.at_eof())
    async with asyncio.timeout(PATIENCE_S):
        while len(board.pbx.listeners) == 2:
            board.pbx.say("UserEvent", f"Text: {'x' * 30_000}\r\n")
            await asyncio.sleep(0.001)
    writer.close()
    assert (await ami.ask("Ping"))["Response"] == "Success"


async def test_a_callers_name_can_not_become_another_event(board: Switchboard, ami: Manager) -> None:
    board.place_call("+7916", "Eve\r\nEvent: Shutdown", SALES, caller=Caller(patience_s=0.1))
    born = await ami.message(Event="Newchannel")
    assert born["CallerIDName"] == "Eve  Event: Shutdown"
