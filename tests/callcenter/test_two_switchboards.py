"""Two switchboards at once: the same ids mean different calls, and one may be away while the other works."""

import asyncio
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from asterisk.ami import AmiConfig
from asterisk.events import Heard
from asterisk.fake.config import lab
from asterisk.fake.people import Answer, Manual
from asterisk.fake.switchboard import Switchboard
from callcenter.attach import Switch, attach
from callcenter.call import Rules, report
from callcenter.clicktocall import Dialplan
from callcenter.replay import events
from callcenter.tracker import Tracker
from crm_core.call import Call
from crm_core.user import map_extension
from recordings.roots import Roots
from recordings.store import Root
from tests.callcenter.conftest import until

TRACES = Path(__file__).parent.parent / "traces"
IVAN, SALES = "+79161234567", "74951230001"


def heard(scenario: str, pbx: str) -> list[Heard]:
    folder = next(TRACES.glob(f"{scenario}-*"))
    files, times = sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl"))
    return [Heard(pbx, event) for event in events(files, times)]


def told(stream: list[Heard]) -> dict[str, list[dict[str, Any]]]:
    tracker, calls = Tracker(), {}
    for each in stream:
        for change in tracker.apply(each):
            calls[change.after.id] = change.after
    found: dict[str, list[dict[str, Any]]] = {}
    for call in calls.values():
        if call.merged_into is None:
            found.setdefault(call.pbx, []).append(report(call))
    return found


@pytest.mark.parametrize("scenario", ["a", "c", "m", "u", "w1", "w3", "r"])
def test_the_same_uniqueids_on_two_switchboards_never_mix(scenario: str) -> None:
    warsaw, kyiv = heard(scenario, "warsaw"), heard(scenario, "kyiv")
    woven = [each for pair in zip_longest(warsaw, kyiv) for each in pair if each is not None]
    found = told(woven)
    assert found["warsaw"] == found["kyiv"] == told(warsaw)["warsaw"]


async def test_one_desk_has_phones_on_both_and_one_switchboard_may_be_away(house, tmp_path) -> None:
    async with Switchboard(lab(tmp_path / "other"), speed=8.0) as other:
        for extension in other.pbx.phones:
            other.phone(extension).behave(Manual() if extension in house.people else Answer())
        async with house.db.begin() as session:
            await map_extension(session, pbx="second", extension="1001", user_id=house.people["1001"])
        ports = {"main": house.board.port, "second": other.port}
        switches = [
            Switch(
                account=AmiConfig(pbx=name, host="127.0.0.1", port=port, username="crm", secret="crm-secret"),
                rules=Rules(),
                dialplan=Dialplan(context="click2call"),
            )
            for name, port in ports.items()
        ]
        house.attachment = await attach(
            switches,
            db=house.db,
            data_dir=house.data_dir,
            country="RU",
            recordings=Roots(Root(house.data_dir)),
            now=lambda: datetime.now(UTC),
        )
        parts = [asyncio.create_task(part) for _, part in house.attachment.parts()]
        try:
            await until(lambda: house.attachment.centre.connected)
            anna = house.browser("1001")
            house.board.place_call(IVAN, "Ivan", SALES)
            other.place_call("+79165550002", "Maria", SALES)
            await anna.sees("ringing", "ringing")
            assert {call["remote"]["number"] for call in anna.calls.values()} == {IVAN, "+79165550002"}
            await other.stop()
            await until(lambda: not house.attachment.centre.connected)
            states = {link.pbx: str(link.state) for link in house.attachment.centre.links()}
            assert states["main"] == "connected" and states["second"] != "connected"
            said = {
                each["pbx"]: each["state"] for each in house.attachment.centre.snapshot(anna.user_id)["pbx"]
            }
            assert said["main"] == "connected" and said["second"] != "connected"
            await house.board.answer("1001")
            await until(lambda: "talking" in anna.states)
            await house.attachment.recorder.drained()
            async with house.db.begin() as session:
                rows = (await session.scalars(select(Call))).all()
            assert sorted(row.pbx for row in rows) == ["main", "second"]
            assert len({row.id for row in rows}) == 2
        finally:
            house.attachment.desks.close()
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
