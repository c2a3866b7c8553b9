"""Goods: a known SKU or barcode changes the product, an unknown SKU makes one. Stock is what lies in a warehouse."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from crm_core.errors import Conflict, Invalid
from crm_core.exchange.kinds import codes, grams, pieces, sides_cm, sides_mm, sum_, web_addresses, yes
from crm_core.exchange.noun import Field, Given, Noun, Putting
from crm_core.picture import name_pictures
from crm_core.product import SIDES, Product, create_product, update_product
from crm_core.stock import main_warehouse, set_on_hand
from crm_core.supply import UNNAMED, set_supply

PICTURES = (
    "picture",
    "image",
    "images",
    "image url",
    "image link",
    "photo",
    "картинка",
    "изображение",
    "фото",
)
FIELDS = (
    Field("sku", "SKU", ("article", "article number", "vendorcode", "артикул", "код")),
    Field("name", "Name", ("product", "title", "model", "наименование", "название", "назва", "nazwa")),
    Field("barcode", "Barcode", ("barcodes", "ean", "ean13", "gtin", "штрихкод", "штрих-код"), codes),
    Field("price", "Price", ("retail price", "цена", "ціна", "cena", "ценазаединицу"), sum_),
    Field("purchase_price", "Purchase price", ("cost", "закупочная цена"), sum_, purchase=True),
    Field("stock", "On hand", ("quantity", "count", "количество", "остаток", "кількість"), pieces),
    Field("supplier", "Supplier", ("vendor", "поставщик", "постачальник", "dostawca")),
    Field("supplied", "At the supplier", ("supplier stock", "остаток поставщика"), pieces),
    Field("lead_days", "Days from the supplier", ("lead time", "lead days", "срок поставки"), pieces),
    Field("weight_g", "Weight, g", ("weight, g", "вес, г"), pieces),
    Field("weight_kg", "Weight, kg", ("weight", "weight, kg", "вес", "вес, кг"), grams),
    Field("size_mm", "Length/width/height, mm", ("size, mm", "размеры, мм"), sides_mm),
    Field("size_cm", "Length/width/height, cm", ("dimensions", "size, cm", "габариты"), sides_cm),
    Field("pictures", "Pictures (addresses)", PICTURES, web_addresses),
    Field("family", "Family", ("group id", "group_id")),
    Field("active", "On sale", ("active", "available for sale"), yes),
)


async def put(to: Putting, place: int, rows: Sequence[Given]) -> str:
    """Put one product in. Raises `Refused`."""
    (given,) = rows
    given = dict(given)
    count, given["barcodes"] = given.pop("stock", None), given.pop("barcode", [])
    pictures, supply = given.pop("pictures", None), _supply(given)
    _measures(given)
    product = await _known(to, given)
    by: dict[str, Any] = {"user_id": to.user_id, "at": to.at}
    if product is None:
        if not {"sku", "name", "price"} <= given.keys():
            raise Invalid("This is a new product: it needs a SKU, a name and a price.")
        product = await create_product(to.session, shop_id=_shop(to), **given, **by)
        before, what = product.stock, "created"
    else:
        to.claim(place, [_sku(product.sku)])
        version, before = product.version, product.stock
        given["barcodes"] = [*product.barcodes, *given["barcodes"]]
        given["properties"] = product.properties | given.get("properties", {})
        product = await update_product(to.session, product.id, version=None, changes=given, **by)
        what = "unchanged" if product.version == version else "updated"
    if count is not None:
        warehouse = to.warehouse_id or await main_warehouse(to.session, _shop(to))
        after = (await set_on_hand(to.session, product.id, warehouse, count, user_id=to.user_id)).stock
        what = "updated" if what == "unchanged" and after != before else what
    if supply is not None and await set_supply(to.session, product.id, **supply, **by):
        what = "updated" if what == "unchanged" else what
    if pictures is not None and await name_pictures(to.session, product.id, pictures, **by):
        what = "updated" if what == "unchanged" else what
    return what


def _supply(given: dict[str, Any]) -> dict[str, Any] | None:
    """What the row says of a supplier, taken out of it; None where it says no number of pieces."""
    names = ("supplier", "supplied", "lead_days")
    supplier, count, days = (given.pop(name, None) for name in names)
    if count is None:
        return None
    return {"supplier": supplier or UNNAMED, "quantity": count, "lead_days": days}


def _measures(given: dict[str, Any]) -> None:
    """Weight and size as a product has them, however the file said them."""
    if "weight_kg" in given:
        given.setdefault("weight_g", given["weight_kg"])
    size = given.pop("size_mm", None) or given.pop("size_cm", None)
    for name in ("weight_kg", "size_cm"):
        given.pop(name, None)
    if size is not None:
        given |= dict(zip(SIDES, size, strict=True))


def claims(rows: Sequence[Given]) -> list[str]:
    """Its codes, in words."""
    (given,) = rows
    named = [_sku(given["sku"])] if "sku" in given else []
    return [*named, *(f"The barcode {code[:60]}" for code in given.get("barcode", ()))]


def _sku(sku: str) -> str:
    return f"The SKU {sku[:60]}"


def _shop(to: Putting) -> int:
    if to.shop_id is None:
        raise Invalid("Say which shop sells these goods.", "shop_id")
    return to.shop_id


async def _known(to: Putting, given: Mapping[str, Any]) -> Product | None:
    ours = select(Product).where(Product.shop_id == _shop(to))
    if "sku" in given:
        found: Product | None = await to.session.scalar(ours.where(Product.sku == given["sku"]))
        return found
    if not given["barcodes"]:
        raise Invalid("There is neither a SKU nor a barcode.")
    same = ours.where(Product.barcodes.overlap(given["barcodes"]))
    several = (await to.session.scalars(same.limit(2))).all()
    if len(several) > 1:
        raise Conflict("These barcodes are of several products.")
    return several[0] if several else None


GOODS = Noun("products", FIELDS, ("sku", "barcode"), put, claims, properties=True)
