"""Goods in CommerceML: what 1C and its like send as one file, or as several that belong together.

The catalogue names goods (`Товар`: SKU, barcode, name), the offers what they cost and how many there are
(`Предложение`), in files of their own since version 2: the same `Ид` ties them, with `#` and the variant behind it.
Pure.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from xml.etree.ElementTree import Element

from crm_core.exchange.table import clean

Cells = dict[str, str]


def goods(roots: Iterable[Element], parameter: str) -> list[Cells]:
    """The cells of each offer with what the catalogue says of it, and of goods that nobody offers.

    `parameter`: what the columns made of an offer's own properties begin with.
    """
    catalogue: dict[str, Cells] = {}
    offers: dict[str, Cells] = {}
    for place, one in enumerate(it for root in roots for it in root.iter()):
        kind = named(one)
        if kind in ("Товар", "Предложение"):
            cells = _cells(one, parameter)
            among = catalogue if kind == "Товар" else offers
            among.setdefault(cells.get("Ид") or f"row {place}", {}).update(_filled(cells))
    offered = {name for id_ in offers for name in (id_, id_.partition("#")[0])}
    rows = [{**_known(catalogue, id_), **cells} for id_, cells in offers.items()]
    return [*rows, *(cells for id_, cells in catalogue.items() if id_ not in offered)]


def _known(catalogue: dict[str, Cells], id_: str) -> Cells:
    """What the catalogue says of an offer; the barcode of the goods is none of their variants'."""
    goods_id, _, variant = id_.partition("#")
    known = {**catalogue.get(goods_id, {}), **catalogue.get(id_, {})}
    if variant and "Штрихкод" not in catalogue.get(id_, {}):
        known.pop("Штрихкод", None)
    return known


def named(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _filled(cells: Cells) -> Cells:
    return {name: value for name, value in cells.items() if value}


def _cells(one: Element, parameter: str) -> Cells:
    cells: Cells = {}
    for child in one:
        name = named(child)
        if name == "ХарактеристикиТовара":
            for characteristic in child:
                parts = {named(it): clean(it.text) for it in characteristic}
                cells[parameter + parts.get("Наименование", "")] = parts.get("Значение", "")
        elif name == "Цены":
            cells["ЦенаЗаЕдиницу"] = next(_texts(child, "ЦенаЗаЕдиницу"), "")
        elif name == "Картинка":  # most lie beside the file, where nobody can fetch them
            if clean(child.text).startswith(("http://", "https://")):
                cells[name] = f"{cells.get(name, '')} {clean(child.text)}".strip()
        elif len(child) == 0 and name != "Склад":
            cells[name] = clean(child.text)
    if "Количество" not in cells and (stock := _stock(one)):
        cells["Количество"] = stock
    return cells


def _stock(one: Element) -> str:
    """On hand in all warehouses together; "" where none is told, and what is no number as it stands."""
    told = [it.get("КоличествоНаСкладе", "") for it in one if named(it) == "Склад"]
    told += [text for rest in one if named(rest) == "Остатки" for text in _texts(rest, "Количество")]
    wrong = next(
        (text for text in told if text and not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text)), None
    )
    if wrong is not None or not told:
        return wrong or ""
    return format(sum((Decimal(text or "0") for text in told), Decimal()), "f")


def _texts(element: Element, name: str) -> Iterator[str]:
    return (clean(it.text) for it in element.iter() if named(it) == name)
