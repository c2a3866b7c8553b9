"""Customers: known by what another system calls them, by a number or by an e-mail; else they are new."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import exists, func, select

from crm_core.custom_field import FieldOf, set_values
from crm_core.customer import (
    Customer,
    CustomerNumber,
    add_number,
    create_customer,
    get_customer,
    update_customer,
)
from crm_core.customer_contact import (
    ContactKind,
    add_address,
    add_contact,
    contact_key,
    list_addresses,
    list_contacts,
)
from crm_core.errors import Conflict, Invalid
from crm_core.exchange.external import ExternalId, known_as, remember
from crm_core.exchange.kinds import colleague, day, emails, labels, phones, places, sex, words, yes
from crm_core.exchange.noun import Field, Given, Noun, Putting
from crm_core.keys import sort_key
from crm_core.order_rows import Order
from crm_core.phone import display

PHONE = (
    "phones",
    "phone number",
    "telephone",
    "tel",
    "mobile",
    "number",
    "телефон",
    "телефони",
    "телефоны",
    "telefon",
)
EMAIL = ("e-mail", "emails", "e-mails", "mail", "почта", "пошта", "эл. почта")
MESSENGERS = tuple(kind for kind in ContactKind if kind is not ContactKind.EMAIL)
LABELS = {kind: kind.capitalize() for kind in MESSENGERS} | {
    ContactKind.WHATSAPP: "WhatsApp", ContactKind.SITE: "Web site", ContactKind.OTHER: "Other contact",
}  # fmt: skip
FIELDS = (
    Field("external_id", "Id in the other system", ("id", "externalid", "customer id", "код клиента", "ид")),
    Field(
        "name", "Name", ("customer", "full name", "фио", "піб", "имя клиента", "клиент", "imię i nazwisko")
    ),
    Field("first_name", "First name", ("firstname", "имя", "ім'я", "imię", "vorname")),
    Field("last_name", "Last name", ("lastname", "surname", "фамилия", "прізвище", "nazwisko", "nachname")),
    Field("phone", "Phones", PHONE, phones),
    Field("number_labels", "Labels of the phones", ("phone labels",), labels),
    Field("email", "E-mails", EMAIL, emails),
    Field("city", "City", ("town", "город", "місто", "miasto", "ort")),
    Field("country", "Country", ("страна", "країна", "kraj", "land")),
    Field("address", "Address", ("street", "адрес", "адреса", "adres", "adresse")),
    Field(
        "birthday",
        "Birthday",
        (
            "date of birth",
            "birth date",
            "urodziny",
            "data urodzenia",
            "geburtstag",
            "geburtsdatum",
            "день рождения",
            "дата рождения",
            "день народження",
            "дата народження",
        ),
        day,
    ),
    Field("sex", "Sex", ("gender", "пол", "стать", "płeć", "geschlecht"), sex),
    Field("vip", "VIP", (), yes),
    Field("bad", "Bad mark", ("problem",), yes),
    Field("tags", "Tags", ("tag", "labels", "теги", "метки"), words),
    Field("category", "Category", ("категория", "категорія", "kategoria")),
    Field("customer_type", "Type", ("type", "тип клиента", "тип клієнта")),
    Field("source", "Source", ("utm source", "источник", "джерело", "źródło")),
    Field("price_list", "Price list", ("price type", "тип цены")),
    Field(
        "manager",
        "Who looks after",
        ("responsible", "manager", "ответственный", "відповідальний", "opiekun"),
        colleague,
    ),
    Field("timezone", "Time zone", ("time zone",)),
    *(Field(str(kind), LABELS[kind], (), words) for kind in MESSENGERS),
    Field("further_addresses", "Further addresses", ("addresses",), places),
    Field("note", "Note", ("notes", "comment", "комментарий", "примечание", "коментар", "uwagi")),
)
_KEYS = ("external_id", "phone", "email")
_BESIDE = (
    *_KEYS,
    "country",
    "custom",
    "further_addresses",
    "number_labels",
    *MESSENGERS,
)  # what is no column of the customer


async def put(to: Putting, place: int, rows: Sequence[Given]) -> str:
    """Put one customer in. Raises `Refused`."""
    (given,) = rows
    person = _named(given)
    if not any(person.get(key) for key in _KEYS):
        raise Invalid("There is neither an id nor a number nor an e-mail to know this customer by.")
    known = await find(to, person)
    if known is None:
        await make(to, person)
        return "created"
    to.claim(place, [f"{known.name[:60]} (customer {known.id})"])
    return "updated" if await _widen(to, known, person) else "unchanged"


def claims(rows: Sequence[Given]) -> list[str]:
    """Whom nobody else in the file may be: by the id alone where there is one, for families share numbers."""
    (given,) = rows
    if given.get("external_id"):
        return [f"The id {given['external_id'][:60]}"]
    said = [f"The number {display(it)}" for it in given.get("phone", ())]
    return [*said, *(f"The e-mail {it[:60]}" for it in given.get("email", ()))]


async def find(to: Putting, person: Mapping[str, Any]) -> Customer | None:
    """Whom the other system means: its own id is surest; else number and e-mail, and the name where several share them.

    Raises `Conflict` when it could be several.
    """
    if person.get("external_id"):
        known = await known_as(to.session, "customer", person["external_id"])
        if known is not None:
            return await get_customer(to.session, known)
    by_number = select(CustomerNumber.customer_id).where(CustomerNumber.e164.in_(person.get("phone", ())))
    by_mail = select(Customer.id).where(func.lower(Customer.email).in_(person.get("email", ())))
    same = select(Customer).where(
        Customer.merged_into_id.is_(None), Customer.id.in_(by_number.union(by_mail))
    )
    if person.get("external_id"):  # who has another id there is somebody else: families share numbers
        named = exists().where(ExternalId.object_kind == "customer", ExternalId.object_id == Customer.id)
        same = same.where(~named)
    found = (await to.session.scalars(same.order_by(Customer.id))).all()
    if len(found) > 1:
        found = [it for it in found if it.sort_key == sort_key(person.get("name", ""))] or found
    if len(found) > 1:
        names = ", ".join(f"{it.name[:40]} ({it.id})" for it in found[:4])
        raise Conflict(f"The number or e-mail is of several customers: {names}.")
    return found[0] if found else None


async def make(to: Putting, person: Mapping[str, Any]) -> Customer:
    """A new customer. Raises `Invalid`."""
    fields = {name: value for name, value in person.items() if name not in _BESIDE}
    if not fields.get("name"):
        raise Invalid("This is a new customer: a name is needed.")
    mails = person.get("email", [])
    made = await create_customer(
        to.session,
        country=country_of(person, to),
        numbers=person.get("phone", ()),
        email=mails[0] if mails else None,
        **fields,
    )
    for mail in mails[1:]:
        await add_contact(to.session, made.id, kind=ContactKind.EMAIL, value=mail)
    await _besides(to, made, person)
    if person.get("external_id"):
        await remember(to.session, "customer", person["external_id"], made.id)
    return made


def country_of(person: Mapping[str, Any], to: Putting) -> str:
    """Two letters of a country; what is written otherwise is the shop's."""
    written = str(person.get("country", "")).upper()
    return written if len(written) == 2 and written.isascii() and written.isalpha() else to.habits.country


async def _widen(to: Putting, known: Customer, person: Mapping[str, Any]) -> bool:
    """Write what the file says and we do not; nothing is taken away. False when all was known."""
    fields = {name: value for name, value in person.items() if name not in _BESIDE}
    mails = person.get("email", [])
    if mails and not known.email:
        fields["email"] = mails[0]
    if "country" in person:
        fields["country"] = country_of(person, to)
    if "tags" in fields:
        fields["tags"] = list(dict.fromkeys([*known.tags, *fields["tags"]]))
    changes = {name: value for name, value in fields.items() if getattr(known, name) != value}
    numbers = {it.e164 for it in known.numbers}
    fresh = [it for it in person.get("phone", ()) if it not in numbers]
    there = {contact_key(it.value) for it in await list_contacts(to.session, known.id) if it.kind == "email"}
    there.add(contact_key(fields.get("email") or known.email or ""))
    further = [it for it in mails if contact_key(it) not in there]
    if changes:
        await update_customer(to.session, known.id, version=known.version, changes=changes)
    for number in fresh:
        await add_number(to.session, known.id, number, country=to.habits.country)
    for mail in further:
        await add_contact(to.session, known.id, kind=ContactKind.EMAIL, value=mail)
    besides = await _besides(to, known, person)
    named = bool(person.get("external_id")) and await remember(
        to.session, "customer", person["external_id"], known.id
    )
    return bool(changes or fresh or further or besides or named)


async def _besides(to: Putting, known: Customer, person: Mapping[str, Any]) -> bool:
    """Messengers, further addresses, labels of numbers and the house's own fields that we do not know yet; False when
    there are none."""
    there = {(it.kind, contact_key(it.value)) for it in await list_contacts(to.session, known.id)}
    said = [(kind, value) for kind in MESSENGERS for value in person.get(kind, ())]
    fresh = [(kind, value) for kind, value in said if (kind, contact_key(value)) not in there]
    for kind, value in fresh:
        await add_contact(to.session, known.id, kind=kind, value=value)
    lived = {(it.address, it.city) for it in await list_addresses(to.session, known.id)}
    moved = [it for it in person.get("further_addresses", ()) if (it["address"], it["city"]) not in lived]
    for place in moved:
        await add_address(to.session, known.id, **place)
    named = person.get("number_labels", {})
    called = [it for it in known.numbers if named.get(it.e164, it.label) != it.label]
    for number in called:
        number.label = named[number.e164]
    return bool(fresh or moved or called) | await put_own(to, FieldOf.CUSTOMER, known, person)


async def put_own(to: Putting, of: FieldOf, thing: Customer | Order, given: Mapping[str, Any]) -> bool:
    """Set the values of the house's own fields that are given; False when they were so already. Raises `Invalid`."""
    before = dict(thing.custom)
    if "custom" in given:
        await set_values(to.session, of, thing.id, given["custom"], user_id=to.user_id, at=to.at)
    return dict(thing.custom) != before


def _named(given: Given) -> Given:
    """The same with one name, where it comes in two parts."""
    person = dict(given)
    parts = [person.pop(part, "") for part in ("first_name", "last_name")]
    if not person.get("name") and any(parts):
        person["name"] = " ".join(part for part in parts if part)
    if "manager" in person:
        person["manager_id"] = person.pop("manager")
    return person


PEOPLE = Noun("customers", FIELDS, _KEYS, put, claims, custom=True)
