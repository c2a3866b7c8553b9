"""The catalogue as a list, and one product as a page."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import NotFound
from crm_core.picture import main_picture
from crm_core.product import SIDES, Product, ProductFamily, matches, variant_of
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.shop import Shop
from crm_core.stock import StockLevel, Warehouse
from crm_core.supply import supplied, supply_days

Stock = Literal["left", "none"]
SORTS = (
    Sort(Product.search_key, "search_key", page.plain),
    Sort(Product.id, "id", page.number),
)
_NAMES = (
    *(
        "id",
        "shop_id",
        "sku",
        "name",
        "search_key",
        "properties",
        "barcodes",
        "aliases",
        "price",
        "purchase_price",
        "weight_g",
        *SIDES,
    ),
    *("stock", "active", "version", "updated_at", "created_at"),
)


@dataclass(frozen=True, kw_only=True)
class ProductRow:
    """A product as lists and pages show it."""

    id: int
    shop_id: int
    shop: str
    currency: str
    family: str | None
    sku: str
    name: str
    search_key: str
    properties: dict[str, str]
    barcodes: list[str]
    aliases: list[str]
    price: Decimal
    purchase_price: Decimal | None
    weight_g: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    picture_id: int | None
    stock: int
    supplied: int
    supply_days: int | None
    active: bool
    version: int
    updated_at: datetime
    created_at: datetime

    @property
    def variant(self) -> str:
        return variant_of(self.properties)


@dataclass(frozen=True)
class Level:
    """A product in one warehouse."""

    warehouse_id: int
    warehouse: str
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


def _rows() -> Select[Any]:
    return (
        select(
            *(getattr(Product, name) for name in _NAMES),
            Shop.name.label("shop"),
            Shop.currency,
            ProductFamily.name.label("family"),
            main_picture().label("picture_id"),
            func.coalesce(supplied(), 0).label("supplied"),
            supply_days().label("supply_days"),
        )
        .select_from(Product)
        .join(Shop, Shop.id == Product.shop_id)
        .outerjoin(ProductFamily, ProductFamily.id == Product.family_id)
    )


async def list_products(
    session: AsyncSession,
    *,
    query: str = "",
    shop_id: int | None = None,
    stock: Stock | None = None,
    withdrawn: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page[ProductRow]:
    """Products by name. `stock`: only those that can, or can not, be promised; `withdrawn`: not on sale."""
    wanted = _rows().where(*_meant(query, shop_id, stock, withdrawn))
    return await page.load(session, wanted, SORTS, ProductRow, after=after, limit=limit)


async def count_products(
    session: AsyncSession,
    *,
    query: str = "",
    shop_id: int | None = None,
    stock: Stock | None = None,
    withdrawn: bool = False,
) -> int:
    """How many `list_products` would list."""
    wanted = select(func.count(Product.id)).where(*_meant(query, shop_id, stock, withdrawn))
    return await session.scalar(wanted) or 0


def _meant(
    query: str, shop_id: int | None, stock: Stock | None, withdrawn: bool
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Product.active.is_(not withdrawn)]
    if query.strip():
        meant = matches(query)
        found.append(false() if meant is None else meant)
    if shop_id is not None:
        found.append(Product.shop_id == shop_id)
    if stock is not None:
        found.append(Product.stock > 0 if stock == "left" else Product.stock <= 0)
    return found


async def load_product(session: AsyncSession, product_id: int) -> ProductRow:
    """One product. Raises `NotFound`."""
    row = (await session.execute(_rows().where(Product.id == product_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such product.")
    return ProductRow(**dict(row._mapping))


async def load_sisters(session: AsyncSession, product: ProductRow) -> list[ProductRow]:
    """The other variants of its family, by name."""
    if product.family is None:
        return []
    same = (ProductFamily.name == product.family) & (Product.shop_id == product.shop_id)
    query = _rows().where(same, Product.id != product.id).order_by(Product.search_key, Product.id).limit(100)
    return [ProductRow(**dict(row._mapping)) for row in await session.execute(query)]


async def load_levels(session: AsyncSession, product: ProductRow) -> list[Level]:
    """The product in every warehouse of its shop, nothing where it never lay."""
    level = (StockLevel.warehouse_id == Warehouse.id) & (StockLevel.product_id == product.id)
    query = (
        select(Warehouse.id, Warehouse.name, StockLevel.on_hand, StockLevel.reserved)
        .outerjoin(StockLevel, level)
        .where(Warehouse.shop_id == product.shop_id)
        .order_by(Warehouse.id)
    )
    return [Level(id_, name, on or 0, kept or 0) for id_, name, on, kept in await session.execute(query)]
