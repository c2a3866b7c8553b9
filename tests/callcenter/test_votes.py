"""A customer who stays on the line when the operator has hung up votes by a key: once, and of this call."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from asterisk.translate import parse, translate, wanted
from callcenter.call import from_json, to_json
from callcenter.directory import load_directory
from callcenter.numbers import Numbers
from callcenter.places import DeskState, places
from callcenter.records import Entry, write
from crm_core.user import Role, User, map_extension
from crm_core.vote import CallVote
from tests.callcenter.test_tracker_stories import ANSWERED, START, Switchboard

LEFT_ALONE = (
    ANSWERED
    + """
    20  HangupRequest 1001-2
    20  BridgeLeave 1001-2 BridgeUniqueid=A
    20  BridgeLeave trunk-1 BridgeUniqueid=A
    20  Hangup 1001-2 Cause=16
    20  Newexten trunk-1 Application=Read AppData=stars
"""
)
VOTED = LEFT_ALONE + "23 UserEvent trunk-1 UserEvent=CallcenterVote Vote=2\n"


def test_a_vote_belongs_to_the_call_and_changes_nothing_else_of_it() -> None:
    over = "25 HangupRequest trunk-1\n25 Hangup trunk-1 Cause=16\n"
    without, pbx = Switchboard().says(LEFT_ALONE + over), Switchboard().says(VOTED)
    assert (pbx.call.vote, pbx.call.voted_at) == (2, START + timedelta(seconds=23))
    assert from_json(to_json(pbx.call)) == pbx.call  # a process that is killed now keeps it
    pbx.says("24 UserEvent trunk-1 UserEvent=CallcenterVote Vote=5\n" + over)
    assert pbx.call.vote == 2
    told = ("result", "talk_s", "ended_by", "operator", "rang")
    assert pbx.told(*told) == without.told(*told)
    assert (pbx.call.talk_s, pbx.call.result) == (17.0, "answered")


@pytest.mark.parametrize("said", ["Vote: 0", "Vote: 6", "Vote: 55", "Vote: five", "Vote:", "Note: 5"])
def test_what_is_no_vote_is_nothing(said: str) -> None:
    block = f"Event: UserEvent\r\nUserEvent: CallcenterVote\r\nChannel: a\r\nUniqueid: 1\r\n{said}".encode()
    assert wanted(block) and translate(parse(block), START) is None
    assert not wanted(b"Event: UserEvent\r\nUserEvent: Other\r\nVote: 5\r\nUniqueid: 1\r\nChannel: a")
    before = (
        "0 Newchannel trunk-1 state=4 num=+7916 exten=1\n1 UserEvent trunk-1 UserEvent=CallcenterVote Vote=5"
    )
    assert Switchboard().says(before).call.vote is None  # nobody has talked


async def test_a_vote_is_written_once_however_often_the_call_is(database) -> None:
    async with database.begin() as session:
        users = [
            User(login=it, name=it.title(), role=role)
            for it, role in (("anna", Role.OPERATOR), ("boss", Role.SUPERVISOR))
        ]
        session.add_all(users)
        await session.flush()
        await map_extension(session, pbx="pbx", extension="1001", user_id=users[0].id)
        directory = await load_directory(session)
    pbx = Switchboard().says(VOTED)
    assert places(pbx.call, directory, None) == {users[0].id: DeskState.WRAP_UP}  # he writes up meanwhile
    for more in ("", "25 HangupRequest trunk-1\n25 Hangup trunk-1 Cause=16\n"):
        call = pbx.says(more).call
        number = Numbers("RU", {}).of(call, directory)
        async with database.begin() as session:
            entry = Entry(call=call, number=number, errand=None, directory=directory, country="RU")
            await write(session, entry, at=START, sound=False)
    async with database.begin() as session:
        (vote,) = await session.scalars(select(CallVote))
        told = (await session.execute(text("SELECT user_id, text FROM notices"))).all()
    assert (vote.call_id, vote.stars, vote.way, vote.operator_id) == (pbx.call.id, 2, "phone", users[0].id)
    assert told == [(users[1].id, "A customer gave 2 of 5 for a call with Anna.")]
