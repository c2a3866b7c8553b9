"""Files on the pages of orders, customers, tasks and of the courier: one sent by a form, one taken away."""

from aiohttp import web

from crm_core.document import LARGEST
from crm_core.errors import Conflict, Invalid
from web import documents
from web.errors import Refusal
from web.forms import sentence
from web.order_pages import refused
from web.pages import Flash, PageHandler, Pages, go, number_in
from web.rights import EDIT_CUSTOMERS, EDIT_ORDERS, EDIT_TASKS
from web.services import services
from web.uploads import receive_form

pages = Pages()
RIGHTS = {"order": EDIT_ORDERS, "customer": EDIT_CUSTOMERS, "task": EDIT_TASKS}


def _keeping(kind: str) -> PageHandler:
    async def keep(request: web.Request) -> web.Response:
        """Keep the file of the form, and go back to where the form stands."""
        object_id = number_in(request, f"{kind}_id")
        back = f"/{kind}s/{object_id}#files"
        try:
            typed, came, name = await receive_form(request, services(request).settings.documents_dir, LARGEST)
            back = "/courier" if typed.get("back") == "/courier" else back
            await documents.keep(request, kind, object_id, came, name)
        except (Conflict, Invalid, Refusal) as refusal:
            return await refused(request, Flash("bad", sentence(refusal)), back)
        return go(back, "file_kept")

    return keep


def _removing(kind: str) -> PageHandler:
    async def remove(request: web.Request) -> web.Response:
        """Take a file away for good."""
        object_id = number_in(request, f"{kind}_id")
        await documents.take_away(request, kind, object_id, number_in(request, "document_id"))
        return go(f"/{kind}s/{object_id}#files", "removed")

    return remove


for _kind, _right in RIGHTS.items():
    _base = f"/{_kind}s/{{{_kind}_id}}/documents"
    pages.post(_base, right=_right)(_keeping(_kind))
    pages.post(f"{_base}/{{document_id}}/remove", right=_right)(_removing(_kind))
