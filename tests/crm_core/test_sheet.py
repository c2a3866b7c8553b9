"""What goes out as a file can be read again, and no spreadsheet runs any of it."""

import csv
import gc
import io
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.exchange import sheet
from crm_core.exchange.sheet import Cell, Csv, Phones, Sheet, Xlsx, guarded, said
from crm_core.exchange.table import clean, read_table

MAKERS = [
    Csv,
    Xlsx,
    lambda: Csv(delimiter=";", encoding="utf-16"),
    lambda: Csv(delimiter="\t", encoding="utf-8-sig"),
]
WRITTEN = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["=1+1", "'=1", "''+x", "@sum", "-5", "\t=1", 'a"b', "a,b;c\td", "two\nlines", "\r\n", "+48 601", "0012"]
)


def made(maker: Callable[[], Sheet], *bites: list[list[Cell]]) -> bytes:
    out = maker()
    return b"".join([*(out.rows(rows) for rows in bites), out.end()])


@pytest.mark.parametrize("maker", MAKERS)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(WRITTEN, min_size=2, max_size=2), max_size=5))
def test_whatever_is_written_is_read_again(maker: Callable[[], Sheet], rows: list[list[str]]) -> None:
    kept = [[clean(said(cell)) for cell in row] for row in rows]
    table = read_table(made(maker, [["first", "second"]], list(map(list, rows))))
    read = [[row.cells.get(name, "") for name in ("first", "second")] for row in table.rows]
    if maker is Xlsx:  # in a workbook a return is a line's end
        kept = [[re.sub("\r\n?", "\n", cell) for cell in row] for row in kept]
        read = [[re.sub("\r\n?", "\n", cell) for cell in row] for row in read]
    assert read == [row for row in kept if any(row)]


@given(text=WRITTEN)
def test_no_cell_of_a_csv_file_begins_with_what_a_spreadsheet_runs(text: str) -> None:
    for cell in (text, Phones([text])):
        written = guarded(cell)
        assert not written.startswith(("=", "@", "-", "\t", "\r"))
        assert not written.startswith("+") or re.fullmatch("[-+0-9 (),]+", written)


def test_telephone_numbers_stay_readable_and_sums_stay_sums() -> None:
    row: list[Cell] = [Phones(["+48601220114", "+12025550123"]), Decimal("-1.50")]
    rows = list(csv.reader(io.StringIO(made(Csv, [row]).decode("utf-8-sig"))))
    assert rows == [["+48 601 220 114, +1 202-555-0123", "-1.50"]]
    assert guarded(Phones(["+1+cmd|' /C calc'!A0"])).startswith("'")


def test_a_workbook_that_nobody_fetches_to_its_end_is_thrown_away_in_silence() -> None:
    left = Xlsx()
    assert left.rows([["first"], ["second"]])
    round_ = [left]
    round_.append(round_)  # type: ignore[arg-type]  # as with a task's traceback, only the collector finds it
    del left, round_
    gc.collect()  # what a finaliser raises is an error in these tests


def test_beyond_the_last_row_of_a_sheet_the_next_one_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "XLSX_ROWS", 3)
    book = made(Xlsx, [["number"], [1], [2]], [[3], [4]], [[5]])
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        assert packed.testzip() is None
        pages = [packed.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2, 3)]
    assert [re.findall("<v>(.*?)</v>", it) for it in pages] == [["1", "2"], ["3", "4"], ["5"]]
    assert all("number" in it for it in pages)
