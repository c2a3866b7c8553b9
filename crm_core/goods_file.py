"""A supplier's file of goods as a table: CSV, XLSX, YML (Yandex Market) or CommerceML.

Pure. In: the bytes of the file. Out: `Table`, every cell a text. Raises: `Invalid` for a file that is none of these,
is broken, or is larger than anybody's catalogue. XML is read without entities and outside references.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

import python_calamine
from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it has no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from crm_core.errors import Invalid

LARGEST = 50 * 1024 * 1024
LARGEST_UNPACKED = 300 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 200
PARAMETER = "param: "
"""What the columns made of an XML offer's own properties begin with."""


@dataclass(frozen=True)
class Row:
    """One row of the file; `place`: its line in a table, its number among the offers of an XML file."""

    place: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """Headings in their order, and the rows."""

    columns: list[str]
    rows: list[Row]


def read_table(content: bytes) -> Table:
    """The table in a file; which kind it is, its first bytes say. Raises `Invalid`."""
    if len(content) > LARGEST:
        raise Invalid(f"The file is larger than {LARGEST // 2**20} MB.", "file")
    if content.startswith(b"PK\x03\x04"):
        return _from_lines(_xlsx(content))
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return _xml(content)
    return _from_lines(_csv(content))


def _csv(content: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(";,\t|", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} of the file can not be read: {error}.", "file") from None


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Invalid("The file is neither CSV, XLSX, YML nor CommerceML.", "file")


def _xlsx(content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise Invalid("The workbook unpacks to more than anybody's catalogue.", "file")
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
    return str(cell)


def _from_lines(lines: Iterator[tuple[int, list[str]]]) -> Table:
    filled = ((place, [_clean(it) for it in cells]) for place, cells in lines)
    filled = ((place, cells) for place, cells in filled if any(cells))
    _, columns = next(filled, (0, []))
    named = [name for name in columns if name]
    if not named:
        raise Invalid("The file has no line of headings.", "file")
    if len(columns) > MOST_COLUMNS or len(set(named)) < len(named):
        raise Invalid(f"Each of at most {MOST_COLUMNS} columns needs a heading of its own.", "file")
    return _table(
        named,
        (
            Row(place, {name: cell for name, cell in zip(columns, cells, strict=False) if name})
            for place, cells in filled
        ),
    )


def _table(columns: Sequence[str], rows: Iterator[Row]) -> Table:
    kept: list[Row] = []
    for row in rows:
        if len(kept) == MOST_ROWS:
            raise Invalid(f"The file has more than {MOST_ROWS} rows; split it.", "file")
        kept.append(row)
    return Table(list(columns), kept)


def _xml(content: bytes) -> Table:
    try:
        root = fromstring(content, forbid_dtd=False)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Invalid(f"The XML can not be read: {type(error).__name__} {error}.", "file") from None
    offers = [it for it in root.iter() if _name(it) == "offer"]
    if offers:
        rows = [_yml(it) for it in offers]
    else:
        rows = [_commerce_ml(it) for it in root.iter() if _name(it) in ("Предложение", "Товар")]
    if not rows:
        raise Invalid("There are no offers in the file: it is neither YML nor CommerceML.", "file")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return _table(columns, (Row(place, cells) for place, cells in enumerate(rows, 1)))


def _yml(offer: Element) -> dict[str, str]:
    cells = {name: _clean(value) for name, value in offer.attrib.items() if name in ("id", "group_id")}
    for child in offer:
        name, value = _name(child), _clean(child.text)
        if name == "param":
            cells[PARAMETER + _clean(child.get("name"))] = value
        elif name == "barcode" and name in cells:
            cells[name] += f", {value}"
        elif len(child) == 0:
            cells[name] = value
    return cells


def _commerce_ml(offer: Element) -> dict[str, str]:
    cells: dict[str, str] = {}
    for child in offer:
        name = _name(child)
        if name == "ХарактеристикиТовара":
            for one in child:
                parts = {_name(it): _clean(it.text) for it in one}
                cells[PARAMETER + parts.get("Наименование", "")] = parts.get("Значение", "")
        elif name == "Цены":
            prices = [it for it in child.iter() if _name(it) == "ЦенаЗаЕдиницу"]
            cells["ЦенаЗаЕдиницу"] = _clean(prices[0].text) if prices else ""
        elif len(child) == 0:
            cells[name] = _clean(child.text)
    return cells


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _clean(text: str | None) -> str:
    return (text or "").replace("\0", "").strip()
