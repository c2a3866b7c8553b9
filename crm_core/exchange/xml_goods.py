"""Offers of goods in XML: YML (Yandex Market) and CommerceML. Read without entities and outside references. Pure."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it has no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from crm_core.errors import Invalid
from crm_core.exchange import commerce_ml
from crm_core.exchange.commerce_ml import named
from crm_core.exchange.table import clean

PARAMETER = "param: "
"""What the columns made of an offer's own properties begin with."""


def read_xml(files: Sequence[bytes]) -> tuple[list[str], list[dict[str, str]]]:
    """Headings, and the cells of each offer in files that belong together. Raises `Invalid`."""
    try:
        roots = [fromstring(content, forbid_dtd=False) for content in files]
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Invalid(f"The XML can not be read: {type(error).__name__} {error}.", "file") from None
    offers = [it for root in roots for it in root.iter() if named(it) == "offer"]
    rows = [_yml(it) for it in offers] or commerce_ml.goods(roots, PARAMETER)
    if not rows:
        raise Invalid("There are no offers in the file: it is neither YML nor CommerceML.", "file")
    return list(dict.fromkeys(name for row in rows for name in row)), rows


def _yml(offer: Element) -> dict[str, str]:
    cells = {name: clean(value) for name, value in offer.attrib.items() if name in ("id", "group_id")}
    for child in offer:
        name, value = named(child), clean(child.text)
        if name == "param":
            cells[PARAMETER + clean(child.get("name"))] = value
        elif name in ("barcode", "picture") and name in cells:
            cells[name] += f", {value}" if name == "barcode" else f" {value}"
        elif len(child) == 0:
            cells[name] = value
    return cells
