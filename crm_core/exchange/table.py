"""A file from another system as a table: CSV, XLSX, YML (Yandex Market) or CommerceML, also several in a zip.

Pure. In: the bytes of the file. Out: `Table`, every cell a text. Raises: `Invalid` for a file that is none of these,
is broken, or is larger than anybody's. What a stranger sent is read in a process of its own (`child.py`).
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from crm_core.errors import Invalid
from crm_core.exchange.sheet import unguarded

LARGEST = 50 * 1024 * 1024
LARGEST_UNPACKED = 300 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 200
LONGEST_CELL = 20_000


@dataclass(frozen=True)
class Row:
    """One row of the file; `place`: its line in a table, its number among the offers of an XML file."""

    place: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Form:
    """In which form the table came, so that refused rows can go back in it. `delimiter` and `encoding`: of CSV."""

    kind: str = "csv"
    delimiter: str = ","
    encoding: str = "utf-8-sig"


@dataclass(frozen=True)
class Table:
    """Headings in their order, and the rows."""

    columns: list[str]
    rows: list[Row]
    form: Form = Form()


def read_table(content: bytes) -> Table:
    """The table in a file; which kind it is, its first bytes say. Raises `Invalid`."""
    if len(content) > LARGEST:
        raise Invalid(f"The file is larger than {LARGEST // 2**20} MB; split it.", "file")
    if content.startswith(b"PK\x03\x04"):
        packed = _xml_files(content)
        return _offers(packed) if packed else _from_lines(_xlsx(content), Form("xlsx"))
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return _offers([content])
    text, encoding = decoded(content)
    delimiter = max(";,\t|", key=text.partition("\n")[0].count)
    return _from_lines(_csv(text, delimiter), Form("csv", delimiter, encoding))


def _offers(files: list[bytes]) -> Table:
    from crm_core.exchange.xml_goods import read_xml

    columns, offers = read_xml(files)
    return _table(columns, (Row(place, cells) for place, cells in enumerate(offers, 1)), Form("xml"))


def _xml_files(content: bytes) -> list[bytes]:
    """XML files packed together, as 1C sends goods, prices and stock; none of a workbook. Raises `Invalid`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = packed.namelist()
            if "[Content_Types].xml" in names:
                return []
            files, room = [], LARGEST_UNPACKED
            for name in sorted(name for name in names if name.lower().endswith((".xml", ".yml"))):
                with packed.open(name) as file:
                    files.append(file.read(room + 1))  # what the archive says of its sizes may be wrong
                room -= len(files[-1])
                if room < 0:
                    raise Invalid("The archive unpacks to more than can be read; split it.", "file")
            return files
    # zipfile raises NotImplementedError for a compression it does not know, RuntimeError for an encrypted file.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
        raise Invalid(f"The archive can not be read: {error}.", "file") from None


def _csv(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, [unguarded(cell) for cell in cells]
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} of the file can not be read: {error}.", "file") from None


def decoded(content: bytes) -> tuple[str, str]:
    """The text of a file and its encoding, which it does not say itself. Raises `Invalid`."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1251", "cp1250", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if encoding == "cp1251" and _half_latin(text):
            continue  # Krakуw: Central European letters, read as Cyrillic ones
        return text, encoding
    raise Invalid("The file is neither CSV, XLSX, YML nor CommerceML.", "file")


def _half_latin(text: str) -> bool:
    """Are most words with Cyrillic letters half Latin?"""
    words = re.findall(r"\w*[\u0400-\u04ff]\w*", text[:200_000])
    return sum(re.search("[a-zA-Z]", word) is not None for word in words) * 2 > len(words)


def _xlsx(content: bytes) -> Iterator[tuple[int, list[str]]]:
    import python_calamine

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise Invalid("The workbook unpacks to more than can be read; split it.", "file")
        book = python_calamine.load_workbook(io.BytesIO(content))
        sheet = book.get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False, nrows=MOST_ROWS + 2)
    except (zipfile.BadZipFile, python_calamine.CalamineError, OSError, IndexError) as error:
        raise Invalid(f"The workbook can not be read: {error}.", "file") from None
    for place, cells in enumerate(rows, 1):
        yield place, [_said(cell) for cell in cells]


def _said(cell: object) -> str:
    """Barcodes come as floats out of a workbook: 5901234123457.0 is 5901234123457."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return str(cell)


def _from_lines(lines: Iterator[tuple[int, list[str]]], form: Form) -> Table:
    filled = ((place, [clean(it) for it in cells]) for place, cells in lines)
    filled = ((place, cells) for place, cells in filled if any(cells))
    _, columns = next(filled, (0, []))
    named = [name for name in columns if name]
    if not named:
        raise Invalid("The file has no line of headings.", "file")
    if len(columns) > MOST_COLUMNS or len(set(named)) < len(named):
        raise Invalid(f"Each of at most {MOST_COLUMNS} columns needs a heading of its own.", "file")
    rows = (
        Row(place, {name: cell for name, cell in zip(columns, cells, strict=False) if name})
        for place, cells in filled
    )
    return _table(named, rows, form)


def _table(columns: list[str], rows: Iterator[Row], form: Form) -> Table:
    kept: list[Row] = []
    for row in rows:
        if len(kept) == MOST_ROWS:
            raise Invalid(f"The file has more than {MOST_ROWS} rows; split it.", "file")
        if any(len(cell) > LONGEST_CELL for cell in row.cells.values()):
            raise Invalid(f"A cell of row {row.place} has more than {LONGEST_CELL} letters.", "file")
        kept.append(row)
    return Table(columns, kept, form)


def clean(text: str | None) -> str:
    """A cell without what is not seen at its ends, and without NUL, which no database keeps."""
    return (text or "").replace("\0", "").strip()
