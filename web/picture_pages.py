"""Pictures on the page of a product: chosen or dragged there, moved, taken away."""

from aiohttp import web

from crm_core.drawn import LARGEST
from crm_core.errors import Conflict, Invalid
from crm_core.picture import get_picture, list_pictures
from web import pictures
from web.errors import Refusal
from web.forms import sentence
from web.order_pages import refused
from web.pages import Flash, Pages, go, number_in
from web.rights import EDIT_PRODUCTS
from web.services import services
from web.uploads import receive_form

pages = Pages()


@pages.post("/products/{product_id}/pictures", right=EDIT_PRODUCTS)
async def add_picture(request: web.Request) -> web.Response:
    """Keep the picture of the form."""
    product_id = number_in(request, "product_id")
    back = f"/products/{product_id}#pictures"
    try:
        folder = services(request).settings.pictures_dir
        _, came, _ = await receive_form(request, folder, LARGEST)
        await pictures.keep(request, product_id, came)
    except (Conflict, Invalid, Refusal) as refusal:
        return await refused(request, Flash("bad", sentence(refusal)), back)
    return go(back, "saved")


@pages.post("/products/{product_id}/pictures/{picture_id}/earlier", right=EDIT_PRODUCTS)
async def put_earlier(request: web.Request) -> web.Response:
    """Let a picture stand one place before where it is."""
    product_id, picture_id = number_in(request, "product_id"), number_in(request, "picture_id")
    async with services(request).db.begin() as session:
        await get_picture(session, product_id, picture_id)
        order = [it.id for it in await list_pictures(session, product_id)]
    place = order.index(picture_id)
    order.insert(max(0, place - 1), order.pop(place))
    await pictures.put_pictures(request, product_id, pictures.PictureOrder(picture_ids=order))
    return go(f"/products/{product_id}#pictures", "saved")


@pages.post("/products/{product_id}/pictures/{picture_id}/remove", right=EDIT_PRODUCTS)
async def remove_picture(request: web.Request) -> web.Response:
    """Take a picture away."""
    product_id = number_in(request, "product_id")
    await pictures.delete_picture(request, product_id, number_in(request, "picture_id"))
    return go(f"/products/{product_id}#pictures", "removed")
