"""A supplier's file becomes goods; what can not be is told row by row and changes nothing."""

import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from crm_core.errors import Invalid, NotFound
from crm_core.goods_file import Table, read_table
from crm_core.goods_import import (
    Outcome,
    guess_columns,
    import_goods,
    load_mapping,
    refused_csv,
    save_mapping,
)
from crm_core.product import Product

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


def workbook(rows: list[list[str | float]]) -> bytes:
    """The least that is an XLSX file."""
    cells = "".join(
        "<row>" + "".join(
            f"<c><v>{it}</v></c>" if isinstance(it, float) else f'<c t="inlineStr"><is><t>{it}</t></is></c>'
            for it in row
        ) + "</row>"
        for row in rows
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType='
        f'"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type='
        f'"{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Goods" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type='
        f'"{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


async def put(shop: Any, table: Table, columns: dict[str, str] | None = None, **more: Any) -> Outcome:
    meant = columns or guess_columns(table.columns)
    async with shop.begin() as session:
        return await import_goods(
            session, table, meant, shop_id=shop.shop, user_id=shop.anna, at=shop.noon, **more
        )


async def product(shop: Any, sku: str) -> Product | None:
    async with shop.begin() as session:
        found: Product | None = await session.scalar(select(Product).where(Product.sku == sku))
        return found


async def test_a_price_list_changes_what_is_known_adds_what_is_new_and_refuses_the_rest(shop: Any) -> None:
    table = read_table(CSV.encode())
    columns = guess_columns(table.columns) | {"Colour": "property:colour"}
    outcome = await put(shop, table, columns)
    assert (outcome.created, outcome.updated, outcome.unchanged) == (1, 2, 0)
    assert [(it.row.place, it.reason) for it in outcome.refused] == [
        (4, "The same product stands in row 3 already."),
        (5, "Price: 'a lot' is no sum."),
        (6, "There is neither a SKU nor a barcode."),
        (8, "Blue mug 0.3 l (MG-03-BL) has the barcode 5901234123457 already."),
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
    again = await put(shop, table, columns)
    assert (again.created, again.updated, again.unchanged, len(again.refused)) == (0, 0, 3, 4)
    told = refused_csv(table, outcome.refused).splitlines()
    assert told[0].startswith("row,reason,SKU") and "'=HYPERLINK" in told[-1]


async def test_a_dry_run_says_the_same_and_changes_nothing(shop: Any) -> None:
    table = read_table(CSV.encode())
    outcome = await put(shop, table, dry_run=True)
    assert (outcome.created, outcome.updated, len(outcome.refused)) == (1, 2, 4)
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
    shop: Any, content: str, sku: str, expected: tuple[Any, ...]
) -> None:
    assert (await put(shop, read_table(content.encode()))).created == 1
    made = await product(shop, sku)
    assert made
    assert (made.name, str(made.price), made.barcodes, made.stock, made.variant) == expected


async def test_a_workbooks_barcode_stays_a_whole_number(shop: Any) -> None:
    table = read_table(workbook([["SKU", "Name", "EAN", "Price"], ["W-1", "Cup", 4006381333931.0, 2.5]]))
    assert (await put(shop, table)).created == 1
    made = await product(shop, "W-1")
    assert made and (made.barcodes, made.price) == (["4006381333931"], Decimal("2.50"))


async def test_a_mapping_is_kept_under_its_name(shop: Any) -> None:
    async with shop.begin() as session:
        await save_mapping(session, "acme", {"Nr": "sku"})
        await save_mapping(session, "acme", {"Nr": "sku", "Preis": "price"})
        assert await load_mapping(session, "acme") == {"Nr": "sku", "Preis": "price"}
        with pytest.raises(NotFound):
            await load_mapping(session, "other")


async def test_a_mapping_that_does_not_fit_the_file_is_refused_before_any_row(shop: Any) -> None:
    table = read_table(b"Nr,Preis\n1,2\n")
    for columns, why in (
        ({"Nr": "sku", "Price": "price"}, "no column 'Price'"),
        ({"Nr": "colour"}, "no field of a product"),
        ({"Preis": "price"}, "which column is the sku"),
    ):
        with pytest.raises(Invalid, match=why):
            await put(shop, table, columns)


BILLION = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]>'
BILLION += b'<yml_catalog><offer id="1"><name>&c;</name></offer></yml_catalog>'


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\1\2", b"PK\x03\x04 broken", b"<shop></shop>", b"<a", BILLION, b"a,a\n1,2\n", b"PK\x03\x04"],
)
def test_what_is_no_file_of_goods_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_table(content)
    assert str(refused.value).endswith(".")


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    try:
        table = read_table(content)
    except Invalid:
        return
    assert all(set(row.cells) <= set(table.columns) for row in table.rows)
