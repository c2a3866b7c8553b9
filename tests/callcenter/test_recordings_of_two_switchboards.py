"""Two switchboards take a call in the same second under the same uniqueid: each call keeps its own sound."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from asterisk.ami import AmiConfig
from asterisk.fake.clock import Clock
from asterisk.fake.config import lab
from asterisk.fake.people import Manual
from asterisk.fake.switchboard import Switchboard
from callcenter.attach import Switch, attach
from callcenter.call import Rules
from callcenter.clicktocall import Dialplan
from crm_core.call import Call
from crm_core.recording import Recording
from crm_core.user import map_extension
from recordings import service
from recordings.roots import Roots
from recordings.store import Root
from tests.callcenter.conftest import House, until
from tests.patience import PATIENCE_S
from tests.recordings.test_jobs import Ear

IVAN, MARIA = "+79161234567", "+79165550002"
SIDES = 3  # the mix and either leg


class OneSecond(Clock):
    """The same second for a whole call: a file is named after it, and two switchboards never begin quite at once."""

    def time(self) -> float:
        began = int(self._epoch)
        return began + (super().time() - self._epoch) / 100


@pytest.mark.parametrize("shared", [False, True], ids=["a folder each", "one folder"])
async def test_each_call_has_the_sound_its_own_switchboard_recorded(
    house: House, tmp_path: Path, shared: bool
) -> None:
    main = Root(tmp_path / "monitor")
    second = main if shared else Root(tmp_path / "second")
    for root in (main, second):
        root.path.mkdir(exist_ok=True)
    clock = OneSecond(house.board.clock.speed)
    async with Switchboard(lab(second.path)) as other:
        for board in (house.board, other):
            board.clock = board.pbx.clock = clock
        for extension in other.pbx.phones:
            other.phone(extension).behave(Manual())
        async with house.db.begin() as session:
            await map_extension(session, pbx="second", extension="1001", user_id=house.people["1002"])
        switches = [
            Switch(
                account=AmiConfig(
                    pbx=name, host="127.0.0.1", port=board.port, username="crm", secret="crm-secret"
                ),
                rules=Rules(),
                dialplan=Dialplan(),
            )
            for name, board in (("main", house.board), ("second", other))
        ]
        roots = Roots(main, {} if shared else {"second": second})
        house.attachment = await attach(
            switches,
            db=house.db,
            data_dir=house.data_dir,
            country="RU",
            recordings=roots,
            now=lambda: datetime.now(UTC),
        )
        work = [part for _, part in house.attachment.parts()]
        work.append(service.run(house.db, roots=roots, engine=Ear()))
        parts = [asyncio.create_task(part) for part in work]
        try:
            await until(lambda: house.attachment.centre.connected)
            anna, boris = house.browser("1001"), house.browser("1002")
            first = house.board.place_call(IVAN)
            twin = other.place_call(MARIA if shared else IVAN)
            assert first.uniqueid == twin.uniqueid
            await until(lambda: "ringing" in anna.states and "ringing" in boris.states, "both ring")
            await house.board.answer("1001")
            await other.answer("1001")
            await until(lambda: "talking" in anna.states and "talking" in boris.states, "both talk")
            await asyncio.sleep(0.3)
            await house.board.hang_up("1001")
            await other.hang_up("1001")
            await first.wait()
            await twin.wait()
            await house.attachment.recorder.drained()
            found = await _taken(house)
        finally:
            house.attachment.desks.close()
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
    assert (
        sorted((row.pbx, pbx) for row, pbx in found)
        == [("main", "main")] * SIDES + [("second", "second")] * SIDES
    )
    paths = {pbx: {row.path for row, _ in found if row.pbx == pbx} for pbx in ("main", "second")}
    assert paths["main"].isdisjoint(paths["second"]) if shared else paths["main"] == paths["second"]
    for row, _ in found:
        root = roots.of(row.pbx)
        assert root and row.path and root.resolve(row.path).stat().st_size == row.bytes


async def _taken(house: House) -> list[tuple[Recording, str]]:
    """The recordings, once all are ready, each with the switchboard of its call."""
    for _ in range(PATIENCE_S * 10):
        async with house.db.begin() as session:
            query = select(Recording, Call.pbx).join(Call, Call.id == Recording.call_id)
            found = [(row, pbx) for row, pbx in await session.execute(query)]
        if len(found) == 2 * SIDES and all(row.state == "ready" for row, _ in found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError([(pbx, row.path, row.state, row.error) for row, pbx in found])
