"""Asterisk's own records are read from wherever a site keeps them."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from asterisk.cel import instant
from asterisk.history import CDR_CSV, CEL_OURS, Kind, NoHistory, Records, read_cdr, read_cel
from crm_core.db import Database

TRACE = Path(__file__).parent.parent / "traces/a-queue-answer-customer-hangup"
BEGAN = datetime(2026, 11, 21, 18, 43, 42, tzinfo=UTC)
EVENING = (BEGAN - timedelta(hours=1), BEGAN + timedelta(hours=1))


def rows(kind: str) -> Iterator[list[str]]:
    with (TRACE / f"{kind}.csv").open(newline="") as file:
        yield from csv.reader(file)


async def in_postgresql(database: Database, kind: str, zone: ZoneInfo) -> Records:
    """The tables of cel_odbc and cdr_adaptive_odbc, which write the time of their own clock."""
    names = CEL_OURS if kind == "cel" else [name if name != "start" else "calldate" for name in CDR_CSV]
    times = ("eventtime", "calldate", "answer", "end")
    columns = ", ".join(f'"{name}" {"timestamp" if name in times else "text"}' for name in names)
    async with database.begin() as session:
        await session.execute(text(f"CREATE TABLE asterisk_{kind} (id serial, {columns})"))
        for row in rows(kind):
            given = dict(zip(names, row, strict=True))
            clock = {
                n: v and instant(v).astimezone(zone).replace(tzinfo=None)
                for n, v in given.items()
                if n in times
            }
            values = {name: clock.get(name, value) or None for name, value in given.items()}
            places = ", ".join(f":{name}" for name in names)
            quoted = ", ".join(f'"{name}"' for name in names)
            await session.execute(text(f"INSERT INTO asterisk_{kind} ({quoted}) VALUES ({places})"), values)
    return Records(kind=Kind(kind), place=f"{database.url}&table=asterisk_{kind}", zone=zone)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Almaty"])
async def test_a_table_tells_what_the_file_tells(database: Database, zone: str) -> None:
    there = ZoneInfo(zone)
    from_table = await read_cel(await in_postgresql(database, "cel", there), *EVENING)
    from_file = await read_cel(Records(kind=Kind.CEL, place=str(TRACE / "cel.csv")), *EVENING)
    assert from_table == from_file
    assert len(from_file) == 17
    (pair,) = await read_cdr(await in_postgresql(database, "cdr", there), *EVENING)
    assert [pair] == await read_cdr(Records(kind=Kind.CDR, place=str(TRACE / "cdr.csv")), *EVENING)
    assert (pair.start, pair.dstchannel) == (BEGAN, "PJSIP/1001-00000001")


async def test_only_the_period_is_read_of_a_long_file(tmp_path: Path) -> None:
    """Four megabytes of other days before and after."""
    file = tmp_path / "Master.csv"
    call = (TRACE / "cel.csv").read_text()
    with file.open("w") as out:
        for day in range(-600, 601):
            out.write(
                re.sub(r"1795286(\d{3})", lambda m, day=day: str(int(f"1795286{m[1]}") + 86400 * day), call)
            )
    found = await read_cel(Records(kind=Kind.CEL, place=str(file)), *EVENING)
    assert len(found) == 17
    assert {row.linkedid for row in found} == {"1795286622.0"}


async def test_a_torn_or_strange_line_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    whole = (TRACE / "cel.csv").read_bytes()
    file.write_bytes(b'nonsense\n"CHAN_START","never",\n\x00\xff\n' + whole + whole[:50])
    found = await read_cel(Records(kind=Kind.CEL, place=str(file)), *EVENING)
    assert len(found) == 17


async def test_what_is_wrong_is_said_without_the_password(database: Database) -> None:
    with pytest.raises(NoHistory, match="There is no table cel in"):
        await read_cel(Records(kind=Kind.CEL, place=database.url), *EVENING)
    places = ["postgresql://crm:hush@127.0.0.1:1/cdr", "mysql://crm:hush@127.0.0.1:1/asteriskcdrdb"]
    for place in places:
        with pytest.raises(NoHistory, match="can not be read") as refused:
            await read_cdr(Records(kind=Kind.CDR, place=place), *EVENING)
        assert "hush" not in str(refused.value)
    with pytest.raises(NoHistory, match="is no name of a table"):
        await read_cdr(Records(kind=Kind.CDR, place=places[0] + "?table=cdr;drop"), *EVENING)
