"""Hearing a recording: only one's own, only by a fresh signed address, in ranges, and written down once."""

import shutil
import wave
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from crm_core.audit import AuditEntry
from crm_core.call import Call, CallLeg
from crm_core.recording import Recording
from web.audio import LIFETIME_S, audio_url
from web.settings import PbxSettings

AT = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def recording(database, people, settings) -> int:
    """A call that rang at operator and senior; the operator talked. Two seconds of silence were recorded."""
    with wave.open(str(settings.recordings_dir / "talk.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(32_000))
    call = Call(
        id=uuid4(),
        pbx="pbx",
        linkedid="1.1",
        direction="inbound",
        state="ended",
        started_at=AT,
        operator_id=people["operator"],
    )
    async with database.begin() as session:
        session.add(call)
        await session.flush()
        for number, login in enumerate(("operator", "senior")):
            answered = AT if login == "operator" else None
            leg = CallLeg(
                call_id=call.id, uniqueid=f"1.{number}", user_id=people[login], answered_at=answered
            )
            session.add(leg)
        row = Recording(call_id=call.id, pbx="pbx", path="talk.wav", side="mix", state="ready")
        session.add(row)
        await session.flush()
        return row.id


async def listens(database) -> list[tuple[str, int]]:
    async with database.begin() as session:
        query = select(AuditEntry.action, AuditEntry.user_id).where(AuditEntry.object_kind == "recording")
        return [tuple(row) for row in await session.execute(query.order_by(AuditEntry.id))]


async def test_the_operator_hears_his_own_call_from_any_second(client_of, services, recording) -> None:
    operator = await client_of("operator")
    url = audio_url(services, recording)
    whole = await operator.get(url)
    assert (whole.status, whole.content_type) == (200, "audio/wav")
    sound = await whole.read()
    part = await operator.get(url, headers={"Range": "bytes=1000-1999"})
    assert part.status == 206
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(sound)}"
    assert await part.read() == sound[1000:2000]
    beyond = await operator.get(url, headers={"Range": "bytes=99999999-"})
    assert beyond.status == 416


async def test_many_ranges_are_one_listen_in_the_audit_log(
    client_of, services, recording, database, people, clock
) -> None:
    operator = await client_of("operator")
    url = audio_url(services, recording)
    for start in (0, 100, 5000):
        await operator.get(url, headers={"Range": f"bytes={start}-"})
    assert await listens(database) == [("hear_recording", people["operator"])]
    clock.move(seconds=30)
    await operator.get(audio_url(services, recording))
    assert len(await listens(database)) == 2


@pytest.mark.parametrize(("role", "status"), [("senior", 403), ("supervisor", 200), ("manager", 200)])
async def test_a_ring_alone_does_not_let_one_hear_a_colleague(
    client_of, services, recording, role, status, database
) -> None:
    browser = await client_of(role)
    assert (await browser.get(audio_url(services, recording))).status == status
    assert len(await listens(database)) == (status == 200)


async def test_a_signed_address_is_nothing_without_a_session(client, services, recording) -> None:
    assert (await client.get(audio_url(services, recording))).status == 401


async def test_rights_are_checked_again_at_every_range(
    client_of, services, recording, database, people
) -> None:
    operator = await client_of("operator")
    url = audio_url(services, recording)
    assert (await operator.get(url)).status == 200
    async with database.begin() as session:
        await session.execute(update(Call).values(operator_id=people["senior"]))
        await session.execute(update(CallLeg).values(user_id=people["senior"]))
    assert (await operator.get(url, headers={"Range": "bytes=0-1"})).status == 403


async def test_an_address_dies_after_a_quarter_of_an_hour(client_of, services, recording, clock) -> None:
    operator = await client_of("operator")
    url = audio_url(services, recording)
    clock.move(seconds=LIFETIME_S + 1)
    assert (await operator.get(url)).status == 403


async def test_an_address_can_not_be_made_up(client_of, services, recording) -> None:
    operator = await client_of("supervisor")
    url = audio_url(services, recording)
    for forged in (
        url.replace("signature=", "signature=0"),
        url.replace("expires=1", "expires=2"),
        url.replace(f"/{recording}/", f"/{recording + 1}/"),
    ):
        assert (await operator.get(forged)).status == 403
    assert (await operator.get(url.split("?")[0])).status == 422


async def test_taking_the_file_away_is_a_right_of_its_own(client_of, services, recording, database) -> None:
    url = audio_url(services, recording) + "&download=true"
    assert (await (await client_of("operator")).get(url)).status == 403
    answer = await (await client_of("supervisor")).get(url)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [action for action, _ in await listens(database)] == ["download_recording"]


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "gone.wav", None])
async def test_nothing_outside_the_recordings_folder_is_ever_sent(
    client_of, services, recording, database, settings, path
) -> None:
    (settings.recordings_dir.parent / "secret.wav").write_bytes(b"secret")
    async with database.begin() as session:
        await session.execute(update(Recording).values(path=path))
    answer = await (await client_of("supervisor")).get(audio_url(services, recording))
    assert answer.status == 409


async def test_the_sound_comes_from_the_folder_of_its_own_switchboard(
    client_of, services, recording, database, settings, tmp_path
) -> None:
    own = tmp_path / "kyiv"
    own.mkdir()
    shutil.copyfile(settings.recordings_dir / "talk.wav", own / "talk.wav")
    (settings.recordings_dir / "talk.wav").write_bytes(b"of the other switchboard")
    kyiv = PbxSettings(name="kyiv", username="u", secret="s", recordings_dir=own)
    object.__setattr__(services, "settings", settings.model_copy(update={"pbx": (kyiv,)}))
    async with database.begin() as session:
        await session.execute(update(Recording).values(pbx="kyiv"))
    supervisor = await client_of("supervisor")
    heard = await supervisor.get(audio_url(services, recording))
    assert heard.status == 200 and len(await heard.read()) == (own / "talk.wav").stat().st_size
    async with database.begin() as session:
        await session.execute(update(Recording).values(path="../recordings/talk.wav"))
    assert (await supervisor.get(audio_url(services, recording))).status == 409


async def test_a_recording_that_is_still_expected_says_so(client_of, services, recording, database) -> None:
    async with database.begin() as session:
        await session.execute(update(Recording).values(state="expected"))
    answer = await (await client_of("operator")).get(audio_url(services, recording))
    assert answer.status == 409 and "expected" in (await answer.json())["detail"]
