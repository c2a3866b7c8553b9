"""A capture is what the socket said, byte for byte, connection by connection."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from asterisk.ami import AmiConfig, Delays
from asterisk.capture import capture
from tests.asterisk.peer import Peer, block

QUICK = Delays(first_retry_s=0.01, longest_retry_s=0.05)


def chunks(file: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_every_byte_is_written_as_it_came_even_half_a_letter(tmp_path: Path) -> None:
    out = tmp_path / "day.ami"
    async with Peer() as peer:
        task = asyncio.create_task(capture(AmiConfig("main", "127.0.0.1", peer.port, "crm", "s3cret"), out))
        await peer.saw("CoreSettings")
        odd = b"Event: Odd\r\nName: \xe9\xc5"
        await peer.say_in_pieces(odd, b"\xbdofie\r\n\r\n", block("Event: Last"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    written = out.read_bytes()
    assert written.startswith(b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n")
    assert written.endswith(odd + b"\xbdofie\r\n\r\n" + block("Event: Last"))
    pieces = chunks(tmp_path / "day.chunks.jsonl")
    assert sum(piece["len"] for piece in pieces) == len(written)
    assert [piece["offset"] for piece in pieces[1:]] == [p["offset"] + p["len"] for p in pieces[:-1]]
    assert [piece["t"] for piece in pieces] == sorted(piece["t"] for piece in pieces)


async def test_the_lists_asked_for_after_the_login_are_in_the_capture(tmp_path: Path) -> None:
    out = tmp_path / "day.ami"
    async with Peer() as peer:
        task = asyncio.create_task(capture(AmiConfig("main", "127.0.0.1", peer.port, "crm", "s3cret"), out))
        await peer.saw("CoreSettings")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    for end in (b"CoreShowChannelsComplete", b"QueueStatusComplete", b"DeviceStateListComplete"):
        assert end in out.read_bytes()


async def test_a_new_connection_is_a_new_file(tmp_path: Path) -> None:
    out = tmp_path / "day.ami"
    async with Peer() as peer:
        account = AmiConfig("main", "127.0.0.1", peer.port, "crm", "s3cret")
        task = asyncio.create_task(capture(account, out, delays=QUICK))
        await peer.saw("CoreSettings")
        peer.abort()
        await peer.saw("CoreSettings", times=2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["day.2.ami", "day.2.chunks.jsonl", "day.ami", "day.chunks.jsonl"]
    assert (tmp_path / "day.2.ami").read_bytes().startswith(b"Asterisk Call Manager/")


async def test_a_capture_never_overwrites_another(tmp_path: Path) -> None:
    out = tmp_path / "day.ami"
    out.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        await capture(AmiConfig("main", "127.0.0.1", 1, "crm", "s3cret"), out)
    assert out.read_bytes() == b"precious"


async def test_a_capture_that_can_not_be_written_any_more_ends_with_the_reason(tmp_path: Path) -> None:
    out = tmp_path / "gone" / "day.ami"
    out.parent.mkdir()
    async with Peer() as peer:
        account = AmiConfig("main", "127.0.0.1", peer.port, "crm", "s3cret")
        task = asyncio.create_task(capture(account, out, delays=QUICK))
        await peer.saw("CoreSettings")
        shutil.rmtree(out.parent)
        peer.abort()
        with pytest.raises(FileNotFoundError):
            await asyncio.wait_for(task, 5)
