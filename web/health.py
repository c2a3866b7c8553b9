"""/healthz: the process lives. /readyz: every part it needs is up, and if not, what to do. /metrics.

A check never raises: whatever stops it is what it reports.
"""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import prometheus_client
from aiohttp import web
from sqlalchemy import text

from recordings.roots import Roots
from web.services import LinkReport, Services, services
from web.switchboards import roots

PATIENCE_S = 3.0  # a database that does not answer in this time is down
routes = web.RouteTableDef()
# What a person can do about a link that is not up, by its state.
LINK_FIXES = {
    "connecting": "Wait; if it stays so, check the PBX's address and port.",
    "refused": "login refused: fix the secret (and the username) here or in the PBX's manager.conf.",
    "lost": "Check that Asterisk runs and that its manager port can be reached from here.",
    "stopped": "Start the `ami` role.",
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part: is it up, what is seen, what to do. `needed`: without it the service is not ready."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True


async def checks(parts: Services) -> list[Check]:
    """The state of every part, the database first."""
    return [
        await database_check(parts),
        *link_checks(parts.live.links()),
        *await asyncio.to_thread(recordings_checks, roots(parts.settings)),
        await asyncio.to_thread(model_check, parts.settings.vosk_model),
    ]


async def database_check(parts: Services) -> Check:
    """Can the database be asked something?"""
    try:
        async with asyncio.timeout(PATIENCE_S), parts.db.begin() as session:
            await session.execute(text("SELECT 1"))
    except Exception as error:  # whatever it is, it is the answer
        return Check(
            name="database",
            ok=False,
            detail=f"PostgreSQL does not answer ({type(error).__name__}).",
            fix="Start PostgreSQL or correct CALLCENTER_DATABASE_URL.",
        )
    return Check(name="database", ok=True, detail="answers")


def link_checks(links: Iterable[LinkReport]) -> list[Check]:
    """One check for each switchboard; none configured is a failure too."""
    found = [_link_check(link) for link in links]
    fix = "Set CALLCENTER_AMI_HOST or add a [[pbx]] section."
    return found or [Check(name="pbx", ok=False, detail="No switchboard is configured.", fix=fix)]


def _link_check(link: LinkReport) -> Check:
    up = link.state == "connected"
    detail = f"{link.state} since {link.since.isoformat(timespec='seconds')}"
    if link.detail:
        detail = f"{detail}: {link.detail}"
    fix = "" if up else LINK_FIXES.get(link.state, "")
    return Check(name=f"pbx:{link.pbx}", ok=up, detail=detail, fix=fix)


def recordings_checks(folders: Roots) -> list[Check]:
    """One check for each folder of recordings; that there is none is one too."""
    each = [
        recordings_check(root.path, f"recordings:{pbx}" if pbx else "recordings")
        for pbx, root in folders.each()
    ]
    return each or [recordings_check(None)]


def recordings_check(folder: Path | None, name: str = "recordings") -> Check:
    """Can the folder of recordings be listed?"""
    if folder is None:
        return Check(
            name=name,
            ok=False,
            needed=False,
            detail="No folder of recordings is set.",
            fix="Set CALLCENTER_RECORDINGS_DIR to the folder the PBX records into.",
        )
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        return Check(
            name=name,
            ok=False,
            detail=f"{folder} can not be read ({error.strerror}).",
            fix="Mount the PBX's recordings there and let this service's user read them.",
        )
    return Check(name=name, ok=True, detail=f"{folder} can be read")


def model_check(model: Path | None) -> Check:
    """Is there a speech model? Without one everything but transcription works."""
    if model is None:
        return Check(name="model", ok=True, needed=False, detail="the small English model of the package")
    if (model / "conf").is_dir() or (model / "mfcc.conf").is_file():
        return Check(name="model", ok=True, needed=False, detail=str(model))
    return Check(
        name="model",
        ok=False,
        needed=False,
        detail=f"There is no Vosk model at {model}.",
        fix="Unpack a model there or correct CALLCENTER_VOSK_MODEL; calls are recorded meanwhile.",
    )


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "alive"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """Every check; 503 when one that is needed fails."""
    found = await checks(services(request))
    ready = all(check.ok for check in found if check.needed)
    body = {"status": "ready" if ready else "not ready", "checks": [asdict(check) for check in found]}
    return web.json_response(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Figures for Prometheus."""
    parts = services(request)
    for link in parts.live.links():
        parts.metrics.link_up.labels(link.pbx).set(link.state == "connected")
    body = prometheus_client.generate_latest(parts.metrics.registry)
    return web.Response(body=body, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})
