"""What the phone order asks as it is typed: products with price, places and holders, and what goes with them."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core.goes_with import LINE_LENGTH, list_accessories, put_accessory, remove_accessory, suggestions
from crm_core.price import buys_at, prices_for
from crm_core.read.product_search import Found, found_products
from web.api import Operations
from web.fields import Answer, Given, Id, Money
from web.listing import Text, possible
from web.order_models import SuppliedAnswer
from web.pictures import address_of
from web.rights import EDIT_PRODUCTS, VIEW_PRODUCTS
from web.services import services
from web.sessions import person

operations = Operations("products")


class ProductsQuery(Given):
    """Which products: first letters of their words, the beginning of the SKU, an alias, or the barcode."""

    query: Text = ""
    shop_id: Id | None = None
    customer_id: Annotated[Id | None, Field(description="whose prices to tell")] = None
    call_id: Annotated[UUID | None, Field(description="the call that may hold some of it")] = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class PlaceAnswer(Answer):
    """Pieces that one warehouse can promise."""

    warehouse: str
    available: int


class ProductAnswer(Answer):
    """Something a shop sells. `price`: for this customer now; `stock`: pieces that can still be promised; `free`: what
    other calls leave of them; `ahead`: who holds some in a call; `suppliers`: who has
    more of it, not counted; `picture`: address of the main one, small."""

    id: int
    shop_id: int
    sku: str
    name: str
    variant: str
    barcode: str | None
    barcodes: list[str]
    price: Money
    usual_price: Money
    stock: int
    places: list[PlaceAnswer]
    suppliers: list[SuppliedAnswer]
    free: int
    ahead: list[str]
    picture: str | None


class SuggestionsQuery(Given):
    """What goes with these products?"""

    product_ids: Annotated[
        str,
        StringConstraints(pattern=r"^[1-9][0-9]{0,14}(,[1-9][0-9]{0,14}){0,29}$"),
        Field(description="ids with commas between"),
    ]
    customer_id: Annotated[Id | None, Field(description="whose prices to tell")] = None


class SuggestionAnswer(Answer):
    """Something to offer. `because`: the product it goes with; `chosen`: somebody decided so, `line` says how to offer
    it; else it was bought so in `orders` orders."""

    product_id: int
    sku: str
    name: str
    price: Money
    stock: int
    because: str
    line: str | None
    orders: int
    chosen: bool


class Line(Given):
    """How to offer it; empty: as usual."""

    line: Annotated[str, StringConstraints(max_length=LINE_LENGTH)] = ""


class AccessoryAnswer(Answer):
    """What is offered to whoever takes a product."""

    other_id: int
    sku: str
    name: str
    stock: int
    line: str | None


@operations.get("/products", right=VIEW_PRODUCTS)
async def get_products(request: web.Request, query: ProductsQuery) -> list[ProductAnswer]:
    """Products that `query` may mean, exact codes first; none for an empty one."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await found_products(session, at=parts.now(), **query.model_dump())
    return [_product(it) for it in found]


def _product(it: Found) -> ProductAnswer:
    own = ("id", "shop_id", "sku", "name", "variant", "barcode", "barcodes", "stock")
    return ProductAnswer.model_validate(
        {
            **{name: getattr(it.product, name) for name in own},
            "price": it.price,
            "usual_price": it.product.price,
            "places": it.places,
            "suppliers": it.suppliers,
            "free": it.stands.free,
            "ahead": list(it.stands.ahead),
            "picture": address_of(it.product.id, it.picture_id),
        },
        from_attributes=True,
    )


@operations.get("/suggestions", right=VIEW_PRODUCTS)
async def get_suggestions(request: web.Request, query: SuggestionsQuery) -> list[SuggestionAnswer]:
    """What to offer beside these products: accessories, then what people bought with them; at most three."""
    parts = services(request)
    ids = [int(text) for text in query.product_ids.split(",")]
    async with parts.db.begin() as session:
        found = await suggestions(session, ids)
        price_list = await buys_at(session, query.customer_id)
        goods = [it.product for it in found]
        prices = await prices_for(session, goods, price_list=price_list, at=parts.now())
    return [
        SuggestionAnswer(
            product_id=it.product.id,
            sku=it.product.sku,
            name=it.product.name,
            price=prices[it.product.id],
            stock=it.product.stock,
            because=it.because,
            line=it.line,
            orders=it.orders,
            chosen=it.chosen,
        )
        for it in found
    ]


@operations.get("/products/{product_id}/accessories", right=VIEW_PRODUCTS)
async def get_accessories(request: web.Request, product_id: Id) -> list[AccessoryAnswer]:
    """What is offered to whoever takes this product, by name."""
    async with services(request).db.begin() as session:
        return [AccessoryAnswer.model_validate(it) for it in await list_accessories(session, product_id)]


@operations.put("/products/{product_id}/accessories/{other_id}", right=EDIT_PRODUCTS, errors=(409,))
async def put_product_accessory(request: web.Request, product_id: Id, other_id: Id, body: Line) -> None:
    """Offer a product to whoever takes another. 409 for itself or another shop's."""
    async with services(request).db.begin() as session:
        with possible():
            by = person(request).user_id
            await put_accessory(session, product_id, other_id, body.line, user_id=by)


@operations.delete("/products/{product_id}/accessories/{other_id}", right=EDIT_PRODUCTS)
async def delete_accessory(request: web.Request, product_id: Id, other_id: Id) -> None:
    """Offer it no longer."""
    async with services(request).db.begin() as session:
        await remove_accessory(session, product_id, other_id, user_id=person(request).user_id)
