"""A supervisor listens to a call on a real Asterisk: what each telephone hears is measured."""

from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from asterisk import actions
from crm_core.agent_state import AgentInterval
from crm_core.call import Call as Row
from crm_core.db import Database
from crm_core.listening import Mode, list_heard
from tests.pbx.middle import Middle, until
from tests.pbx.sound import tone
from tests.pbx.tones import CUSTOMER, LISTENER, OPERATOR, hears_only
from tests.pbx.tree import Tree


async def test_a_supervisor_listens_whispers_speaks_with_both_and_takes_the_customer(
    pbx: Tree, database: Database, tmp_path: Path
) -> None:
    async with Middle.of(pbx, database, tmp_path) as house:
        centre, boris_id = house.attachment.centre, house.people["1002"]

        def now() -> str | None:
            shown = centre.snapshot(boris_id)["listening"]
            return str(shown["mode"]) if shown else None

        customer, anna, call = await house.talk()
        await centre.listen(call, boris_id, Mode.LISTEN, whose=None)
        boris = await house.rings("1002")
        assert house.desk("1002") == []  # no card for him, it is Anna's call
        await boris.answer()
        for phone, hertz in ((customer, CUSTOMER), (anna, OPERATOR), (boris, LISTENER)):
            phone.say(tone(hertz, 1) * 300)  # longer than any machine takes
        await until(lambda: now() == "listen", lambda: f"{now()}")
        await hears_only(customer, OPERATOR)
        await hears_only(anna, CUSTOMER)
        await hears_only(boris, CUSTOMER, OPERATOR)

        await centre.listen(call, boris_id, Mode.WHISPER, whose=None)
        assert house.desk("1001")[0]["control"]["heard_by"] == [{"name": "Boris", "mode": "whisper"}]
        await hears_only(customer, OPERATOR)
        await hears_only(anna, CUSTOMER, LISTENER)
        await hears_only(boris, CUSTOMER, OPERATOR)

        await centre.listen(call, boris_id, Mode.BARGE, whose=None)
        await hears_only(customer, OPERATOR, LISTENER)
        await hears_only(anna, CUSTOMER, LISTENER)
        await hears_only(boris, CUSTOMER, OPERATOR)

        link = house.attachment.links[0]
        listed = await link.request_list("CoreShowChannels")
        own = next(it["Channel"] for it in listed if it.get("Channel", "").startswith("PJSIP/1002"))
        await actions.play_dtmf(link, own, "4", received=True)  # the key of his telephone does the same
        await until(lambda: now() == "listen", lambda: f"{now()}")
        await hears_only(customer, OPERATOR)

        await centre.take_over(call, boris_id, whose=None)
        await until(anna.ended.is_set, "Anna is not let go")
        await hears_only(customer, LISTENER)
        await hears_only(boris, CUSTOMER)
        await house.sees("1002", "talking", stage=None)
        await house.sees("1001", "watching")
        assert now() is None and house.desk("1002")[0]["control"]["heard_by"] == []
        customer.hang_up()
        row = await house.row()
        async with database.begin() as session:
            assert list(await session.scalars(select(Row.id))) == [call]
            spans = await list_heard(session, call_id=call)
            boris_did = list(
                await session.scalars(
                    select(AgentInterval.state)
                    .where(AgentInterval.user_id == boris_id)
                    .order_by(AgentInterval.from_at)
                )
            )
    assert (row.result, row.operator_extension, row.operators) == ("answered", "1002", ["1001", "1002"])
    assert [it.mode for it in spans] == ["listen", "whisper", "barge", "listen", "take_over"]
    assert all(a.ended_at == b.began_at for a, b in pairwise(spans[:-1]))
    assert boris_did.index("paused") < boris_did.index("talking") and boris_did.count("talking") == 1
