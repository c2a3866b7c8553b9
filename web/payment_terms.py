"""How customers of a shop pay, in the API."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core.payment_terms import LONGEST, load_terms, save_terms
from web.api import Operations
from web.fields import Answer, Given, Id, ShortText, StatusCode, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_SELLING
from web.services import services

operations = Operations("payment terms")
Template = Annotated[
    str,
    StringConstraints(max_length=LONGEST["page_url"]),
    Field(description="such as https://shop.example/pay?order={order}&sum={amount}; also {currency}, {code}"),
]
Words = Annotated[str, StringConstraints(max_length=500)]


class TermsAnswer(Answer):
    """How customers of a shop pay. `page_url`: the shop's page or gateway; `message`: what they are sent, with {shop},
    {order}, {amount}, {link}; `paid_status`, `prepaid_status`: what a payment brings an order into."""

    shop_id: int
    page_url: str
    message: str
    payee: str
    address: str
    tax_id: str
    bank: str
    account: str
    tax_note: str
    note: str
    paid_status: str | None
    prepaid_status: str | None
    version: int


class TermsChange(Given):
    """What shall be different; what is absent stays. An empty text takes it away."""

    version: Version
    page_url: Template = ""
    message: Words = ""
    payee: ShortText = ""
    address: ShortText = ""
    tax_id: ShortText = ""
    bank: ShortText = ""
    account: ShortText = ""
    tax_note: Words = ""
    note: Words = ""
    paid_status: StatusCode | None = None
    prepaid_status: StatusCode | None = None


@operations.get("/shops/{shop_id}/payment-terms", right=EDIT_SELLING)
async def get_payment_terms(request: web.Request, shop_id: Id) -> TermsAnswer:
    """How customers of this shop pay; `version` 0 while nobody has said."""
    async with services(request).db.begin() as session:
        return TermsAnswer.model_validate(await load_terms(session, shop_id))


@operations.patch("/shops/{shop_id}/payment-terms", right=EDIT_SELLING, errors=(409,))
async def patch_payment_terms(request: web.Request, shop_id: Id, body: TermsChange) -> TermsAnswer:
    """Say how they pay. 409 when `version` is stale, for an address or a message that can not be filled in, and for a
    status that orders do not come into."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    async with services(request).db.begin() as session:
        with possible():
            terms = await save_terms(session, shop_id, version=body.version, changes=changes)
        await note(session, request, "payment_terms.change", shop_id, fields=sorted(changes))
        return TermsAnswer.model_validate(terms)
