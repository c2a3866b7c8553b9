"""Looks at our own side: asks the database, walks down to the recordings, tries the model and the public address."""

import asyncio
import base64
import os
import pwd
import secrets
import shutil
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from grp import getgrgid
from pathlib import Path

import aiohttp
from sqlalchemy import func, select, text

from callcenter.doctor.house_facts import (
    DatabaseFacts,
    FolderStep,
    HouseFacts,
    Premises,
    SoundFacts,
    SpeechFacts,
    WebFacts,
)
from callcenter.recorder import REFUSED, SPOOL
from crm_core.db import Database
from crm_core.migrations import is_newest
from crm_core.read.habits import SoundHabits, load_sound_habits
from crm_core.user import Role, User
from recordings.engine import EngineDied, NoModel, VoskEngine
from recordings.header import HEAD_SIZE, parse
from recordings.roots import Roots
from recordings.store import SOUND_SUFFIXES, Root, check

PATIENCE_S = 5.0
LATELY = timedelta(days=7)
SETTLED = timedelta(minutes=10)  # by then the sound of a call has been found, or is missing
DEEP = 3  # year, month, day


async def look_at_house(
    premises: Premises,
    db: Database | None,
    *,
    spools: Mapping[str, str | None],
    now: datetime,
    deep: bool,
    why_no_db: str = "",
) -> HouseFacts:
    """Gather everything. `deep`: load the speech model too. `db` None: it could not be opened, `why_no_db`.

    `spools`: each switchboard, with the folder of its spool as far as it says it.
    """
    database = await _database(db) if db is not None else DatabaseFacts(error=why_no_db)
    told = db if database.error is None else None
    sounds = [
        (
            await asyncio.to_thread(look_at_sound, folder, spool, pbx),
            await _habits(told, now, pbx, tuple(premises.recordings.own)),
        )
        for pbx, folder, spool in _folders(premises.recordings, spools)
    ]
    return HouseFacts(
        premises=premises,
        now=now,
        database=database,
        sound=sounds[0][0],
        habits=sounds[0][1],
        others=tuple(sounds[1:]),
        speech=await _speech(premises.vosk_model, deep),
        web=await _web(premises.public_url) if premises.public_url else None,
        key_mode=_mode(premises.data_dir / "secret_key"),
        data_free=_free(premises.data_dir)[0],
        refused_calls=_lines((premises.data_dir / SPOOL).with_name(REFUSED)),
    )


def _folders(
    roots: Roots, spools: Mapping[str, str | None]
) -> Iterator[tuple[str | None, Path | None, str | None]]:
    """Yield every folder of recordings: whose own, where, and the spool of a switchboard that writes there."""
    sharing = [pbx for pbx in spools if pbx not in roots.own]
    if sharing or not roots.own:
        spool = next((spool for pbx in sharing if (spool := spools[pbx])), None)
        yield None, roots.common.path if roots.common else None, spool
    for pbx, root in roots.own.items():
        yield pbx, root.path, spools.get(pbx)


# --- the database


async def _database(db: Database) -> DatabaseFacts:
    try:
        async with asyncio.timeout(PATIENCE_S), db.begin() as session:
            await session.execute(text("SELECT 1"))  # the connection is made before the clock is read
            asked = time.time()
            version, at = (
                await session.execute(
                    text("SELECT current_setting('server_version_num')::int, clock_timestamp()")
                )
            ).one()
            answered = time.time()
            newest = await is_newest(db)
            size = await session.scalar(text("SELECT pg_database_size(current_database())"))
            found = DatabaseFacts(
                version=version,
                behind=not newest,
                latency_s=answered - asked,
                skew_s=at.timestamp() - (asked + answered) / 2,
                size=size or 0,
            )
            if not newest:
                return found
            admins = select(func.count()).where(
                User.role == Role.ADMIN, User.active, User.password_hash.is_not(None)
            )
            return replace(found, admins=await session.scalar(admins) or 0)
    except Exception as error:  # whatever it is, it is the answer
        return DatabaseFacts(error=_first_line(error))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200] or type(error).__name__


async def _habits(db: Database | None, now: datetime, pbx: str | None, own: Sequence[str]) -> SoundHabits:
    if db is None:
        return SoundHabits()
    with suppress(Exception):  # an older shape of the database: said elsewhere
        async with db.begin() as session:
            return await load_sound_habits(session, now - LATELY, now - SETTLED, pbx=pbx, but=own)
    return SoundHabits()


# --- the recordings


def look_at_sound(folder: Path | None, spool: str | None, pbx: str | None = None) -> SoundFacts:
    """Walk down to the folder and look for the newest file. Blocks."""
    if folder is None:
        return SoundFacts(folder=None, pbx=pbx, spool=spool)
    wrong = check(folder)
    facts = SoundFacts(
        folder=folder, pbx=pbx, wrong=wrong, path=tuple(_steps(folder)), account=_account(), spool=spool
    )
    if wrong is not None:
        return facts
    free, total = _free(folder)
    facts, newest = replace(facts, free=free, total=total), _newest(folder)
    if newest is None:
        return facts
    at = datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    return replace(facts, newest=newest.name, newest_at=at, newest_sided=_sided(folder, newest))


def _steps(folder: Path) -> Iterator[FolderStep]:
    """Each folder from the root down, as far as it can be seen."""
    whole = folder.absolute()
    for step in (*reversed(whole.parents), whole):
        try:
            seen = step.stat()
        except OSError:
            return
        wanted = os.X_OK | (os.R_OK if step == whole else 0)
        yield FolderStep(
            path=step,
            mode=seen.st_mode & 0o7777,
            owner=_name(lambda uid: pwd.getpwuid(uid).pw_name, seen.st_uid),
            group=_name(lambda gid: getgrgid(gid).gr_name, seen.st_gid),
            passable=os.access(step, wanted, effective_ids=True),
        )


def _name(look_up: Callable[[int], str], number: int) -> str:
    try:
        return look_up(number)
    except KeyError:
        return str(number)


def _account() -> str:
    return _name(lambda uid: pwd.getpwuid(uid).pw_name, os.geteuid())


def _newest(folder: Path) -> Path | None:
    """The newest sound file among those of the folder and of the last day's folders."""
    best: tuple[float, Path] | None = None
    place: Path | None = folder
    for _ in range(DEEP + 1):
        if place is None:
            break
        deeper: list[str] = []
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    deeper.append(entry.name)
                elif entry.name.endswith(SOUND_SUFFIXES):
                    best = max(best or (0.0, place), (entry.stat().st_mtime, Path(entry.path)))
        days = [name for name in deeper if name.replace("-", "").isdigit()]
        place = place / max(days) if days else None
    return best[1] if best else None


def _sided(folder: Path, file: Path) -> bool | None:
    """Whether both sides can be told apart in this recording; None for a format that does not say."""
    group = Root(folder).siblings(file)
    if group.caller or group.agent:
        return True
    with suppress(OSError), file.open("rb") as opened:
        header = parse(opened.read(HEAD_SIZE))
        return None if header is None else header.channels == 2
    return None


# --- the rest


async def _speech(model: Path | None, deep: bool) -> SpeechFacts:
    engine = VoskEngine(model)
    wrong = engine.check()
    loaded_s = None
    try:
        if deep and wrong is None:
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                await engine.words(_silence(Path(folder) / "silence.wav"))
            loaded_s = time.monotonic() - began
    except (NoModel, EngineDied) as error:
        wrong = str(error)
    finally:
        await engine.close()
    return SpeechFacts(model=engine.model, language=engine.language, wrong=wrong, loaded_s=loaded_s)


def _silence(file: Path) -> Path:
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(8000))
    return file


async def _web(public_url: str) -> WebFacts:
    """Ask the public address for a page and for the push server, as a browser would."""
    base = public_url.rstrip("/")
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
    }
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as browser:
            async with browser.get(f"{base}/healthz", allow_redirects=False) as page:
                page_status = page.status
            async with browser.get(f"{base}/push", headers=handshake, allow_redirects=False) as push:
                return WebFacts(page_status=page_status, push_status=push.status)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return WebFacts(reason=_first_line(error))


def _mode(file: Path) -> int | None:
    with suppress(OSError):
        return file.stat().st_mode & 0o777
    return None


def _lines(file: Path) -> int:
    with suppress(OSError):
        return sum(1 for line in file.read_text().splitlines() if line)
    return 0


def _free(folder: Path) -> tuple[int | None, int | None]:
    with suppress(OSError):
        seen = shutil.disk_usage(folder)
        return seen.free, seen.total
    return None, None
