"""What a shop sells: variants with their codes, properties and prices, and the family they belong to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Select,
    UniqueConstraint,
    false,
    func,
    or_,
    select,
    text,
    union,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.db import Base, Flag, Id, Instant, Money, Texts, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.keys import search_key, words_query
from crm_core.money import money
from crm_core.outbox import announce
from crm_core.shop import Shop

SIDES = ("length_mm", "width_mm", "height_mm")
EDITABLE = frozenset(
    (
        "sku",
        "name",
        "aliases",
        "family",
        "properties",
        "barcodes",
        "price",
        "purchase_price",
        "weight_g",
        *SIDES,
        "active",
    )
)
MOST_PROPERTIES = 30
PUT_IN_ORDER = 200
_AT_ONCE: Any = {"postgresql_using": "gin", "postgresql_with": {"fastupdate": "off"}}


class ProductFamily(Base):
    """What variants have in common: the T-shirt of which each size and colour is sold as a product."""

    __tablename__ = "product_families"
    __table_args__ = (UniqueConstraint("shop_id", "name"),)

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    name: Mapped[str]


class Product(Base):
    """One thing that can be put into an order; a variant (colour, size) is a product of its own.

    `stock` is what can still be promised: on hand less reserved, over all warehouses; `crm_core.stock` keeps it.
    `aliases`: what people call it besides.
    `price` is for everybody at any time, `crm_core.price` knows the others; `purchase_price` None: not known.
    """

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("shop_id", "sku"),
        Index("ix_products_words", text("to_tsvector('simple', search_key)"), **_AT_ONCE),
        Index("ix_products_barcodes", "barcodes", **_AT_ONCE),
        Index("ix_products_listed", "search_key", "id"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("purchase_price >= 0", name="purchase_price_not_negative"),
        CheckConstraint("weight_g >= 0", name="weight_not_negative"),
        CheckConstraint("length_mm > 0 AND width_mm > 0 AND height_mm > 0", name="size_positive"),
    )

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    family_id: Mapped[int | None] = mapped_column(ForeignKey("product_families.id"), index=True)
    sku: Mapped[str]
    name: Mapped[str]
    search_key: Mapped[str]
    properties: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    barcodes: Mapped[Texts]
    aliases: Mapped[Texts]
    price: Mapped[Money]
    purchase_price: Mapped[Decimal | None]
    weight_g: Mapped[int | None]
    length_mm: Mapped[int | None]
    width_mm: Mapped[int | None]
    height_mm: Mapped[int | None]
    stock: Mapped[int] = mapped_column(server_default="0", default=0)
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]
    updated_at: Mapped[Instant]

    @property
    def barcode(self) -> str | None:
        """The first of its barcodes."""
        return self.barcodes[0] if self.barcodes else None

    @property
    def variant(self) -> str:
        """What tells it from its sisters, in a few words: "red · L"."""
        return variant_of(self.properties)


class ProductBarcode(Base):
    """Whose a barcode is in a shop. The database keeps it beside `Product.barcodes`, and each code once."""

    __tablename__ = "product_barcodes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)


Index(
    "ix_products_sku",
    func.lower(Product.sku).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
)


def variant_of(properties: Mapping[str, Any]) -> str:
    """The values in the order of their properties' names: the database does not keep another order."""
    return " · ".join(str(properties[name]) for name in sorted(properties))


async def find_products(
    session: AsyncSession, query: str, shop_id: int | None = None, *, limit: int = 20
) -> Sequence[Product]:
    """Products on sale by the first letters of their words, by the beginning of the SKU, or by a barcode.

    Exact codes come first, then what is in stock, by name. Nothing for an empty query.
    """
    meant = meant_products(query, shop_id, limit=limit)
    return [] if meant is None else (await session.scalars(meant)).all()


def meant_products(query: str, shop_id: int | None, *, limit: int) -> Select[Product] | None:
    """The query of `find_products`; None when nothing was typed.

    Of so many that nobody reads the list to its end, only some are put in order: a keystroke is waited for.
    """
    written = query.strip()
    words = words_query(written)
    if words is None:
        return None
    sold = [Product.active] if shop_id is None else [Product.active, Product.shop_id == shop_id]
    low, code = func.lower(Product.sku), Product.barcodes.contains([written])
    ways = [
        select(Product.id).where(code, *sold),  # a LIMIT here would tempt the planner to read the whole table
        select(Product.id).where(low.startswith(written.lower(), autoescape=True), *sold).limit(limit),
        select(Product.id).where(_SAME_WORDS.bindparams(words=words), *sold).limit(PUT_IN_ORDER),
    ]
    meant = union(*(select(way.subquery().c.id) for way in ways)).subquery()
    exact = or_(low == written.lower(), code)
    return (
        select(Product)
        .join(meant, meant.c.id == Product.id)
        .order_by(
            func.coalesce(exact, false()).desc(),
            (Product.stock > 0).desc(),
            Product.search_key,
            Product.id,
        )
        .limit(limit)
    )


_SAME_WORDS = text("to_tsvector('simple', products.search_key) @@ to_tsquery('simple', :words)")


def matches(query: str) -> Any:
    """The condition that a product is meant by what was typed; None when there is no word in it."""
    written = query.strip()
    words = words_query(written)
    if words is None:
        return None
    return or_(
        _SAME_WORDS.bindparams(words=words),
        func.lower(Product.sku).startswith(written.lower(), autoescape=True),
        Product.barcodes.contains([written]),
    )


async def create_product(
    session: AsyncSession, *, shop_id: int, user_id: int | None, at: datetime, **fields: Any
) -> Product:
    """Add something to sell; `fields` are those of `EDITABLE`. Raises `NotFound`, `Invalid`, `Conflict`."""
    if await session.get(Shop, shop_id) is None:
        raise NotFound(f"There is no shop {shop_id}.")
    product = Product(
        shop_id=shop_id, sku="", name="", search_key="", properties={}, barcodes=[], aliases=[], stock=0
    )
    product.updated_at = at
    with _codes_once():
        await _apply(session, product, {"sku": "", "name": "", "price": Decimal(0), **fields})
        session.add(product)
        await session.flush()
    await _tell(session, product, "product.create", {"sku": [None, product.sku]}, user_id)
    return product


async def get_product(session: AsyncSession, product_id: int, *, lock: bool = False) -> Product:
    """The product. Raises `NotFound`."""
    product = await session.get(Product, product_id, with_for_update=lock, populate_existing=lock)
    if product is None:
        raise NotFound(f"There is no product {product_id}.")
    return product


async def update_product(
    session: AsyncSession,
    product_id: int,
    *,
    version: int | None,
    changes: Mapping[str, Any],
    user_id: int | None,
    at: datetime,
) -> Product:
    """Change the fields in `changes` (see `EDITABLE`). `version` None: whatever is newest.

    Raises `NotFound`, `Invalid`, and `Conflict` when `version` is not the newest or a code is taken.
    """
    product = await get_product(session, product_id, lock=True)
    if version is not None and product.version != version:
        raise Conflict(f"{product.name} was changed by somebody else meanwhile.")
    before = _facts(product)
    with _codes_once():
        await _apply(session, product, changes)
        await session.flush()
    after = _facts(product)
    what = {name: [before[name], after[name]] for name in sorted(after) if before[name] != after[name]}
    if what:
        product.version, product.updated_at = product.version + 1, at
        await session.flush()
        await _tell(session, product, "product.update", what, user_id)
    return product


async def _apply(session: AsyncSession, product: Product, changes: Mapping[str, Any]) -> None:
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A product has no field {min(strangers)[:40]!r} to change.", min(strangers))
    for field in ("sku", "name"):
        if field in changes:
            setattr(product, field, _written(changes[field], field))
    if "price" in changes:
        product.price = money(changes["price"], "price")
    if "purchase_price" in changes:
        given = changes["purchase_price"]
        product.purchase_price = None if given is None else money(given, "purchase_price")
    for field in ("weight_g", *SIDES):
        if field in changes:
            setattr(product, field, changes[field])
    if "active" in changes:
        product.active = bool(changes["active"])
    if "properties" in changes:
        product.properties = _properties(changes["properties"])
    if "barcodes" in changes:
        product.barcodes = [code for code in dict.fromkeys(it.strip() for it in changes["barcodes"]) if code]
    if "aliases" in changes:
        product.aliases = [name for name in dict.fromkeys(it.strip() for it in changes["aliases"]) if name]
    if "family" in changes:
        product.family_id = await _family(session, product.shop_id, changes["family"])
    product.search_key = search_key(
        " ".join((product.name, product.sku, product.variant, *(product.aliases or ())))
    )
    with session.no_autoflush:
        await _codes_are_free(session, product)


def _written(value: object, field: str) -> str:
    written = str(value or "").strip()
    if not written:
        raise Invalid("A product needs a SKU and a name.", field)
    return written


def _properties(given: Mapping[str, str] | None) -> dict[str, Any]:
    kept = {name.strip(): str(value).strip() for name, value in (given or {}).items()}
    if len(kept) > MOST_PROPERTIES:
        raise Invalid(f"A product has {MOST_PROPERTIES} properties at most.", "properties")
    return {name: value for name, value in kept.items() if name and value}


async def _family(session: AsyncSession, shop_id: int, name: str | None) -> int | None:
    """The family of this name, made when it is new; None for no name."""
    if not (name or "").strip():
        return None
    key = {"shop_id": shop_id, "name": (name or "").strip()}
    made = insert(ProductFamily).values(key).on_conflict_do_nothing()
    await session.execute(made)
    found: int | None = await session.scalar(select(ProductFamily.id).filter_by(**key))
    return found


@contextmanager
def _codes_once() -> Iterator[None]:
    """Somebody gave the same code away in the same moment: `Conflict`, as if it had been before."""
    try:
        yield
    except IntegrityError as error:
        cause = getattr(error.orig, "__cause__", None)
        if getattr(cause, "constraint_name", None) == "pk_product_barcodes":
            raise Conflict(str(cause)) from None
        if getattr(cause, "constraint_name", None) == "uq_products_shop_id_sku":
            raise Conflict("Another product has this SKU already.") from None
        raise


async def _codes_are_free(session: AsyncSession, product: Product) -> None:
    """Raises `Conflict` when another product of the shop has the SKU or one of the barcodes."""
    others = select(Product).where(Product.shop_id == product.shop_id, Product.id != (product.id or 0))
    same_sku = await session.scalar(others.where(Product.sku == product.sku).limit(1))
    if same_sku is not None:
        raise Conflict(f"{same_sku.name} has the SKU {product.sku[:60]} already.")
    if not product.barcodes:
        return
    same = await session.scalar(others.where(Product.barcodes.overlap(product.barcodes)).limit(1))
    if same is not None:
        taken = next(code for code in product.barcodes if code in same.barcodes)
        raise Conflict(f"{same.name} ({same.sku}) has the barcode {taken[:60]} already.")


def _facts(product: Product) -> dict[str, Any]:
    """The product as the audit log shows it."""
    names = (EDITABLE - {"family"}) | {"family_id"}
    facts = {name: getattr(product, name) for name in names}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in facts.items()}


async def _tell(
    session: AsyncSession, product: Product, action: str, what: Mapping[str, Any], user_id: int | None
) -> None:
    await audit.record(
        session, user_id=user_id, action=action, object_kind="product", object_id=product.id, detail=what
    )
    await announce(session, "product", {"id": product.id})
