"""Asterisk's own records of calls, wherever a site keeps them: CSV files or a table.

In:      `Records`: where CEL or CDR lie and in which time zone they are written; a period
Out:     the rows of that period, in the order in which they were written
Raises:  `NoHistory` with a sentence that says what to mend

Files are those of cdr_csv and of cel_custom (with our columns or those of Asterisk's sample), rotated ones
beside them included, packed or not. Tables are those of cdr_adaptive_odbc, cdr_pgsql, cel_odbc and cel_pgsql in
PostgreSQL, MySQL or MariaDB.
"""

import asyncio
import csv
import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from asterisk.cdr import CdrRow, cdr_row
from asterisk.cel import CelRow, cel_row, instant

CEL_OURS = [
    "eventtype",
    "eventtime",
    "cid_num",
    "cid_name",
    "exten",
    "context",
    "channame",
    "appname",
    "appdata",
    "uniqueid",
    "linkedid",
    "peer",
    "extra",
]
CEL_SAMPLE = [
    "eventtype",
    "eventtime",
    "cid_name",
    "cid_num",
    "cid_ani",
    "cid_rdnis",
    "cid_dnid",
    "exten",
    "context",
    "channame",
    "appname",
    "appdata",
    "amaflags",
    "accountcode",
    "uniqueid",
    "linkedid",
    "peer",
    "userfield",
    "userdeftype",
    "extra",
]
CDR_CSV = [
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "uniqueid",
    "userfield",
    "peeraccount",
    "linkedid",
    "sequence",
]
TABLE = re.compile(r"\w+(\.\w+)?")
SHORTEST = 17  # columns of a CDR that names its uniqueid
Row = TypeVar("Row", CelRow, CdrRow)


class NoHistory(Exception):
    """The records can not be read; the text says what to mend."""


class Kind(StrEnum):
    CEL = "cel"
    CDR = "cdr"


@dataclass(frozen=True, kw_only=True)
class Records:
    """Where one switchboard keeps one kind of record: the path of a CSV file, or the address of a database."""

    kind: Kind
    place: str = field(repr=False)  # may hold a password
    zone: tzinfo = UTC

    @property
    def shown(self) -> str:
        """The place without its password."""
        if "://" not in self.place:
            return self.place
        parts = urlsplit(self.place)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


async def read_cel(records: Records, since: datetime, until: datetime) -> list[CelRow]:
    """Return the CEL rows of a period. Raises `NoHistory`."""
    return await _read(records, since, until, cel_row, lambda row: row.at)


async def read_cdr(records: Records, since: datetime, until: datetime) -> list[CdrRow]:
    """Return the CDR rows of the calls that began in a period. Raises `NoHistory`."""
    return await _read(records, since, until, cdr_row, lambda row: row.start)


async def _read(
    records: Records,
    since: datetime,
    until: datetime,
    make: Callable[[Mapping[str, Any], tzinfo], Row],
    at: Callable[[Row], datetime],
) -> list[Row]:
    if "://" in records.place:
        columns = await _from_table(records, since, until)
        return await asyncio.to_thread(_made, columns, make, records.zone)
    columns = await asyncio.to_thread(_from_files, records, since, until)
    rows = await asyncio.to_thread(_made, columns, make, records.zone)
    return [row for row in rows if since <= at(row) < until]


def _made(
    columns: list[Mapping[str, Any]], make: Callable[[Mapping[str, Any], tzinfo], Row], zone: tzinfo
) -> list[Row]:
    rows = []
    for each in columns:
        try:
            rows.append(make(each, zone))
        except (ValueError, TypeError, OverflowError):
            continue  # a line that is being written, or was torn when Asterisk was killed
    return rows


# --- files ----------------------------------------------------------------------------------------------


def _from_files(records: Records, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    files = _files(Path(records.place), since)
    named = "eventtime" if records.kind is Kind.CEL else "start"
    parts = []
    for file in files:
        found = list(_lines(file, records, since, until, named))
        if found:
            parts.append((instant(found[0][named], records.zone), found))
    return [row for _, found in sorted(parts, key=lambda part: part[0]) for row in found]


def _files(path: Path, since: datetime) -> list[Path]:
    """Return the file and its rotated elders, as far as they were written to after `since`."""
    try:
        beside = [
            file for file in path.parent.iterdir() if file.name.startswith(path.name) and file.is_file()
        ]
        if path not in beside:
            raise FileNotFoundError
        return [file for file in beside if file.stat().st_mtime >= since.timestamp()]
    except PermissionError as error:
        raise NoHistory(
            f"{path} may not be read: add this account to the group that owns it (usually asterisk)."
        ) from error
    except FileNotFoundError as error:
        raise NoHistory(
            f"{path} does not exist: correct the setting, or mount the folder of the logs."
        ) from error
    except OSError as error:
        raise NoHistory(f"{path} can not be read: {error.strerror or error}.") from error


def _lines(
    file: Path, records: Records, since: datetime, until: datetime, named: str
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one file that lie in the period, as columns by name."""
    packed = file.suffix == ".gz"
    try:
        with gzip.open(file) if packed else file.open("rb") as stream:
            if not packed:
                stream.seek(_start(file, records, since, named))
            text = (line.decode("utf-8", "replace").replace("\0", "") for line in stream)
            for values in csv.reader(text):
                row = _columns(records.kind, values)
                at = _instant(row, named, records.zone) if row else None
                if row and at is not None and since <= at < until:
                    yield row
    except PermissionError as error:
        raise NoHistory(
            f"{file} may not be read: add this account to the group that owns it (usually asterisk)."
        ) from error
    except (OSError, EOFError, csv.Error) as error:
        raise NoHistory(f"{file} can not be read: {error}.") from error


def _start(file: Path, records: Records, since: datetime, named: str) -> int:
    """Return where in a file, which grows in time, the first row after `since` may stand; one row early."""
    low, high = 0, file.stat().st_size
    with file.open("rb") as stream:
        while high - low > 1 << 16:
            middle = (low + high) // 2
            stream.seek(middle)
            stream.readline()
            line = stream.readline().decode("utf-8", "replace").replace("\0", "")
            row = _columns(records.kind, next(csv.reader([line]), []))
            at = _instant(row, named, records.zone) if row else None
            if at is not None and at < since:
                low = middle
            else:
                high = middle
        stream.seek(low)
        if low:
            stream.readline()
        return stream.tell()


def _columns(kind: Kind, values: list[str]) -> dict[str, Any] | None:
    if kind is Kind.CEL:
        names = {len(CEL_OURS): CEL_OURS, len(CEL_SAMPLE): CEL_SAMPLE}.get(len(values))
        return dict(zip(names, values, strict=True)) if names else None
    if len(values) < SHORTEST:
        return None
    return dict(zip(CDR_CSV, values, strict=False))


def _instant(row: Mapping[str, Any], named: str, zone: tzinfo) -> datetime | None:
    try:
        return instant(row[named], zone)
    except (ValueError, OverflowError):
        return None


# --- tables ---------------------------------------------------------------------------------------------


async def _from_table(records: Records, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    scheme = urlsplit(records.place).scheme
    table = next(iter(parse_qs(urlsplit(records.place).query).get("table", [])), records.kind.value)
    if not TABLE.fullmatch(table):
        raise NoHistory(f"{table!r} is no name of a table.")
    if scheme.startswith("postgres"):
        return await _from_postgresql(records, table, since, until)
    if scheme in ("mysql", "mariadb"):
        return await asyncio.to_thread(_from_mysql, records, table, since, until)
    raise NoHistory(f"{records.shown}: an address must begin with postgresql:// or mysql://, a path with /.")


def _time_column(kind: Kind, columns: Mapping[str, str], table: str) -> str:
    wanted = ("eventtime",) if kind is Kind.CEL else ("calldate", "start")
    found = next((name for name in wanted if name in columns), None)
    if found is None:
        raise NoHistory(f"The table {table} has no column {' or '.join(wanted)}.")
    return found


def _order(columns: Mapping[str, str], time: str) -> str:
    return next((name for name in ("id", "sequence", "uniqueid") if name in columns), time)


async def _from_postgresql(
    records: Records, table: str, since: datetime, until: datetime
) -> list[Mapping[str, Any]]:
    import asyncpg

    parts = urlsplit(records.place)
    options = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] != "table"])
    url = parts._replace(scheme="postgresql", query=options).geturl()
    try:
        connection = await asyncpg.connect(url, timeout=10, server_settings={"timezone": "UTC"})
        try:
            found = await connection.fetch(
                "SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute"
                " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
                table,
            )
            if not found:
                raise NoHistory(f"There is no table {table} in {records.shown}.")
            columns = {row["attname"]: row["type"] for row in found}
            time = _time_column(records.kind, columns, table)
            aware = columns[time] == "timestamp with time zone"
            period = [at if aware else _naive(at, records.zone) for at in (since, until)]
            return await connection.fetch(  # type: ignore[no-any-return]
                f'SELECT * FROM {table} WHERE "{time}" >= $1 AND "{time}" < $2'
                f' ORDER BY "{time}", "{_order(columns, time)}"',
                *period,
            )
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise NoHistory(f"{records.shown} can not be read: {_first_line(error)}.") from error


def _from_mysql(records: Records, table: str, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    import pymysql
    from pymysql.cursors import DictCursor

    url = urlsplit(records.place)
    try:
        with (
            pymysql.connect(
                host=url.hostname or "localhost",
                port=url.port or 3306,
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
                database=url.path.lstrip("/"),
                charset="utf8mb4",
                connect_timeout=10,
                cursorclass=DictCursor,
            ) as connection,
            connection.cursor() as cursor,
        ):
            quoted = ".".join(f"`{part}`" for part in table.split("."))
            cursor.execute(f"SHOW COLUMNS FROM {quoted}")
            columns = {row["Field"].lower(): row["Type"] for row in cursor.fetchall()}
            time = _time_column(records.kind, columns, table)
            cursor.execute(
                f"SELECT * FROM {quoted} WHERE `{time}` >= %s AND `{time}` < %s"
                f" ORDER BY `{time}`, `{_order(columns, time)}`",
                (_naive(since, records.zone), _naive(until, records.zone)),
            )
            return list(cursor.fetchall())
    except (OSError, pymysql.MySQLError, ValueError) as error:
        raise NoHistory(f"{records.shown} can not be read: {_first_line(error)}.") from error


def _naive(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
