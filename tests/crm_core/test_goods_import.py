"""A supplier's file becomes goods; what can not be is told row by row and changes nothing."""

import io
import zipfile
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.exchange import child
from crm_core.exchange.goods import GOODS
from crm_core.exchange.job import start
from crm_core.exchange.mapping import load_mapping, save_mapping
from crm_core.exchange.refused import refused_file
from crm_core.exchange.sheet import Cell, Xlsx
from crm_core.exchange.table import read_table
from crm_core.product import Product
from tests.crm_core.exchange import bring

CSV = """SKU;Name;EAN;Price;Cost;Stock;Colour
MG-03-BL;Blue mug 0.3 l;5901234123457;9,50;4.10;20;blue
NEW-1;Tea pot;4000001;1 034,90;;3;white
NEW-1;Tea pot again;;1;;;
NEW-2;Broken;;a lot;;;
;Nobody;;5;;;
;;5901234123464;35;;;
NEW-3;=HYPERLINK("x");5901234123457;5;;;
"""
YML = """<?xml version="1.0"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd"><yml_catalog><shop><offers>
<offer id="77" group_id="shirts"><name>T-shirt</name><price>19.90</price><vendorCode>TS-L</vendorCode>
<barcode>111</barcode><barcode>222</barcode><count>4</count><param name="Size">L</param></offer>
</offers></shop></yml_catalog>"""
COMMERCE_ML = """<?xml version="1.0" encoding="UTF-8"?><КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2">
<ПакетПредложений><Предложения><Предложение><Ид>a#b</Ид><Артикул>ЧК-1</Артикул><Штрихкод>333</Штрихкод>
<Наименование>Чайник</Наименование><Цены><Цена><ЦенаЗаЕдиницу>1200</ЦенаЗаЕдиницу></Цена></Цены>
<Количество>7</Количество><ХарактеристикиТовара><ХарактеристикаТовара><Наименование>Цвет</Наименование>
<Значение>красный</Значение></ХарактеристикаТовара></ХарактеристикиТовара></Предложение></Предложения>
</ПакетПредложений></КоммерческаяИнформация>"""


def workbook(rows: list[list[Cell]]) -> bytes:
    sheet = Xlsx()
    return sheet.rows(rows) + sheet.end()


async def product(shop: Any, sku: str) -> Product | None:
    async with shop.begin() as session:
        found: Product | None = await session.scalar(select(Product).where(Product.sku == sku))
        return found


async def test_a_price_list_changes_what_is_known_adds_what_is_new_and_refuses_the_rest(
    shop: Any, tmp_path: Path
) -> None:
    columns = {**GOODS.guess(read_table(CSV.encode()).columns), "Colour": "property:colour"}
    done = await bring(shop, tmp_path, "products", CSV.encode(), columns)
    assert done.counts == (1, 2, 0, 4)
    assert [(it.place, it.reason) for it in done.refused] == [
        (4, "The SKU NEW-1 stands in row 3 already."),
        (5, "Price: 'a lot' is no sum."),
        (6, "There is neither a SKU nor a barcode."),
        (8, "The barcode 5901234123457 stands in row 2 already."),
    ]
    mug, pot, kettle = [await product(shop, sku) for sku in ("MG-03-BL", "NEW-1", "KT-10-RD")]
    assert mug and pot and kettle
    assert (mug.price, mug.purchase_price, mug.stock, mug.variant) == (
        Decimal("9.50"),
        Decimal("4.10"),
        20,
        "blue",
    )
    assert (pot.name, pot.price, pot.barcodes, pot.stock) == ("Tea pot", Decimal("1034.90"), ["4000001"], 3)
    assert (kettle.price, kettle.stock, kettle.name) == (Decimal("35.00"), 3, "Red kettle")
    again = await bring(shop, tmp_path, "products", CSV.encode(), columns)
    assert again.counts == (0, 0, 3, 4)


async def test_refused_rows_come_back_as_they_came_with_their_reasons_and_can_be_sent_in_again(
    shop: Any, tmp_path: Path
) -> None:
    done = await bring(shop, tmp_path, "products", CSV.encode())
    told = refused_file(done.outcome, done.refused).decode("utf-8-sig").splitlines()
    assert told[0] == "SKU;Name;EAN;Price;Cost;Stock;Colour;row;refused because"
    assert told[-1].startswith("NEW-3;\"'=HYPERLINK(")
    mended = refused_file(done.outcome, done.refused).replace(b"a lot", b"7,50")
    again = await bring(shop, tmp_path, "products", mended)
    assert again.counts == (
        1,
        1,
        0,
        2,
    )  # NEW-2 has its price; NEW-1 does not stand in the file twice any more
    assert again.refused[-1].reason == "Blue mug 0.3 l (MG-03-BL) has the barcode 5901234123457 already."
    book = workbook([["SKU", "Name", "Price"], ["B-1", "=1+1", "none"]])
    back = refused_file((of := await bring(shop, tmp_path, "products", book)).outcome, of.refused)
    assert read_table(back).rows[0].cells["Name"] == "=1+1"


async def test_a_dry_run_says_the_same_and_changes_nothing(shop: Any, tmp_path: Path) -> None:
    done = await bring(shop, tmp_path, "products", CSV.encode(), dry_run=True)
    assert done.counts == (1, 2, 0, 4)
    mug = await product(shop, "MG-03-BL")
    assert mug and (mug.price, mug.stock, mug.version) == (Decimal("8.90"), 14, 1)
    async with shop.begin() as session:
        assert await session.scalar(select(func.count()).select_from(Product)) == 3


@pytest.mark.parametrize(
    ("content", "sku", "expected"),
    [
        (YML, "TS-L", ("T-shirt", "19.90", ["111", "222"], 4, "L")),
        (COMMERCE_ML, "ЧК-1", ("Чайник", "1200.00", ["333"], 7, "красный")),
    ],
)
async def test_exchange_files_are_understood_without_a_mapping(
    shop: Any, tmp_path: Path, content: str, sku: str, expected: tuple[Any, ...]
) -> None:
    assert (await bring(shop, tmp_path, "products", content.encode())).counts[0] == 1
    made = await product(shop, sku)
    assert made
    assert (made.name, str(made.price), made.barcodes, made.stock, made.variant) == expected


KETTLES = """<КоммерческаяИнформация ВерсияСхемы="2.08"><Каталог><Товары>
<Товар><Ид>a</Ид><Артикул>ЧК-2</Артикул><Штрихкод>444</Штрихкод><Наименование>Чайник</Наименование></Товар>
<Товар><Ид>b</Ид><Артикул>ЧК-3</Артикул><Штрихкод>555</Штрихкод><Наименование>Самовар</Наименование></Товар>
</Товары></Каталог></КоммерческаяИнформация>"""
PRICES = """<КоммерческаяИнформация><ПакетПредложений><Предложения>
<Предложение><Ид>a</Ид><Цены><Цена><ЦенаЗаЕдиницу>120.50</ЦенаЗаЕдиницу></Цена></Цены></Предложение>
<Предложение><Ид>b#red</Ид><Артикул>ЧК-3-К</Артикул><Наименование>Самовар красный</Наименование>
<Цены><Цена><ЦенаЗаЕдиницу>990</ЦенаЗаЕдиницу></Цена></Цены>
<Склад ИдСклада="1" КоличествоНаСкладе="2"/><Склад ИдСклада="2" КоличествоНаСкладе="3"/></Предложение>
</Предложения></ПакетПредложений></КоммерческаяИнформация>"""
RESTS = """<КоммерческаяИнформация><ПакетПредложений><Предложения>
<Предложение><Ид>a</Ид><Остатки><Остаток><Склад><Ид>1</Ид><Количество>4</Количество></Склад></Остаток>
<Остаток><Склад><Ид>2</Ид><Количество>5</Количество></Склад></Остаток></Остатки></Предложение>
</Предложения></ПакетПредложений></КоммерческаяИнформация>"""


def archive(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(f"webdata/{name}.xml", text)
    return out.getvalue()


async def test_goods_prices_and_stock_that_come_in_files_of_their_own_are_one_product_each(
    shop: Any, tmp_path: Path
) -> None:
    packed = archive(import0_1=KETTLES, offers0_1=PRICES, rests0_1=RESTS)
    assert (await bring(shop, tmp_path, "products", packed)).counts == (2, 0, 0, 0)
    kettle, samovar = await product(shop, "ЧК-2"), await product(shop, "ЧК-3-К")
    assert kettle and samovar
    assert (kettle.name, str(kettle.price), kettle.barcodes, kettle.stock) == ("Чайник", "120.50", ["444"], 9)
    assert (samovar.name, str(samovar.price), samovar.stock) == ("Самовар красный", "990.00", 5)
    assert samovar.barcodes == []  # 555 is on the box of no variant in particular


async def test_goods_that_nobody_offers_are_told_to_lack_a_price(shop: Any, tmp_path: Path) -> None:
    done = await bring(shop, tmp_path, "products", KETTLES.encode())
    assert done.counts == (0, 0, 0, 2)
    assert done.refused[0].reason == "This is a new product: it needs a SKU, a name and a price."


async def test_a_workbooks_barcode_stays_a_whole_number(shop: Any, tmp_path: Path) -> None:
    book = workbook([["SKU", "Name", "EAN", "Price"], ["W-1", "Cup", 4006381333931, Decimal("2.5")]])
    assert (await bring(shop, tmp_path, "products", book)).counts[0] == 1
    made = await product(shop, "W-1")
    assert made and (made.barcodes, made.price) == (["4006381333931"], Decimal("2.50"))


async def test_a_mapping_is_kept_under_its_name_and_taken_for_a_file_it_fits(
    shop: Any, tmp_path: Path
) -> None:
    async with shop.begin() as session:
        await save_mapping(session, "products", "acme", {"Nr": "sku"})
        await save_mapping(session, "products", "acme", {"Nr": "sku", "Preis": "price", "Wie": "name"})
        assert len(await load_mapping(session, "products", "acme")) == 3
        for noun, name in (("products", "other"), ("customers", "acme")):
            with pytest.raises(NotFound):
                await load_mapping(session, noun, name)
    done = await bring(shop, tmp_path, "products", b"Nr,Wie,Preis\nN-1,Nut,2\n")
    assert done.counts == (1, 0, 0, 0)


async def test_a_mapping_that_does_not_fit_the_file_is_refused_before_any_row(
    shop: Any, tmp_path: Path
) -> None:
    for columns, why in (
        ({"Nr": "sku", "Price": "price"}, "no column 'Price'"),
        ({"Nr": "colour"}, "no field of products"),
        ({"Preis": "price"}, "which column is the sku or barcode"),
        ({"Preis": "sku", "Nr": "sku"}, "Two columns"),
    ):
        with pytest.raises(Invalid, match=why):
            await bring(shop, tmp_path, "products", b"Nr,Preis\n1,2\n", columns)


async def test_a_killed_import_goes_on_at_the_next_row_and_still_knows_what_stood_before(
    shop: Any, tmp_path: Path
) -> None:
    rows = [f"S-{n},Thing {n},1.00" for n in range(120)] + ["S-3,Thing again,2.00"]
    content = "\n".join(["SKU,Name,Price", *rows]).encode()
    done = await bring(shop, tmp_path, "products", content, killed_after=50)
    assert done.counts == (120, 0, 0, 1)
    assert done.refused[0].reason == "The SKU S-3 stands in row 5 already."
    async with shop.begin() as session:
        with pytest.raises(Conflict, match="put in already"):
            await start(session, done.outcome.id, dry_run=False, at=shop.noon)


BILLION = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]>'
BILLION += b'<yml_catalog><offer id="1"><name>&c;</name></offer></yml_catalog>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1\2",
        b"PK\x03\x04 broken",
        b"<shop></shop>",
        b"<a",
        BILLION,
        b"a,a\n1,2\n",
        b"PK\x03\x04",
        archive(a="<shop/>"),
        archive(a="<"),
        archive(a=""),
    ],
)
def test_what_is_no_file_of_goods_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_table(content)
    assert str(refused.value).endswith(".")


def bomb(unpacked: int) -> bytes:
    """A workbook whose one cell unpacks to a thousand times its size, which its own list of contents denies."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = packer.compress(b"<worksheet><sheetData><row><c t='inlineStr'><is><t>")
    begin += packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(b"A" * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = begin + piece * (unpacked // 2**20) + packer.flush()
    honest = zipfile.ZipFile(io.BytesIO(workbook([["A"]])))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as lying:
        for one in honest.infolist():
            sheet = one.filename.endswith("sheet1.xml")
            lying.writestr(one.filename, packed if sheet else honest.read(one))
            if sheet:
                lying.filelist[-1].compress_type = zipfile.ZIP_DEFLATED
    return out.getvalue()


async def test_a_bomb_kills_the_process_that_reads_it_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(bomb(2**30))
    with pytest.raises(Invalid, match="can not be read"):
        await child.read_file(tmp_path / "bomb", tmp_path / "bomb.rows", memory=2**29)
    assert not (tmp_path / "bomb.rows").exists()
    (tmp_path / "bomb").write_bytes(archive(a="<a>" + " " * (400 * 2**20)))
    with pytest.raises(Invalid, match="split it"):
        await child.read_file(tmp_path / "bomb", tmp_path / "bomb.rows", memory=2**29)
    (tmp_path / "goods").write_bytes(CSV.encode())
    head = await child.read_file(tmp_path / "goods", tmp_path / "goods.rows")
    assert (head.rows, head.columns[0], head.form.delimiter) == (7, "SKU", ";")
    assert [row.place for row in child.rows(tmp_path / "goods.rows", after=5)] == [7, 8]


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    try:
        table = read_table(content)
    except Invalid:
        return
    assert all(set(row.cells) <= set(table.columns) for row in table.rows)
