"""How the ways to reach a customer are called; names of firms are the same in every language."""

from crm_core.customer_contact import ContactKind
from crm_core.message import Channel

CONTACTS = {
    ContactKind.EMAIL: "E-mail",
    ContactKind.TELEGRAM: "Telegram",
    ContactKind.WHATSAPP: "WhatsApp",
    ContactKind.VIBER: "Viber",
    ContactKind.SIGNAL: "Signal",
    ContactKind.INSTAGRAM: "Instagram",
    ContactKind.FACEBOOK: "Facebook",
    ContactKind.SKYPE: "Skype",
    ContactKind.SITE: "Site",
    ContactKind.OTHER: "Other",
}
CHANNELS = {Channel.SMS: "SMS"} | {Channel(kind): name for kind, name in CONTACTS.items()}
