"""Asks what becomes of the service level when an operator leaves: the live floor as a question to `callcenter.what_if`.

Arrivals are those of the last hour (of the same hours of the last weeks, where hardly anybody came), by how much they
will differ is told by these weeks; handling is that of today, patience that of the last two hours. It is played in a
process of its own, so that no telephone waits for it.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from callcenter.agents import Agents
from callcenter.overview.overview import Overview
from callcenter.what_if import Floor, Question, Queue, Server
from crm_core.db import Database
from crm_core.errors import Conflict, NotFound
from crm_core.figure.period import By
from crm_core.figure.tally import SECOND
from crm_core.read.day import usual_arrivals

FEW = 5  # callers or talks of which nothing is told
HOUR = timedelta(hours=1)
STEP_S = 600
LOOK = timedelta(hours=3)
USUAL_PATIENCE_S = 180.0  # weighs as much as one caller who gave up
GAIN = 0.02  # a better time is told of when it is better by so much
PLAYED_WITHIN_S = 30.0
WITH_A_CALL = ("ringing", "dialling", "talking", "held")


async def what_if(
    overview: Overview, agents: Agents, db: Database, user_id: int, minutes: int, now: datetime
) -> dict[str, Any]:
    """The shares in time of the next minutes with and without this operator, and when it would hurt least.

    Raises `NotFound`, `Conflict` when too little is known to say anything.
    """
    row = overview.snapshot()["operators"].get(user_id)
    if row is None:
        raise NotFound(f"There is no operator {user_id} on the floor.")
    if not row["queues"]:
        raise Conflict(f"{row['name']} is in no queue: nobody would miss him there.")
    people = {id_: it for id_, it in overview.snapshot()["operators"].items() if it["queues"]}
    names = _together(row["queues"], [it["queues"] for it in people.values()])
    async with db.begin() as session:
        usual = await usual_arrivals(session, names, now=now, step_s=STEP_S, back=HOUR, ahead=LOOK)
    queues = [_queue(overview, agents, name, user_id, usual[name], now) for name in names]
    if not any(it.rate for it in queues):
        raise Conflict("Hardly anybody called these queues lately: there is nothing to tell from.")
    present = row["state"] not in ("paused", "offline")
    servers = [_server(it, now) for it in people.values() if it["state"] not in ("paused", "offline")]
    if not present:
        servers.append(Server(id=user_id, queues=row["queues"], free_in=0.0))
    asked = Question(
        floor=Floor(queues=queues, servers=servers, step_s=STEP_S),
        operator=user_id,
        lasts_s=minutes * 60.0,
        look_s=LOOK.total_seconds() if present and any(it.profile for it in queues) else 0.0,
    )
    played = await _played(asked)
    return {
        "operator": {"id": user_id, "name": row["name"]},
        "minutes": minutes,
        "present": present,
        "queues": names,
        "with_him": played["whole"],
        "without_him": played["without"],
        "best": _best(played, now),
        "callers_an_hour": round(sum(it.rate for it in queues) * 3600),
        "handle_s": round(sum(it.rate * it.handle_s for it in queues) / sum(it.rate for it in queues)),
    }


def _together(own: Sequence[str], all_: Sequence[Sequence[str]]) -> list[str]:
    """The queues that hang together with his by operators who serve several."""
    found = set(own)
    while True:
        more = found.union(*(each for each in all_ if not found.isdisjoint(each)))
        if more == found:
            return sorted(found)
        found = more


def _queue(
    overview: Overview,
    agents: Agents,
    name: str,
    user_id: int,
    usual: tuple[float, Sequence[float]],
    now: datetime,
) -> Queue:
    """`usual`: callers of the last hour and of each step to come, as they were in the weeks before."""
    book, target = overview.book, overview.book.day.rules.target(name)
    came = len(book.window.since(now - HOUR, name))
    before, ahead = usual
    rate = (came if came >= FEW or before < FEW else before) / 3600
    profile = [it * 3600 / STEP_S / before for it in ahead] if before >= FEW else []
    stays = book.window.since(now - 2 * HOUR, name)
    gave_up = sum(it.outcome == "abandoned" for it in stays)
    patience = (sum(it.wait_s for it in stays) + USUAL_PATIENCE_S) / (gave_up + 1)
    waiting = [it for it in overview.snapshot()["waiting"].values() if it["queue"] == name]
    return Queue(
        name=name,
        rate=rate,
        handle_s=_handling(overview, name) + agents.setup.wrap_up(name, user_id),
        patience_s=patience,
        target_s=target.target_s,
        short_s=target.short_s,
        waiting=[max(0.0, (now - datetime.fromisoformat(it["since"])).total_seconds()) for it in waiting],
        profile=profile,
    )


def _handling(overview: Overview, queue: str) -> float:
    """Seconds of talk and hold of a call of this queue, else of any, today."""
    for counts in (overview.book.day.counts(By.QUEUE, queue), overview.book.day.counts(By.ALL)):
        if counts.get("timed", 0) >= FEW and counts.get("talk_us", 0):
            return (counts["talk_us"] + counts.get("hold_us", 0)) / counts["timed"] / SECOND
    raise Conflict("There were too few talks today to tell how long one lasts.")


def _server(row: Mapping[str, Any], now: datetime) -> Server:
    free_in: float | None = None if row["state"] in WITH_A_CALL else 0.0
    if row["state"] == "wrap_up" and row["wrap_until"]:
        free_in = max(0.0, (datetime.fromisoformat(row["wrap_until"]) - now).total_seconds())
    return Server(id=row["id"], queues=row["queues"], free_in=free_in)


def _best(played: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """The time to come that is best for it, when one is better than now."""
    start, level = max(played["slots"], key=lambda slot: (slot[1], -slot[0]), default=(0.0, 0.0))
    if level < played["without"] + GAIN:
        return None
    at = now + timedelta(seconds=start)
    return {"at": at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0).isoformat(), "level": level}


async def _played(asked: Question) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callcenter.what_if"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PLAYED_WITHIN_S):
            said, _ = await process.communicate(json.dumps(asdict(asked)).encode())
    except TimeoutError:
        process.kill()
        raise Conflict("It took too long to play. Ask for fewer minutes.") from None
    found: dict[str, Any] = json.loads(said)
    return found
