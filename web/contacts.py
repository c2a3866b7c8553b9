"""Further e-mails, messengers and addresses of a customer in the API."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import customer_contact as service
from crm_core.customer_contact import ContactKind
from web.api import Operations
from web.fields import COUNTRY, EMAIL, Answer, Given, Id, Name, ShortText
from web.listing import possible
from web.rights import EDIT_CUSTOMERS
from web.services import services

operations = Operations("customers")
Email = Annotated[str, StringConstraints(pattern=EMAIL)]
Country = Annotated[str, StringConstraints(pattern=COUNTRY), Field(description="two letters, ISO 3166")]


class ContactAnswer(Answer):
    """An e-mail besides the first one, or the name in a messenger."""

    id: int
    kind: ContactKind
    value: str
    label: str | None


class AddressAnswer(Answer):
    """A further address."""

    id: int
    address: str
    city: str | None
    country: str | None
    label: str | None


class NewContact(Given):
    """An e-mail or a messenger to add."""

    kind: ContactKind
    value: Name
    label: ShortText | None = None


class NewAddress(Given):
    """An address to add."""

    address: Name
    city: ShortText | None = None
    country: Country | None = None
    label: ShortText | None = None


@operations.post("/customers/{customer_id}/contacts", right=EDIT_CUSTOMERS, errors=(409,))
async def post_contact(request: web.Request, customer_id: Id, body: NewContact) -> ContactAnswer:
    """Keep one more e-mail or messenger; one that is there comes back. 409 for an e-mail that is none."""
    async with services(request).db.begin() as session:
        with possible():
            made = await service.add_contact(session, customer_id, **body.model_dump())
        return ContactAnswer.model_validate(made)


@operations.delete("/customers/{customer_id}/contacts/{contact_id}", right=EDIT_CUSTOMERS)
async def delete_contact(request: web.Request, customer_id: Id, contact_id: Id) -> None:
    """Take an e-mail or a messenger away."""
    async with services(request).db.begin() as session:
        await service.remove_contact(session, customer_id, contact_id)


@operations.post("/customers/{customer_id}/addresses", right=EDIT_CUSTOMERS, errors=(409,))
async def post_address(request: web.Request, customer_id: Id, body: NewAddress) -> AddressAnswer:
    """Keep one more address. 409 when there are too many."""
    async with services(request).db.begin() as session:
        with possible():
            made = await service.add_address(session, customer_id, **body.model_dump())
        return AddressAnswer.model_validate(made)


@operations.delete("/customers/{customer_id}/addresses/{address_id}", right=EDIT_CUSTOMERS)
async def delete_address(request: web.Request, customer_id: Id, address_id: Id) -> None:
    """Take an address away."""
    async with services(request).db.begin() as session:
        await service.remove_address(session, customer_id, address_id)
