"""The catalogue in the API: products, what lies where, what they cost whom. `product_search.py` finds for the desk.

What goods cost us, and the margin, are told only to who holds the right `purchases.view`; to others they are null.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import price, product, stock
from crm_core.goes_with import list_accessories
from crm_core.picture import list_pictures
from crm_core.read.products import ProductRow, list_products, load_levels, load_product, load_sisters
from crm_core.supply import LONGEST_DAYS, list_supplies, remove_supply, set_supply
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Instant, Money, Name, ShortText, Version
from web.listing import Listed, Listing, Price, Text, possible
from web.order_models import SuppliedAnswer
from web.pictures import PictureAnswer, address_of, answer_of
from web.product_search import AccessoryAnswer
from web.rights import EDIT_PRODUCTS, VIEW_PRODUCTS, VIEW_PURCHASES, Person, require
from web.services import services
from web.sessions import person

operations = Operations("products")
Sku = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=VISIBLE)]
Barcode = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=VISIBLE)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=VISIBLE)]
Pieces = Annotated[int, Field(ge=0, le=stock.MOST_ON_HAND)]
Side = Annotated[int | None, Field(ge=1, le=100_000, description="of the packed goods, in millimetres")]
Properties = Annotated[dict[Label, Label], Field(max_length=product.MOST_PROPERTIES)]


class CatalogueQuery(Listed):
    """Which products. `query`: words, SKU or barcode; `stock`: can more be promised?"""

    query: Text = ""
    shop_id: Id | None = None
    stock: Literal["left", "none"] | None = None
    withdrawn: bool = False


class CatalogueItem(Answer):
    """A product in the catalogue; `stock` is what can still be promised, below zero when oversold."""

    id: int
    shop_id: int
    shop: str
    currency: str
    family: str | None
    sku: str
    name: str
    variant: str
    properties: dict[str, str]
    barcodes: list[str]
    aliases: list[str]
    price: Money
    purchase_price: Annotated[Money | None, Field(description="null without the right purchases.view")] = None
    margin: Annotated[
        Decimal | None, Field(description="per cent of the price; null without the right purchases.view")
    ] = None
    weight_g: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    picture: Annotated[str | None, Field(description="address of the main picture, small")] = None
    stock: int
    supplied: Annotated[int, Field(description="pieces at suppliers, which are not stock")]
    supply_days: Annotated[int | None, Field(description="in so many days the first would be here")]
    active: bool
    version: int
    updated_at: datetime


class LevelAnswer(Answer):
    """A product in one warehouse."""

    warehouse_id: int
    warehouse: str
    on_hand: int
    reserved: int
    available: int


class SupplyAnswer(SuppliedAnswer):
    """The same, as of when."""

    as_of: datetime


class PriceAnswer(Answer):
    """A price besides the usual one; it ends at `ends_at`. `now`: it holds at this instant."""

    id: int
    price: Money
    price_list: str | None
    promotion: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    now: bool


class WholeProduct(CatalogueItem):
    """One product with its other variants, warehouses and prices."""

    sisters: list[CatalogueItem]
    levels: list[LevelAnswer]
    suppliers: list[SupplyAnswer]
    prices: list[PriceAnswer]
    accessories: list[AccessoryAnswer]
    pictures: list[PictureAnswer]


class ProductFields(Given):
    """What may be said about a product; `family` is what its variants have in common."""

    family: ShortText | None = None
    properties: Annotated[Properties, Field(default_factory=dict)]
    barcodes: Annotated[list[Barcode], Field(default_factory=list, max_length=20)]
    aliases: Annotated[
        list[Label], Field(default_factory=list, max_length=20, description="what people call it besides")
    ]
    purchase_price: Annotated[Price | None, Field(description="needs the right purchases.view")] = None
    weight_g: Annotated[int | None, Field(ge=0, le=1_000_000, description="grams, for delivery")] = None
    length_mm: Side = None
    width_mm: Side = None
    height_mm: Side = None
    active: bool = True


class NewProduct(ProductFields):
    """A product to sell."""

    shop_id: Id
    sku: Sku
    name: Name
    price: Price


class ProductChange(ProductFields):
    """What shall be different; what is absent stays."""

    version: Version
    sku: Sku = "-"
    name: Name = "-"
    price: Price = Decimal(0)


class NewLevel(Given):
    """How many pieces lie in a warehouse; `was`: how many were seen before, 409 when pieces moved since."""

    on_hand: Pieces
    was: Pieces | None = None


class NewSupply(Given):
    """What a supplier has now, and in how many days it would be here."""

    supplier: Name
    quantity: Pieces
    lead_days: Annotated[int | None, Field(ge=0, le=LONGEST_DAYS)] = None


class GoneSupply(Given):
    """Which supplier."""

    supplier: Name


class NewPrice(Given):
    """A price for a price list, for a time, or both."""

    price: Price
    price_list: ShortText | None = None
    promotion: ShortText | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class WarehousesQuery(Given):
    """Of which shop."""

    shop_id: Id | None = None


class NewWarehouse(Given):
    """A place where goods lie."""

    shop_id: Id
    name: Name


class WarehouseAnswer(Answer):
    """A place where a shop's goods lie."""

    id: int
    shop_id: int
    name: str


@operations.get("/catalogue", right=VIEW_PRODUCTS, errors=(404,))
async def get_catalogue(request: web.Request, query: CatalogueQuery) -> Listing[CatalogueItem]:
    """Products by name, page by page."""
    async with services(request).db.begin() as session:
        found = await list_products(session, **query.model_dump())
    rows = [item_for(row, person(request)) for row in found.rows]
    return Listing[CatalogueItem].model_validate({"rows": rows, "next": found.next})


@operations.post("/products", right=EDIT_PRODUCTS, errors=(403, 404, 409))
async def post_product(request: web.Request, body: NewProduct) -> WholeProduct:
    """Add a product. 409 when its SKU or a barcode is taken."""
    parts, who = services(request), person(request)
    fields = _permitted(body, who, exclude={"shop_id"})
    async with parts.db.begin() as session:
        with possible():
            made = await product.create_product(
                session, shop_id=body.shop_id, user_id=who.user_id, at=parts.now(), **fields
            )
        return await whole(session, request, made.id)


@operations.get("/products/{product_id}", right=VIEW_PRODUCTS)
async def get_product(request: web.Request, product_id: Id) -> WholeProduct:
    """One product with its variants, stock and prices."""
    async with services(request).db.begin() as session:
        return await whole(session, request, product_id)


@operations.patch("/products/{product_id}", right=EDIT_PRODUCTS, errors=(403, 409))
async def patch_product(request: web.Request, product_id: Id, body: ProductChange) -> WholeProduct:
    """Change a product. 409 when `version` is stale or a code is taken."""
    parts, who = services(request), person(request)
    changes = _permitted(body, who, exclude={"version"}, exclude_unset=True)
    async with parts.db.begin() as session:
        with possible():
            await product.update_product(
                session,
                product_id,
                version=body.version,
                changes=changes,
                user_id=who.user_id,
                at=parts.now(),
            )
        return await whole(session, request, product_id)


@operations.put("/products/{product_id}/stock/{warehouse_id}", right=EDIT_PRODUCTS, errors=(409,))
async def put_stock(request: web.Request, product_id: Id, warehouse_id: Id, body: NewLevel) -> WholeProduct:
    """Say how many pieces lie in a warehouse. 409 when they moved since `was`."""
    by = person(request).user_id
    async with services(request).db.begin() as session:
        await stock.set_on_hand(session, product_id, warehouse_id, body.on_hand, was=body.was, user_id=by)
        return await whole(session, request, product_id)


@operations.put("/products/{product_id}/suppliers", right=EDIT_PRODUCTS, errors=(409,))
async def put_supply(request: web.Request, product_id: Id, body: NewSupply) -> WholeProduct:
    """Say what a supplier has of a product now. It is no stock: nothing of it can be reserved."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            given = body.model_dump()
            by = person(request).user_id
            await set_supply(session, product_id, **given, user_id=by, at=parts.now())
        return await whole(session, request, product_id)


@operations.delete("/products/{product_id}/suppliers", right=EDIT_PRODUCTS)
async def delete_supply(request: web.Request, product_id: Id, query: GoneSupply) -> None:
    """This supplier has it no longer."""
    async with services(request).db.begin() as session:
        await remove_supply(session, product_id, query.supplier, user_id=person(request).user_id)


@operations.post("/products/{product_id}/prices", right=EDIT_PRODUCTS, errors=(409,))
async def post_price(request: web.Request, product_id: Id, body: NewPrice) -> WholeProduct:
    """Add a price for a price list, for a time, or both."""
    by = person(request).user_id
    async with services(request).db.begin() as session:
        with possible():
            await price.add_price(session, product_id, user_id=by, **body.model_dump())
        return await whole(session, request, product_id)


@operations.delete("/products/{product_id}/prices/{price_id}", right=EDIT_PRODUCTS)
async def delete_price(request: web.Request, product_id: Id, price_id: Id) -> None:
    """Take a price away."""
    async with services(request).db.begin() as session:
        await price.remove_price(session, product_id, price_id, user_id=person(request).user_id)


@operations.get("/warehouses", right=VIEW_PRODUCTS)
async def get_warehouses(request: web.Request, query: WarehousesQuery) -> list[WarehouseAnswer]:
    """Where goods lie, in the order in which they are taken."""
    async with services(request).db.begin() as session:
        found = await stock.list_warehouses(session, query.shop_id)
    return [WarehouseAnswer.model_validate(row) for row in found]


@operations.post("/warehouses", right=EDIT_PRODUCTS, errors=(404, 409))
async def post_warehouse(request: web.Request, body: NewWarehouse) -> WarehouseAnswer:
    """Add a place where goods lie. 409 when the shop has one of this name."""
    by = person(request).user_id
    async with services(request).db.begin() as session:
        with possible():
            made = await stock.create_warehouse(session, shop_id=body.shop_id, name=body.name, user_id=by)
    return WarehouseAnswer.model_validate(made)


async def whole(session: AsyncSession, request: web.Request, product_id: int) -> WholeProduct:
    """One product as this person may see it. Raises `NotFound`."""
    who, now = person(request), services(request).now()
    await session.flush()
    row = await load_product(session, product_id)
    prices = await price.list_prices(session, product_id)
    supplies = await list_supplies(session, [product_id])
    beside = await list_accessories(session, product_id)
    names = ("id", "price", "price_list", "promotion", "starts_at", "ends_at")
    return WholeProduct(
        **item_for(row, who).model_dump(),
        sisters=[item_for(it, who) for it in await load_sisters(session, row)],
        levels=[LevelAnswer.model_validate(it) for it in await load_levels(session, row)],
        suppliers=[SupplyAnswer.model_validate(it) for it in supplies.get(product_id, ())],
        prices=[
            PriceAnswer(
                **{name: getattr(it, name) for name in names}, now=price.holds(it, it.price_list, now)
            )
            for it in prices
        ],
        accessories=[AccessoryAnswer.model_validate(it) for it in beside],
        pictures=[answer_of(it) for it in await list_pictures(session, product_id)],
    )


def item_for(row: ProductRow, who: Person) -> CatalogueItem:
    """A row of the catalogue as this person may see it."""
    shown = {"picture": address_of(row.id, row.picture_id)}
    item = CatalogueItem.model_validate(row).model_copy(update=shown)
    if not who.may(VIEW_PURCHASES):
        return item.model_copy(update={"purchase_price": None, "margin": None})
    return item.model_copy(update={"margin": price.margin(item.price, item.purchase_price)})


def _permitted(body: ProductFields, who: Person, **options: object) -> dict[str, object]:
    """The fields of the body; naming what goods cost us needs the right to know it."""
    if "purchase_price" in body.model_fields_set:
        require(who, VIEW_PURCHASES)
    return body.model_dump(**options)  # type: ignore[arg-type]  # passed on as it is
