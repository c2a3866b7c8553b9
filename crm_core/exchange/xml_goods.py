"""Offers of goods in XML: YML (Yandex Market) and CommerceML. Read without entities and outside references. Pure."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it has no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from crm_core.errors import Invalid
from crm_core.exchange.table import clean

PARAMETER = "param: "
"""What the columns made of an offer's own properties begin with."""


def read_xml(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """Headings, and the cells of each offer. Raises `Invalid`."""
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
    return list(dict.fromkeys(name for row in rows for name in row)), rows


def _yml(offer: Element) -> dict[str, str]:
    cells = {name: clean(value) for name, value in offer.attrib.items() if name in ("id", "group_id")}
    for child in offer:
        name, value = _name(child), clean(child.text)
        if name == "param":
            cells[PARAMETER + clean(child.get("name"))] = value
        elif name in ("barcode", "picture") and name in cells:
            cells[name] += f", {value}" if name == "barcode" else f" {value}"
        elif len(child) == 0:
            cells[name] = value
    return cells


def _commerce_ml(offer: Element) -> dict[str, str]:
    cells: dict[str, str] = {}
    for child in offer:
        name = _name(child)
        if name == "ХарактеристикиТовара":
            for one in child:
                parts = {_name(it): clean(it.text) for it in one}
                cells[PARAMETER + parts.get("Наименование", "")] = parts.get("Значение", "")
        elif name == "Цены":
            prices = [it for it in child.iter() if _name(it) == "ЦенаЗаЕдиницу"]
            cells["ЦенаЗаЕдиницу"] = clean(prices[0].text) if prices else ""
        elif name == "Картинка":  # most lie beside the file, where nobody can fetch them
            if clean(child.text).startswith(("http://", "https://")):
                cells[name] = f"{cells.get(name, '')} {clean(child.text)}".strip()
        elif len(child) == 0:
            cells[name] = clean(child.text)
    return cells


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
