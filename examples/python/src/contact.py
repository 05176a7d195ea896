"""A contact of the CRM, and its conversion to a customer."""

import re
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err
from wit_world.imports import log
from wit_world.imports.plugin_types import ContactChannel, Customer, CustomerSummary, Details, Error_Failed, Link


def readable(condition: bool) -> None:
    """Throws unless the CRM's response matches its API description."""
    if not condition:
        raise Err(Error_Failed("failed to parse the CRM's response"))


def text(value: Any) -> str:
    # Reject half of a surrogate pair: JSON can express it, UTF-8 cannot.
    readable(isinstance(value, str) and not re.search("[\ud800-\udfff]", value))
    return value


def maybe_text(value: Any) -> str | None:
    """An optional text."""
    return None if value is None else text(value)


@dataclass
class Phone:
    number: str
    whatsapp: bool

    @classmethod
    def of(cls, json: Any) -> "Phone":
        readable(isinstance(json, dict) and isinstance(json.get("whatsapp"), bool))
        return cls(text(json.get("number")), json["whatsapp"])


@dataclass
class Contact:
    id: str
    name: str | None
    company: str | None
    email: str | None
    owner: str | None
    avatar_url: str | None
    notes: str | None
    url: str | None
    phones: list[Phone]

    @classmethod
    def of(cls, json: Any) -> "Contact":
        """Returns a contact with validated types."""
        readable(isinstance(json, dict) and isinstance(json.get("phones"), list))
        maybe = ["name", "company", "email", "owner", "avatar_url", "notes", "url"]
        texts = {field: maybe_text(json.get(field)) for field in maybe}
        return cls(id=text(json.get("id")), phones=[Phone.of(phone) for phone in json["phones"]], **texts)

    @property
    def shown_name(self) -> str:
        # Some contacts are companies, without a person.
        return next(name for name in (self.name, self.company, self.id) if name is not None)


def summary(contact: Contact) -> CustomerSummary:
    """Converts to a row of the list."""
    return CustomerSummary(contact.id, contact.shown_name, contact.avatar_url)


def customer(contact: Contact) -> Customer:
    """Converts to a customer with all details."""
    links = []
    if contact.url is not None:
        links.append(Link("CRM", contact.url, "Open in the CRM"))
    if contact.email is not None:
        links.append(Link("Mail", f"mailto:{contact.email}", contact.email))
    return Customer(
        customer_id=contact.id,
        display_name=contact.shown_name,
        avatar=contact.avatar_url,
        channels=channels(contact.phones),
        links=links,
        details=None if contact.notes is None else Details("Notes", contact.notes),
        worker=contact.owner,
    )


def channels(phones: list[Phone]) -> list[ContactChannel]:
    usable = [phone for phone in phones if is_e164(phone.number)]
    if odd := len(phones) - len(usable):
        log.write(log.Level.WARN, f"omitted phone numbers that are not in E.164: {odd}")
    found = []
    for phone in usable:
        found.append(ContactChannel("sms", phone.number))
        if phone.whatsapp:
            found.append(ContactChannel("whatsapp", f"whatsapp:{phone.number}"))
    return found


def is_e164(number: str) -> bool:
    """A plus and seven to fifteen digits, the first of which is not zero."""
    return re.fullmatch(r"\+[1-9][0-9]{6,14}", number) is not None
