"""Pictures of goods in the API: put there, put in order, given out in a few sizes, taken away."""

from pathlib import Path
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from crm_core import picture
from crm_core.drawn import BOXES, LARGEST
from crm_core.errors import NotFound
from crm_core.picture import MOST_OF_ONE, Picture
from crm_core.product import get_product
from web.api import Operations
from web.assets import FOR_EVER
from web.documents import OCTETS
from web.fields import Answer, Given, Id
from web.listing import possible
from web.rights import EDIT_PRODUCTS, VIEW_PRODUCTS
from web.services import services
from web.sessions import person
from web.uploads import receive_body

operations = Operations("products")
Size = Literal["small", "medium", "large"]
BOX_OF = dict(zip(Size.__args__, BOXES, strict=True))  # type: ignore[attr-defined]  # typing does not tell
WEBP = "image/webp"
KEPT = FOR_EVER.replace("public", "private")  # what stands at this address never becomes another picture


class PictureAnswer(Answer):
    """A picture of a product; the first is the main one. `small`, `medium`, `large`: addresses of it, null while
    there is nothing to show: it waits to be fetched from `address`, or that failed for `problem`."""

    id: int
    small: str | None
    medium: str | None
    large: str | None
    width: Annotated[int | None, Field(description="of the large one, in points")]
    height: int | None
    address: str | None
    waits: bool
    problem: str | None


Pictures = list[PictureAnswer]


class PictureOrder(Given):
    """All pictures of the product, the main one first."""

    picture_ids: Annotated[list[Id], Field(max_length=10 * MOST_OF_ONE)]


def address_of(product_id: int, picture_id: int | None, size: Size = "small") -> str | None:
    """Where a browser has a picture; None for no picture."""
    return None if picture_id is None else f"/api/v1/products/{product_id}/pictures/{picture_id}/{size}"


def answer_of(row: Picture) -> PictureAnswer:
    """A picture in the words of the API."""
    shown = row.id if row.digest is not None else None
    sizes: dict[str, Any] = {size: address_of(row.product_id, shown, size) for size in BOX_OF}
    own = {name: getattr(row, name) for name in ("id", "width", "height", "address", "problem")}
    return PictureAnswer(**own, **sizes, waits=row.due_at is not None)


@operations.get("/products/{product_id}/pictures", right=VIEW_PRODUCTS)
async def get_pictures(request: web.Request, product_id: Id) -> Pictures:
    """The pictures of a product in their order."""
    async with services(request).db.begin() as session:
        await get_product(session, product_id)
        return [answer_of(it) for it in await picture.list_pictures(session, product_id)]


@operations.post("/products/{product_id}/pictures", right=EDIT_PRODUCTS, errors=(409,), accepts=OCTETS)
async def post_picture(request: web.Request, product_id: Id) -> PictureAnswer:
    """Add a picture: a JPEG, PNG or WebP file of at most 15 MB, told by what is in it. It is drawn anew, without what
    a camera writes besides. 409 when it is none, or there are too many."""
    async with services(request).db.begin() as session:
        await get_product(session, product_id)
    came = await receive_body(request, services(request).settings.pictures_dir, LARGEST)
    return await keep(request, product_id, came)


@operations.put("/products/{product_id}/pictures", right=EDIT_PRODUCTS, errors=(409,))
async def put_pictures(request: web.Request, product_id: Id, body: PictureOrder) -> Pictures:
    """Put the pictures in another order. 409 when these are not all of them."""
    by = person(request).user_id
    async with services(request).db.begin() as session:
        await picture.put_in_order(session, product_id, body.picture_ids, user_id=by)
        return [answer_of(it) for it in await picture.list_pictures(session, product_id)]


@operations.get(
    "/products/{product_id}/pictures/{picture_id}/{size}", right=VIEW_PRODUCTS, audited=False, produces=WEBP
)
async def get_picture(request: web.Request, product_id: Id, picture_id: Id, size: Size) -> web.StreamResponse:
    """The picture itself: no side longer than 96, 480 or 1280 points."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await picture.get_picture(session, product_id, picture_id)
    place = found.digest and picture.file_of(parts.settings.pictures_dir, found.digest, BOX_OF[size])
    if not place or not place.exists():
        raise NotFound("The bytes of this picture are not here.")
    headers = {
        "Content-Type": WEBP,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": KEPT,
    }
    return web.FileResponse(place, headers=headers)  # with an ETag, and 304 for one that is known


@operations.delete("/products/{product_id}/pictures/{picture_id}", right=EDIT_PRODUCTS)
async def delete_picture(request: web.Request, product_id: Id, picture_id: Id) -> None:
    """Take a picture away."""
    parts = services(request)
    async with parts.db.begin() as session:
        by = person(request).user_id
        digest = await picture.remove_picture(session, product_id, picture_id, user_id=by)
    if digest is not None:
        async with parts.db.begin() as session:
            await picture.forget_bytes(session, parts.settings.pictures_dir, [digest])


async def keep(request: web.Request, product_id: int, came: Path) -> PictureAnswer:
    """Draw the file that was received and keep it with the product. Raises `NotFound`, `Refusal` 409."""
    parts = services(request)
    folder, quota = parts.settings.pictures_dir, parts.settings.pictures_mb * 2**20
    try:
        with possible():
            async with picture.drawn(came, folder) as (found, room), parts.db.begin() as session:
                by = person(request).user_id
                made = await picture.keep_picture(
                    session, folder, product_id, found, room, quota=quota, user_id=by
                )
                return answer_of(made)
    finally:
        came.unlink(missing_ok=True)
