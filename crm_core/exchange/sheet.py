"""A table as a CSV or XLSX file, made piece by piece: its size is not bounded by the memory.

In:      headings, then rows of values: text, whole numbers, `Decimal`, instants, days, yes or no, None
Out:     bytes to be sent on as they come
Safety:  a spreadsheet runs what begins with = + - @ tab or return. In CSV such a text gets an apostrophe in front,
         which `unguarded` takes off again; in XLSX it is marked as text (and is none to compute with anyway).
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol
from xml.sax.saxutils import escape

XLSX_ROWS = 1_048_576
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
# Our own spelling of telephone numbers: a + and digits, which no spreadsheet can run.
_PHONES = re.compile(r"\+[0-9][0-9 ()-]*(, \+[0-9][0-9 ()-]*)*")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Phones(tuple[str, ...]):
    """E.164 numbers, written as people read them: that takes a while, so it is done where the file is made."""

    __slots__ = ()

    def __str__(self) -> str:
        from crm_core.phone import display

        return ", ".join(display(it) for it in self)


Cell = str | int | float | Decimal | datetime | date | bool | Phones | None


class Sheet(Protocol):
    """A file that grows."""

    def rows(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        """The bytes that follow for these rows."""
        ...

    def end(self) -> bytes:
        """The last bytes."""
        ...


def said(cell: Cell) -> str:
    """A value as it is written in a file, and read again."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(sep=" ").replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return f"{cell:.1f}"
    return _UNWRITABLE.sub("", str(cell))


def guarded(cell: Cell) -> str:
    """The same, so that no spreadsheet runs it."""
    text = said(cell)
    if not isinstance(cell, str | Phones) or (isinstance(cell, Phones) and _PHONES.fullmatch(text)):
        return text
    return f"'{text}" if _DANGEROUS.match(text) else text


def unguarded(text: str) -> str:
    """What was written, out of what `guarded` made of it."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text) else text


class Csv:
    """CSV for spreadsheets: UTF-8 with its mark, unless the file that came in was otherwise."""

    def __init__(self, *, delimiter: str = ",", encoding: str = "utf-8-sig") -> None:
        self._delimiter = delimiter
        self._mark = encoding in ("utf-8-sig", "utf-16")
        self._encoding = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)

    def rows(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        out = io.StringIO()
        out.write("\ufeff" if self._mark else "")
        self._mark = False
        csv.writer(out, delimiter=self._delimiter).writerows([guarded(cell) for cell in row] for row in rows)
        return out.getvalue().encode(self._encoding, errors="replace")

    def end(self) -> bytes:
        return b""


class _Pipe(io.RawIOBase):
    """Where the archive is written to: what was written is taken out at once."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.kept += memoryview(data)  # type: ignore[arg-type]  # any buffer, as io wants it
        return len(memoryview(data))  # type: ignore[arg-type]

    def taken(self) -> bytes:
        taken, self.kept = bytes(self.kept), bytearray()
        return taken


class _Archive(zipfile.ZipFile):
    """One that was broken off is thrown away as it is; to close it would raise for the sheet that is still open."""

    def __del__(self) -> None:
        pass


class Xlsx:
    """A workbook; beyond a sheet's last row the next sheet begins, with the same headings."""

    def __init__(self) -> None:
        self._pipe = _Pipe()
        self._archive = _Archive(self._pipe, "w", zipfile.ZIP_DEFLATED)
        self._headings: Sequence[Cell] | None = None
        self._sheets = self._filled = 0
        self._open: zipfile._ZipWriteFile | None = None  # type: ignore[name-defined]  # it has no public name

    def rows(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        for row in rows:
            self._headings = self._headings or row
            if self._open is None or self._filled == XLSX_ROWS:
                self._next_sheet(repeat=self._open is not None)
            self._row(row)
        return self._pipe.taken()

    def end(self) -> bytes:
        if self._open is None:
            self._next_sheet(repeat=False)
        self._close()
        for name, text in _parts(self._sheets).items():
            self._archive.writestr(name, text)
        self._archive.close()
        return self._pipe.taken()

    def _next_sheet(self, *, repeat: bool) -> None:
        self._close()
        self._sheets, self._filled = self._sheets + 1, 0
        # Where the size is not known beforehand, zip needs to be told that it may be large.
        self._open = self._archive.open(f"xl/worksheets/sheet{self._sheets}.xml", "w", force_zip64=True)
        self._open.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        if repeat:
            self._row(self._headings or ())

    def _row(self, row: Sequence[Cell]) -> None:
        self._filled += 1
        self._open.write(f"<row>{''.join(map(_cell, row))}</row>".encode())  # type: ignore[union-attr]

    def _close(self) -> None:
        if self._open is not None:
            self._open.write(b"</sheetData></worksheet>")
            self._open.close()


def _cell(cell: Cell) -> str:
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        return f"<c><v>{cell}</v></c>"
    text = said(cell)
    if not text:
        return "<c/>"
    marked = ' s="1"' if _DANGEROUS.match(text) else ""
    text = escape(text, {"\r": "&#13;"})
    return f'<c t="inlineStr"{marked}><is><t xml:space="preserve">{text}</t></is></c>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _parts(sheets: int) -> dict[str, str]:
    """What a workbook has besides its sheets. Source: ECMA-376, part 1, 18."""
    numbers = range(1, sheets + 1)
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>'
        for n in numbers
    )
    named = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    linked = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    styles = f'<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    book = f'<Relationship Id="book" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>{types}</Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{book}</Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{linked}{styles}</Relationships>",
        "xl/styles.xml": f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
        '<fills count="1"><fill/></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf/><xf quotePrefix="1"/></cellXfs></styleSheet>',
    }
